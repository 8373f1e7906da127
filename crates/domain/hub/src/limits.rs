//! Bounds of a hub.

use std::time::Duration;

/// Bytes of a device-to-cloud message: body plus property names and values. Source: docs, quotas (256 KB).
pub const MESSAGE_BYTES_MAX: usize = roadstead_model::limits::D2C_MESSAGE_BYTES_MAX;
/// Subscriptions of one persistent session. Azure documents 5 at a time; SDKs re-subscribe under other spellings, so
/// the bound is looser than the documentation and refuses only what no SDK does.
pub const SUBSCRIPTIONS_MAX: usize = 50;
/// Characters of a `statusReason`. Source: docs, identity registry.
pub const STATUS_REASON_CHARS_MAX: usize = 128;
/// Devices of one hub. Source: docs, quotas.
pub const DEVICES_MAX: u64 = 1_000_000;
/// How many times a login is judged again when a revocation falls into it, before it is refused as busy.
pub const LOGIN_TRIES: usize = 5;
/// Independently locked parts of the table of live sessions.
pub const SESSION_SHARDS: usize = 32;
/// Bytes of a twin's tags, counted as [`crate::twin`] counts. Source: docs, device twin size (8 KB).
pub const TWIN_TAGS_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a twin's desired and of its reported properties. Source: docs, device twin size (32 KB each).
pub const TWIN_PROPERTIES_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a key in a twin. Source: docs, device twin format (1 KB).
pub const TWIN_KEY_BYTES_MAX: usize = 1024;
/// Bytes of a text in a twin. Source: docs, device twin format (4 KB).
pub const TWIN_STRING_BYTES_MAX: usize = 4096;
/// The least integer in a twin. Source: docs, device twin format.
pub const TWIN_INTEGER_MIN: i128 = -4_503_599_627_370_496;
/// The greatest integer in a twin. Source: docs, device twin format.
pub const TWIN_INTEGER_MAX: i128 = 4_503_599_627_370_495;
/// Objects within objects below a section of a twin. Source: docs, device twin format (10).
pub const TWIN_DEPTH_MAX: usize = 10;
/// Arrays within arrays, objects between them or not. Azure names no number.
pub const TWIN_ARRAY_DEPTH_MAX: usize = 10;
/// Characters of a key that a refusal repeats.
pub const TWIN_SHOWN_CHARS_MAX: usize = 64;
/// Locks that twins share: writes to one twin take turns, writes to different ones rarely meet.
pub const TWIN_LOCKS: usize = 1024;
/// How many times a change of a twin is tried anew when another write came between, before it is refused as busy.
pub const TWIN_TRIES: usize = 5;
/// How long telemetry over a connection is slowed down at most, before the connection is closed. Azure names no number;
/// SDKs wait 10 to 60 s for an acknowledgement.
pub const SHAPING_WAIT_MAX: Duration = Duration::from_secs(10);
/// Bytes that count as one message of the day. Source: docs, quotas and throttling (4 KB).
pub const MESSAGE_METER_BYTES: usize = 4096;
/// Bytes that count as one direct method. Source: docs, quotas and throttling (4 KB).
pub const METHOD_METER_BYTES: usize = 4096;
/// Devices of one hub for which a fault is under way or about to be.
pub const FAULTS_MAX: usize = 1024;
/// Readers of one partition in one consumer group. Azure: 5, of which readers with an owner level have no use; ours is looser.
pub const READERS_MAX: usize = 256;
/// Bytes of events that one look reads of one partition at most, half of it where all are about as large: those beyond are not
/// looked at.
pub const SAMPLE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events of all devices that one look for those of one device looks at.
pub const SAMPLE_LOOKED_AT_MAX: u64 = 20_000;
/// Places, a consumer group and a partition each, of which it is remembered how far they were read: those of 51 consumer groups
/// (`roadstead_resources::limits::CONSUMER_GROUPS_MAX` and `$Default`) at 128 partitions (`roadstead_store::limits::PARTITIONS_MAX`).
pub const READ_PLACES_MAX: usize = 51 * 128;
/// Bytes of events of one page of the log. Our bound: in base64 it is a fifth of what clients take for one answer at most.
pub const LOG_PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events that are looked at for one page of the log.
pub const LOG_EXAMINED_MAX: usize = 20_000;
/// Bytes that are read of the log for one page, those that are thrown away, too. Beyond them one event of each partition, and
/// what one look back throws away ([`LOG_LANE_BYTES`] for each power of four up to [`LOG_WINDOW_MAX`]).
pub const LOG_EXAMINED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of one partition that are held while a page of the log is made; one event in any case.
pub const LOG_LANE_BYTES: usize = 256 * 1024;
/// Bytes of all partitions together that are held so; one event of each in any case.
pub const LOG_LANES_BYTES: usize = 4 * 1024 * 1024;
/// Events of one partition that are asked for at a time on the way back, however small.
pub const LOG_WINDOW_MAX: u64 = 512;
/// Bytes a reader of events asks of one partition at a time.
pub const READ_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a direct method's payload, and of its answer. Source: docs, direct methods (128 KB).
pub const METHOD_PAYLOAD_BYTES_MAX: usize = 128 * 1024;
/// Characters of a method's name. Our bound: a topic of MQTT must hold it, three times as long where it is encoded.
pub const METHOD_NAME_BYTES_MAX: usize = 1024;
/// The shortest wait for an answer. Source: REST, `responseTimeoutInSeconds`.
pub const METHOD_RESPONSE_TIMEOUT_MIN: Duration = Duration::from_secs(5);
/// The longest wait for an answer. Source: docs, direct methods (3600 s; the REST reference says 300).
pub const METHOD_RESPONSE_TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// The longest wait for a device to connect. Source: REST, `connectTimeoutInSeconds`.
pub const METHOD_CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Calls that one session may have still to answer. Fewer than [`NOTICES_MAX`], so that calls alone close no session.
pub const METHODS_PER_SESSION_MAX: usize = 128;
/// Calls under way in one hub, those that wait for a device included: at most 256 MiB of payloads.
pub const METHODS_PER_HUB_MAX: usize = 2048;
/// How long a change of a connection may wait to be stored, so that many are stored together.
pub const PRESENCE_DELAY: Duration = Duration::from_millis(200);
/// How long until it is tried again when that failed.
pub const PRESENCE_RETRY: Duration = Duration::from_secs(5);
/// Changes of connections stored in one batch: small, so that a login that stores something waits for few of them.
pub const PRESENCE_BATCH_MAX: usize = 256;
/// Identities whose activity is stored in one batch: some 20 ms of the store's writer.
pub const ACTIVITY_BATCH_MAX: usize = 4096;
/// Identities whose changes may wait to be stored; a change beyond them is seen while it lasts, and not stored.
pub const PRESENCE_WAITING_MAX: usize = 262_144;
/// Notices (methods, desired changes) that wait for one session to take them; a session that lets more pile up is closed.
pub const NOTICES_MAX: usize = 256;
/// Changes of desired properties that are kept for a session that has read its twin and does not listen to changes yet; with
/// one more none is. Our bound: SDKs that listen subscribe as soon as they have read.
pub const DESIRED_UNHEARD_MAX: usize = 16;

