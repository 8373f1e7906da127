//! Records in SQLite: one writer thread that commits in groups, readers beside it.

mod apply;
mod apply_happening;
mod apply_issued;
mod apply_message;
mod apply_revision;
mod change;
mod connection;
mod failure;
mod limits;
mod query;
mod read;
mod readers;
mod table;
mod writer;

use std::{
    cmp::Reverse,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use async_trait::async_trait;
use roadstead_model::{
    Assignment, AuditEntry, CaCertificate, CertificateName, CertificateOwner, CloudMessage, Device, DeviceId, Dps,
    Enrollment, EnrollmentGroup, EnrollmentGroupId, Feedback, FileNotification, Happening, HappeningClass, Hub, HubKey,
    IdScope, IdentityId, IssuedCertificate, JournalOwner, Module, Principal, PrincipalId, Registration, RegistrationId,
    ResourceGroup, Twin, TwinRevision, UnixMillis,
};
use roadstead_query::Query;
use roadstead_store::{
    DeviceCounts, EnrollmentCounts, IdentityRecord, IssuedPosition, Page, Place, QueryRow, Records, RefusalFilter,
    SealKey, Sealer, SessionRecord, StoreError, Stored, Vault, Write,
    limits::{LAST_REFUSALS_MAX, MODULES_MAX},
};
use rusqlite::{Row, params, params_from_iter, types::Value};
use tokio::{sync::Semaphore, task::spawn_blocking};

use self::{
    change::{Change, Key, integer, owner_text},
    read::{bounded, page, text},
    readers::{ReadError, Readers},
    table::Table,
    writer::Writer,
};
use crate::{directory::DataDirectory, error::OpenError};

/// The database's name in the data directory.
pub(crate) const FILE: &str = "records.db";

/// The records of one installation, in `records.db` of a data directory.
///
/// A point read runs on the caller's thread: it takes some ten microseconds out of a cache, less than handing it to another
/// thread would. A listing may be long and runs on a blocking thread. A commit is encoded on the caller's thread and
/// written by the one writer, which commits all that wait together.
///
/// Dropped, it finishes the commits that wait and closes the database.
pub struct EmbeddedRecords {
    writer: Writer,
    shared: Arc<Shared>,
    listings: Arc<Semaphore>,
}

/// What a listing on another thread needs. Keeps the directory locked for as long as anything reads.
struct Shared {
    readers: Readers,
    sealer: Sealer,
    /// Names this run of the program among all others, by chance: what another run saw connected is not connected now.
    run: i64,
    _directory: Arc<DataDirectory>,
}

impl EmbeddedRecords {
    /// Opens the records in `directory`, making an empty database when there is none. Reads no records, so it takes the same
    /// few milliseconds however many there are; after a crash, it first takes in up to 8 MiB of write-ahead log.
    /// Errors: `KeyWrong` when the database was made with another key; `Newer`; `Io`; `Database`.
    pub fn open(directory: Arc<DataDirectory>, key: &SealKey) -> Result<Self, OpenError> {
        let path = directory.path().join(FILE);
        let connection = connection::open_database(&path, key)?;
        let run = RandomState::new().hash_one(()).cast_signed();
        let writer = Writer::start(connection, path.clone(), run)
            .map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let shared = Shared { readers: Readers::new(path), sealer: Sealer::new(key), run, _directory: directory };
        let listings = Arc::new(Semaphore::new(limits::LISTINGS_AT_ONCE));
        Ok(Self { writer, shared: Arc::new(shared), listings })
    }

    fn find<T: Stored>(&self, table: Table, key: &Key, place: Place<'_>) -> Result<Option<T>, StoreError> {
        let vault = Vault { sealer: &self.shared.sealer, place };
        self.shared.readers.read(|connection| read::find(connection, table, key, vault))
    }

    /// Reads on a blocking thread, few at a time.
    async fn on_blocking_thread<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Unavailable("reading has stopped".to_owned());
        let permit = self.listings.clone().acquire_owned().await.map_err(|_| stopped())?;
        let shared = self.shared.clone();
        spawn_blocking(move || {
            let result = read(&shared);
            drop(permit);
            result
        })
        .await
        .map_err(|_| stopped())?
    }

    /// All rows of a listing that is known to be short.
    async fn list_all<T: Send + 'static>(
        &self,
        sql: &'static str,
        item: impl Fn(&Row<'_>, &Sealer) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| read::list(connection, sql, [], |row| item(row, sealer)))
        })
        .await
    }

    /// A page of the listing `within` a scope; `item` makes a record of a row and its key.
    async fn list_page<T: Send + 'static>(
        &self,
        sql: &'static str,
        within: Vec<Value>,
        after: Option<String>,
        limit: usize,
        item: impl Fn(&Row<'_>, &str, &Sealer) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Page<T>, StoreError> {
        let limit = bounded(limit);
        let rows_max = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let mut parameters = within;
        parameters.extend([after.unwrap_or_default().into(), rows_max.into()]);
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            let rows = readers.read(|connection| {
                read::list(connection, sql, params_from_iter(parameters), |row| {
                    let key = text(row, 0)?;
                    Ok((key.to_owned(), item(row, key, sealer)?))
                })
            })?;
            Ok(page(rows, limit))
        })
        .await
    }
}

