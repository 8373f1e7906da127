//! Bounds of the server as a process.

use std::time::Duration;

/// How long a stopping server waits for connections to end.
pub const DRAIN: Duration = Duration::from_secs(3);
/// How often old events are dropped, expired messages to devices ended and certificate files looked at.
pub const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Bytes of a webhook's answer.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long a block of an unfinished upload is kept, in milliseconds. Source: docs, Put Block (one week).
pub const BLOCK_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// How often such blocks are looked for, in milliseconds.
pub const BLOCK_SWEEP_MS: i64 = 3_600_000;