/// Bytes of a message to a device: body plus property names and values. Source: docs, quotas (64 KB).
pub const CLOUD_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of its property names and values. Our bound: percent-encoded with their separators they take five times as many at
/// worst, and all must fit the 65535 bytes of an MQTT topic.
pub const CLOUD_PROPERTY_BYTES_MAX: usize = 12 * 1024;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long a message to a device may live, in milliseconds. Source: docs, cloud-to-device messages (two days).
pub const MESSAGE_LIFE_MS_MAX: i64 = 2 * DAY_MS;
/// How long a device without a session may take to settle a message, in milliseconds. Source: docs, message life cycle (one minute).
pub const MESSAGE_LOCK_MS: i64 = 60_000;
/// Messages that may wait for one session's acknowledgement. Source: `reference/hub-device.md` 1.6 (edgeHub: 10 or 16).
pub const IN_FLIGHT_MAX: usize = 16;
/// Messages that one session may have in hand with a token for each. Source: docs, quotas (50 wait for a device)
pub const LOCKS_PER_SESSION_MAX: usize = 50;
/// Messages of one device read at a time: with their bodies 1 MiB.
pub const QUEUE_PAGE: usize = 16;
/// Expired messages or feedback read at a time.
pub const SWEEP_PAGE: usize = 256;
/// How many times one sweep reads so many; the rest is for the next.
pub const SWEEP_PAGES_MAX: usize = 16;
/// Records of one batch of feedback. Source: `reference/hub-service.md` 2.3 (64).
pub const FEEDBACK_RECORDS_MAX: usize = 64;
/// How long feedback waits for more to be given with it, in milliseconds. Source: `reference/hub-service.md` 2.3 (15 s).
pub const FEEDBACK_WAIT_MS: i64 = 15_000;
/// Batches of feedback that back ends may have in hand.
pub const FEEDBACK_BATCHES_MAX: usize = 16;
/// Feedback records a hub keeps; more of them are not kept, and what they would tell is lost. Our bound.
pub const FEEDBACK_MAX: u64 = 100_000;
/// Identities of one bulk request. Source: docs, REST "Bulk Registry" (100).
pub const BULK_MAX: usize = 100;
/// Modules of one device. Source: docs, quotas (50; 20 in older editions).
pub const MODULES_MAX: usize = roadstead_store::limits::MODULES_MAX;
/// Characters of a module's `managedBy`. Ours: Azure names no bound, guess (?)
pub const MANAGED_BY_CHARS_MAX: usize = 128;
/// Parents of one device. Source: docs, IoT Edge gateways.
pub const PARENTS_MAX: usize = 1;
/// Edge devices above one another. Source: docs, nested edge (five layers).
pub const EDGE_LAYERS_MAX: usize = 5;
/// Uploads of one device that may be under way. Source: docs, quotas (10 concurrent file uploads)
pub const UPLOADS_MAX: usize = 10;
/// Notifications of uploaded files that back ends may have in hand.
pub const FILE_NOTIFICATIONS_HELD_MAX: usize = 64;
/// Uploads of one device whose end is remembered, so that it is told but once.
pub const ENDED_UPLOADS_MAX: usize = 100;
/// Devices with uploads from which on those whose uploads all expired are looked for and forgotten, and again whenever
/// their number doubled.
pub const UPLOADING_DEVICES_SWEEP: usize = 10_000;
/// Bytes of a correlation id: a name of 1024 characters of four bytes each, in base64, and its signature.
pub const CORRELATION_ID_BYTES_MAX: usize = 6 * 1024;

/// What is kept of the past of twins: the newest 50 changes of each, and of a hub what 256 MiB hold. Ours: Azure keeps none.
pub const REVISION_BOUNDS: roadstead_store::RevisionBounds =
    roadstead_store::RevisionBounds { per_identity_max: 50, hub_bytes_max: 256 * 1024 * 1024 };
