//! Every bound of the codec, and those of the engine that no caller may move. The others are [`crate::connection::Settings`].

/// Bytes of the smallest frame that each side must take, and the largest before `open` said more. Azure: the same.
/// Source: 2.4.1
pub const FRAME_BYTES_MIN: u32 = 512;

/// Bytes of a frame header. Source: 2.3.1
pub const FRAME_HEADER_BYTES: usize = 8;

/// Bytes of a frame before `open` is answered. The standard says 512, but a token in SASL PLAIN is longer, and so are
/// the keys in SASL TPM; Azure: unknown.
pub const FRAME_BYTES_BEFORE_OPEN_MAX: u32 = 16 * 1024;

/// Compound and described values inside one another. Azure: unknown; a described filter in an attach needs four.
pub const DEPTH_MAX: u32 = 16;

/// Values in one value, itself included, so that an array of nothings (`f0 … ff ff ff ff 40`) costs no memory. Azure:
/// unknown; a message has some hundred properties at most.
pub const VALUES_MAX: u32 = 8192;

/// Bytes of a delivery tag. Azure sends 16 where the tag is a lock token. Source: 2.8.7
pub const DELIVERY_TAG_BYTES_MAX: usize = 32;

/// Bytes of a link's name; the standard sets no bound, and the longest that was seen has 110.
pub const LINK_NAME_BYTES_MAX: usize = 512;

/// Messages in one batch. Azure: 500 in a batch over HTTPS; the C SDK sends as many as 1 MiB holds, of 300 bytes or
/// more each with their properties.
pub const BATCH_MESSAGES_MAX: usize = 8192;

/// Links beyond [`crate::connection::Settings::links_max`] that are refused one by one, each with its reason; then the
/// session ends. Azure: unknown.
pub const LINKS_REFUSED_MAX: u32 = 16;

/// Milliseconds between two signs of life at least, however impatient the peer says it is. Azure: unknown.
pub const BEAT_INTERVAL_MS_MIN: u64 = 500;
