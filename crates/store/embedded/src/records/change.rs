//! A write as the writer carries it out: encoded and sealed beforehand, by the thread of whoever asked for it.

use roadstead_model::{
    CertificateOwner, DeviceId, DeviceStatus, Guid, Happening, HubKey, IdScope, IdentityId, Presence, PrincipalId,
    RoleScope, What,
};
use roadstead_store::{
    Expect, IssuedBounds, JournalBounds, Place, RevisionBounds, Sealer, Stored, Vault, Write, stored::happening,
};
use rusqlite::types::Value;

use super::{
    apply_happening::{Entry, Likeness},
    apply_issued::Issued,
    table::Table,
};

/// A record's key: what it belongs to, and its name there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// `Null` for what belongs to nothing.
    pub(super) scope: Value,
    pub(super) name: Value,
}

/// A write, ready for the database.
#[derive(Debug)]
pub(super) enum Change {
    Put(Put),
    Delete(Delete),
    /// Nothing is left of this deleted hub.
    ForgetHub(Value),
    Audit {
        body: String,
        kept_max: u64,
    },
    /// `None` ends the session. The table is that of devices or of modules.
    Subscriptions(Table, Key, Option<String>),
    Presence(Table, Key, Presence),
    /// When identities, by their texts, were heard of last.
    Activity {
        hub: Value,
        heard: Vec<(String, i64)>,
    },
    Enqueue {
        device: Key,
        expires: i64,
        body: String,
        depth_max: u32,
    },
    Message {
        device: Key,
        sequence: i64,
        expires: i64,
        body: String,
    },
    DeleteMessage {
        device: Key,
        sequence: i64,
    },
    Feedback {
        hub: Value,
        body: String,
    },
    DeleteFeedback {
        hub: Value,
        numbers: Vec<u64>,
    },
    RememberUpload {
        hub: Value,
        upload: String,
        until: i64,
        now: i64,
    },
    FileNotification {
        hub: Value,
        body: String,
    },
    DeleteFileNotifications {
        hub: Value,
        numbers: Vec<u64>,
    },
    Happenings(Vec<Entry>, JournalBounds),
    Issued(Issued, IssuedBounds),
    TwinRevision {
        of: Key,
        body: String,
        bounds: RevisionBounds,
    },
}

#[derive(Debug)]
pub(super) struct Put {
    pub(super) table: Table,
    pub(super) key: Key,
    /// What the table's extra column holds: whether a device is enabled, which group a registration came by, whose a role is.
    pub(super) extra: Value,
    /// What tells this version of the record from others: its etag, or a twin's version.
    pub(super) version: Option<String>,
    pub(super) body: String,
    pub(super) expect: Expect,
}

#[derive(Debug)]
pub(super) struct Delete {
    pub(super) table: Table,
    pub(super) key: Key,
    /// Whose certificates go too, and the roles for which; see [`scope_text`].
    pub(super) owner: Option<String>,
    pub(super) expect: Expect,
}

impl Key {
    pub(super) fn principal(id: PrincipalId) -> Self {
        Self { scope: Value::Null, name: id.to_string().into() }
    }

    pub(super) fn assignment(scope: &RoleScope, id: Guid) -> Self {
        Self { scope: scope_text(scope).into(), name: id.to_string().into() }
    }

    pub(super) fn group(key: &str) -> Self {
        Self { scope: Value::Null, name: key.to_owned().into() }
    }

    pub(super) fn hub(hub: HubKey) -> Self {
        Self { scope: Value::Null, name: integer(hub) }
    }

    pub(super) fn dps(scope: &IdScope) -> Self {
        Self { scope: Value::Null, name: text(scope.as_str()) }
    }

    pub(super) fn certificate(owner: &CertificateOwner, name: &str) -> Self {
        Self { scope: owner_text(owner).into(), name: text(name) }
    }

    pub(super) fn device(hub: HubKey, id: &DeviceId) -> Self {
        Self { scope: integer(hub), name: text(id.as_str()) }
    }

