//! [`Records`] in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::{
    CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId, DeviceStatus, Dps, Enrollment,
    EnrollmentGroup, EnrollmentGroupId, Etag, Feedback, FileNotification, Hub, HubKey, IdScope, IdentityId, Module,
    Presence, Registration, RegistrationId, ResourceGroup, Subscription, Twin, UnixMillis,
};
use roadstead_query::{Query, Source, eval};
use roadstead_store::{
    Expect, IdentityRecord, Page, QueryRow, Records, SessionRecord, StoreError, Write,
    limits::PAGE_ITEMS_MAX,
    query::{document, page_of},
    records::DeviceCounts,
};

/// Records that live as long as the value. Keeps every promise of [`Records`] but durability.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    tables: Mutex<Tables>,
    failures: Mutex<VecDeque<StoreError>>,
    commits: AtomicUsize,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    groups: BTreeMap<String, ResourceGroup>,
    hubs: BTreeMap<HubKey, Hub>,
    dps: BTreeMap<String, Dps>,
    certificates: BTreeMap<(String, CertificateName), CaCertificate>,
    devices: BTreeMap<(HubKey, String), Device>,
    twins: BTreeMap<(HubKey, String), Twin>,
    modules: BTreeMap<(HubKey, String), Module>,
    subscriptions: BTreeMap<(HubKey, String), Vec<Subscription>>,
    presence: BTreeMap<(HubKey, String), Presence>,
    messages: BTreeMap<(HubKey, String), Vec<CloudMessage>>,
    sequence: u64,
    feedback: BTreeMap<u64, (HubKey, Feedback)>,
    file_notifications: BTreeMap<u64, (HubKey, FileNotification)>,
    ended_uploads: BTreeMap<(HubKey, String), UnixMillis>,
    enrollments: BTreeMap<(String, String), Enrollment>,
    enrollment_groups: BTreeMap<(String, String), EnrollmentGroup>,
    registrations: BTreeMap<(String, String), Registration>,
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

    /// How many batches were committed.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

/// A write in place: checks what is expected, then stores `value` or removes.
fn write<K: Ord, V>(
    table: &mut BTreeMap<K, V>,
    key: K,
    value: Option<V>,
    expect: &Expect,
    etag: fn(&V) -> Option<&Etag>,
) -> bool {
    let stored = table.get(&key);
    let holds = match expect {
        Expect::Absent => stored.is_none(),
        Expect::Present => stored.is_some(),
        Expect::Any => true,
        Expect::Etag(expected) => stored.and_then(etag) == Some(expected),
        Expect::Version(_) => false,
    };
    if holds {
        match value {
            Some(value) => table.insert(key, value),
            None => table.remove(&key),
        };
    }
    holds
}

fn owner(owner: &CertificateOwner) -> String {
    match owner {
        CertificateOwner::Hub(key) => format!("hub {key}"),
        CertificateOwner::Dps(scope) => format!("dps {scope}"),
    }
}

/// What belongs to one identity, or to a device and its modules, in any of the tables.
fn forget<V>(table: &mut BTreeMap<(HubKey, String), V>, hub: HubKey, id: &str) {
    table.retain(|(of, name), _| *of != hub || (name != id && !name.starts_with(&format!("{id}/"))));
}

impl Tables {
    fn is_known(&self, hub: HubKey, id: &IdentityId) -> bool {
        let key = (hub, id.to_string());
        self.devices.contains_key(&key) || self.modules.contains_key(&key)
    }

    fn identity(&self, hub: HubKey, id: &str) -> Option<IdentityRecord> {
        let key = (hub, id.to_owned());
        let module = self.modules.get(&key).cloned();
        let device = self.devices.get(&(hub, id.split('/').next()?.to_owned()))?.clone();
        if id.contains('/') && module.is_none() {
            return None;
        }
        let queued = self.messages.get(&key).map_or(0, |messages| messages.len() as u32);
        let presence = self.presence.get(&key).cloned().unwrap_or_default();
        Some(IdentityRecord { device, module, twin: self.twins.get(&key)?.clone(), presence, queued })
    }

