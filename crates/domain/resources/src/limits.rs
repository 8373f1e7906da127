//! Bounds on what an administrator may make, with Azure's number and where it is written.

use std::{ops::RangeInclusive, time::Duration};

/// Characters of a hub's name. Source: docs, Resource Manager naming rules.
pub const HUB_NAME_CHARS: RangeInclusive<usize> = 3..=50;
/// Characters of a DPS instance's name. Source: docs, Resource Manager naming rules (3 to 64), cut to the 63 of a DNS label.
pub const DPS_NAME_CHARS: RangeInclusive<usize> = 3..=63;
/// Partitions of a hub. Source: docs, quotas (2 to 32, 128 in dedicated tiers); a single one is allowed here.
pub const PARTITIONS: RangeInclusive<u16> = 1..=128;
/// Partitions of a hub whose maker names no number. Source: docs, "Create an IoT hub" (4).
pub const PARTITIONS_DEFAULT: u16 = 4;
/// Days for which a hub keeps events. Source: docs, quotas (7; Event Hubs premium: 90).
pub const RETENTION_DAYS: RangeInclusive<u16> = 1..=90;
/// Days for which a hub keeps events when its maker names no number. Source: docs, "Create an IoT hub" (1).
pub const RETENTION_DAYS_DEFAULT: u16 = 1;

/// Resource groups of an installation. Source: docs, subscription limits (980).
pub const GROUPS_MAX: usize = 980;
/// Hubs of an installation. Source: docs, quotas (50 in a subscription); more here, since there is one installation. `guess (?)`
pub const HUBS_MAX: usize = 1000;
/// DPS instances of an installation. Source: docs, quotas (10 in a subscription); more here. `guess (?)`
pub const DPS_MAX: usize = 1000;
/// Consumer groups of one hub, `$Default` not counted. Source: docs, IoT Hub quotas (20 with the default one, Event Hubs allow more).
pub const CONSUMER_GROUPS_MAX: usize = 50;
/// Uploaded CA certificates of one owner. Source: docs, DPS limits and IoT Hub quotas (25).
pub const CERTIFICATES_MAX: usize = 25;
/// Days for which a CA that is made here is good. Ours.
pub const HELD_CA_DAYS: RangeInclusive<u32> = 1..=7300;
/// Days for which a CA is good whose maker names no number: ten years.
pub const HELD_CA_DAYS_DEFAULT: u32 = 3650;
/// Days for which a device's certificate is good. Ours. Its CA's end bounds it, too.
pub const ISSUED_DAYS: RangeInclusive<u32> = 1..=3650;
/// Days for which a device's certificate is good when nobody names a number.
pub const ISSUED_DAYS_DEFAULT: u32 = 365;
/// Certificates that one CA may have issued and that have not ended. Ours: enrollments of a DPS instance are as many. `guess (?)`
pub const ISSUED_PER_CA_MAX: u64 = 100_000;
/// Days for which a certificate that has ended is listed still, where there is room.
pub const ENDED_KEPT_DAYS: i64 = 90;
/// Hubs linked to one DPS instance. Source: docs, DPS limits (50).
pub const LINKED_HUBS_MAX: usize = 50;
/// How often a hub counts in an allocation. Source: DPS service API, `allocationWeight`.
pub const ALLOCATION_WEIGHT: RangeInclusive<u16> = 1..=1000;
/// Shared access policies of one hub or DPS instance. Azure publishes none. `guess (?)`
pub const POLICIES_MAX: usize = 32;
/// Bytes of a policy's name. Source: docs, Event Hubs naming rules, which hubs follow (64). `guess (?)`
pub const POLICY_NAME_BYTES_MAX: usize = 64;
/// Names a hub answers to beside its host name. Azure has no aliases.
pub const ALIASES_MAX: usize = 64;
/// Bytes of a host name. Source: RFC 1035.
pub const HOST_NAME_BYTES_MAX: usize = 253;

/// Tags of one resource. Source: docs, Resource Manager limits.
pub const TAGS_MAX: usize = 50;
/// Bytes of a tag's name. Source: docs, Resource Manager limits.
pub const TAG_NAME_BYTES_MAX: usize = 512;
/// Bytes of a tag's value. Source: docs, Resource Manager limits.
pub const TAG_VALUE_BYTES_MAX: usize = 256;
/// Bytes of a location's name. `guess (?)`: the longest of Azure's has 18.
pub const LOCATION_BYTES_MAX: usize = 64;
/// Bytes of the members of a resource that are kept without being understood, as JSON. `guess (?)`: Resource Manager
/// takes requests of 4 MB; what the CLI sends has 2 KiB.
pub const KEPT_BYTES_MAX: usize = 64 * 1024;
/// The same of a linked hub, and of a certificate. Ours: Azure's models have two such members, resource ids.
pub const KEPT_INSIDE_BYTES_MAX: usize = 4 * 1024;

