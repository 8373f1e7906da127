//! Bounds of the segment log. Azure names none for these: they are ours.

use std::time::Duration;

/// Bytes after which a segment is followed by a new one.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// The same where the retention keeps little: a segment is an eighth of it, but no less than this.
pub const SEGMENT_BYTES_MIN: u64 = 1024 * 1024;
/// Segments that a retention by size is divided into, so that dropping one drops little.
pub const SEGMENTS_PER_RETENTION: u64 = 8;
/// Milliseconds after which a segment is followed by a new one, so that retention by age drops in steps of an hour.
pub const SEGMENT_AGE_MS: i64 = 3_600_000;
/// Bytes of a segment file that are looked at: a full segment and the largest batch behind it, with room. What lies beyond was not
/// written by us.
pub const SEGMENT_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of records after which the index of the newest segment is saved: what is scanned at most when the log is opened, about.
pub const CHECKPOINT_BYTES: u64 = 8 * 1024 * 1024;

/// Events that one read gives at most.
pub const READ_EVENTS_MAX: usize = 4096;
/// Bytes that one read gives at most, whatever was asked for.
pub const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes that one system call reads at most.
pub const READ_RUN_BYTES_MAX: usize = 1024 * 1024;
/// Bytes between two records that are read and thrown away rather than spend a system call on each record.
pub const READ_GAP_BYTES_MAX: usize = 4 * 1024;
/// Bytes that are read on the caller's own thread, if this process wrote them a moment ago.
pub const READ_INLINE_BYTES_MAX: usize = 64 * 1024;
/// How many of the newest bytes count as written a moment ago: they are in the page cache.
pub const WARM_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of a batch from which on a log counts as busy: its writer lets others run before it takes the next batch, so that they fill
/// it. Measured on one core: a tenth less processor time for each event of 1000 connections.
pub const BUSY_BATCH_BYTES: usize = 2 * 1024;
/// Bytes that an idle batch buffer may keep.
pub const BUFFER_KEPT_BYTES: usize = 1024 * 1024;
/// How long a log is without events before it gives its large buffers back.
pub const BUFFER_IDLE: Duration = Duration::from_secs(2);
/// How long appends are refused after the disk refused a batch, before it is tried again.
pub const RETRY: Duration = Duration::from_millis(250);
