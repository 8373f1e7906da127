//! Bounds of the HTTP front.

use std::time::Duration;

/// How long the head of a request may take to arrive; also how long a connection may idle between requests.
pub const HEAD_WAIT: Duration = Duration::from_secs(60);
/// How long the body of a request may take to arrive; of a file, how long each next piece of it may.
pub const BODY_WAIT: Duration = Duration::from_secs(60);
/// Bytes of a request's head. Hyper's buffer bound; SAS tokens and property headers fit many times.
pub const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Headers of one request.
pub const HEADERS_MAX: usize = 256;
/// Bytes of a request body from devices: one batch of messages in base64 with its properties (docs: 256 KB of content).
pub const DEVICE_BODY_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a request body from back ends and administrators.
pub const SERVICE_BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a device may take to answer a method call that names no time. Source: docs, direct methods (30 s).
pub const METHOD_RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a block list: 50,000 ids of 64 bytes in base64, each in an element of its own.
pub const BLOCK_LIST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a refused file's body that are read and thrown away, so that the client reads why: a little more than the blocks
/// that SDKs send.
pub const REFUSED_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Chunks of a file that wait for a slow reader.
pub const FILE_CHUNKS_AHEAD_MAX: usize = 2;
/// Items of a page when the caller names no number. Source: docs, query (100 by default is not documented: guess (?)).
pub const PAGE_ITEMS_DEFAULT: usize = 100;
/// Items of a page at most. Source: docs, "Get devices".
pub const PAGE_ITEMS_MAX: usize = 1000;
/// Events that wait for a slow reader of server-sent events; then the log is read no further until it catches up.
pub const EVENTS_AHEAD_MAX: usize = 16;
/// How often it is looked whether the bearer token that opened a stream of events still counts.
pub const BEARER_RECHECK: Duration = Duration::from_secs(15);
/// Events a second that a sampled stream may be asked for.
pub const SAMPLE_PER_S_MAX: usize = 100;
/// How often in a second a sampled stream looks; as often as it may send events, where that is less.
pub const SAMPLE_TICKS_PER_S_MAX: usize = 4;
/// Looks that wait for a slow reader of a sampled stream: it shall see what is new, not what it missed.
pub const SAMPLES_AHEAD_MAX: usize = 1;
/// Events of the past that a sampled stream begins with.
pub const SAMPLE_PAST_MAX: usize = 50;
/// Silence after which a stream of events sends a comment, so that both ends notice a dead connection.
pub const EVENTS_HEARTBEAT: Duration = Duration::from_secs(15);
