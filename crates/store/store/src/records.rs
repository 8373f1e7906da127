//! The port for everything but events: resources, identities, twins, enrollments, registrations.

use std::net::IpAddr;

use async_trait::async_trait;
use roadstead_model::{
    Assignment, AuditEntry, CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId, Dps,
    Enrollment, EnrollmentGroup, EnrollmentGroupId, Etag, Feedback, FileNotification, GroupName, Guid, Happening, Hub,
    HubKey, IdScope, IdentityId, IssuedCertificate, JournalOwner, Module, Presence, Principal, PrincipalId,
    RefusalCause, Registration, RegistrationId, ResourceGroup, RoleScope, Subscription, Twin, TwinRevision, UnixMillis,
};
use roadstead_query::Query;

use crate::{error::StoreError, issued::IssuedPosition, query::QueryRow};

/// What a write wants to find. A record is replaced or removed only if this holds, else the batch is a `Conflict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// No such record yet.
    Absent,
    /// A record with this etag.
    Etag(Etag),
    /// A twin of this version: twins are compared by it, since their etags stay the same when a device reports.
    Version(i64),
    /// A record, whatever its etag.
    Present,
    /// Anything.
    Any,
}

/// One change. Records with an etag are stored with the etag they carry: the caller gives each version a fresh one.
#[derive(Debug, Clone)]
pub enum Write {
    PutPrincipal(Principal, Expect),
    /// Takes the principal's roles with it.
    DeletePrincipal(PrincipalId, Expect),
    PutAssignment(Assignment, Expect),
    /// By its scope and its id.
    DeleteAssignment(RoleScope, Guid, Expect),
    /// Appends to the audit log, of which the last `kept_max` lines stay.
    AddAudit {
        entry: AuditEntry,
        kept_max: u64,
    },
    PutGroup(ResourceGroup, Expect),
    /// Takes the roles with it that were given for the group as a whole.
    DeleteGroup(GroupName, Expect),
    PutHub(Hub, Expect),
    /// Takes the hub's devices with all that belongs to them, its feedback, file notifications, remembered uploads,
    /// certificates, roles and journal with it. Its events and files are elsewhere: the key is kept for whoever removes those, see
    /// [`Records::list_deleted_hubs`].
    DeleteHub(HubKey, Expect),
    /// The events and files of a deleted hub are gone, too. Fine when that was said before.
    ForgetDeletedHub(HubKey),
    PutDps(Dps, Expect),
    /// Takes the instance's enrollments, groups, registrations, certificates, what they issued, roles and journal with it.
    DeleteDps(IdScope, Expect),
    PutCertificate(CertificateOwner, CaCertificate, Expect),
    /// What it issued stays.
    DeleteCertificate(CertificateOwner, CertificateName, Expect),
    /// Notes a certificate that a CA of the instance issued. `Conflict` when there is no such CA, or as many are noted of it as
    /// may be and none of them has ended.
    AddIssued(IdScope, IssuedCertificate, IssuedBounds),
    PutDevice(HubKey, Device, Expect),
    /// Takes the device's modules, twins, subscriptions, presence and messages with it.
    DeleteDevice(HubKey, DeviceId, Expect),
    /// `Conflict` also when there is no such device.
    PutModule(HubKey, Module, Expect),
    /// Takes the module's twin, subscriptions and presence with it. The id of a device is a `Conflict`.
    DeleteModule(HubKey, IdentityId, Expect),
    PutTwin(HubKey, IdentityId, Twin, Expect),
    /// Appends to what is kept of a twin's past, within bounds: what is more goes, the oldest first. Goes with the identity.
    AddTwinRevision {
        hub: HubKey,
        id: IdentityId,
        revision: TwinRevision,
        bounds: RevisionBounds,
    },
    /// Replaces all subscriptions of the identity's persistent session; an empty list ends it. Without such an identity,
    /// nothing happens: a late writer must not leave subscriptions for the next one of that id.
    PutSubscriptions(HubKey, IdentityId, Vec<Subscription>),
    /// Replaces what is known of the identity's connections. Without such an identity, nothing happens. After a restart nobody is
    /// connected, whatever was put before: who was has `ServerStopped` for a reason; the rest stays.
    PutPresence(HubKey, IdentityId, Presence),
    /// Notes when identities were heard of last, where there is presence of theirs already; others are passed over.
    PutActivity(HubKey, Vec<(IdentityId, UnixMillis)>),
    /// Appends a message to the device's queue under the next sequence number, whatever the message says itself.
    /// `Conflict` when there is no such device or `depth_max` messages wait already.
    EnqueueMessage {
        hub: HubKey,
        device: DeviceId,
        message: CloudMessage,
        depth_max: u32,
    },
    /// Replaces a waiting message. `Conflict` when it does not wait any more.
    PutMessage(HubKey, DeviceId, CloudMessage),
    /// Takes the message with this sequence number out of the queue. `Conflict` when it does not wait any more.
    DeleteMessage(HubKey, DeviceId, u64),
    /// Keeps feedback until it is deleted, behind what was kept before.
    AddFeedback(HubKey, Feedback),
    /// Deletes feedback by the numbers [`Records::list_feedback`] gave it; unknown numbers are fine.
    DeleteFeedback(HubKey, Vec<u64>),
    /// Remembers until `until` that the end of an upload was told. `Conflict` when it is remembered already. What was to be
    /// remembered until `now` at most is forgotten.
    RememberUpload {
        hub: HubKey,
        upload: String,
        until: UnixMillis,
        now: UnixMillis,
    },
    /// Keeps what is told of an uploaded file until it is deleted, behind what was kept before.
    AddFileNotification(HubKey, FileNotification),
    /// Deletes by the numbers [`Records::list_file_notifications`] gave; unknown numbers are fine.
    DeleteFileNotifications(HubKey, Vec<u64>),
    /// Appends to journals, within bounds. A refusal with the owner, id, origin and cause of one that was not longer ago than
    /// [`JournalBounds::alike_ms`] takes its place: their numbers are added, and since when they are stays.
    AddHappenings(Vec<Happening>, JournalBounds),
    PutEnrollment(IdScope, Enrollment, Expect),
    DeleteEnrollment(IdScope, RegistrationId, Expect),
    PutEnrollmentGroup(IdScope, EnrollmentGroup, Expect),
    DeleteEnrollmentGroup(IdScope, EnrollmentGroupId, Expect),
    PutRegistration(IdScope, Registration, Expect),
    DeleteRegistration(IdScope, RegistrationId, Expect),
}

