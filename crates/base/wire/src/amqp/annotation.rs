//! Annotations of an event at the built-in endpoint, beside those in [`crate::annotation`]. Keys are symbols.
//! Source: `reference/hub-service.md` 0 (10), 3.4

/// A `string`; a `long` would be no offset for azure-eventhub.
pub const OFFSET: &str = "x-opt-offset";
/// A `long`.
pub const SEQUENCE_NUMBER: &str = "x-opt-sequence-number";
/// A `timestamp`: when it was stored.
pub const ENQUEUED_TIME: &str = "x-opt-enqueued-time";
/// A `string`: the device's id.
pub const PARTITION_KEY: &str = "x-opt-partition-key";

/// Delivery annotation, a `long`; it and those below only for who asked for [`super::link::RUNTIME_METRIC`].
pub const LAST_SEQUENCE_NUMBER: &str = "last_enqueued_sequence_number";
/// A `string`.
pub const LAST_OFFSET: &str = "last_enqueued_offset";
/// A `timestamp`.
pub const LAST_ENQUEUED_TIME: &str = "last_enqueued_time_utc";
/// A `timestamp`: when the three were so.
pub const RETRIEVAL_TIME: &str = "runtime_info_retrieval_time_utc";

/// Annotation of a message to a device, a `string`: the delivery tag as a UUID. Source: `reference/hub-device.md` 3.5
pub const LOCK_TOKEN: &str = "x-opt-lock-token";
/// Annotation of a message to a device, a `ubyte`.
pub const DELIVERY_COUNT: &str = "iothub-deliverycount";
