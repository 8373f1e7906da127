//! Bounds on what is parsed, with Azure's number and where it is written.

/// Bytes of a request id (`$rid`). Our bound: SDKs send at most a UUID of 36.
pub const RID_BYTES_MAX: usize = 256;
/// Bytes of a DPS operation id. Source: `reference/dps.md` 1.2.
pub const OPERATION_ID_BYTES_MAX: usize = 128;
/// Bytes of a message body sent to DPS. Source: docs, DPS quotas (96 KB).
pub const DPS_MESSAGE_BYTES_MAX: usize = 96 * 1024;
/// Enrollments in one bulk operation of DPS. Source: docs, DPS quotas.
pub const DPS_BULK_ENROLLMENTS_MAX: usize = 10;
/// Devices in one bulk operation of a hub. Source: `reference/hub-service.md` 1.5.
pub const HUB_BULK_DEVICES_MAX: usize = 100;
/// Records in one batch of feedback. Source: `reference/hub-device.md` 6.3.
pub const FEEDBACK_RECORDS_MAX: usize = 64;
/// Bytes of a query's text. Source: docs, IoT Hub query language (8192 characters).
pub const QUERY_BYTES_MAX: usize = 8192;
/// Seconds a fault may be asked to wait or last. Source: java SDK, `SendMessagesErrInjTests.java`, which asks for so many.
pub const FAULT_SECONDS_MAX: u32 = 100_000;
/// Bytes of all bodies and properties of one batch over HTTP. Source: docs, quotas (256 KB).
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// Partitions in a reader's position. Source: docs, quotas (a hub has 128 at most).
pub const POSITION_PARTITIONS_MAX: usize = 128;
