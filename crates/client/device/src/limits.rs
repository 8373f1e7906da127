//! Bounds of the client.

use std::time::Duration;

/// Port of MQTT over TLS. Azure: the same. Source: `reference/hub-device.md` 0
pub const MQTT_PORT: u16 = 8883;

/// How long one address may take to accept a TCP connection. Ours: no Azure number.
pub const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a TLS handshake may take. Ours: no Azure number.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long CONNACK, SUBACK, an answer of DPS or PINGRESP may take. The C SDK waits 30 s for CONNACK, python 30 s for DPS.
/// Source: `reference/hub-device.md` 0, `reference/dps.md` 3.1
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a message may wait for its PUBACK on one connection; the connection is given up after it, the message sent
/// again on the next. The C SDK: 2 minutes. Source: `reference/hub-device.md` 1.5
pub const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a registration may take, all polls and waits included. Azure takes 2 to 3 s; custom allocation longer.
pub const REGISTER_TIMEOUT: Duration = Duration::from_mins(2);

/// The wait before a poll when DPS names none. Source: `reference/dps.md` 3.1, node and python
pub const POLL_WAIT: Duration = Duration::from_secs(2);

/// The longest wait before a poll, whatever DPS says. C caps at 300 s, java at 5 s. Ours.
pub const POLL_WAIT_MAX: Duration = Duration::from_secs(30);

/// Seconds without a packet after which we ask whether the hub is still there: python's keep-alive. Azure allows 1767 s.
/// Source: `reference/hub-device.md` 1.4
pub const KEEP_ALIVE_S: u16 = 60;

/// Lifetime of a SAS token unless told otherwise: the SDKs' hour. Source: `reference/hub-device.md` 4.1
pub const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// Messages sent and not yet acknowledged, unless told otherwise. Ours: Azure names no number for this direction.
pub const IN_FLIGHT_DEFAULT: usize = 64;

/// Messages sent and not yet acknowledged, at most: well below the 65535 packet ids.
pub const IN_FLIGHT_MAX: usize = 4096;

/// How long an answer to a twin request or a subscription may take, reconnects included. The SDKs: 30 to 60 s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Requests that wait for their answer; further ones wait. Azure allows 10 requests in one second and unit of S1.
/// Source: docs, IoT Hub quotas and throttling
pub const REQUESTS_PENDING_MAX: usize = 64;

/// Messages from back ends that came on one connection and that nobody has taken yet: as many as Azure queues for a device (50),
/// and a few; Roadstead sends 16 ahead of their acknowledgements. A hub that sends more is left, and comes again with all of
/// them. Source: `reference/hub-device.md` 1.6
pub const RECEIVED_MAX: usize = 64;

/// Calls of methods that nobody has taken yet; further ones are answered with [`BUSY_STATUS`]. Ours.
pub const CALLS_MAX: usize = 16;

/// Changes of desired properties that nobody has taken yet; further ones are lost, as their versions show. Ours.
pub const CHANGES_MAX: usize = 64;

/// The status with which a method is answered that nobody takes. Ours: HTTP's own word for it.
pub const BUSY_STATUS: i32 = 503;

/// Messages that wait for a place among those in flight; further senders wait.
pub const QUEUE_MESSAGES: usize = 16;

/// Bytes waiting to be written to the socket above which no further message is taken.
pub const OUT_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a buffer that an idle connection keeps.
pub const IDLE_BUFFER_BYTES: usize = 4096;

/// Bytes of one packet from the server: a message of 256 KiB with its topic. Source: `reference/hub-device.md` 1.5
pub const PACKET_BYTES_MAX: usize = (256 + 64) * 1024;

/// The wait before the first reconnect, less jitter; it doubles.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(200);

/// The longest wait before a reconnect.
pub const RECONNECT_MAX: Duration = Duration::from_secs(30);

/// A connection that held so long makes the next wait short again: two clients that take one device's place from each
/// other must not do it ever faster.
pub const STEADY_AFTER: Duration = Duration::from_secs(10);

/// How long a device that leaves waits for what is still unacknowledged.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last bytes of a connection may take to leave.
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(2);