    pub(super) fn identity(hub: HubKey, id: &IdentityId) -> Self {
        Self { scope: integer(hub), name: id.to_string().into() }
    }

    /// Of an enrollment, an enrollment group or a registration: `id` in lower case.
    pub(super) fn in_dps(scope: &IdScope, id: &str) -> Self {
        Self { scope: text(scope.as_str()), name: text(id) }
    }
}

/// A hub's key as a database integer; keys made by [`HubKey::fresh`] stay positive.
pub(super) fn integer(hub: HubKey) -> Value {
    Value::Integer(hub.0.cast_signed())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// `hub/000000000000002a` or `dps/0ne00ABC123`.
pub(super) fn owner_text(owner: &CertificateOwner) -> String {
    match owner {
        CertificateOwner::Hub(hub) => Place::Hub(*hub).to_string(),
        CertificateOwner::Dps(scope) => Place::Dps(scope.as_str()).to_string(),
    }
}

/// `subscription`, `group/iot-rg`, and for the others as [`owner_text`].
pub(super) fn scope_text(scope: &RoleScope) -> String {
    match scope {
        RoleScope::Subscription => Place::Subscription.to_string(),
        RoleScope::Group(name) => Place::Group(&name.as_str().to_ascii_lowercase()).to_string(),
        RoleScope::Hub(hub) => Place::Hub(*hub).to_string(),
        RoleScope::Dps(scope) => Place::Dps(scope.as_str()).to_string(),
    }
}

impl Change {
    /// Encodes a write and seals its secrets.
    pub(super) fn new(write: Write, sealer: &Sealer) -> Self {
        match write {
            Write::PutPrincipal(principal, expect) => {
                let body = principal.encode(Vault { sealer, place: Place::Principal(principal.id) });
                put(Table::Principals, Key::principal(principal.id), Some(principal.etag.to_string()), body, expect)
            }
            Write::DeletePrincipal(id, expect) => delete(Table::Principals, Key::principal(id), expect),
            Write::PutAssignment(assignment, expect) => {
                let key = Key::assignment(&assignment.scope, assignment.id);
                let body = assignment.encode(Vault { sealer, place: Place::Assignment(assignment.id) });
                put_with(Table::Assignments, key, assignment.principal.to_string().into(), None, body, expect)
            }
            Write::DeleteAssignment(scope, id, expect) => {
                delete(Table::Assignments, Key::assignment(&scope, id), expect)
            }
            Write::AddAudit { entry, kept_max } => {
                Self::Audit { body: entry.encode(Vault { sealer, place: Place::Audit }), kept_max }
            }
            Write::PutGroup(group, expect) => {
                let key = group.name.as_str().to_ascii_lowercase();
                let body = group.encode(Vault { sealer, place: Place::Group(&key) });
                put(Table::ResourceGroups, Key::group(&key), None, body, expect)
            }
            Write::DeleteGroup(name, expect) => {
                let key = Key::group(&name.as_str().to_ascii_lowercase());
                let owner = Some(scope_text(&RoleScope::Group(name)));
                Self::Delete(Delete { table: Table::ResourceGroups, key, owner, expect })
            }
            Write::PutHub(hub, expect) => {
                let body = hub.encode(Vault { sealer, place: Place::Hub(hub.key) });
                put(Table::Hubs, Key::hub(hub.key), Some(hub.etag.to_string()), body, expect)
            }
            Write::DeleteHub(hub, expect) => {
                let owner = Some(owner_text(&CertificateOwner::Hub(hub)));
                Self::Delete(Delete { table: Table::Hubs, key: Key::hub(hub), owner, expect })
            }
            Write::ForgetDeletedHub(hub) => Self::ForgetHub(integer(hub)),
            Write::PutDps(dps, expect) => {
                let body = dps.encode(Vault { sealer, place: Place::Dps(dps.id_scope.as_str()) });
                put(Table::Dps, Key::dps(&dps.id_scope), Some(dps.etag.to_string()), body, expect)
            }
            Write::DeleteDps(scope, expect) => {
                let key = Key::dps(&scope);
                let owner = Some(owner_text(&CertificateOwner::Dps(scope)));
                Self::Delete(Delete { table: Table::Dps, key, owner, expect })
            }
            Write::PutCertificate(owner, certificate, expect) => {
                let name = certificate.name.as_str();
                let body = certificate.encode(Vault { sealer, place: Place::Certificate(&owner, name) });
                put(
                    Table::Certificates,
                    Key::certificate(&owner, name),
                    Some(certificate.etag.to_string()),
                    body,
                    expect,
                )
            }
            Write::DeleteCertificate(owner, name, expect) => {
                delete(Table::Certificates, Key::certificate(&owner, name.as_str()), expect)
            }
            Write::AddIssued(scope, certificate, bounds) => {
                let issued = Issued {
                    owner: owner_text(&CertificateOwner::Dps(scope.clone())),
                    certificate: certificate.ca.as_str().to_owned(),
                    ca: certificate.ca.as_str().to_ascii_lowercase(),
                    name: certificate.common_name.key(),
                    ends: certificate.not_after.0,
                    body: certificate.encode(Vault { sealer, place: Place::Issued(scope.as_str()) }),
                    scope: scope.as_str().to_owned(),
                };
                Self::Issued(issued, bounds)
            }
            Write::PutDevice(hub, device, expect) => {
                let body = device.encode(Vault { sealer, place: Place::Device(hub, device.id.as_str()) });
                let key = Key::device(hub, &device.id);
                let extra = Value::from(device.status == DeviceStatus::Enabled);
                put_with(Table::Devices, key, extra, Some(device.etag.to_string()), body, expect)
            }
            Write::DeleteDevice(hub, id, expect) => delete(Table::Devices, Key::device(hub, &id), expect),
            Write::PutModule(hub, module, expect) => {
                let key = Key::identity(hub, &module.identity());
                let body = module.encode(Vault { sealer, place: Place::Module(hub, &module.identity().to_string()) });
                put(Table::Modules, key, Some(module.etag.to_string()), body, expect)
            }
            Write::DeleteModule(hub, id, expect) => delete(Table::Modules, Key::identity(hub, &id), expect),
            Write::PutTwin(hub, id, twin, expect) => {
                let body = twin.encode(Vault { sealer, place: Place::Twin(hub, &id.to_string()) });
                put(Table::Twins, Key::identity(hub, &id), Some(twin.version.to_string()), body, expect)
            }
            Write::AddTwinRevision { hub, id, revision, bounds } => {
                let body = revision.encode(Vault { sealer, place: Place::Twin(hub, &id.to_string()) });
                Self::TwinRevision { of: Key::identity(hub, &id), body, bounds }
            }
            Write::PutSubscriptions(hub, id, subscriptions) => {
                let vault = Vault { sealer, place: Place::Subscriptions(hub, &id.to_string()) };
                let body = (!subscriptions.is_empty()).then(|| subscriptions.encode(vault));
                Self::Subscriptions(table_of(&id), Key::identity(hub, &id), body)
            }
            Write::PutPresence(hub, id, presence) => Self::Presence(table_of(&id), Key::identity(hub, &id), presence),
            Write::PutActivity(hub, heard) => Self::Activity {
                hub: integer(hub),
                heard: heard.into_iter().map(|(id, at)| (id.to_string(), at.0)).collect(),
            },
            Write::EnqueueMessage { hub, device, message, depth_max } => Self::Enqueue {
                expires: message.expires.0,
                body: message.encode(Vault { sealer, place: Place::Message(hub, device.as_str()) }),
                device: Key::device(hub, &device),
                depth_max,
            },
            Write::PutMessage(hub, device, message) => Self::Message {
                sequence: message.sequence.cast_signed(),
                expires: message.expires.0,
                body: message.encode(Vault { sealer, place: Place::Message(hub, device.as_str()) }),
                device: Key::device(hub, &device),
            },
            Write::DeleteMessage(hub, device, sequence) => {
                Self::DeleteMessage { device: Key::device(hub, &device), sequence: sequence.cast_signed() }
            }
            Write::AddFeedback(hub, feedback) => Self::Feedback {
                hub: integer(hub),
                body: feedback.encode(Vault { sealer, place: Place::Feedback(hub) }),
            },
            Write::DeleteFeedback(hub, numbers) => Self::DeleteFeedback { hub: integer(hub), numbers },
            Write::RememberUpload { hub, upload, until, now } => {
                Self::RememberUpload { hub: integer(hub), upload, until: until.0, now: now.0 }
            }
            Write::AddFileNotification(hub, notification) => Self::FileNotification {
                hub: integer(hub),
                body: notification.encode(Vault { sealer, place: Place::FileNotification(hub) }),
            },
            Write::DeleteFileNotifications(hub, numbers) => {
                Self::DeleteFileNotifications { hub: integer(hub), numbers }
            }
            Write::AddHappenings(happenings, bounds) => {
                Self::Happenings(happenings.iter().map(entry).collect(), bounds)
            }
            Write::PutEnrollment(scope, enrollment, expect) => {
                let id = enrollment.registration_id.key();
                let body = enrollment.encode(Vault { sealer, place: Place::Enrollment(scope.as_str(), &id) });
                put(Table::Enrollments, Key::in_dps(&scope, &id), Some(enrollment.etag.to_string()), body, expect)
            }
            Write::DeleteEnrollment(scope, id, expect) => {
                delete(Table::Enrollments, Key::in_dps(&scope, &id.key()), expect)
            }
            Write::PutEnrollmentGroup(scope, group, expect) => {
                let id = group.id.key();
                let body = group.encode(Vault { sealer, place: Place::EnrollmentGroup(scope.as_str(), &id) });
                put(Table::EnrollmentGroups, Key::in_dps(&scope, &id), Some(group.etag.to_string()), body, expect)
            }
            Write::DeleteEnrollmentGroup(scope, id, expect) => {
                delete(Table::EnrollmentGroups, Key::in_dps(&scope, &id.key()), expect)
            }
            Write::PutRegistration(scope, registration, expect) => {
                let id = registration.registration_id.key();
                let body = registration.encode(Vault { sealer, place: Place::Registration(scope.as_str(), &id) });
                let group = registration.group.map_or(Value::Null, |group| group.key().into());
                let key = Key::in_dps(&scope, &id);
                put_with(Table::Registrations, key, group, Some(registration.etag.to_string()), body, expect)
            }
            Write::DeleteRegistration(scope, id, expect) => {
                delete(Table::Registrations, Key::in_dps(&scope, &id.key()), expect)
            }
        }
    }
}

fn entry(happening: &Happening) -> Entry {
    let (since, count, likeness) = match &happening.what {
        What::Refused(refusal) => {
            let likeness = Likeness {
                cause: refusal.cause.as_str(),
                protocol: refusal.origin.protocol.as_str(),
                address: refusal.origin.address.map(|address| address.to_string()),
            };
            (refusal.since, i64::try_from(refusal.count).unwrap_or(i64::MAX), Some(likeness))
        }
        _ => (happening.at, 1, None),
    };
    Entry {
        owner: happening.owner.to_string(),
        id: happening.owner.key_of(&happening.id),
        class: happening.class(),
        at: happening.at.0,
        since: since.0,
        count,
        likeness,
        body: happening::encode(happening),
    }
}

fn table_of(id: &IdentityId) -> Table {
    match id.module {
        Some(_) => Table::Modules,
        None => Table::Devices,
    }
}

fn put(table: Table, key: Key, version: Option<String>, body: String, expect: Expect) -> Change {
    put_with(table, key, Value::Null, version, body, expect)
}

fn put_with(table: Table, key: Key, extra: Value, version: Option<String>, body: String, expect: Expect) -> Change {
    Change::Put(Put { table, key, extra, version, body, expect })
}

fn delete(table: Table, key: Key, expect: Expect) -> Change {
    Change::Delete(Delete { table, key, owner: None, expect })
}
