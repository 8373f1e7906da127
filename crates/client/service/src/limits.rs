//! Bounds of the client.

use std::time::Duration;

/// How long a TCP connection and its TLS handshake may take. Ours: no Azure number.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to one host that are kept open without use. Ours: no Azure number.
pub const IDLE_CONNECTIONS_MAX: usize = 16;

/// How long an answer may take, its body included. Azure's longest call is a direct method, 300 s + 300 s; none of those
/// is here. Ours.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Bytes of one answer. The largest is a page of 1000 twins, each of at most 8 + 32 + 32 KiB without metadata.
/// Source: `reference/hub-service.md` 1.7 and 1.10
pub const ANSWER_BYTES_MAX: usize = 128 << 20;

/// Items of one page. Source: `reference/hub-service.md` 1.10
pub const PAGE_ITEMS_MAX: usize = 1000;

/// Items of one list, over all its pages. A hub of S3 has no number of its own; Azure's default limit is a million
/// devices for a hub. Source: docs, IoT Hub quotas and throttling
pub const LIST_ITEMS_MAX: usize = 1_000_000;

/// Pages of one list: a page may be empty and still have a successor.
pub const LIST_PAGES_MAX: usize = 100_000;

/// Tries of one request that the server says it did not take up (429, 503).
pub const TRIES_MAX: u32 = 4;

/// The wait before the second try when the server names none; it doubles.
pub const RETRY_FIRST: Duration = Duration::from_millis(250);

/// The longest wait between tries, whatever the server says.
pub const RETRY_MAX: Duration = Duration::from_secs(10);

/// Lifetime of a SAS token, as `az` makes them. Source: `reference/arm-and-az.md` 3
pub const SAS_LIFETIME_S: i64 = 600;

/// An access token is renewed when it has less than this to live.
pub const TOKEN_RENEW_BEFORE_S: i64 = 60;

/// Bytes of one line of an event stream: a message of 256 KiB in base64 with its properties.
/// Source: `reference/hub-device.md`, message size
pub const EVENT_LINE_BYTES_MAX: usize = 1 << 20;

/// Bytes of one event over all its lines.
pub const EVENT_BYTES_MAX: usize = 2 << 20;

/// A stream that says nothing for so long, not even a comment, is taken for dead.
pub const EVENT_SILENCE_MAX: Duration = Duration::from_mins(1);

/// The wait before the first reconnect; it doubles until [`RECONNECT_MAX`].
pub const RECONNECT_FIRST: Duration = Duration::from_millis(100);

/// The longest wait before a reconnect.
pub const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// How long a device may take for a method, when the call does not say. Source: `reference/hub-service.md` 1.8
pub const METHOD_RESPONSE_DEFAULT_S: u32 = 30;

/// How long a device that is not connected is waited for, when the call does not say. Source: `reference/hub-service.md` 1.8
pub const METHOD_CONNECT_DEFAULT_S: u32 = 0;

/// Identities in one bulk request. Source: `reference/hub-service.md` 1.5
pub const BULK_IDENTITIES_MAX: usize = 100;

/// How long the upload of a file may take. Ours: no Azure number.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);

/// AMQP over TLS: the port of every address that has none. Source: `reference/hub-service.md` 2.1
pub const AMQP_PORT: u16 = 5671;

/// Bytes of one connection string. Ours.
pub const CONNECTION_STRING_BYTES_MAX: usize = 4096;

/// Bytes of one AMQP frame that comes. Source: `reference/hub-service.md` 2.1, azure-eventhub for Python
pub const AMQP_FRAME_BYTES_MAX: u32 = 1 << 20;

/// An AMQP connection over which nothing comes for so long, not even an empty frame, is taken for dead; Azure takes nothing
/// shorter. Source: `reference/hub-service.md` 2.1, @azure/event-hubs
pub const AMQP_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long leave is taken.
pub const AMQP_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Lifetime of a token for events. Source: `reference/hub-service.md` 2.2
pub const EVENT_TOKEN_LIFETIME_S: i64 = 3600;

/// The token is renewed after so long. Source: `reference/hub-service.md` 2.2, azure-iothub for Node
pub const EVENT_TOKEN_RENEWAL: Duration = Duration::from_mins(45);

/// Events that one partition may send ahead of what was read: a MiB or so of usual ones, 16 MiB of the largest.
pub const EVENT_CREDIT: u32 = 64;

/// Events that were received and not yet taken, of all partitions.
pub const EVENTS_AHEAD_MAX: usize = 64;

/// Partitions of one Event Hub. Source: docs, Event Hubs quotas, dedicated tier
pub const PARTITIONS_MAX: usize = 1024;
