//! Bounds of the MQTT front.

use std::time::Duration;

/// A write buffer that grew beyond this is given back after the flush.
pub const WRITE_BUFFER_BYTES_KEPT: usize = 4 * 1024;
/// Bytes of one packet from a device: a 256 KiB message and 64 KiB of topic.
pub const HUB_PACKET_BYTES_MAX: usize = 320 * 1024 + 16;
/// Bytes of one packet to DPS. Source: docs, DPS quotas (message 96 KB), and 64 KiB of topic.
pub const DPS_PACKET_BYTES_MAX: usize = 160 * 1024 + 16;
/// Bytes of the CONNECT packet: user name, token and a will of 64 KiB each.
pub const CONNECT_PACKET_BYTES_MAX: usize = 3 * 65_535 + 1024;
/// Bytes of answers that are gathered before they are sent; then nothing more is answered until the client took them.
pub const ANSWER_BYTES_AHEAD_MAX: usize = 256 * 1024;
/// How long a connection may take to send CONNECT after TLS. Source: docs, MQTT 5 page (30 s).
pub const CONNECT_WAIT: Duration = Duration::from_secs(30);
/// The longest silence allowed, also to clients that ask for none (keep-alive 0). Source: docs, 29.45 minutes.
pub const SILENCE_MAX: Duration = Duration::from_secs(1767);
/// How long a client may leave what it was sent unread.
pub const WRITE_WAIT: Duration = Duration::from_secs(30);
/// How long an orderly close may take.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How long a session that was closed may take to acknowledge what it stored: within the second in which a revocation bites.
pub const ACKNOWLEDGE_WAIT: Duration = Duration::from_millis(500);
/// How long a token is honoured after it expired on a live session: .NET and Java wait for the hub to disconnect.
/// Source: docs, connectivity page (10 minutes).
pub const TOKEN_GRACE: Duration = Duration::from_secs(600);
/// How long a DPS connection may stay open in all: a registration takes milliseconds, a webhook seconds.
pub const DPS_SESSION: Duration = Duration::from_secs(600);
/// How long a DPS connection may stay silent: SDKs keep alive every 60 to 240 s, the C SDK never.
pub const DPS_SILENCE_MAX: Duration = Duration::from_secs(360);
/// How long it may stay silent after it was refused.
pub const DPS_SILENCE_REFUSED: Duration = Duration::from_secs(60);
/// Requests of one DPS connection.
pub const DPS_REQUESTS_MAX: usize = 256;
