//! Bounds of the storage layer.

/// Items a listing returns at most. Source: docs, "Get devices" (top at most 1000).
pub const PAGE_ITEMS_MAX: usize = 1000;
/// Failed log batches whose reason is remembered for those who still wait.
pub const FAILED_BATCHES_KEPT: usize = 1024;
/// Bytes of events that wait to be written to one log; above it, appends are refused as `Full`.
pub const LOG_PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Partitions of a hub. Source: docs, quotas (32 by default; 128 in dedicated tiers).
pub const PARTITIONS_MAX: u16 = 128;
/// Bytes of one encoded event: a 256 KiB message, its identifiers, and the lengths between its properties.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
