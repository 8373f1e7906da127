//! The bounds that MQTT 3.1.1 itself sets. What a server allows below them it passes to [`crate::frame`].

/// Bytes of the remaining-length field. Azure: the same. Source: 2.2.3
pub const LENGTH_BYTES_MAX: usize = 4;

/// Bytes after the fixed header, 256 MiB - 1: what [`LENGTH_BYTES_MAX`] times seven bits can say. Azure: 256 KiB of
/// message, which its front enforces. Source: 2.2.3, table 2.4
pub const BODY_BYTES_MAX: usize = (1 << (7 * LENGTH_BYTES_MAX)) - 1;

/// Bytes of a whole packet, fixed header included.
pub const PACKET_BYTES_MAX: usize = 1 + LENGTH_BYTES_MAX + BODY_BYTES_MAX;

/// Bytes of a string or of binary data with a length prefix. Azure: the same. Source: 1.5.3
pub const FIELD_BYTES_MAX: usize = u16::MAX as usize;
