//! Bounds of the records engine.

/// Batches that wait for the writer; above it, a commit is refused at once. At the rates measured here the last of them
/// waits under two seconds. Azure has no such number; its throttles answer 429 long before.
pub const WAITING_BATCHES_MAX: usize = 8192;
/// Batches that share one transaction and its one sync. More would keep the first of them waiting longer than it saves.
pub const GROUP_BATCHES_MAX: usize = 256;
/// Listings read at once, each on a blocking thread; others wait their turn.
pub const LISTINGS_AT_ONCE: usize = 2;
/// Reader connections kept open between reads; there are never more than threads that read at once.
pub const IDLE_READERS_MAX: usize = 8;
/// Page cache of the writer's connection, KiB.
pub const WRITER_CACHE_KIB: i64 = 8192;
/// Page cache of each reader's connection, KiB; the operating system's cache is behind it.
pub const READER_CACHE_KIB: i64 = 1024;
/// Pages of write-ahead log after which the writer copies them into the database file (8 MiB): what a start after a crash reads.
pub const LOG_PAGES: i64 = 2000;
/// Bytes to which the write-ahead log is cut back after it had to grow.
pub const LOG_BYTES_KEPT: i64 = 32 * 1024 * 1024;
/// Prepared statements a connection keeps; above what this crate has.
pub const STATEMENTS_KEPT: usize = 112;
/// Entries of journals looked at with each write of some, whether they are too old: many times what a write adds.
pub const FORGOTTEN_AT_ONCE: i64 = 1000;
/// Issued certificates that have ended and go with each write of one.
pub const ENDED_AT_ONCE: i64 = 256;
/// Milliseconds a connection waits for a lock of the database file. Only another program that opened the file holds one for long.
pub const BUSY_MS: u64 = 5000;
/// Revisions of twins that one write drops at most to come below the bytes of a hub: each write adds one.
pub const REVISIONS_FORGOTTEN_AT_ONCE: usize = 64;
