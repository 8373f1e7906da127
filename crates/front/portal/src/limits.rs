//! Bounds of the portal. All are ours: Azure's portal names none.

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
/// Refusals, the newest, among which the list of devices looks for those of its devices.
pub const REFUSALS_OF_LIST_MAX: usize = 200;
/// How far back it looks.
pub const REFUSALS_OF_LIST_MS: i64 = 24 * 60 * 60 * 1000;
/// Hubs, and DPS instances, of which the overview asks for figures and CA certificates; of the others it shows the name.
pub const OVERVIEW_HUBS_MAX: usize = 20;
/// Days before its end from which the overview names a CA certificate.
pub const EXPIRY_NOTICE_DAYS: i64 = 30;
/// How far back the lines of the overview go.
pub const RATE_MINUTES: u32 = 60;
/// How much of a minute must be over before it has a rate.
pub const RATE_SECONDS_MIN: i32 = 10;
/// Pages of one session that follow messages at a time.
pub const LIVE_STREAMS_OF_SESSION_MAX: usize = 16;
/// How often a page of live telemetry is sent to.
pub const LIVE_TICK: Duration = Duration::from_millis(250);
/// Messages of one tick; of more, the newest are sent and the others counted: 20 each second.
pub const LIVE_MESSAGES_MAX: usize = 5;
/// Messages of the past that live telemetry shows when a page opens.
pub const LIVE_BACKLOG_MAX: usize = 50;
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
