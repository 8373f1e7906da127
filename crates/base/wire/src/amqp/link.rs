//! What attach says of a link beyond its address. Keys and capabilities are symbols.
//! Source: `reference/hub-service.md` 3.4

/// Property of a reader's link: its owner level, a `long`.
pub const EPOCH: &str = "com.microsoft:epoch";
/// Property of a reader's link: a `string` that names it in messages.
pub const RECEIVER_NAME: &str = "com.microsoft:receiver-name";
/// Desired capability of a reader: where its partition ends, in the delivery annotations of every event.
pub const RUNTIME_METRIC: &str = "com.microsoft:enable-receiver-runtime-metric";
