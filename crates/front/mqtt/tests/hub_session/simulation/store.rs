//! A store that takes its time, and sometimes refuses.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::{
    Assignment, AuditEntry, CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId, Dps,
    Enrollment, EnrollmentGroup, EnrollmentGroupId, Feedback, FileNotification, Happening, Hub, HubKey, IdScope,
    IdentityId, IssuedCertificate, JournalOwner, Module, Principal, Registration, RegistrationId, ResourceGroup, Twin,
    TwinRevision, UnixMillis,
};
use roadstead_query::Query;
use roadstead_store::{
    EnrollmentCounts, IdentityRecord, IssuedPosition, Page, QueryRow, Records, RefusalFilter, SessionRecord,
    StoreError, Write, records::DeviceCounts,
};
use roadstead_testkit::MemoryRecords;

use super::chance::Chance;

/// Records in memory. Commits are made one after the other, in the order they were asked for, as a real engine's are.
pub struct SlowRecords {
    inner: MemoryRecords,
    chance: Mutex<Chance>,
    line: tokio::sync::Mutex<()>,
    /// How many of a thousand commits fail.
    pub failing: AtomicU64,
}

impl SlowRecords {
    pub fn new(chance: Chance) -> Self {
        let (chance, line) = (Mutex::new(chance), tokio::sync::Mutex::default());
        Self { inner: MemoryRecords::new(), chance, line, failing: AtomicU64::new(0) }
    }

    async fn pause(&self) {
        let pause = {
            let mut chance = self.chance.lock();
            let most = *chance.one_of(&[1, 1, 5, 200]);
            chance.ms(0, most)
        };
        tokio::time::sleep(pause).await;
    }
}

#[async_trait]
impl Records for SlowRecords {
    async fn commit(&self, batch: Vec<Write>) -> Result<(), StoreError> {
        let outcome = {
            let _turn = self.line.lock().await;
            self.pause().await;
            if self.chance.lock().below(1000) < self.failing.load(Ordering::Relaxed) {
                self.inner.fail_next_commit(StoreError::Unavailable("the disk is away".to_owned()));
            }
            self.inner.commit(batch).await
        };
        self.pause().await;
        outcome
    }

    async fn list_principals(&self) -> Result<Vec<Principal>, StoreError> {
        self.inner.list_principals().await
    }

    async fn list_assignments(&self) -> Result<Vec<Assignment>, StoreError> {
        self.inner.list_assignments().await
    }

