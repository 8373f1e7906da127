//! Bounds of the AMQP front.
//!
//! A connection without a token holds 6 MiB at most, for [`TOKEN_WAIT`] (or [`CERTIFICATE_WAIT`]): [`NODE_LINKS_MAX`] links on
//! which requests of [`REQUEST_BYTES_MAX`] may have come in part (4 MiB, which is [`PARTIAL_BYTES_MAX`] as well), what it was
//! answered and does not read ([`ANSWER_BYTES_AHEAD_MAX`] and [`REPLY_BYTES_WAITING_MAX`], and one answer beyond each), a frame,
//! and some hundred bytes for each session ([`CHANNEL_MAX`]) and link ([`LINKS_MAX`]; those that were refused count until the client
//! has detached them, too).

use std::time::Duration;

/// A write buffer that grew beyond this is given back when all of it was sent.
pub const WRITE_BUFFER_BYTES_KEPT: usize = 4 * 1024;
/// Bytes that wait to be sent from which on no further event is read for the client: it reads slowly, or the wire is slow.
pub const EVENT_BYTES_AHEAD_MAX: usize = 128 * 1024;
/// Bytes that wait to be sent from which on nothing more is read of the client: who asks must read.
pub const ANSWER_BYTES_AHEAD_MAX: usize = 512 * 1024;
/// Bytes of events read from the log at once for one link, or one event.
pub const EVENT_READ_BYTES: usize = 64 * 1024;
/// Bytes of events that were read and not sent, of all links of a connection together, from which on those of a link that waits
/// are dropped, to be read again when it goes on.
pub const EVENT_BYTES_KEPT_MAX: usize = 512 * 1024;

/// Links to `$cbs` and `$management`, which anybody may attach. The SDKs need two or four, whatever they do.
pub const NODE_LINKS_MAX: usize = 64;
/// Links of a connection: seven for each device. Each holds some hundred bytes.
pub const LINKS_MAX: u32 = 7168;
/// The highest channel. A session holds some hundred bytes. Azure: 8191; nobody was seen to use more than one for each device.
pub const CHANNEL_MAX: u16 = 1023;
/// Bytes of a frame, both ways. Azure: 65,536. Source: `reference/hub-device.md` 3.1
pub const FRAME_BYTES_MAX: u32 = 64 * 1024;
/// Milliseconds of silence that a client is told. Azure: 240,000. Source: `reference/hub-device.md` 3.1
pub const IDLE_TIME_OUT_MS: u32 = 240_000;
/// Bytes of messages that came in part, of all links together. Azure: unknown; devices of one connection send side by side.
pub const PARTIAL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Devices and modules of one connection. The C# SDK puts up to 995 on one.
pub const DEVICES_MAX: usize = 1024;
/// Bytes of a delivery from a device: a message has at most 256 KiB, a batch as much as the link takes. Never 0, or C sends
/// nothing. Source: `reference/hub-device.md` 3.1
pub const DEVICE_BYTES_MAX: u64 = 1024 * 1024;
/// Telemetry that a device may have under way on one link. Source: `reference/hub-device.md` 3.1 (50 to 1000)
pub const TELEMETRY_MAX: u32 = 500;
/// Requests to twins that the devices of one connection may have under way or waiting behind one another; each counts once for
/// every [`TWIN_REQUEST_BYTES`] it has. With no room left nothing is read: 1 MiB in all, and the last one beyond that.
pub const TWIN_REQUESTS_MAX: u32 = 256;
/// Bytes of a request to a twin that count as one. Most are smaller.
pub const TWIN_REQUEST_BYTES: usize = 4 * 1024;
/// Messages to a device that are fetched at once: 1 MiB at most.
pub const MESSAGES_AT_ONCE: usize = 16;
/// Bytes of the name that the two links of a twin, or of methods, have in common; the rest of a longer one says nothing.
pub const CHANNEL_NAME_BYTES_MAX: usize = 128;
/// How long a token is honoured after it expired on a live session, as over MQTT. Source: docs, connectivity page (10 minutes)
pub const TOKEN_GRACE: Duration = Duration::from_secs(600);
/// Faults that the devices of one connection may have asked for.
pub const FAULTS_MAX: usize = 16;
/// How often the tokens of those who logged in are judged again while links rest on them: roles are taken away, and people signed
/// out. Azure: a removed role counts for up to five more minutes.
pub const BEARER_LOOK: Duration = Duration::from_secs(60);
/// Tokens of a connection, one for each device. Azure refuses too many with 403005, at a number that is unknown.
pub const TOKENS_MAX: usize = 1024;
/// Bytes of a request to `$cbs` or `$management`.
pub const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// Requests that a client may have under way on one link.
pub const REQUESTS_MAX: u32 = 100;
/// Answers that wait for a client to take them, of one link.
pub const REPLIES_WAITING_MAX: usize = 64;
/// Bytes of them, of all links of a connection, from which on no further one waits: an answer repeats the id of its request, which
/// may be as long as that.
pub const REPLY_BYTES_WAITING_MAX: usize = 256 * 1024;
/// Bytes of a message to a device as it comes: 64 KiB of body and properties, and what AMQP adds to them. The hub says what is too
/// large; beyond this the link is detached.
pub const DEVICEBOUND_BYTES_MAX: u64 = 256 * 1024;
/// Messages to devices that a client may have under way on one link. Source: `reference/hub-service.md` 2.3 (50 and more)
pub const DEVICEBOUND_MAX: u32 = 100;
/// Messages to devices that are queued together, in one commit.
pub const DEVICEBOUND_AT_ONCE: usize = 100;
/// Bytes of them from which on no further one waits to be queued with them.
pub const DEVICEBOUND_BYTES_AT_ONCE: usize = 512 * 1024;
/// How often feedback and notifications of files are looked for while a client waits for them.
pub const QUEUE_LOOK: Duration = Duration::from_secs(1);

/// How long a connection may take from the first byte to `open`: after MQTT's CONNECT. Azure: unknown.
pub const OPEN_WAIT: Duration = Duration::from_secs(30);
/// How long a connection may be open without a token that holds. Azure: unknown; clients bring theirs within a second.
pub const TOKEN_WAIT: Duration = Duration::from_secs(60);
/// The same with a certificate, which is judged when its device attaches; node attaches with its first message. Azure: unknown.
pub const CERTIFICATE_WAIT: Duration = Duration::from_secs(600);
/// How long a client may leave what it was sent unread: a callback may work on an event for minutes.
pub const WRITE_WAIT: Duration = Duration::from_secs(600);
/// How long an orderly close may take.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// The longest wait between two looks at the clock.
pub const LOOK: Duration = Duration::from_secs(600);

/// Bytes of a message to DPS. Source: docs, DPS quotas (message 96 KB), and what AMQP adds.
pub const DPS_MESSAGE_BYTES_MAX: u64 = 100 * 1024;
/// Requests to DPS that a client may have under way: it sends one after the other.
pub const DPS_REQUESTS_AHEAD_MAX: u32 = 10;
/// Answers of DPS that wait for a client to take them.
pub const DPS_ANSWERS_MAX: usize = 10;
/// Requests of one DPS connection: as over MQTT.
pub const DPS_REQUESTS_MAX: usize = 256;
/// How long a DPS connection may stay open in all: as over MQTT.
pub const DPS_SESSION: Duration = Duration::from_secs(600);
/// How long it may stay open after it was refused: as over MQTT.
pub const DPS_REFUSED_WAIT: Duration = Duration::from_secs(60);
