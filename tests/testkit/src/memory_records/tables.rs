//! What is kept, by kind, and how each write changes it.

use std::collections::{BTreeMap, BTreeSet};

use roadstead_model::{
    Assignment, AuditEntry, CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId, Dps,
    Enrollment, EnrollmentGroup, Etag, Feedback, FileNotification, Guid, Happening, HappeningClass, Hub, HubKey,
    IdScope, IssuedCertificate, JournalOwner, Module, Presence, Principal, PrincipalId, Registration, ResourceGroup,
    RoleScope, Subscription, Twin, TwinRevision, UnixMillis, What,
};
use roadstead_store::{
    Expect, IssuedBounds, JournalBounds, Place, RevisionBounds, SealKey, Sealer, Stored, Vault, Write,
};

#[derive(Debug, Default, Clone)]
pub(super) struct Tables {
    pub(super) principals: BTreeMap<PrincipalId, Principal>,
    pub(super) assignments: BTreeMap<(String, Guid), Assignment>,
    pub(super) audit: BTreeMap<u64, AuditEntry>,
    audited: u64,
    pub(super) happenings: BTreeMap<u64, Happening>,
    happened: u64,
    pub(super) groups: BTreeMap<String, ResourceGroup>,
    pub(super) hubs: BTreeMap<HubKey, Hub>,
    pub(super) deleted_hubs: BTreeSet<HubKey>,
    pub(super) dps: BTreeMap<String, Dps>,
    pub(super) certificates: BTreeMap<(String, CertificateName), CaCertificate>,
    pub(super) issued: BTreeMap<u64, (IdScope, IssuedCertificate)>,
    issuances: u64,
    pub(super) devices: BTreeMap<(HubKey, String), Device>,
    pub(super) twins: BTreeMap<(HubKey, String), Twin>,
    pub(super) twin_revisions: BTreeMap<u64, ((HubKey, String), TwinRevision)>,
    revised: u64,
    pub(super) modules: BTreeMap<(HubKey, String), Module>,
    pub(super) subscriptions: BTreeMap<(HubKey, String), Vec<Subscription>>,
    pub(super) presence: BTreeMap<(HubKey, String), Presence>,
    pub(super) messages: BTreeMap<(HubKey, String), Vec<CloudMessage>>,
    pub(super) sequence: u64,
    pub(super) feedback: BTreeMap<u64, (HubKey, Feedback)>,
    pub(super) file_notifications: BTreeMap<u64, (HubKey, FileNotification)>,
    pub(super) ended_uploads: BTreeMap<(HubKey, String), UnixMillis>,
    pub(super) enrollments: BTreeMap<(String, String), Enrollment>,
    pub(super) enrollment_groups: BTreeMap<(String, String), EnrollmentGroup>,
    pub(super) registrations: BTreeMap<(String, String), Registration>,
}

