//! Bounds of the server as a process.

use std::time::Duration;

/// How long a stopping server waits for connections to end.
pub const DRAIN: Duration = Duration::from_secs(3);
/// How often old events are dropped, expired messages to devices ended, remains of deleted hubs removed and certificate files
/// looked at.
pub const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// How often meters are read: how late a chart may be.
pub const METER_READING: Duration = Duration::from_secs(5);
/// How long an issuer of tokens may take for an answer; for its metadata and its keys together.
pub const ISSUER_WAIT: Duration = Duration::from_secs(10);
/// Bytes of an issuer's metadata, and of its keys.
pub const ISSUER_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Characters of an issuer's refusal that a page repeats.
pub const ISSUER_WORDS_CHARS_MAX: usize = 300;
/// How old an issuer's keys may be, in milliseconds, before they are fetched again.
pub const ISSUER_KEYS_AGE_MS: i64 = 3_600_000;
/// How old an issuer's keys may become, in milliseconds, when it cannot be asked: it may have withdrawn one of them.
pub const ISSUER_KEYS_STALE_MS: i64 = 24 * 3_600_000;
/// How long an issuer is waited for, in milliseconds, where older keys of it are known: then those are used.
pub const ISSUER_KEYS_RENEW_WAIT_MS: i64 = 2_000;
/// How long an issuer is left in peace after it was asked, in milliseconds, whatever tokens come.
pub const ISSUER_KEYS_PAUSE_MS: i64 = 30_000;
/// Bytes of a webhook's answer.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long a block of an unfinished upload is kept, in milliseconds. Source: docs, Put Block (one week).
pub const BLOCK_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// How often such blocks are looked for, in milliseconds.
pub const BLOCK_SWEEP_MS: i64 = 3_600_000;

/// How long a call to a hub of another server may take, with all that belongs to it and its repetitions when the hub asks for
/// patience. Ours: SDKs wait 30 s for an answer of DPS, and get one after a second in any case.
pub const LINK_CALL: Duration = Duration::from_secs(20);
/// Calls to one such hub at the same time. Azure's registry takes 100 operations a minute and unit of S1. Ours.
pub const LINK_CALLS_MAX: usize = 32;
/// Registrations that wait for one of these places, for each hub; with those under way and 50 linked hubs they are fewer than
/// the operations that a DPS instance may have. Ours.
pub const LINK_WAITING_MAX: usize = 160;
/// Milliseconds for which a hub that could not be reached is not asked again.
pub const LINK_AWAY_MS: i64 = 1_000;
/// Times a device on such a hub is looked at anew because others changed it meanwhile.
pub const LINK_TRIES: u32 = 4;
/// Hubs of other servers of which it is remembered whether they are away; beyond it those that nobody asks are forgotten.
pub const LINK_GATES_MAX: usize = 1_000;