impl EmbeddedRecords {
    /// A page of issued certificates, after the parameters `within`.
    async fn list_of_issued(
        &self,
        sql: &'static str,
        dps: &IdScope,
        mut within: Vec<Value>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        let (dps, limit) = (dps.clone(), bounded(limit));
        within.push(i64::try_from(limit + 1).unwrap_or(i64::MAX).into());
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            let rows = readers.read(|connection| {
                read::list(connection, sql, params_from_iter(within), |row| read::issued(row, &dps, sealer))
            })?;
            Ok(page(rows, limit))
        })
        .await
    }
}

impl Drop for EmbeddedRecords {
    fn drop(&mut self) {
        // Before the writer's connection, which closes last and so tidies up the write-ahead log.
        self.shared.readers.close();
    }
}

#[async_trait]
impl Records for EmbeddedRecords {
    async fn commit(&self, batch: Vec<Write>) -> Result<(), StoreError> {
        let sealer = &self.shared.sealer;
        self.writer.commit(batch.into_iter().map(|write| Change::new(write, sealer)).collect()).await
    }

    async fn list_principals(&self) -> Result<Vec<Principal>, StoreError> {
        self.list_all(read::PRINCIPALS, |row, sealer| {
            let id = PrincipalId(read::guid(row, 0)?);
            Ok(Principal::decode(text(row, 1)?, Vault { sealer, place: Place::Principal(id) })?)
        })
        .await
    }

    async fn list_assignments(&self) -> Result<Vec<Assignment>, StoreError> {
        self.list_all(read::ASSIGNMENTS, |row, sealer| {
            let place = Place::Assignment(read::guid(row, 0)?);
            Ok(Assignment::decode(text(row, 1)?, Vault { sealer, place })?)
        })
        .await
    }