    fn put_twin(&mut self, hub: HubKey, id: &IdentityId, twin: Twin, expect: &Expect) -> bool {
        let key = (hub, id.to_string());
        let stored = self.twins.get(&key).map(|twin| twin.version);
        let holds = match expect {
            Expect::Version(version) => stored == Some(*version),
            other => return write(&mut self.twins, key, Some(twin), other, |_| None),
        };
        if holds {
            self.twins.insert(key, twin);
        }
        holds
    }
    /// Whether the write found what it expected; then it is done.
    fn apply(&mut self, change: Write) -> bool {
        let scoped = |scope: &IdScope, key: String| (scope.as_str().to_owned(), key);
        let on_hub = |hub: HubKey, id: &DeviceId| (hub, id.as_str().to_owned());
        match change {
            Write::PutGroup(group, expect) => {
                write(&mut self.groups, group.name.as_str().to_lowercase(), Some(group), &expect, |_| None)
            }
            Write::DeleteGroup(name, expect) => {
                write(&mut self.groups, name.as_str().to_lowercase(), None, &expect, |_| None)
            }
            Write::PutHub(hub, expect) => write(&mut self.hubs, hub.key, Some(hub), &expect, |h| Some(&h.etag)),
            Write::DeleteHub(key, expect) => {
                let done = write(&mut self.hubs, key, None, &expect, |h| Some(&h.etag));
                if done {
                    self.devices.retain(|(hub, _), _| *hub != key);
                    self.twins.retain(|(hub, _), _| *hub != key);
                    self.modules.retain(|(hub, _), _| *hub != key);
                    self.subscriptions.retain(|(hub, _), _| *hub != key);
                    self.presence.retain(|(hub, _), _| *hub != key);
                    self.messages.retain(|(hub, _), _| *hub != key);
                    self.feedback.retain(|_, (hub, _)| *hub != key);
                    self.file_notifications.retain(|_, (hub, _)| *hub != key);
                    self.ended_uploads.retain(|(hub, _), _| *hub != key);
                    let gone = owner(&CertificateOwner::Hub(key));
                    self.certificates.retain(|(owner, _), _| *owner != gone);
                }
                done
            }
            Write::PutDps(dps, expect) => {
                write(&mut self.dps, dps.id_scope.as_str().to_owned(), Some(dps), &expect, |d| Some(&d.etag))
            }
            Write::DeleteDps(scope, expect) => {
                let done = write(&mut self.dps, scope.as_str().to_owned(), None, &expect, |d| Some(&d.etag));
                if done {
                    self.enrollments.retain(|(of, _), _| of != scope.as_str());
                    self.enrollment_groups.retain(|(of, _), _| of != scope.as_str());
                    self.registrations.retain(|(of, _), _| of != scope.as_str());
                    let gone = owner(&CertificateOwner::Dps(scope));
                    self.certificates.retain(|(owner, _), _| *owner != gone);
                }
                done
            }
            Write::PutCertificate(of, ca, expect) => {
                write(&mut self.certificates, (owner(&of), ca.name.clone()), Some(ca), &expect, |c| Some(&c.etag))
            }
            Write::DeleteCertificate(of, name, expect) => {
                write(&mut self.certificates, (owner(&of), name), None, &expect, |c| Some(&c.etag))
            }
            Write::PutDevice(hub, device, expect) => {
                write(&mut self.devices, on_hub(hub, &device.id), Some(device), &expect, |d| Some(&d.etag))
            }
            Write::DeleteDevice(hub, id, expect) => {
                let done = write(&mut self.devices, on_hub(hub, &id), None, &expect, |d| Some(&d.etag));
                if done {
                    forget(&mut self.modules, hub, id.as_str());
                    forget(&mut self.twins, hub, id.as_str());
                    forget(&mut self.subscriptions, hub, id.as_str());
                    forget(&mut self.presence, hub, id.as_str());
                    forget(&mut self.messages, hub, id.as_str());
                }
                done
            }
            Write::PutModule(hub, module, expect) => {
                let key = (hub, module.identity().to_string());
                self.devices.contains_key(&on_hub(hub, &module.device))
                    && write(&mut self.modules, key, Some(module), &expect, |m| Some(&m.etag))
            }
            Write::DeleteModule(hub, id, expect) => {
                let key = (hub, id.to_string());
                let done = id.module.is_some() && write(&mut self.modules, key, None, &expect, |m| Some(&m.etag));
                if done {
                    forget(&mut self.twins, hub, &id.to_string());
                    forget(&mut self.subscriptions, hub, &id.to_string());
                    forget(&mut self.presence, hub, &id.to_string());
                }
                done
            }
            Write::PutTwin(hub, id, twin, expect) => self.put_twin(hub, &id, twin, &expect),
            Write::PutSubscriptions(hub, id, list) => {
                let list = Some(list).filter(|list| !list.is_empty());
                !self.is_known(hub, &id)
                    || write(&mut self.subscriptions, (hub, id.to_string()), list, &Expect::Any, |_| None)
            }
            Write::PutPresence(hub, id, presence) => {
                if self.is_known(hub, &id) {
                    self.presence.insert((hub, id.to_string()), presence);
                }
                true
            }
            Write::PutActivity(hub, heard) => {
                for (id, at) in heard {
                    if let Some(presence) = self.presence.get_mut(&(hub, id.to_string())) {
                        presence.last_activity = Some(at);
                    }
                }
                true
            }
            Write::EnqueueMessage { hub, device, message, depth_max } => {
                let queue = self.messages.entry(on_hub(hub, &device)).or_default();
                let room = self.devices.contains_key(&on_hub(hub, &device)) && queue.len() < depth_max as usize;
                if room {
                    self.sequence += 1;
                    queue.push(CloudMessage { sequence: self.sequence, ..message });
                }
                room
            }
            Write::PutMessage(hub, device, message) => {
                let queue = self.messages.entry(on_hub(hub, &device)).or_default();
                let waiting = queue.iter_mut().find(|waiting| waiting.sequence == message.sequence);
                waiting.map(|waiting| *waiting = message).is_some()
            }
            Write::DeleteMessage(hub, device, sequence) => {
                let queue = self.messages.entry(on_hub(hub, &device)).or_default();
                let before = queue.len();
                queue.retain(|waiting| waiting.sequence != sequence);
                queue.len() < before
            }
            Write::AddFeedback(hub, feedback) => {
                self.sequence += 1;
                self.feedback.insert(self.sequence, (hub, feedback)).is_none()
            }
            Write::RememberUpload { hub, upload, until, now } => {
                self.ended_uploads.retain(|(of, _), until| *of != hub || *until > now);
                write(&mut self.ended_uploads, (hub, upload), Some(until), &Expect::Absent, |_| None)
            }
            Write::AddFileNotification(hub, notification) => {
                self.sequence += 1;
                self.file_notifications.insert(self.sequence, (hub, notification)).is_none()
            }
            Write::DeleteFileNotifications(hub, numbers) => {
                self.file_notifications.retain(|number, (of, _)| *of != hub || !numbers.contains(number));
                true
            }
            Write::DeleteFeedback(hub, numbers) => {
                self.feedback.retain(|number, (of, _)| *of != hub || !numbers.contains(number));
                true
            }
            Write::PutEnrollment(scope, enrollment, expect) => {
                let key = scoped(&scope, enrollment.registration_id.key());
                write(&mut self.enrollments, key, Some(enrollment), &expect, |e| Some(&e.etag))
            }
            Write::DeleteEnrollment(scope, id, expect) => {
                write(&mut self.enrollments, scoped(&scope, id.key()), None, &expect, |e| Some(&e.etag))
            }
            Write::PutEnrollmentGroup(scope, group, expect) => {
                let key = scoped(&scope, group.id.key());
                write(&mut self.enrollment_groups, key, Some(group), &expect, |g| Some(&g.etag))
            }
            Write::DeleteEnrollmentGroup(scope, id, expect) => {
                write(&mut self.enrollment_groups, scoped(&scope, id.key()), None, &expect, |g| Some(&g.etag))
            }
            Write::PutRegistration(scope, registration, expect) => {
                let key = scoped(&scope, registration.registration_id.key());
                write(&mut self.registrations, key, Some(registration), &expect, |r| Some(&r.etag))
            }
            Write::DeleteRegistration(scope, id, expect) => {
                write(&mut self.registrations, scoped(&scope, id.key()), None, &expect, |r| Some(&r.etag))
            }
        }
    }
}

