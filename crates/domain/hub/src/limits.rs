//! Bounds of a hub.

/// Bytes of a device-to-cloud message: body plus property names and values. Source: docs, quotas (256 KB).
pub const MESSAGE_BYTES_MAX: usize = roadstead_model::limits::D2C_MESSAGE_BYTES_MAX;
/// Subscriptions of one persistent session. Azure documents 5 at a time; SDKs re-subscribe under other spellings, so
/// the bound is looser than the documentation and refuses only what no SDK does.
pub const SUBSCRIPTIONS_MAX: usize = 50;
/// Characters of a `statusReason`. Source: docs, identity registry.
pub const STATUS_REASON_CHARS_MAX: usize = 128;
/// Devices of one hub. Source: docs, quotas.
pub const DEVICES_MAX: u64 = 1_000_000;
/// How many times a login is judged again when a revocation falls into it, before it is refused as busy.
pub const LOGIN_TRIES: usize = 5;
/// Independently locked parts of the table of live sessions.
pub const SESSION_SHARDS: usize = 32;
/// Bytes a reader of events asks of one partition at a time.
pub const READ_BYTES_MAX: usize = 1024 * 1024;
/// Notices (methods, desired changes) that wait for one session to take them; a session that lets more pile up is closed.
pub const NOTICES_MAX: usize = 256;