    async fn list_audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                read::list(connection, read::AUDIT, params![before, bounded(limit).cast_signed() as i64], |row| {
                    let entry = AuditEntry::decode(text(row, 1)?, Vault { sealer, place: Place::Audit })?;
                    Ok((row.get::<_, i64>(0)?.cast_unsigned(), entry))
                })
            })
        })
        .await
    }

    async fn list_groups(&self) -> Result<Vec<ResourceGroup>, StoreError> {
        self.list_all(read::GROUPS, |row, sealer| {
            Ok(ResourceGroup::decode(text(row, 1)?, Vault { sealer, place: Place::Group(text(row, 0)?) })?)
        })
        .await
    }

    async fn list_hubs(&self) -> Result<Vec<Hub>, StoreError> {
        self.list_all(read::HUBS, |row, sealer| {
            let hub = HubKey(row.get::<_, i64>(0)?.cast_unsigned());
            Ok(Hub::decode(text(row, 1)?, Vault { sealer, place: Place::Hub(hub) })?)
        })
        .await
    }

    async fn list_deleted_hubs(&self) -> Result<Vec<HubKey>, StoreError> {
        self.list_all(read::DELETED_HUBS, |row, _| Ok(HubKey(row.get::<_, i64>(0)?.cast_unsigned()))).await
    }

    async fn list_dps(&self) -> Result<Vec<Dps>, StoreError> {
        self.list_all(read::DPS, |row, sealer| {
            Ok(Dps::decode(text(row, 1)?, Vault { sealer, place: Place::Dps(text(row, 0)?) })?)
        })
        .await
    }

    async fn list_certificates(&self, owner: &CertificateOwner) -> Result<Vec<CaCertificate>, StoreError> {
        let Shared { readers, sealer, .. } = &*self.shared;
        // At most 25 and without secrets: as short as a point read.
        readers.read(|connection| {
            read::list(connection, read::CERTIFICATES, [owner_text(owner)], |row| {
                let place = Place::Certificate(owner, text(row, 0)?);
                Ok(CaCertificate::decode(text(row, 1)?, Vault { sealer, place })?)
            })
        })
    }

    async fn list_issued(
        &self,
        dps: &IdScope,
        ca: &CertificateName,
        prefix: &str,
        after: Option<&IssuedPosition<String>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        let prefix = prefix.to_ascii_lowercase();
        let (from, number) = read::behind(after, prefix.clone());
        let ca = ca.as_str().to_ascii_lowercase();
        // No common name has the character behind `~`.
        let within =
            vec![dps.as_str().to_owned().into(), ca.into(), from.into(), number.into(), (prefix + "\x7f").into()];
        self.list_of_issued(read::ISSUED, dps, within, limit).await
    }

    async fn list_issued_by_end(
        &self,
        dps: &IdScope,
        from: UnixMillis,
        after: Option<&IssuedPosition<i64>>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, StoreError> {
        let (ends, number) = read::behind(after, from.0);
        let within = vec![dps.as_str().to_owned().into(), ends.into(), number.into()];
        self.list_of_issued(read::ISSUED_BY_END, dps, within, limit).await
    }

    async fn count_issued(&self, dps: &IdScope, ca: &CertificateName) -> Result<u64, StoreError> {
        let ca = ca.as_str().to_ascii_lowercase();
        self.shared.readers.read(|connection| Ok(apply_issued::count(connection, dps.as_str(), &ca)?))
    }

    async fn find_device(&self, hub: HubKey, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        self.find(Table::Devices, &Key::device(hub, id), Place::Device(hub, id.as_str()))
    }

    async fn find_session(&self, hub: HubKey, id: &IdentityId) -> Result<Option<SessionRecord>, StoreError> {
        let Shared { readers, sealer, .. } = &*self.shared;
        readers.read(|connection| read::find_session(connection, sealer, hub, id))
    }

    async fn list_devices(&self, hub: HubKey, after: Option<&str>, limit: usize) -> Result<Page<Device>, StoreError> {
        let after = after.map(str::to_owned);
        self.list_page(read::DEVICES, vec![integer(hub)], after, limit, move |row, key, sealer| {
            Ok(Device::decode(text(row, 1)?, Vault { sealer, place: Place::Device(hub, key) })?)
        })
        .await
    }

    async fn count_devices(&self, hub: HubKey) -> Result<DeviceCounts, StoreError> {
        self.shared.readers.read(|connection| read::count_devices(connection, hub))
    }

    async fn find_module(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Module>, StoreError> {
        self.find(Table::Modules, &Key::identity(hub, id), Place::Module(hub, &id.to_string()))
    }

    async fn list_modules(&self, hub: HubKey, device: &DeviceId) -> Result<Vec<Module>, StoreError> {
        let Shared { readers, sealer, .. } = &*self.shared;
        // As few as a point read may bring.
        readers.read(|connection| {
            let within = params![integer(hub), device.as_str(), MODULES_MAX.cast_signed() as i64];
            read::list(connection, read::MODULES, within, |row| {
                Ok(Module::decode(text(row, 1)?, Vault { sealer, place: Place::Module(hub, text(row, 0)?) })?)
            })
        })
    }

    async fn find_twin(&self, hub: HubKey, id: &IdentityId) -> Result<Option<Twin>, StoreError> {
        self.find(Table::Twins, &Key::identity(hub, id), Place::Twin(hub, &id.to_string()))
    }

    async fn find_identity(&self, hub: HubKey, id: &IdentityId) -> Result<Option<IdentityRecord>, StoreError> {
        let Shared { readers, sealer, run, .. } = &*self.shared;
        readers.read(|connection| read::find_identity(connection, sealer, *run, hub, id))
    }

    async fn list_twin_revisions(
        &self,
        hub: HubKey,
        id: &IdentityId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, TwinRevision)>, StoreError> {
        let (Key { scope, name }, id) = (Key::identity(hub, id), id.to_string());
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                let within = params![scope, name, before, bounded(limit).cast_signed() as i64];
                read::list(connection, read::TWIN_REVISIONS, within, |row| {
                    let vault = Vault { sealer, place: Place::Twin(hub, &id) };
                    Ok((row.get::<_, i64>(0)?.cast_unsigned(), TwinRevision::decode(text(row, 1)?, vault)?))
                })
            })
        })
        .await
    }

    async fn list_identities(
        &self,
        hub: HubKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IdentityRecord>, StoreError> {
        let after = after.map(str::to_owned);
        let within = vec![integer(hub), self.shared.run.into()];
        self.list_page(read::IDENTITIES, within, after, limit, move |row, _, sealer| read::identity(row, sealer, hub))
            .await
    }

    async fn query(
        &self,
        hub: HubKey,
        query: &Query,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<QueryRow>, StoreError> {
        let (query, after) = (query.clone(), after.unwrap_or_default().to_owned());
        self.on_blocking_thread(move |Shared { readers, sealer, run, .. }| {
            readers.read(|connection| {
                query::run(&query::Ground { connection, sealer, run: *run, hub }, &query, &after, limit)
            })
        })
        .await
    }

    async fn list_messages(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<CloudMessage>, StoreError> {
        let Shared { readers, sealer, .. } = &*self.shared;
        readers.read(|connection| {
            let within =
                params![integer(hub), device.as_str(), after.cast_signed(), bounded(limit).cast_signed() as i64];
            read::list(connection, read::MESSAGES, within, |row| read::message(row, sealer, hub, device.as_str()))
        })
    }

    async fn list_expired_messages(
        &self,
        hub: HubKey,
        now: UnixMillis,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(DeviceId, CloudMessage)>, StoreError> {
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                let within =
                    params![integer(hub), now.0, bounded(limit).cast_signed() as i64, skip.cast_signed() as i64];
                read::list(connection, read::EXPIRED_MESSAGES, within, |row| {
                    let device = DeviceId::parse(text(row, 3)?)
                        .map_err(|error| StoreError::Unreadable(format!("a queue's device: {error}")))?;
                    let message = read::message(row, sealer, hub, device.as_str())?;
                    Ok((device, message))
                })
            })
        })
        .await
    }

    async fn list_feedback(&self, hub: HubKey, limit: usize) -> Result<Vec<(u64, Feedback)>, StoreError> {
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                read::list(
                    connection,
                    read::FEEDBACK,
                    params![integer(hub), bounded(limit).cast_signed() as i64],
                    |row| {
                        let feedback = Feedback::decode(text(row, 1)?, Vault { sealer, place: Place::Feedback(hub) })?;
                        Ok((row.get::<_, i64>(0)?.cast_unsigned(), feedback))
                    },
                )
            })
        })
        .await
    }

    async fn count_enrollments(&self, dps: &IdScope) -> Result<EnrollmentCounts, StoreError> {
        let dps = dps.clone();
        self.on_blocking_thread(move |Shared { readers, .. }| {
            readers.read(|connection| read::count_enrollments(connection, &dps))
        })
        .await
    }

    async fn count_feedback(&self, hub: HubKey) -> Result<u64, StoreError> {
        self.on_blocking_thread(move |Shared { readers, .. }| {
            readers.read(|connection| read::count_feedback(connection, hub))
        })
        .await
    }

    async fn list_file_notifications(
        &self,
        hub: HubKey,
        limit: usize,
    ) -> Result<Vec<(u64, FileNotification)>, StoreError> {
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                read::list(
                    connection,
                    read::FILE_NOTIFICATIONS,
                    params![integer(hub), bounded(limit).cast_signed() as i64],
                    |row| {
                        let notification = FileNotification::decode(
                            text(row, 1)?,
                            Vault { sealer, place: Place::FileNotification(hub) },
                        )?;
                        Ok((row.get::<_, i64>(0)?.cast_unsigned(), notification))
                    },
                )
            })
        })
        .await
    }

    async fn list_happenings(
        &self,
        owner: &JournalOwner,
        id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let (owners, id, limit) = ([owner.clone()], owner.key_of(id), bounded(limit));
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                let owner = owners[0].to_string();
                let mut found = Vec::new();
                for class in HappeningClass::ALL {
                    let within = params![owner, id, class as u8, before, limit.cast_signed() as i64];
                    let of_class =
                        read::list(connection, read::HAPPENINGS, within, |row| read::happening(row, &owners, sealer))?;
                    found.extend(of_class);
                }
                found.sort_by_key(|(number, _)| Reverse(*number));
                found.truncate(limit);
                Ok(found)
            })
        })
        .await
    }

    async fn list_refusals(
        &self,
        owners: &[JournalOwner],
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let owners = owners.to_vec();
        let (sql, within) = read::refusals(&owners, filter, before, bounded(limit));
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                read::list(connection, &sql, params_from_iter(&within), |row| read::happening(row, &owners, sealer))
            })
        })
        .await
    }

    async fn list_last_refusals(
        &self,
        owners: &[JournalOwner],
        ids: &[String],
    ) -> Result<Vec<(u64, Happening)>, StoreError> {
        let owners = owners.to_vec();
        let ids: Vec<String> = ids.iter().take(LAST_REFUSALS_MAX).cloned().collect();
        self.on_blocking_thread(move |Shared { readers, sealer, .. }| {
            readers.read(|connection| {
                let mut found = Vec::with_capacity(ids.len());
                for id in &ids {
                    let mut last: Option<(u64, Happening)> = None;
                    for owner in &owners {
                        let refusal = owner.class_of_refusals() as u8;
                        let within = params![owner.to_string(), owner.key_of(id), refusal, i64::MAX, 1];
                        let one = read::list(connection, read::HAPPENINGS, within, |row| {
                            read::happening(row, &owners, sealer)
                        })?;
                        last = last.into_iter().chain(one).max_by_key(|(number, _)| *number);
                    }
                    found.extend(last);
                }
                Ok(found)
            })
        })
        .await
    }

    async fn find_enrollment(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Enrollment>, StoreError> {
        let id = id.key();
        self.find(Table::Enrollments, &Key::in_dps(dps, &id), Place::Enrollment(dps.as_str(), &id))
    }

    async fn list_enrollments(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Enrollment>, StoreError> {
        let (dps, after) = (dps.clone(), after.map(str::to_ascii_lowercase));
        let within = vec![Value::Text(dps.as_str().to_owned())];
        self.list_page(read::ENROLLMENTS, within, after, limit, move |row, key, sealer| {
            let place = Place::Enrollment(dps.as_str(), key);
            Ok(Enrollment::decode(text(row, 1)?, Vault { sealer, place })?)
        })
        .await
    }

    async fn find_enrollment_group(
        &self,
        dps: &IdScope,
        id: &EnrollmentGroupId,
    ) -> Result<Option<EnrollmentGroup>, StoreError> {
        let id = id.key();
        self.find(Table::EnrollmentGroups, &Key::in_dps(dps, &id), Place::EnrollmentGroup(dps.as_str(), &id))
    }

    async fn list_enrollment_groups(
        &self,
        dps: &IdScope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EnrollmentGroup>, StoreError> {
        let (dps, after) = (dps.clone(), after.map(str::to_ascii_lowercase));
        let within = vec![Value::Text(dps.as_str().to_owned())];
        self.list_page(read::ENROLLMENT_GROUPS, within, after, limit, move |row, key, sealer| {
            let place = Place::EnrollmentGroup(dps.as_str(), key);
            Ok(EnrollmentGroup::decode(text(row, 1)?, Vault { sealer, place })?)
        })
        .await
    }

    async fn find_registration(&self, dps: &IdScope, id: &RegistrationId) -> Result<Option<Registration>, StoreError> {
        let id = id.key();
        self.find(Table::Registrations, &Key::in_dps(dps, &id), Place::Registration(dps.as_str(), &id))
    }

    async fn list_registrations(
        &self,
        dps: &IdScope,
        group: &EnrollmentGroupId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, StoreError> {
        let (dps, after) = (dps.clone(), after.map(str::to_ascii_lowercase));
        let within = vec![Value::Text(dps.as_str().to_owned()), Value::Text(group.key())];
        self.list_page(read::REGISTRATIONS, within, after, limit, move |row, key, sealer| {
            let place = Place::Registration(dps.as_str(), key);
            Ok(Registration::decode(text(row, 1)?, Vault { sealer, place })?)
        })
        .await
    }
}
