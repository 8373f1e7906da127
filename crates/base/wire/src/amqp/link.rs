//! What attach says of a link beyond its address. Keys and capabilities are symbols.
//! Source: `reference/hub-service.md` 3.4

/// Property of a reader's link: its owner level, a `long`.
pub const EPOCH: &str = "com.microsoft:epoch";
/// Property of a reader's link: a `string` that names it in messages.
pub const RECEIVER_NAME: &str = "com.microsoft:receiver-name";
/// Desired capability of a reader: where its partition ends, in the delivery annotations of every event.
pub const RUNTIME_METRIC: &str = "com.microsoft:enable-receiver-runtime-metric";

/// Property of the links of a twin and of methods: a `string` that the two of a pair have in common.
/// Source: `reference/hub-device.md` 3.3
pub const CHANNEL: &str = "com.microsoft:channel-correlation-id";
/// Property of a device's link: the model of IoT Plug and Play, a `string`.
pub const MODEL_ID: &str = "com.microsoft:model-id";
