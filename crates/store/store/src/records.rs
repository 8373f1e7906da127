//! The port for everything but events: resources, identities, twins, enrollments, registrations.

use async_trait::async_trait;
use roadstead_model::{
    CaCertificate, CertificateName, CertificateOwner, Device, DeviceId, Dps, Enrollment, EnrollmentGroup,
    EnrollmentGroupId, Etag, GroupName, Hub, HubKey, IdScope, Registration, RegistrationId, ResourceGroup,
    Subscription, Twin,
};

use crate::error::StoreError;

/// What a write wants to find. A record is replaced or removed only if this holds, else the batch is a `Conflict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// No such record yet.
    Absent,
    /// A record with this etag.
    Etag(Etag),
    /// A record, whatever its etag.
    Present,
    /// Anything.
    Any,
}

/// One change. Records with an etag are stored with the etag they carry: the caller gives each version a fresh one.
#[derive(Debug, Clone)]
pub enum Write {
    PutGroup(ResourceGroup, Expect),
    DeleteGroup(GroupName, Expect),
    PutHub(Hub, Expect),
    /// Takes the hub's devices, twins, subscriptions and certificates with it.
    DeleteHub(HubKey, Expect),
    PutDps(Dps, Expect),
    /// Takes the instance's enrollments, groups, registrations and certificates with it.
    DeleteDps(IdScope, Expect),
    PutCertificate(CertificateOwner, CaCertificate, Expect),
    DeleteCertificate(CertificateOwner, CertificateName, Expect),
    PutDevice(HubKey, Device, Expect),
    /// Takes the device's twin and subscriptions with it.
    DeleteDevice(HubKey, DeviceId, Expect),
    PutTwin(HubKey, DeviceId, Twin, Expect),
    /// Replaces all subscriptions of the device's persistent session; an empty list ends it. Without such a device, nothing
    /// happens: a late writer must not leave subscriptions for the next device of that id.
    PutSubscriptions(HubKey, DeviceId, Vec<Subscription>),
    PutEnrollment(IdScope, Enrollment, Expect),
    DeleteEnrollment(IdScope, RegistrationId, Expect),
    PutEnrollmentGroup(IdScope, EnrollmentGroup, Expect),
    DeleteEnrollmentGroup(IdScope, EnrollmentGroupId, Expect),
    PutRegistration(IdScope, Registration, Expect),
    DeleteRegistration(IdScope, RegistrationId, Expect),
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

    /// All resource groups (few).
    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError>;
    /// All hubs (few).
    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError>;
    /// All DPS instances (few).
    async fn list_dps(&self) -> Result<Vec<Dps>, StoreError>;
    /// All CA certificates of one owner (at most 25).
    async fn list_certificates(&self, owner: &CertificateOwner) -> Result<Vec<CaCertificate>, StoreError>;

    async fn find_device(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Device>, StoreError>;
    /// A device and the subscriptions of its persistent session: what a connect needs, in one read.
    async fn find_session(&self, hub: HubKey, id: &DeviceId)
    -> Result<Option<(Device, Vec<Subscription>)>, StoreError>;
    async fn list_devices(&self, hub: HubKey, after: Option<&str>, limit: usize) -> Result<Page<Device>, StoreError>;
    async fn count_devices(&self, hub: HubKey) -> Result<DeviceCounts, StoreError>;
    async fn find_twin(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Twin>, StoreError>;
    /// Devices with their twins, for listings.
    async fn list_twins(
        &self,
        hub: HubKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<(Device, Twin)>, StoreError>;

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
    /// Registrations that came by this group.
    async fn list_registrations(
        &self,
        dps: &IdScope,
        group: &EnrollmentGroupId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, StoreError>;
}

/// How many devices a hub has. Source: REST `GET /statistics/devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounts {
    pub total: u64,
    pub enabled: u64,
    pub disabled: u64,
}