/// How much is kept of the past of twins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionBounds {
    /// Revisions of one identity.
    pub per_identity_max: u32,
    /// Bytes of all revisions of the hub, as they are stored. A write brings it back below by a few of the oldest revisions.
    pub hub_bytes_max: u64,
}

/// How much journals keep. What is more goes, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalBounds {
    /// Entries of one id, of each class.
    pub per_id_max: u32,
    /// Entries of each class, over all journals; in the order of [`roadstead_model::HappeningClass::ALL`].
    pub totals_max: [u64; 4],
    /// Entries that happened before this instant may go; a few of them do with each write.
    pub forget_before: UnixMillis,
    /// Milliseconds between two refusals that still count as one.
    pub alike_ms: i64,
}

/// How much is kept of what CAs issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedBounds {
    /// Certificates of one CA, by its name. Where one more would be too much, those that ended before `now` go.
    pub per_ca_max: u64,
    pub now: UnixMillis,
    /// What ended before this instant may go, whoever issued it; a few do with each write.
    pub forget_before: UnixMillis,
}

/// Which refusals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalFilter {
    /// What the id begins with, as its journal compares ids.
    pub id_prefix: Option<String>,
    pub cause: Option<RefusalCause>,
    pub address: Option<IpAddr>,
    /// The last of an entry was then, or later.
    pub since: Option<UnixMillis>,
}

/// A part of a listing in key order.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins: hand it back as `after`. `None` on the last page.
    pub next: Option<String>,
}

