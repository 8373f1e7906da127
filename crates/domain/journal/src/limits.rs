//! Bounds of journals. Azure has none, so all are ours.

use std::time::Duration;

use roadstead_store::JournalBounds;

/// Independently locked parts of what waits to be stored.
pub const SHARDS: usize = 32;
/// Refusals of different kinds that wait in one part; those beyond are only counted, without an id. As many are taken at once
/// after some quiet.
pub const REFUSALS_WAITING_MAX: usize = 256;
/// Refusals of different kinds that one part takes in each second of a flood: of all parts together 256, so that a flood of made-up
/// ids writes little, and needs minutes, not seconds, to push out what was there before.
pub const REFUSALS_PER_S: usize = 8;
/// Other entries that wait in one part; those beyond are left out, and their number logged.
pub const OTHERS_WAITING_MAX: usize = 1024;
/// How often what waits is stored.
pub const STORE_EVERY: Duration = Duration::from_secs(1);
/// Entries in one commit: others wait for their turn some milliseconds, not longer.
pub const BATCH_MAX: usize = 256;
/// Characters of an id, host name or ID scope that is kept. Ids have 128, those of modules twice as many.
pub const NAME_CHARS_MAX: usize = 257;
/// Characters of a message that are kept.
pub const MESSAGE_CHARS_MAX: usize = 512;
/// Milliseconds between two refusals that still count as one.
pub const ALIKE_MS: i64 = 3_600_000;
/// Milliseconds for which entries are kept.
pub const KEPT_MS: i64 = 14 * 24 * 3_600_000;
/// Entries of one id, of each class: refusals, connections, changes.
pub const PER_ID_MAX: u32 = 32;
/// Entries of each class in all journals together: some 400 bytes each on disk.
pub const TOTALS_MAX: [u64; 4] = [100_000, 300_000, 300_000, 10_000];
/// Entries of a page when the caller names no number, and at most.
pub const PAGE_ENTRIES_MAX: usize = roadstead_store::limits::PAGE_ITEMS_MAX;

/// Ids whose last refusals are asked for at once.
pub const LAST_REFUSALS_MAX: usize = roadstead_store::limits::LAST_REFUSALS_MAX;

/// What the store keeps at `now`.
pub(crate) fn bounds(now: roadstead_model::UnixMillis) -> JournalBounds {
    JournalBounds {
        per_id_max: PER_ID_MAX,
        totals_max: TOTALS_MAX,
        forget_before: now.plus_ms(-KEPT_MS),
        alike_ms: ALIKE_MS,
    }
}