    async fn list_audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        self.inner.list_audit(before, limit).await
    }

    async fn list_happenings(
        &self,
        owner: &JournalOwner,
        id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        self.inner.list_happenings(owner, id, before, limit).await
    }

    async fn list_refusals(
        &self,
        owners: &[JournalOwner],
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        self.inner.list_refusals(owners, filter, before, limit).await
    }

    async fn list_last_refusals(
        &self,
        owners: &[JournalOwner],
        ids: &[String],
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        self.inner.list_last_refusals(owners, ids).await
    }

    async fn list_twin_revisions(
        &self,
        hub: HubKey,
        identity: &IdentityId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, TwinRevision)>, StoreError> {
        self.inner.list_twin_revisions(hub, identity, before, limit).await
    }

    async fn list_issued(
        &self,
        dps: &IdScope,
        ca: &CertificateName,
        prefix: &str,
        after: Option<&IssuedPosition<String>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        self.inner.list_issued(dps, ca, prefix, after, limit).await
    }

    async fn list_issued_by_end(
        &self,
        dps: &IdScope,
        from: UnixMillis,
        after: Option<&IssuedPosition<i64>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        self.inner.list_issued_by_end(dps, from, after, limit).await
    }

    async fn count_issued(&self, dps: &IdScope, ca: &CertificateName) -> Result<u64, StoreError> {
        self.inner.count_issued(dps, ca).await
    }

    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError> {
        self.pause().await;
        let found = self.inner.list_groups().await;
        self.pause().await;
        found
    }

    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError> {
        self.pause().await;
        let found = self.inner.list_hubs().await;
        self.pause().await;
        found
    }

    async fn list_deleted_hubs(&self) -> Result<Vec<HubKey>, StoreError> {
        self.pause().await;
        let found = self.inner.list_deleted_hubs().await;
        self.pause().await;
        found
    }

    async fn list_dps(&self) -> Result<Vec<Dps>, StoreError> {
        self.pause().await;
        let found = self.inner.list_dps().await;
        self.pause().await;
        found
    }

    async fn list_certificates(&self, owner: &CertificateOwner) -> Result<Vec<CaCertificate>, StoreError> {
        self.pause().await;
        let found = self.inner.list_certificates(owner).await;
        self.pause().await;
        found
    }

    async fn find_device(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        self.pause().await;
        let found = self.inner.find_device(hub, id).await;
        self.pause().await;
        found
    }

    async fn find_session(&self, hub: HubKey, id: &IdentityId) -> Result<Option<SessionRecord>, StoreError> {
        self.pause().await;
        let found = self.inner.find_session(hub, id).await;
        self.pause().await;
        found
    }

    async fn list_devices(&self, hub: HubKey, after: Option<&str>, limit: usize) -> Result<Page<Device>, StoreError> {
        self.pause().await;
        let found = self.inner.list_devices(hub, after, limit).await;
        self.pause().await;
        found
    }

    async fn count_devices(&self, hub: HubKey) -> Result<DeviceCounts, StoreError> {
        self.pause().await;
        let found = self.inner.count_devices(hub).await;
        self.pause().await;
        found
    }

    async fn find_module(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Module>, StoreError> {
        self.pause().await;
        let found = self.inner.find_module(hub, id).await;
        self.pause().await;
        found
    }

    async fn list_modules(&self, hub: HubKey, device: &DeviceId) -> Result<Vec<Module>, StoreError> {
        self.pause().await;
        let found = self.inner.list_modules(hub, device).await;
        self.pause().await;
        found
    }

    async fn find_twin(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Twin>, StoreError> {
        self.pause().await;
        let found = self.inner.find_twin(hub, id).await;
        self.pause().await;
        found
    }

    async fn find_identity(&self, hub: HubKey, id: &IdentityId) -> Result<Option<IdentityRecord>, StoreError> {
        self.pause().await;
        let found = self.inner.find_identity(hub, id).await;
        self.pause().await;
        found
    }

    async fn list_identities(
        &self,
        hub: HubKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IdentityRecord>, StoreError> {
        self.pause().await;
        let found = self.inner.list_identities(hub, after, limit).await;
        self.pause().await;
        found
    }

    async fn query(
        &self,
        hub: HubKey,
        query: &Query,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>, StoreError> {
        self.pause().await;
        let found = self.inner.query(hub, query, after, limit).await;
        self.pause().await;
        found
    }

    async fn list_messages(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<CloudMessage>, StoreError> {
        self.pause().await;
        let found = self.inner.list_messages(hub, device, after, limit).await;
        self.pause().await;
        found
    }

    async fn list_expired_messages(
        &self,
        hub: HubKey,
        now: UnixMillis,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(DeviceId, CloudMessage)>, StoreError> {
        self.pause().await;
        let found = self.inner.list_expired_messages(hub, now, skip, limit).await;
        self.pause().await;
        found
    }

    async fn list_feedback(&self, hub: HubKey, limit: usize) -> Result<Vec<(u64, Feedback)>, StoreError> {
        self.pause().await;
        let found = self.inner.list_feedback(hub, limit).await;
        self.pause().await;
        found
    }

    async fn list_file_notifications(
        &self,
        hub: HubKey,
        limit: usize,
    ) -> Result<Vec<(u64, FileNotification)>, StoreError> {
        self.pause().await;
        let found = self.inner.list_file_notifications(hub, limit).await;
        self.pause().await;
        found
    }

    async fn count_enrollments(&self, dps: &IdScope) -> Result<EnrollmentCounts, StoreError> {
        self.pause().await;
        let found = self.inner.count_enrollments(dps).await;
        self.pause().await;
        found
    }

    async fn count_feedback(&self, hub: HubKey) -> Result<u64, StoreError> {
        self.pause().await;
        let found = self.inner.count_feedback(hub).await;
        self.pause().await;
        found
    }

    async fn find_enrollment(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Enrollment>, StoreError> {
        self.pause().await;
        let found = self.inner.find_enrollment(dps, id).await;
        self.pause().await;
        found
    }

    async fn list_enrollments(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Enrollment>, StoreError> {
        self.pause().await;
        let found = self.inner.list_enrollments(dps, after, limit).await;
        self.pause().await;
        found
    }

    async fn find_enrollment_group(
        &self,
        dps: &IdScope,
        id: &EnrollmentGroupId,
    ) -> Result<Option<EnrollmentGroup>, StoreError> {
        self.pause().await;
        let found = self.inner.find_enrollment_group(dps, id).await;
        self.pause().await;
        found
    }

    async fn list_enrollment_groups(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EnrollmentGroup>, StoreError> {
        self.pause().await;
        let found = self.inner.list_enrollment_groups(dps, after, limit).await;
        self.pause().await;
        found
    }

    async fn find_registration(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.pause().await;
        let found = self.inner.find_registration(dps, id).await;
        self.pause().await;
        found
    }

    async fn list_registrations(
        &self,
        dps: &IdScope,
        group: &EnrollmentGroupId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, StoreError> {
        self.pause().await;
        let found = self.inner.list_registrations(dps, group, after, limit).await;
        self.pause().await;
        found
    }
}
