//! Bounds on connections.

use std::time::Duration;

/// Certificates a client may send. Source: `DESIGN.md` 9.
pub const CLIENT_CERTIFICATES_MAX: usize = 32;
/// Bytes of all certificates a client sends. Source: `DESIGN.md` 9; rustls itself refuses handshake messages over 64 KiB.
pub const CLIENT_CERTIFICATES_BYTES_MAX: usize = 64 * 1024;
/// From the TCP connection to the end of the TLS handshake, its wait for a turn included. Our bound: SDKs wait 30 s and more.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// TLS handshakes at work at once; the rest wait for a turn. Our bound: enough for 2,000 a second at 100 ms of round trips.
pub const HANDSHAKES_MAX: usize = 256;
/// Connections at once, of all listeners. Source: docs, quotas (1,000,000 devices per hub).
pub const CONNECTIONS_MAX: usize = 1_000_000;
/// Connections that the kernel holds until they are taken; it cuts this to its own `somaxconn`.
pub const BACKLOG: i32 = 4096;
/// The first and the longest pause after the machine refused another connection (out of file descriptors or memory).
pub const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// Bytes read at once, and of the buffers that idle connections share.
pub const READ_BUFFER_BYTES: usize = 16 * 1024;
/// Below this many free bytes a read buffer grows; a whole frame or packet must fit.
pub const READ_FREE_BYTES_MIN: usize = 4 * 1024;
/// Read buffers kept for reuse on each thread.
pub const SPARE_BUFFERS_MAX: usize = 64;
/// Characters of a client's text that an answer or a line of the log repeats.
pub const SHOWN_CHARS_MAX: usize = 200;
/// Bytes of one WebSocket message from a client. Our bound: four of the largest MQTT packets; SDKs send one or a few packets in each.
pub const WEBSOCKET_MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one WebSocket frame that we send.
pub const WEBSOCKET_FRAME_BYTES_MAX: usize = 64 * 1024;
