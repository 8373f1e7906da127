//! [`Records`] in memory.

mod identity;
mod message;
mod page;
mod tables;

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::{
    Assignment, AuditEntry, CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId,
    DeviceStatus, DisconnectReason, Dps, Enrollment, EnrollmentGroup, EnrollmentGroupId, Feedback, FileNotification,
    Happening, Hub, HubKey, IdScope, IdentityId, IssuedCertificate, JournalOwner, Module, Principal, Registration,
    RegistrationId, ResourceGroup, Twin, TwinRevision, UnixMillis, What,
};
use roadstead_query::{Query, Source, eval};
use roadstead_store::{
    EnrollmentCounts, IdentityRecord, IssuedPosition, Page, QueryRow, Records, RefusalFilter, SessionRecord,
    StoreError, Write,
    limits::LAST_REFUSALS_MAX,
    query::{document, page_of},
    records::DeviceCounts,
};

use self::{
    page::{page, sorted_page},
    tables::{Tables, owner},
};

/// Records that live as long as the value. Keeps every promise of [`Records`] but durability.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    tables: Mutex<Tables>,
    failures: Mutex<VecDeque<StoreError>>,
    commits: AtomicUsize,
    delay: Mutex<Duration>,
}

impl MemoryRecords {
    /// Nothing stored.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next commit fail so, and writes nothing of it. Several failures are used up in order.
    pub fn fail_next_commit(&self, error: StoreError) {
        self.failures.lock().push_back(error);
    }

    /// Lets every commit from now on take so long; those that wait do so side by side.
    pub fn delay_commits(&self, delay: Duration) {
        *self.delay.lock() = delay;
    }

    /// What a restart does to what is stored: nobody is connected any more.
    pub fn restart(&self) {
        for presence in self.tables.lock().presence.values_mut().filter(|presence| presence.connected) {
            (presence.connected, presence.reason) = (false, Some(DisconnectReason::ServerStopped));
        }
    }

    /// How many batches were committed.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn commit(&self, batch: Vec<Write>) -> Result<(), StoreError> {
        let delay = *self.delay.lock();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if let Some(failure) = self.failures.lock().pop_front() {
            return Err(failure);
        }
        let mut tables = self.tables.lock();
        let mut changed = tables.clone();
        for (index, change) in batch.into_iter().enumerate() {
            if !changed.apply(change) {
                return Err(StoreError::Conflict { index });
            }
        }
        *tables = changed;
        self.commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn list_principals(&self) -> Result<Vec<Principal>, StoreError> {
        Ok(self.tables.lock().principals.values().cloned().collect())
    }

    async fn list_assignments(&self) -> Result<Vec<Assignment>, StoreError> {
        Ok(self.tables.lock().assignments.values().cloned().collect())
    }