/// Up to `limit` of the records under `prefix` whose key lies after `after`.
fn page<P: Ord + Clone, V, T>(
    table: &BTreeMap<(P, String), V>,
    prefix: &P,
    after: Option<&str>,
    limit: usize,
    item: impl Fn(&str, &V) -> Option<T>,
) -> Page<T> {
    let start = match after {
        Some(after) => Bound::Excluded((prefix.clone(), after.to_owned())),
        None => Bound::Included((prefix.clone(), String::new())),
    };
    let mut found = table
        .range((start, Bound::Unbounded))
        .take_while(|((of, _), _)| of == prefix)
        .filter_map(|((_, key), value)| item(key, value).map(|item| (key.clone(), item)));
    let items: Vec<(String, T)> = found.by_ref().take(limit.clamp(1, PAGE_ITEMS_MAX)).collect();
    let next = found.next().and_then(|_| items.last().map(|(key, _)| key.clone()));
    Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn commit(&self, batch: Vec<Write>) -> Result<(), StoreError> {
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

    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError> {
        Ok(self.tables.lock().groups.values().cloned().collect())
    }

    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError> {
        Ok(self.tables.lock().hubs.values().cloned().collect())
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
        Ok(page(&self.tables.lock().enrollments, &dps.as_str().to_owned(), after, limit, |_, found| {
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
        Ok(page(&tables.enrollment_groups, &dps.as_str().to_owned(), after, limit, |_, found| Some(found.clone())))
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
        let key = group.key();
        Ok(page(&self.tables.lock().registrations, &dps.as_str().to_owned(), after, limit, |_, found| {
            found.group.as_ref().filter(|group| group.key() == key).map(|_| found.clone())
        }))
    }
}
