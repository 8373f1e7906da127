//! Every bound of this crate.

/// Longest token read, in bytes. Azure states none; an HTTP header line there ends at 16 KiB and the longest token
/// an SDK makes is under 700 bytes. `guess (?)`
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Seconds for which a token still counts after its `se`. Source: Azure docs, devices whose clock is off by more
/// than five minutes start to fail (`reference/hub-device.md` 4.1).
pub const CLOCK_SKEW_S: i64 = 300;

/// Shortest key that may be uploaded, in decoded bytes. Source: Azure docs, DPS symmetric keys (`reference/dps.md` 2.2).
pub const KEY_BYTES_MIN: usize = 16;

/// Longest key that may be uploaded, in decoded bytes. Source: as [`KEY_BYTES_MIN`].
pub const KEY_BYTES_MAX: usize = 64;

/// Random bytes in a key made for an enrollment. Source: Azure docs (`reference/dps.md` 2.2).
pub const ENROLLMENT_KEY_BYTES: usize = 64;

/// Random bytes in a key made for a policy or a device. Source: Azure docs, 44 base64 characters
/// (`reference/hub-service.md` 1.2).
pub const POLICY_KEY_BYTES: usize = 32;

/// Longest connection string read, in bytes. Azure states none. `guess (?)`
pub const CONNECTION_STRING_BYTES_MAX: usize = 4096;

/// Longest value of one field of an upload's signature, in bytes. Ours are under 50; Azure states none. `guess (?)`
pub const BLOB_SIGNATURE_BYTES_MAX: usize = 256;