    async fn list_audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        let tables = self.tables.lock();
        let older = tables.audit.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(older.take(limit).map(|(number, entry)| (*number, entry.clone())).collect())
    }

    async fn list_twin_revisions(
        &self,
        hub: HubKey,
        id: &IdentityId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, TwinRevision)>, StoreError> {
        let (tables, key) = (self.tables.lock(), (hub, id.to_string()));
        let older = tables.twin_revisions.range(..before.unwrap_or(u64::MAX)).rev();
        let own = older.filter(|(_, (of, _))| *of == key).take(limit);
        Ok(own.map(|(number, (_, revision))| (*number, revision.clone())).collect())
    }

    async fn list_happenings(
        &self,
        owner: &JournalOwner,
        id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let tables = self.tables.lock();
        let older = tables.happenings.range(..before.unwrap_or(u64::MAX)).rev();
        let own = older.filter(|(_, of)| of.owner == *owner && owner.key_of(&of.id) == owner.key_of(id));
        Ok(own.take(limit).map(|(number, happening)| (*number, happening.clone())).collect())
    }

    async fn list_refusals(
        &self,
        owners: &[JournalOwner],
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let tables = self.tables.lock();
        let older = tables.happenings.range(..before.unwrap_or(u64::MAX)).rev();
        let is_meant = |happening: &Happening| {
            let What::Refused(refusal) = &happening.what else { return false };
            let owner = &happening.owner;
            let begins = |prefix: &String| owner.key_of(&happening.id).starts_with(&owner.key_of(prefix));
            owners.contains(owner)
                && filter.id_prefix.as_ref().is_none_or(begins)
                && filter.cause.is_none_or(|cause| cause == refusal.cause)
                && filter.address.is_none_or(|address| Some(address) == refusal.origin.address)
                && filter.since.is_none_or(|since| happening.at >= since)
        };
        let found = older.filter(|(_, happening)| is_meant(happening)).take(limit);
        Ok(found.map(|(number, happening)| (*number, happening.clone())).collect())
    }

    async fn list_last_refusals(
        &self,
        owners: &[JournalOwner],
        ids: &[String],
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let tables = self.tables.lock();
        let last = |id: &String| {
            let is_it = |of: &Happening| {
                let is_own = owners.contains(&of.owner) && of.owner.key_of(&of.id) == of.owner.key_of(id);
                is_own && matches!(of.what, What::Refused(_))
            };
            let found = tables.happenings.iter().rev().find(|(_, of)| is_it(of));
            found.map(|(number, of)| (*number, of.clone()))
        };
        Ok(ids.iter().take(LAST_REFUSALS_MAX).filter_map(last).collect())
    }

    async fn list_issued(
        &self,
        dps: &IdScope,
        ca: &CertificateName,
        prefix: &str,
        after: Option<&IssuedPosition<String>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        let tables = self.tables.lock();
        let prefix = prefix.to_ascii_lowercase();
        let own = tables.issued_by(dps, ca).map(|(number, issued)| ((issued.common_name.key(), number), issued));
        let own = own.filter(|((name, _), _)| name.starts_with(&prefix));
        Ok(sorted_page(own, after, limit))
    }

    async fn list_issued_by_end(
        &self,
        dps: &IdScope,
        from: UnixMillis,
        after: Option<&IssuedPosition<i64>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        let tables = self.tables.lock();
        let own = tables.issued.iter().filter(|(_, (scope, issued))| scope == dps && issued.not_after >= from);
        let own = own.map(|(number, (_, issued))| ((issued.not_after.0, *number), issued));
        Ok(sorted_page(own, after, limit))
    }

    async fn count_issued(&self, dps: &IdScope, ca: &CertificateName) -> Result<u64, StoreError> {
        Ok(self.tables.lock().issued_by(dps, ca).count() as u64)
    }

    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError> {
        Ok(self.tables.lock().groups.values().cloned().collect())
    }

    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError> {
        Ok(self.tables.lock().hubs.values().cloned().collect())
    }

    async fn list_deleted_hubs(&self) -> Result<Vec<HubKey>, StoreError> {
        Ok(self.tables.lock().deleted_hubs.iter().copied().collect())
    }

    async fn list_dps(&self) -> Result<Vec<Dps>, StoreError> {
        Ok(self.tables.lock().dps.values().cloned().collect())
    }

    async fn list_certificates(&self, of: &CertificateOwner) -> Result<Vec<CaCertificate>, StoreError> {
        let of = owner(of);
        let tables = self.tables.lock();
        Ok(tables.certificates.iter().filter(|((owner, _), _)| *owner == of).map(|(_, ca)| ca.clone()).collect())
    }

    async fn find_device(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        Ok(self.tables.lock().devices.get(&(hub, id.as_str().to_owned())).cloned())
    }

    async fn find_session(&self, hub: HubKey, id: &IdentityId) -> Result<Option<SessionRecord>, StoreError> {
        let tables = self.tables.lock();
        let key = (hub, id.to_string());
        let module = tables.modules.get(&key).cloned();
        let device = tables.devices.get(&(hub, id.device.as_str().to_owned())).cloned();
        let device = device.filter(|_| id.module.is_some() == module.is_some());
        let subscriptions = tables.subscriptions.get(&key).cloned().unwrap_or_default();
        Ok(device.map(|device| SessionRecord { device, module, subscriptions }))
    }

    async fn list_devices(&self, hub: HubKey, after: Option<&str>, limit: usize) -> Result<Page<Device>, StoreError> {
        Ok(page(&self.tables.lock().devices, &hub, after, limit, |_, device| Some(device.clone())))
    }

    async fn count_devices(&self, hub: HubKey) -> Result<DeviceCounts, StoreError> {
        let tables = self.tables.lock();
        let statuses = tables.devices.iter().filter(|((of, _), _)| *of == hub).map(|(_, device)| device.status);
        Ok(statuses.fold(DeviceCounts::default(), |mut counts, status| {
            counts.total += 1;
            match status {
                DeviceStatus::Enabled => counts.enabled += 1,
                DeviceStatus::Disabled => counts.disabled += 1,
            }
            counts
        }))
    }

    async fn find_module(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Module>, StoreError> {
        Ok(self.tables.lock().modules.get(&(hub, id.to_string())).cloned())
    }

    async fn list_modules(&self, hub: HubKey, device: &DeviceId) -> Result<Vec<Module>, StoreError> {
        let tables = self.tables.lock();
        let of_device = tables.modules.iter().filter(|((of, _), module)| *of == hub && module.device == *device);
        Ok(of_device.map(|(_, module)| module.clone()).collect())
    }

    async fn find_twin(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Twin>, StoreError> {
        Ok(self.tables.lock().twins.get(&(hub, id.to_string())).cloned())
    }

    async fn find_identity(&self, hub: HubKey, id: &IdentityId) -> Result<Option<IdentityRecord>, StoreError> {
        Ok(self.tables.lock().identity(hub, &id.to_string()))
    }

    async fn list_identities(
        &self,
        hub: HubKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IdentityRecord>, StoreError> {
        let tables = self.tables.lock();
        Ok(page(&tables.devices, &hub, after, limit, |id, _| tables.identity(hub, id)))
    }

    async fn query(
        &self,
        hub: HubKey,
        query: &Query,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>, StoreError> {
        let tables = self.tables.lock();
        let of_hub = |keys: Vec<&(HubKey, String)>| {
            let own = keys.into_iter().filter(|(of, id)| *of == hub && after.is_none_or(|after| id.as_str() > after));
            own.filter_map(|(_, id)| tables.identity(hub, id)).collect::<Vec<_>>()
        };
        let records = match query.source {
            Source::Devices => of_hub(tables.devices.keys().collect()),
            Source::Modules => of_hub(tables.modules.keys().collect()),
            Source::Jobs => Vec::new(),
        };
        if query.aggregates() {
            let documents: Vec<_> = records.iter().map(document).collect();
            let items = eval::run(query, &documents).into_iter().map(QueryRow::Values).collect();
            return Ok(Page { items, next: None });
        }
        page_of(query, query.condition.as_ref(), records.into_iter().map(Ok), limit, usize::MAX)
    }

    async fn list_messages(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<CloudMessage>, StoreError> {
        let tables = self.tables.lock();
        let queue = tables.messages.get(&(hub, device.as_str().to_owned())).into_iter().flatten();
        Ok(queue.filter(|message| message.sequence > after).take(limit).cloned().collect())
    }

    async fn list_expired_messages(
        &self,
        hub: HubKey,
        now: UnixMillis,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(DeviceId, CloudMessage)>, StoreError> {
        let tables = self.tables.lock();
        let all = tables.messages.iter().filter(|((of, _), _)| *of == hub);
        let expired = all.flat_map(|((_, device), queue)| queue.iter().map(move |message| (device, message)));
        let mut expired: Vec<_> = expired.filter(|(_, message)| message.expires <= now).collect();
        expired.sort_by_key(|(_, message)| message.expires);
        let page = expired.into_iter().skip(skip).take(limit);
        Ok(page.filter_map(|(device, message)| Some((DeviceId::parse(device).ok()?, message.clone()))).collect())
    }

    async fn list_feedback(&self, hub: HubKey, limit: usize) -> Result<Vec<(u64, Feedback)>, StoreError> {
        let tables = self.tables.lock();
        let own = tables.feedback.iter().filter(|(_, (of, _))| *of == hub);
        Ok(own.take(limit).map(|(number, (_, feedback))| (*number, feedback.clone())).collect())
    }

    async fn count_enrollments(&self, dps: &IdScope) -> Result<EnrollmentCounts, StoreError> {
        let tables = self.tables.lock();
        let of_it = |scope: &String| scope == dps.as_str();
        Ok(EnrollmentCounts {
            individual: tables.enrollments.keys().filter(|(scope, _)| of_it(scope)).count() as u64,
            groups: tables.enrollment_groups.keys().filter(|(scope, _)| of_it(scope)).count() as u64,
            registrations: tables.registrations.keys().filter(|(scope, _)| of_it(scope)).count() as u64,
        })
    }

    async fn count_feedback(&self, hub: HubKey) -> Result<u64, StoreError> {
        Ok(self.tables.lock().feedback.values().filter(|(of, _)| *of == hub).count() as u64)
    }

    async fn list_file_notifications(
        &self,
        hub: HubKey,
        limit: usize,
    ) -> Result<Vec<(u64, FileNotification)>, StoreError> {
        let tables = self.tables.lock();
        let own = tables.file_notifications.iter().filter(|(_, (of, _))| *of == hub);
        Ok(own.take(limit).map(|(number, (_, notification))| (*number, notification.clone())).collect())
    }

    async fn find_enrollment(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Enrollment>, StoreError> {
        Ok(self.tables.lock().enrollments.get(&(dps.as_str().to_owned(), id.key())).cloned())
    }

    async fn list_enrollments(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Enrollment>, StoreError> {
        let after = after.map(str::to_ascii_lowercase);
        Ok(page(&self.tables.lock().enrollments, &dps.as_str().to_owned(), after.as_deref(), limit, |_, found| {
            Some(found.clone())
        }))
    }

    async fn find_enrollment_group(
        &self,
        dps: &IdScope,
        id: &EnrollmentGroupId,
    ) -> Result<Option<EnrollmentGroup>, StoreError> {
        Ok(self.tables.lock().enrollment_groups.get(&(dps.as_str().to_owned(), id.key())).cloned())
    }

    async fn list_enrollment_groups(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EnrollmentGroup>, StoreError> {
        let tables = self.tables.lock();
        let after = after.map(str::to_ascii_lowercase);
        Ok(page(&tables.enrollment_groups, &dps.as_str().to_owned(), after.as_deref(), limit, |_, found| {
            Some(found.clone())
        }))
    }

    async fn find_registration(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Registration>, StoreError> {
        Ok(self.tables.lock().registrations.get(&(dps.as_str().to_owned(), id.key())).cloned())
    }

    async fn list_registrations(
        &self,
        dps: &IdScope,
        group: &EnrollmentGroupId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, StoreError> {
        let (key, after) = (group.key(), after.map(str::to_ascii_lowercase));
        Ok(page(&self.tables.lock().registrations, &dps.as_str().to_owned(), after.as_deref(), limit, |_, found| {
            found.group.as_ref().filter(|group| group.key() == key).map(|_| found.clone())
        }))
    }
}
