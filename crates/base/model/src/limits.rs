//! Bounds on identifiers and messages, with Azure's number and where it is written.

/// Bytes of a device or module id. Source: docs, IoT Hub identity registry (128 characters, ASCII).
pub const DEVICE_ID_BYTES_MAX: usize = 128;
/// Bytes of a registration id or an enrollment group id. Source: docs, DPS concepts.
pub const REGISTRATION_ID_BYTES_MAX: usize = 128;
/// Bytes of a hub's or DPS instance's name. Source: docs, naming rules (3 to 50 characters for hubs, 3 to 64 for DPS).
pub const RESOURCE_NAME_BYTES_MAX: usize = 64;
/// Bytes of a resource group's name. Source: docs, Resource Manager naming rules.
pub const GROUP_NAME_BYTES_MAX: usize = 90;
/// Bytes of an uploaded CA certificate's name. Source: ARM definition of DPS certificates.
pub const CERTIFICATE_NAME_BYTES_MAX: usize = 256;
/// Bytes of a consumer group's name. Source: docs, Event Hubs naming rules (1 to 50).
pub const CONSUMER_GROUP_BYTES_MAX: usize = 50;
/// Bytes of one device-to-cloud message: body plus property names and values. Source: docs, quotas (256 KB).
pub const D2C_MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a user's name. Source: docs, Entra service limits (user principal name: 113 characters).
pub const USER_NAME_BYTES_MAX: usize = 113;
