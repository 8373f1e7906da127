//! Questions about the built-in endpoint, put to `$management`, and their answers. Source: `reference/hub-service.md` 3.3
//!
//! A question is in the application properties `operation`, `name`, `type` and `partition`, an answer in the status of
//! [`super::cbs`] and a body that is a map with keys of type `string`.

/// The only operation.
pub const READ: &str = "READ";
/// Application property of a question about one partition.
pub const PARTITION: &str = "partition";
/// Application property of a question: a token, though the connection has some.
pub const SECURITY_TOKEN: &str = "security_token";
/// The type of a question about the whole.
pub const EVENT_HUB: &str = "com.microsoft:eventhub";
/// The type of a question about one partition.
pub const PARTITION_TYPE: &str = "com.microsoft:partition";

/// `string`
pub const NAME: &str = "name";
/// `string`
pub const TYPE: &str = "type";
/// `timestamp`
pub const CREATED_AT: &str = "created_at";
/// `int`
pub const PARTITION_COUNT: &str = "partition_count";
/// `array` of `string`
pub const PARTITION_IDS: &str = "partition_ids";
/// `long`
pub const BEGIN_SEQUENCE_NUMBER: &str = "begin_sequence_number";
/// `long`; -1 when nothing was ever enqueued.
pub const LAST_SEQUENCE_NUMBER: &str = "last_enqueued_sequence_number";
/// `string`
pub const LAST_OFFSET: &str = "last_enqueued_offset";
/// `timestamp`
pub const LAST_ENQUEUED_TIME: &str = "last_enqueued_time_utc";
/// `boolean`
pub const IS_EMPTY: &str = "is_partition_empty";