/// A write in place: checks what is expected, then stores `value` or removes.
pub(super) fn write<K: Ord, V>(
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

pub(super) fn owner(owner: &CertificateOwner) -> String {
    match owner {
        CertificateOwner::Hub(key) => format!("hub {key}"),
        CertificateOwner::Dps(scope) => format!("dps {scope}"),
    }
}

fn scope_text(scope: &RoleScope) -> String {
    match scope {
        RoleScope::Subscription => "subscription".to_owned(),
        RoleScope::Group(name) => format!("group {}", name.as_str().to_lowercase()),
        RoleScope::Hub(key) => owner(&CertificateOwner::Hub(*key)),
        RoleScope::Dps(scope) => owner(&CertificateOwner::Dps(scope.clone())),
    }
}

/// A device among those of all hubs.
pub(super) fn on_hub(hub: HubKey, id: &DeviceId) -> (HubKey, String) {
    (hub, id.as_str().to_owned())
}

fn is_alike(earlier: &Happening, later: &Happening, alike_ms: i64) -> bool {
    let (What::Refused(before), What::Refused(refusal)) = (&earlier.what, &later.what) else { return false };
    earlier.owner == later.owner
        && earlier.owner.key_of(&earlier.id) == later.owner.key_of(&later.id)
        && (before.cause, before.origin) == (refusal.cause, refusal.origin)
        && earlier.at >= refusal.since.plus_ms(-alike_ms)
}

impl Tables {
    /// Whether the write found what it expected; then it is done.
    pub(super) fn apply(&mut self, change: Write) -> bool {
        let scoped = |scope: &IdScope, key: String| (scope.as_str().to_owned(), key);
        match change {
            Write::PutPrincipal(principal, expect) => {
                write(&mut self.principals, principal.id, Some(principal), &expect, |p| Some(&p.etag))
            }
            Write::DeletePrincipal(id, expect) => {
                let done = write(&mut self.principals, id, None, &expect, |p| Some(&p.etag));
                self.assignments.retain(|_, assignment| !done || assignment.principal != id);
                done
            }
            Write::PutAssignment(assignment, expect) => {
                let key = (scope_text(&assignment.scope), assignment.id);
                write(&mut self.assignments, key, Some(assignment), &expect, |_| None)
            }
            Write::DeleteAssignment(scope, id, expect) => {
                write(&mut self.assignments, (scope_text(&scope), id), None, &expect, |_| None)
            }
            Write::AddAudit { entry, kept_max } => {
                self.audited += 1;
                self.audit.insert(self.audited, entry);
                self.audit = self.audit.split_off(&(self.audited + 1).saturating_sub(kept_max));
                true
            }
            Write::PutGroup(group, expect) => {
                write(&mut self.groups, group.name.as_str().to_lowercase(), Some(group), &expect, |_| None)
            }
            Write::DeleteGroup(name, expect) => {
                let done = write(&mut self.groups, name.as_str().to_lowercase(), None, &expect, |_| None);
                let gone = scope_text(&RoleScope::Group(name));
                self.assignments.retain(|(scope, _), _| !done || *scope != gone);
                done
            }
            Write::PutHub(hub, expect) => write(&mut self.hubs, hub.key, Some(hub), &expect, |h| Some(&h.etag)),
            Write::DeleteHub(key, expect) => self.delete_hub(key, &expect),
            Write::ForgetDeletedHub(key) => {
                self.deleted_hubs.remove(&key);
                true
            }
            Write::PutDps(dps, expect) => {
                write(&mut self.dps, dps.id_scope.as_str().to_owned(), Some(dps), &expect, |d| Some(&d.etag))
            }
            Write::DeleteDps(scope, expect) => self.delete_dps(scope, &expect),
            Write::PutCertificate(of, ca, expect) => {
                write(&mut self.certificates, (owner(&of), ca.name.clone()), Some(ca), &expect, |c| Some(&c.etag))
            }
            Write::DeleteCertificate(of, name, expect) => {
                write(&mut self.certificates, (owner(&of), name), None, &expect, |c| Some(&c.etag))
            }
            Write::AddIssued(scope, issued, bounds) => self.add_issued(scope, issued, bounds),
            Write::PutDevice(hub, device, expect) => {
                write(&mut self.devices, on_hub(hub, &device.id), Some(device), &expect, |d| Some(&d.etag))
            }
            Write::DeleteDevice(hub, id, expect) => self.delete_device(hub, &id, &expect),
            Write::PutModule(hub, module, expect) => self.put_module(hub, module, &expect),
            Write::DeleteModule(hub, id, expect) => self.delete_module(hub, &id, &expect),
            Write::PutTwin(hub, id, twin, expect) => self.put_twin(hub, &id, twin, &expect),
            Write::AddTwinRevision { hub, id, revision, bounds } => {
                self.add_twin_revision((hub, id.to_string()), revision, bounds);
                true
            }
            Write::PutSubscriptions(hub, id, list) => self.put_subscriptions(hub, &id, list),
            Write::PutPresence(hub, id, presence) => self.put_presence(hub, &id, presence),
            Write::PutActivity(hub, heard) => self.put_activity(hub, heard),
            Write::EnqueueMessage { hub, device, message, depth_max } => self.enqueue(hub, &device, message, depth_max),
            Write::PutMessage(hub, device, message) => self.put_message(hub, &device, message),
            Write::DeleteMessage(hub, device, sequence) => self.delete_message(hub, &device, sequence),
            Write::AddFeedback(hub, feedback) => self.add_feedback(hub, feedback),
            Write::RememberUpload { hub, upload, until, now } => self.remember_upload(hub, upload, until, now),
            Write::AddFileNotification(hub, notification) => self.add_file_notification(hub, notification),
            Write::DeleteFileNotifications(hub, numbers) => self.delete_file_notifications(hub, &numbers),
            Write::DeleteFeedback(hub, numbers) => self.delete_feedback(hub, &numbers),
            Write::AddHappenings(happenings, bounds) => {
                self.add_happenings(happenings, &bounds);
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

    /// Those of a CA.
    pub(super) fn issued_by<'a>(
        &'a self,
        dps: &'a IdScope,
        ca: &'a CertificateName,
    ) -> impl Iterator<Item = (u64, &'a IssuedCertificate)> {
        let is_its = |issued: &IssuedCertificate| issued.ca.as_str().eq_ignore_ascii_case(ca.as_str());
        let all = self.issued.iter().filter(move |(_, (scope, issued))| scope == dps && is_its(issued));
        all.map(|(number, (_, issued))| (*number, issued))
    }

    fn add_issued(&mut self, scope: IdScope, issued: IssuedCertificate, bounds: IssuedBounds) -> bool {
        if !self.certificates.contains_key(&(owner(&CertificateOwner::Dps(scope.clone())), issued.ca.clone())) {
            return false;
        }
        self.issued.retain(|_, (of, old)| *of != scope || old.not_after >= bounds.forget_before);
        let is_full = |tables: &Self| tables.issued_by(&scope, &issued.ca).count() as u64 >= bounds.per_ca_max;
        if is_full(self) {
            let ended = self.issued_by(&scope, &issued.ca).filter(|(_, old)| old.not_after < bounds.now);
            for number in ended.map(|(number, _)| number).collect::<Vec<_>>() {
                self.issued.remove(&number);
            }
        }
        if is_full(self) {
            return false;
        }
        self.issuances += 1;
        self.issued.insert(self.issuances, (scope, issued));
        true
    }

    /// Of a hub or DPS instance, and of its back ends.
    fn forget_journals(&mut self, owner: &JournalOwner) {
        let services = owner.services();
        self.happenings.retain(|_, happening| happening.owner != *owner && Some(&happening.owner) != services.as_ref());
    }

    fn add_happenings(&mut self, happenings: Vec<Happening>, bounds: &JournalBounds) {
        for mut happening in happenings {
            let key = |of: &Happening| (of.owner.clone(), of.owner.key_of(&of.id), of.class());
            let alike =
                self.happenings.iter().rev().find(|(_, earlier)| is_alike(earlier, &happening, bounds.alike_ms));
            if let Some(number) = alike.map(|(number, _)| *number)
                && let Some(earlier) = self.happenings.remove(&number)
                && let (What::Refused(earlier), What::Refused(refusal)) = (earlier.what, &mut happening.what)
            {
                refusal.count += earlier.count;
                refusal.since = refusal.since.min(earlier.since);
            }
            let of = key(&happening);
            self.happened += 1;
            self.happenings.insert(self.happened, happening);
            let own: Vec<u64> =
                self.happenings.iter().filter(|(_, other)| key(other) == of).map(|(number, _)| *number).collect();
            for number in own.iter().rev().skip(bounds.per_id_max as usize) {
                self.happenings.remove(number);
            }
        }
        for (class, total_max) in HappeningClass::ALL.into_iter().zip(bounds.totals_max) {
            let own: Vec<u64> =
                self.happenings.iter().filter(|(_, of)| of.class() == class).map(|(number, _)| *number).collect();
            for number in own.iter().rev().skip(total_max as usize) {
                self.happenings.remove(number);
            }
        }
        self.happenings.retain(|_, happening| happening.at >= bounds.forget_before);
    }

    fn add_twin_revision(&mut self, of: (HubKey, String), revision: TwinRevision, bounds: RevisionBounds) {
        let hub = of.0;
        self.revised += 1;
        self.twin_revisions.insert(self.revised, (of.clone(), revision));
        let own = self.twin_revisions.iter().filter(|(_, (other, _))| *other == of).map(|(number, _)| *number);
        let own: Vec<u64> = own.collect();
        for number in own.iter().rev().skip(bounds.per_identity_max as usize) {
            self.twin_revisions.remove(number);
        }
        let sealer = Sealer::new(&SealKey::fresh(&roadstead_store::suite::samples::Pattern));
        let bytes = |revision: &TwinRevision| {
            revision.encode(Vault { sealer: &sealer, place: Place::Twin(hub, "") }).len() as u64
        };
        while self.twin_revisions.values().filter(|((of, _), _)| *of == hub).map(|(_, one)| bytes(one)).sum::<u64>()
            > bounds.hub_bytes_max
        {
            let oldest = self.twin_revisions.iter().find(|(_, ((of, _), _))| *of == hub).map(|(number, _)| *number);
            let Some(oldest) = oldest else { break };
            self.twin_revisions.remove(&oldest);
        }
    }

    /// With all that belongs to it.
    fn delete_hub(&mut self, key: HubKey, expect: &Expect) -> bool {
        let done = write(&mut self.hubs, key, None, expect, |h| Some(&h.etag));
        if done {
            self.devices.retain(|(hub, _), _| *hub != key);
            self.twins.retain(|(hub, _), _| *hub != key);
            self.twin_revisions.retain(|_, ((hub, _), _)| *hub != key);
            self.modules.retain(|(hub, _), _| *hub != key);
            self.subscriptions.retain(|(hub, _), _| *hub != key);
            self.presence.retain(|(hub, _), _| *hub != key);
            self.messages.retain(|(hub, _), _| *hub != key);
            self.feedback.retain(|_, (hub, _)| *hub != key);
            self.file_notifications.retain(|_, (hub, _)| *hub != key);
            self.ended_uploads.retain(|(hub, _), _| *hub != key);
            self.forget_journals(&JournalOwner::Hub(key));
            let gone = owner(&CertificateOwner::Hub(key));
            self.certificates.retain(|(owner, _), _| *owner != gone);
            self.assignments.retain(|(scope, _), _| *scope != gone);
            self.deleted_hubs.insert(key);
        }
        done
    }

    /// Likewise.
    fn delete_dps(&mut self, scope: IdScope, expect: &Expect) -> bool {
        let done = write(&mut self.dps, scope.as_str().to_owned(), None, expect, |d| Some(&d.etag));
        if done {
            self.enrollments.retain(|(of, _), _| of != scope.as_str());
            self.enrollment_groups.retain(|(of, _), _| of != scope.as_str());
            self.registrations.retain(|(of, _), _| of != scope.as_str());
            self.issued.retain(|_, (of, _)| *of != scope);
            self.forget_journals(&JournalOwner::Dps(scope.clone()));
            let gone = owner(&CertificateOwner::Dps(scope));
            self.certificates.retain(|(owner, _), _| *owner != gone);
            self.assignments.retain(|(scope, _), _| *scope != gone);
        }
        done
    }
}