/// Random bytes of a verification code, printed as 48 hex digits: a CN holds 64. Source: docs, sample codes of 48 characters.
pub const VERIFICATION_CODE_BYTES: usize = 24;

/// Deliveries of a message to a device, of feedback, or of a notification of a file. Source: docs, "Configure IoT Hub" (`maxDeliveryCount`)
pub const DELIVERY_COUNT: RangeInclusive<u32> = 1..=100;
/// Seconds for which messages to devices, feedback and notifications of files wait. Source: docs, as above (one minute to two days)
pub const TTL_S: RangeInclusive<u32> = 60..=172_800;
/// Seconds for which feedback and notifications of files are locked. Source: docs, as above
pub const LOCK_S: RangeInclusive<u32> = 5..=300;
/// Seconds that a device may take for an upload. Source: docs, template reference `sasTtlAsIso8601` (one minute to one day)
pub const UPLOAD_LIFETIME_S: RangeInclusive<u32> = 60..=86_400;
/// Messages that may wait for one device. Source: docs, quotas (50); more here for those who want it.
pub const MESSAGE_DEPTH: RangeInclusive<u32> = 1..=1000;
/// Units of the tier that a hub is throttled like. Source: docs, quotas (200 of S1 and S2)
pub const THROTTLE_UNITS: RangeInclusive<u32> = 1..=200;
/// Routes of one hub. Source: docs, quotas.
pub const ROUTES_MAX: usize = 100;
/// Characters of a route's name. Source: docs, template reference.
pub const ROUTE_NAME_CHARS_MAX: usize = 64;

/// Users and service principals of an installation. Ours: all are held in memory. Source: docs, Entra service limits (50,000).
pub const PRINCIPALS_MAX: usize = 10_000;
/// Role assignments of an installation. Source: docs, Azure RBAC limits (4000 in a subscription).
pub const ASSIGNMENTS_MAX: usize = 4000;
/// Bytes of a principal's display name, of a federated credential's issuer and the like. Source: docs, Graph `user` (256), and
/// `federatedIdentityCredential` (600 for issuer and subject).
pub const PRINCIPAL_TEXT_BYTES_MAX: usize = 600;
/// Secrets of one service principal that have not expired. `guess (?)`: Entra bounds the whole record only.
pub const SECRETS_MAX: usize = 20;
/// Days for which a secret counts. Source: docs, Entra: "the lifetime of a client secret is limited to two years".
pub const SECRET_LIFETIME_DAYS: RangeInclusive<u16> = 1..=730;
/// Federated credentials of one service principal. Source: docs, Graph `federatedIdentityCredential` (20).
pub const FEDERATED_MAX: usize = 20;

/// Seconds for which an access token counts. Source: docs, Entra access tokens (60 to 90 minutes).
pub const ACCESS_TOKEN_LIFETIME_S: i64 = 3600;
/// Seconds for which a refresh token counts; each use gives a new one. Source: docs, Entra refresh tokens (90 days); less here.
pub const REFRESH_TOKEN_LIFETIME_S: i64 = 14 * 24 * 3600;
/// ID tokens that were used and could be shown again. Ours: as many log in within a quarter of an hour as there may be principals.
pub const ID_TOKENS_USED_MAX: usize = 10_000;
/// Seconds after which somebody may try again when there is no room for one more. Ours.
pub const ID_TOKENS_RETRY_S: i64 = 60;
/// Milliseconds for which a refresh token that was exchanged is exchanged again, for clients that did not get the answer or asked
/// twice at a time. Ours: Entra ends none of them.
pub const REFRESH_GRACE_MS: i64 = 60_000;
/// Places where one user is logged in: one more ends the one that was not heard of for the longest time. Ours.
pub const USER_LOGINS_MAX: usize = 100;
/// Passwords that are hashed at one time, each in 19 MiB; others wait. Ours.
pub const HASHERS: usize = 2;
/// How long a password waits for its turn to be hashed before its sender is told to try later. Ours.
pub const HASHING_WAIT: Duration = Duration::from_secs(10);

/// Seconds for which a device's code can be typed. Source: docs, Entra device code flow (15 minutes).
pub const DEVICE_CODE_LIFETIME_S: i64 = 900;
/// Seconds between two questions of a device. Source: RFC 8628, 3.2.
pub const DEVICE_CODE_INTERVAL_S: i64 = 5;
/// Letters of the code that a person types. Source: RFC 8628, 6.1.
pub const USER_CODE_CHARS: usize = 8;
/// Codes that wait to be typed. Ours.
pub const DEVICE_CODES_MAX: usize = 1000;
/// Of which from one address. Ours.
pub const DEVICE_CODES_PER_ADDRESS_MAX: usize = 20;

/// Lines of the audit log that are kept, two for each change (a deployment: two for each of its resources, too). Source: docs, activity log (90 days, without a number).
pub const AUDIT_ENTRIES_MAX: u64 = 100_000;
