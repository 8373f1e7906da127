//! Bounds of the files engine. Azure names none for these: they are ours.

/// Bytes that a writer gathers before it goes to the disk, and that a reader gives at a time.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Threads that wait for the disk at one time, for all blobs together.
pub const BLOCKING_MAX: usize = 8;
/// What a file takes of the quota is a multiple of this many bytes, as on the disk: many tiny files take room as well.
pub const GRAIN_BYTES: u64 = 4096;
/// Bytes of one name in a directory from which on its digest stands for it; file systems take 255.
pub const FILE_NAME_BYTES_MAX: usize = 240;
/// Bytes of what is kept with a content: properties, metadata, names.
pub const TRAILER_BYTES_MAX: u32 = 64 * 1024;
/// Locks that commits share: two blobs wait for each other only by chance.
pub const STRIPES: usize = 64;
