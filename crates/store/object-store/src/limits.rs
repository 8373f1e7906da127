//! Bounds of the object store engine. Azure names none for these: they are ours.

/// Bytes from which on an object is uploaded in parts of this size. S3 takes 10,000 parts of at least 5 MiB.
pub const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts of one upload that are on their way at a time, beside the one being gathered.
pub const PARTS_AHEAD_MAX: usize = 1;
/// Objects that are being written at one time; others wait. Each holds up to two parts in memory.
pub const WRITERS_MAX: usize = 32;
/// Bytes of one segment of a name from which on its digest stands for it.
pub const SEGMENT_BYTES_MAX: usize = 240;
/// Bytes of a whole name from which on its digest stands for it. S3 and Azure take 1024, the prefix included.
pub const NAME_BYTES_MAX: usize = 640;
/// Bytes of a blob's name that is kept beside an object, percent-encoded, where the device's own metadata leaves room for it.
pub const KEPT_NAME_BYTES_MAX: usize = 1024;
/// Bytes of an object's metadata in S3. Source: docs, "Working with object metadata" (2 KB)
pub const S3_METADATA_BYTES_MAX: usize = 2 * 1024;
/// Bytes of an object's metadata in Azure Storage. Source: docs, Set Blob Metadata (8 KB)
pub const AZURE_METADATA_BYTES_MAX: usize = 8 * 1024;
/// Bytes that an entry of an object's metadata counts beside its name and value: some stores count its header, `x-amz-meta-`.
pub const METADATA_PREFIX_BYTES: usize = 11;
/// Objects of a listing that are asked what they are at one time.
pub const HEADS_MAX: usize = 16;
/// Locks that commits share: two blobs wait for each other only by chance.
pub const STRIPES: usize = 64;
