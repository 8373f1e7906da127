//! Bounds of the portal. All are ours: Azure's portal names none. At the end those that forms name, which the API has and holds to.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Sessions of all users together; the one unused longest goes first.
pub const SESSIONS_MAX: usize = 1000;
/// Sessions of one user.
pub const SESSIONS_OF_USER_MAX: usize = 20;
/// How long a session lasts at most.
pub const SESSION_LIFETIME_MS: i64 = 12 * 60 * 60 * 1000;
/// How long a session lasts without use.
pub const SESSION_IDLE_MS: i64 = 60 * 60 * 1000;
/// How long a link of `dev` signs somebody in.
pub const LINK_LIFETIME_MS: i64 = 15 * 60 * 1000;
/// Links that nobody used yet.
pub const LINKS_MAX: usize = 16;
/// How long somebody may take at another issuer.
pub const JOURNEY_LIFETIME_MS: i64 = 10 * 60 * 1000;
/// Tabs of one browser that are at other issuers; the one that left first is forgotten first. Their cookies, of at most a kilobyte
/// each, go with every request: 8 KiB is what proxies commonly take of a header.
pub const JOURNEYS_OF_BROWSER_MAX: usize = 6;
/// Cookies of a browser that are looked at for those.
pub const JOURNEY_COOKIES_READ_MAX: usize = 32;
/// Bytes of the address of the page to which somebody goes after signing in elsewhere; who wanted a longer one begins at the overview.
pub const JOURNEY_THEN_BYTES_MAX: usize = 512;
/// Characters of an issuer's words that a page repeats.
pub const ISSUER_WORDS_CHARS_MAX: usize = 300;
/// Random bytes of a cookie, a link or a form's token.
pub const SECRET_BYTES: usize = 32;
/// An access token with less than this to live is not used again.
pub const TOKEN_RENEW_BEFORE_S: i64 = 60;
/// Characters of a browser's name that are kept.
pub const AGENT_CHARS_MAX: usize = 200;
/// Fields of one form.
pub const FIELDS_MAX: usize = 64;
/// Devices or enrollments of one page.
pub const PAGE_ITEMS: usize = 50;
/// DPS instances that a device can be enrolled at by the walk.
pub const CONNECT_INSTANCES_MAX: usize = 20;
/// The CA that the walk makes where no enrollment group names one that the instance holds, and its enrollment group.
pub const CONNECT_CA: &str = "devices";
/// Enrollment groups that are looked through for one that takes a device: all that an instance may have.
pub const CONNECT_GROUPS_MAX: usize = 200;
/// How long one look at a device that is being connected waits for its messages of before.
pub const CONNECT_LISTEN: Duration = Duration::from_millis(500);
/// How far back its first message is looked for.
pub const CONNECT_LOOK_BACK_MS: i64 = 60 * 60 * 1000;
/// Lines of the audit log of one page.
pub const AUDIT_LINES_MAX: usize = 200;
/// Registrations of an enrollment group that its page shows.
pub const REGISTRATIONS_SHOWN_MAX: usize = 200;
/// Entries of a timeline that a page shows beside other things; a page of its own has [`PAGE_ITEMS`].
pub const TIMELINE_SHOWN_MAX: usize = 10;
/// Refusals that are looked through for those of one id that is in no registry.
pub const REFUSALS_LOOKED_THROUGH_MAX: usize = 100;
/// Hubs, and DPS instances, of which the overview asks for figures and CA certificates; of the others it shows the name.
pub const OVERVIEW_HUBS_MAX: usize = 20;
/// Resource groups of which somebody without a role above them is asked for rights, for what may be created there.
pub const GROUPS_LOOKED_AT_MAX: usize = 50;
/// Days before its end from which the overview names a CA certificate.
pub const EXPIRY_NOTICE_DAYS: i64 = 30;
/// How far back the calendar of certificates begins.
pub const CALENDAR_BACK_DAYS: i64 = 90;
/// Enrollments of a DPS instance of which the calendar looks at the certificates.
pub const CALENDAR_ENROLLMENTS_MAX: usize = 200;
/// Certificates that end in the same second and are told apart by pages; what is more is passed over.
pub const CALENDAR_SKIP_MAX: usize = 900;
/// How far back the lines of the overview go.
pub const RATE_MINUTES: u32 = 60;
/// Hubs and DPS instances up to which the overview's lines are drawn anew at each look.
pub const RATES_FRESH_MAX: usize = 8;
/// How long the lines of more are kept, and whether somebody may create something.
pub const OVERVIEW_KEPT_MS: i64 = 20 * 1000;
/// How much of a minute must be over before it has a rate.
pub const RATE_SECONDS_MIN: i32 = 10;
/// Messages not delivered yet from which a consumer group is said to be behind.
pub const LAG_LARGE: u64 = 1000;
/// How long readers may take nothing, though there is something, until their group is said to stand still.
pub const LAG_STALLED_MS: i64 = 60 * 1000;
/// Consumer groups that are behind which the overview names; those of the first hubs.
pub const BEHIND_SHOWN_MAX: usize = 20;
/// Percent of the disk that are free below which the overview warns.
pub const DISK_FREE_PERCENT_MIN: u64 = 10;
/// Bytes of one message's body that a page of the log shows.
pub const LOG_BODY_BYTES_MAX: usize = 4096;
/// Characters of it that are shown before it is unfolded.
pub const LOG_BODY_CHARS_SHORT: usize = 200;
/// Pages of one session that follow messages at a time.
pub const LIVE_STREAMS_OF_SESSION_MAX: usize = 16;
/// How often a page of live telemetry is sent to.
pub const LIVE_TICK: Duration = Duration::from_millis(250);
/// Messages a second that a page of live telemetry shows; of more, the newest, and how many others there were.
pub const LIVE_PER_S: u32 = 20;
/// Characters of a message's body that live telemetry shows.
pub const LIVE_BODY_CHARS_MAX: usize = 2000;
/// How far live telemetry looks back when a page opens.
pub const LIVE_LOOK_BACK_MS: i64 = 10 * 60 * 1000;
/// Silence after which live telemetry says that it is there.
pub const LIVE_HEARTBEAT: Duration = Duration::from_secs(15);
/// Characters of one value that a table of differences shows.
pub const DIFFERENCE_CHARS_MAX: usize = 400;
/// Lines of one table of differences.
pub const DIFFERENCES_MAX: usize = 500;
/// Files of a device that its page shows; the page of files has [`PAGE_ITEMS`].
pub const UPLOADS_SHOWN_MAX: usize = 5;
/// Pieces of a file that wait for a slow browser, each of at most 256 KiB.
pub const DOWNLOAD_PIECES_AHEAD_MAX: usize = 2;

