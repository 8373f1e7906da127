//! Bounds of the storage layer.

use std::time::Duration;

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

/// Characters of a blob's name with its device's id: `thermo-7/logs/1.txt`. Source: docs, naming of containers and blobs.
pub const BLOB_NAME_CHARS_MAX: usize = 1024;
/// Bytes of a block's id before base64. Source: docs, Put Block.
pub const BLOCK_ID_BYTES_MAX: usize = 64;
/// Bytes of one block. Source: docs, Put Block (100 MiB for versions 2016-05-31 to 2019-07-07; later ones take 4000 MiB).
pub const BLOCK_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Blocks of one blob. Source: docs, Put Block List.
pub const BLOCKS_MAX: usize = 50_000;
/// Bytes of a blob that is put whole. Source: docs, Put Blob (256 MiB for the versions of [`BLOCK_BYTES_MAX`]).
pub const PUT_BLOB_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of a blob of many blocks. Ours: what ten thousand parts of an S3 upload hold at 8 MiB each.
pub const BLOB_BYTES_MAX: u64 = 10_000 * 8 * 1024 * 1024;
/// Metadata entries of one blob. Ours.
pub const BLOB_METADATA_MAX: usize = 64;
/// Bytes of all names and values of a blob's metadata. Source: docs, Set Blob Metadata (8 KB).
pub const BLOB_METADATA_BYTES_MAX: usize = 8 * 1024;
/// Blobs and blocks that are being written at one time; others wait. Ours: bounds buffers and open files.
pub const BLOB_WRITERS_MAX: usize = 256;
/// Candidates that one page of a query looks at, where it cannot tell them apart without reading each.
pub const QUERY_CANDIDATES_MAX: usize = 20_000;
/// How long a writer waits for its turn before it is refused as busy. Ours: less than SDKs wait for an answer (60 s).
pub const BLOB_WRITER_WAIT: Duration = Duration::from_secs(30);
/// Modules of one device that a listing reads. Source: docs, quotas (50 modules per device)
pub const MODULES_MAX: usize = 50;
/// Ids whose last refusals are asked for at once. Ours: a page of devices.
pub const LAST_REFUSALS_MAX: usize = 50;