/// Records of one installation. Each call is atomic; nothing spans two calls; `&self`: engines do their own locking.
///
/// - `commit` returns `Ok` only when the whole batch is durable, and then every later read sees it.
/// - A `Conflict` (or any refusal but `Unavailable`) means that nothing of the batch was written.
/// - Names of groups, registration ids and enrollment group ids are compared without case (ASCII); device ids with case.
/// - Listings are in key order (bytes; lower-cased where compared without case); `after` is exclusive; `limit` at most
///   [`crate::limits::PAGE_ITEMS_MAX`].
/// - `Ok(None)`: there is no such record. Absence is an answer.
#[async_trait]
pub trait Records: Send + Sync {
    /// Writes all of `batch` or nothing, durably.
    async fn commit(&self, batch: Vec<Write>) -> Result<(), StoreError>;

    /// All users and service principals (few), by id.
    async fn list_principals(&self) -> Result<Vec<Principal>, StoreError>;
    /// All roles of principals (few).
    async fn list_assignments(&self) -> Result<Vec<Assignment>, StoreError>;
    /// The audit log from its end backwards, each line with its number: those before `before` (`None`: from the last), at most
    /// `limit`.
    async fn list_audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, AuditEntry)>, StoreError>;

    /// All resource groups (few).
    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError>;
    /// All hubs (few).
    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError>;
    /// Hubs that were deleted and of which events or files may still be there (few), by key.
    async fn list_deleted_hubs(&self) -> Result<Vec<HubKey>, StoreError>;
    /// All DPS instances (few).
    async fn list_dps(&self) -> Result<Vec<Dps>, StoreError>;
    /// All CA certificates of one owner (at most 25).
    async fn list_certificates(&self, owner: &CertificateOwner) -> Result<Vec<CaCertificate>, StoreError>;

    /// What a CA issued, by the common names, those that begin with `prefix`: both compared without case. The next page is a
    /// position as text.
    async fn list_issued(
        &self,
        dps: &IdScope,
        ca: &CertificateName,
        prefix: &str,
        after: Option<&IssuedPosition<String>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError>;
    /// What all CAs of an instance issued, by their ends (Unix milliseconds), those that end at `from` or later. Those of one end
    /// come in the order in which they were issued.
    async fn list_issued_by_end(
        &self,
        dps: &IdScope,
        from: UnixMillis,
        after: Option<&IssuedPosition<i64>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError>;
    /// How many certificates are noted that a CA issued.
    async fn count_issued(&self, dps: &IdScope, ca: &CertificateName) -> Result<u64, StoreError>;

    async fn find_device(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Device>, StoreError>;
    /// What a connect needs, in one read; for a module, `None` unless it and its device are there.
    async fn find_session(&self, hub: HubKey, id: &IdentityId) -> Result<Option<SessionRecord>, StoreError>;
    async fn list_devices(&self, hub: HubKey, after: Option<&str>, limit: usize) -> Result<Page<Device>, StoreError>;
    async fn count_devices(&self, hub: HubKey) -> Result<DeviceCounts, StoreError>;
    async fn find_module(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Module>, StoreError>;
    /// All modules of a device, by id (at most [`crate::limits::MODULES_MAX`] are read).
    async fn list_modules(&self, hub: HubKey, device: &DeviceId) -> Result<Vec<Module>, StoreError>;
    async fn find_twin(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Twin>, StoreError>;
    /// What is kept of a twin's past, each revision with its number, from the newest backwards: those before `before` (`None`: from
    /// the last), at most `limit`.
    async fn list_twin_revisions(
        &self,
        hub: HubKey,
        id: &IdentityId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, TwinRevision)>, StoreError>;
    /// Everything about one identity, in one read.
    async fn find_identity(&self, hub: HubKey, id: &IdentityId) -> Result<Option<IdentityRecord>, StoreError>;
    /// Everything about each device, for listings.
    async fn list_identities(
        &self,
        hub: HubKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IdentityRecord>, StoreError>;

    /// What a query over devices or modules yields, in the order of their ids. TOP is the caller's business unless there are
    /// aggregates: then it is one page, whatever `after` and `limit` say. A page may be short, or empty with a next one.
    ///
    /// Errors: `TooMuch` when there are too many groups, or the query is over jobs.
    async fn query(
        &self,
        hub: HubKey,
        query: &Query,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>, StoreError>;

    /// The messages that wait for a device, in order, those after `after` (0: from the first), at most `limit`.
    async fn list_messages(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<CloudMessage>, StoreError>;
    /// Messages of any device that had expired at `now`, those that expired first before others: after the first `skip`, at
    /// most `limit`.
    async fn list_expired_messages(
        &self,
        hub: HubKey,
        now: UnixMillis,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(DeviceId, CloudMessage)>, StoreError>;
    /// Feedback with the number it is deleted by, oldest first, at most `limit`.
    async fn list_feedback(&self, hub: HubKey, limit: usize) -> Result<Vec<(u64, Feedback)>, StoreError>;
    /// What is told of uploaded files with the number it is deleted by, oldest first, at most `limit`.
    async fn list_file_notifications(
        &self,
        hub: HubKey,
        limit: usize,
    ) -> Result<Vec<(u64, FileNotification)>, StoreError>;

    /// How much feedback is kept.
    async fn count_feedback(&self, hub: HubKey) -> Result<u64, StoreError>;

    /// What a journal has of one id, with each entry's number, from the newest backwards: those before `before` (`None`: from
    /// the last), at most `limit`.
    async fn list_happenings(
        &self,
        owner: &JournalOwner,
        id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError>;
    /// Refusals in some journals, likewise.
    async fn list_refusals(
        &self,
        owners: &[JournalOwner],
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError>;

    /// The last refusal of each of these ids in any of these journals, where there is one, in no certain order; at most
    /// [`crate::limits::LAST_REFUSALS_MAX`] ids are looked for.
    async fn list_last_refusals(
        &self,
        owners: &[JournalOwner],
        ids: &[String],
    ) -> Result<Vec<(u64, Happening)>, StoreError>;

    async fn find_enrollment(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Enrollment>, StoreError>;
    async fn list_enrollments(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Enrollment>, StoreError>;
    async fn find_enrollment_group(
        &self,
        dps: &IdScope,
        id: &EnrollmentGroupId,
    ) -> Result<Option<EnrollmentGroup>, StoreError>;
    async fn list_enrollment_groups(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EnrollmentGroup>, StoreError>;
    async fn find_registration(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Registration>, StoreError>;
    /// How much is in a DPS instance.
    async fn count_enrollments(&self, dps: &IdScope) -> Result<EnrollmentCounts, StoreError>;
    /// Registrations that came by this group.
    async fn list_registrations(
        &self,
        dps: &IdScope,
        group: &EnrollmentGroupId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, StoreError>;
}

/// What a connect needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    pub device: Device,
    /// The module that connects, when one does.
    pub module: Option<Module>,
    /// Those of the identity's persistent session; empty without one.
    pub subscriptions: Vec<Subscription>,
}

/// Everything a hub keeps of one identity.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityRecord {
    pub device: Device,
    /// The module, when it is one; `device` is then the device it is on.
    pub module: Option<Module>,
    pub twin: Twin,
    pub presence: Presence,
    /// Messages that wait for the device; 0 for a module.
    pub queued: u32,
}

impl IdentityRecord {
    /// Whose record it is.
    pub fn id(&self) -> IdentityId {
        IdentityId { device: self.device.id.clone(), module: self.module.as_ref().map(|module| module.id.clone()) }
    }
}

/// How many devices a hub has. Source: REST `GET /statistics/devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounts {
    pub total: u64,
    pub enabled: u64,
    pub disabled: u64,
}

/// How much is in a DPS instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnrollmentCounts {
    pub individual: u64,
    pub groups: u64,
    pub registrations: u64,
}