/// Messages that may wait for one device. Source: docs, quotas (50); more here for those who want it.
pub const MESSAGE_DEPTH: RangeInclusive<u32> = 1..=1000;
/// Deliveries of a message, of feedback or of a notification. Source: docs, "Configure IoT Hub" (`maxDeliveryCount`)
pub const DELIVERY_COUNT: RangeInclusive<u32> = 1..=100;
/// Seconds for which these wait. Source: docs, as above (one minute to two days)
pub const TTL_S: RangeInclusive<u32> = 60..=172_800;
/// Seconds for which feedback and notifications are locked. Source: docs, as above
pub const LOCK_S: RangeInclusive<u32> = 5..=300;
/// Seconds that a device may take for an upload. Source: docs, template reference `sasTtlAsIso8601` (one minute to one day)
pub const UPLOAD_LIFETIME_S: RangeInclusive<u32> = 60..=86_400;
/// Days for which a hub keeps messages. Source: docs, quotas (7; Event Hubs premium: 90)
pub const RETENTION_DAYS: RangeInclusive<u32> = 1..=90;
/// Units of the tier that a hub is throttled like. Source: docs, quotas (200 of S1 and S2)
pub const THROTTLE_UNITS: RangeInclusive<u32> = 1..=200;
/// How often a linked hub counts in an allocation. Source: DPS service API, `allocationWeight`
pub const ALLOCATION_WEIGHT: RangeInclusive<u32> = 1..=1000;
/// Partitions of a hub. Source: docs, quotas (2 to 32, 128 in dedicated tiers); a single one is allowed here.
pub const PARTITIONS: RangeInclusive<u32> = 1..=128;
/// Partitions that the form of a new hub begins with. Source: docs, "Create an IoT hub" (4)
pub const PARTITIONS_DEFAULT: u32 = 4;
