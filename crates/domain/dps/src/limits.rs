//! Bounds of the provisioning service, with Azure's number and where it is written.

use std::time::Duration;

/// Symmetric-key enrollment groups of one instance. Source: docs, DPS limits (100).
pub const KEY_GROUPS_MAX: usize = 100;
/// X.509 enrollment groups of one instance. Source: docs, DPS limits (100).
pub const CERTIFICATE_GROUPS_MAX: usize = 100;
/// Enrollments in one bulk request. Source: docs, DPS limits (10).
pub const BULK_MAX: usize = 10;
/// Items of a query page when the caller states no number. `guess (?)`
pub const PAGE_ITEMS_DEFAULT: usize = 100;
/// Items of a query page at most. `guess (?)`
pub const PAGE_ITEMS_MAX: usize = 1000;
/// Characters of a query continuation read back: a registration id in base64. `guess (?)`
pub const CONTINUATION_CHARS_MAX: usize = 256;

/// Registration ids with a register under way, per instance; above it a register is throttled. Azure admits 1,000 a
/// minute (docs, DPS limits).
pub const REGISTERS_MAX: usize = 10_000;
/// Registers of one device that wait for an earlier one; more are refused as concurrent. `guess (?)`
pub const REGISTERS_WAITING_MAX: usize = 8;
/// Times a register starts over when another node changed the registration meanwhile.
pub const REGISTER_TRIES: usize = 3;
/// Times an unconditional change of an enrollment starts over when another changed it meanwhile.
pub const CHANGE_TRIES: usize = 3;

/// Seconds for which a challenge to a TPM may be answered at least, and half of those at most. The tokens that SDKs answer
/// with live for 40 minutes to an hour (`reference/dps.md` 2.1). `guess (?)`
pub const TPM_CHALLENGE_S: i64 = 3600;

/// Registers that go on without their device, per instance: custom allocations, and those at slow hubs on other servers, of
/// which one hub alone cannot have so many. Above it a register is throttled. `guess (?)`
pub const OPERATIONS_RUNNING_MAX: usize = 10_000;
/// Failed operations remembered per instance where no record tells of them; the oldest go first.
pub const FAILURES_KEPT_MAX: usize = 10_000;
/// Milliseconds for which such a failure is remembered. `guess (?)`: `reference/dps.md` 3.1 asks for an hour at least.
pub const FAILURE_KEPT_MS: i64 = 2 * 3600 * 1000;
/// Milliseconds a custom-allocation webhook may take. `guess (?)`: recommendation of `reference/dps.md` 3.6; Azure's may be 5 s.
pub const WEBHOOK_TIMEOUT_MS: u64 = 10_000;
/// Seconds after which a device should ask again for an operation that is still `assigning`. Azure sends 3; 2 is the
/// fastest that SDKs make use of (`reference/dps.md` 3.1).
pub const RETRY_AFTER_S: u32 = 2;
/// How long a device waits for the answer to its register. What takes longer, at a hub on another server, goes on without it,
/// and the device asks again. SDKs give a request 30 s (`reference/dps.md` 3.1). Ours.
pub const REGISTER_ANSWER: Duration = Duration::from_secs(1);
/// Times a hub on another server is asked again that does not answer, before the registration fails: some minutes, with
/// the waits below. Ours; how long Azure keeps a device `assigning` is not known.
pub const FAR_TRIES: u32 = 12;
/// The wait before the second of these tries; it doubles.
pub const FAR_RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest wait between them.
pub const FAR_RETRY_MAX: Duration = Duration::from_secs(10);

/// Milliseconds for which a hub's number of devices is believed, or that it does not say, when the least loaded hub is sought.
pub const LOAD_BELIEVED_MS: i64 = 10_000;
/// How long a register waits for hubs to say how many devices they have. Ours.
pub const LOAD_WAIT: Duration = Duration::from_millis(500);

/// Smallest and largest allocation weight of a linked hub. Source: ARM definition of linked hubs.
pub const WEIGHT_MIN: u16 = 1;
/// See [`WEIGHT_MIN`].
pub const WEIGHT_MAX: u16 = 1000;
/// Characters of a webhook URL. `guess (?)`
pub const WEBHOOK_URL_CHARS_MAX: usize = 2048;
