//! Twins as back ends and devices read and write them.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use roadstead_model::{
    Actor, GenerationId, IdentityId, Origin, RefusalCause, Twin, TwinRevision, TwinSection, UnixMillis, What,
};
use roadstead_store::{Expect, IdentityRecord, StoreError, Write};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};
use tracing::error;

use crate::{
    error::HubError,
    hub::Hub,
    hub_events::{News, SectionUpdate, TwinUpdate},
    limits,
    mailbox::Mailbox,
    registry::IfMatch,
    session::Session,
    throttle::Operation,
    twin::{self, TwinChange, TwinWrite},
};

/// A twin as its device sees it: without tags.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceTwin {
    pub desired: TwinSection,
    pub reported: TwinSection,
}

/// Writes to one twin take turns, so that what is told of them comes in the order of their versions. A device's twin and
/// those of its modules share their turn: who removes the device removes them all.
pub(crate) struct TwinTurns {
    hasher: RandomState,
    locks: Box<[Mutex<()>]>,
}

impl TwinTurns {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), locks: (0..limits::TWIN_LOCKS).map(|_| Mutex::default()).collect() }
    }

    /// Waits for the turn to write the twin of `identity`, an [`IdentityId`]'s text. First come, first served.
    pub(crate) async fn take(&self, identity: &str) -> MutexGuard<'_, ()> {
        let device = identity.split_once('/').map_or(identity, |(device, _)| device);
        self.locks[self.hasher.hash_one(device) as usize % limits::TWIN_LOCKS].lock().await
    }
}

impl fmt::Debug for TwinTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwinTurns").finish_non_exhaustive()
    }
}

impl Hub {
    /// A twin, for a back end. Errors: as [`Hub::find_identity`], and `Throttled`, `QuotaExceeded`.
    pub async fn read_twin(&self, id: &IdentityId) -> Result<IdentityRecord, HubError> {
        self.throttle(Operation::TwinRead)?;
        self.check_quota()?;
        let found = self.find_identity(id).await?;
        self.charge(|| twin::whole_size(&found.twin));
        Ok(found)
    }

    /// Changes tags and desired properties of a device's or module's twin, durably, and tells the device if it listens.
    /// Runs to its end even if the caller goes away: a change that is durable is also told.
    ///
    /// Errors: `DeviceNotFound`, `EtagMismatch` (the twin's etag, not the identity's), `TwinInvalid`, `TwinTooLarge`, `Throttled`,
    /// `QuotaExceeded`, `Busy` after lost races, `Full`, `Internal`.
    pub async fn update_twin(
        self: &Arc<Self>,
        id: &IdentityId,
        change: TwinChange,
        write: TwinWrite,
        condition: IfMatch,
    ) -> Result<IdentityRecord, HubError> {
        self.throttle(Operation::TwinUpdate)?;
        self.check_quota()?;
        let (hub, id) = (self.clone(), id.clone());
        let task = tokio::spawn(async move { hub.write_twin(&id, change, write, &condition).await });
        task.await.unwrap_or_else(|cause| {
            error!(%cause, "a change of a twin was cut short");
            Err(HubError::Internal(StoreError::Unavailable("the change was cut short".to_owned())))
        })
    }

    async fn write_twin(
        &self,
        id: &IdentityId,
        change: TwinChange,
        write: TwinWrite,
        condition: &IfMatch,
    ) -> Result<IdentityRecord, HubError> {
        let key = id.to_string();
        let turn = self.twin_turns().take(&key).await;
        for _ in 0..limits::TWIN_TRIES {
            let mut record = self.find_identity(id).await?;
            if matches!(condition, IfMatch::Etag(etag) if *etag != record.twin.etag) {
                return Err(HubError::EtagMismatch { id: id.clone() });
            }
            let Some(sections) = change.sections(&record.twin, write) else { return Ok(record) };
            let (now, known) = (self.now(), record.twin.version);
            record.twin = twin::change(record.twin, sections.clone(), write, now)?;
            self.check_log(|events| events.twin_changes)?;
            let revision = sections.revision(&record.twin, write, change.by.clone(), now);
            let kept = revision.map(|revision| self.keep(id, revision));
            if !self.put_twin(id, &record.twin, known, kept).await? {
                continue;
            }
            self.charge(|| {
                [&sections.tags, &sections.desired, &sections.reported].into_iter().flatten().map(twin::size).sum()
            });
            self.notify_desired(&key, sections.desired.as_ref(), write, &record.twin);
            let generation = record.module.as_ref().map_or(record.device.generation, |module| module.generation);
            let news = match write {
                TwinWrite::Patch => News::TwinUpdated(TwinUpdate {
                    version: record.twin.version,
                    at: &now.iso(),
                    tags: sections.tags.as_ref(),
                    desired: section_update(sections.desired.as_ref(), record.twin.desired.version),
                    reported: None,
                }),
                TwinWrite::Replace => News::TwinReplaced(&record.twin),
            };
            self.note(&key, What::TwinUpdated { version: record.twin.version });
            let told = self.tell(id, generation, news);
            drop(turn);
            self.told(told).await;
            return Ok(record);
        }
        Err(HubError::Busy)
    }

    /// What back ends made of a twin, each change with its number, from the newest backwards: those before `before`, at most `limit`.
    /// What devices report is not kept. Errors: as [`Hub::find_identity`], and `Throttled`.
    pub async fn twin_history(
        &self,
        id: &IdentityId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, TwinRevision)>, HubError> {
        self.throttle(Operation::TwinRead)?;
        self.find_identity(id).await?;
        Ok(self.records().list_twin_revisions(self.key(), id, before, limit).await?)
    }

    /// Keeps what a twin begins with. One that begins empty has no past to tell.
    pub(crate) fn keep_beginning(
        &self,
        id: &IdentityId,
        twin: &Twin,
        by: Option<Actor>,
        at: UnixMillis,
    ) -> Option<Write> {
        let is_empty = twin.tags.is_empty() && twin.desired.value.is_empty();
        (!is_empty).then(|| self.keep(id, twin::begun(twin, by, at)))
    }

    /// Keeps a version in the twin's history, when it is committed with the twin.
    pub(crate) fn keep(&self, id: &IdentityId, revision: TwinRevision) -> Write {
        Write::AddTwinRevision { hub: self.key(), id: id.clone(), revision, bounds: limits::REVISION_BOUNDS }
    }

    /// Whether the twin was written: not if it no longer has the version that the write rests on.
    async fn put_twin(&self, id: &IdentityId, twin: &Twin, known: i64, kept: Option<Write>) -> Result<bool, HubError> {
        let put = Write::PutTwin(self.key(), id.clone(), twin.clone(), Expect::Version(known));
        match self.records().commit(std::iter::once(put).chain(kept).collect()).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A device that is not connected reads its twin when it comes.
    pub(crate) fn notify_desired(
        &self,
        key: &str,
        desired: Option<&Map<String, Value>>,
        write: TwinWrite,
        twin: &Twin,
    ) {
        let (Some(patch), Some(mailbox)) = (desired, self.sessions().find(key)) else { return };
        mailbox.desired_changed(twin.desired.version, || match write {
            TwinWrite::Patch => patch.clone(),
            TwinWrite::Replace => twin.desired.value.clone(),
        });
    }
}

/// A connected device's way to its own twin: for a front that carries many sessions in one task, and waits for the twins of
/// several of them at once. Ends with its session.
#[derive(Debug, Clone)]
pub struct OwnTwin {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    id: IdentityId,
    key: Arc<str>,
    generation: GenerationId,
    origin: Option<Origin>,
}

impl Session {
    /// The device's own twin, apart from the session.
    pub fn own_twin(&self) -> OwnTwin {
        let (hub, mailbox) = (self.hub().clone(), self.mailbox().clone());
        let (id, key, generation) = (self.id().clone(), self.shared_key(), self.generation());
        OwnTwin { hub, mailbox, id, key, generation, origin: self.origin() }
    }

    /// As [`OwnTwin::read`].
    pub async fn twin(&self) -> Result<DeviceTwin, HubError> {
        self.own_twin().read().await
    }

    /// As [`OwnTwin::report`].
    pub async fn report(&self, patch: Map<String, Value>, expected: Option<i64>) -> Result<i64, HubError> {
        self.own_twin().report(patch, expected).await
    }
}

impl OwnTwin {
    /// As [`Session::note_refused`].
    pub fn note_refused(&self, cause: RefusalCause, code: &str, message: String) {
        self.hub.note_refused(&self.key, self.origin, (cause, code), message);
    }

    /// Whose twin it is.
    pub fn id(&self) -> &IdentityId {
        &self.id
    }

    /// The twin as it is. Changes of desired properties after it are told, at the latest when the device begins to listen
    /// to them, unless more than [`limits::DESIRED_UNHEARD_MAX`] come before.
    /// Errors: `DeviceNotFound`, `Closed`, `Throttled`, `QuotaExceeded`, `Internal`.
    pub async fn read(&self) -> Result<DeviceTwin, HubError> {
        self.hub.throttle(Operation::TwinRead)?;
        self.hub.check_quota()?;
        self.mailbox.begin_reading();
        let Twin { desired, reported, .. } = self.find().await?;
        self.mailbox.has_read(desired.version);
        self.hub.charge(|| twin::size(&desired.value) + twin::size(&reported.value));
        Ok(DeviceTwin { desired, reported })
    }

    /// Merges `patch` into the device's reported properties, durably, and returns the section's new version. With `expected`,
    /// only if the section has that version now.
    ///
    /// Errors: `TwinVersionMismatch`, `TwinInvalid`, `TwinTooLarge`, `DeviceNotFound`, `Closed`, `Throttled`, `QuotaExceeded`,
    /// `Busy` after lost races, `Full`, `Internal`.
    pub async fn report(&self, mut patch: Map<String, Value>, expected: Option<i64>) -> Result<i64, HubError> {
        twin::drop_own(&mut patch);
        let hub = &self.hub;
        hub.throttle(Operation::TwinUpdate)?;
        hub.check_quota()?;
        let turn = hub.twin_turns().take(&self.key).await;
        for _ in 0..limits::TWIN_TRIES {
            let twin = self.find().await?;
            let (known, version) = (twin.version, twin.reported.version);
            if let Some(expected) = expected.filter(|expected| *expected != version) {
                return Err(HubError::TwinVersionMismatch { id: self.id.clone(), expected, version });
            }
            let at = hub.now().iso();
            let twin = twin::report(twin, patch.clone(), &at)?;
            hub.check_log(|events| events.twin_changes)?;
            if !hub.put_twin(&self.id, &twin, known, None).await? {
                continue;
            }
            hub.charge(|| twin::size(&patch));
            let news = News::TwinUpdated(TwinUpdate {
                version: twin.version,
                at: &at,
                tags: None,
                desired: None,
                reported: section_update(Some(&patch), twin.reported.version),
            });
            let told = hub.tell(&self.id, self.generation, news);
            drop(turn);
            hub.told(told).await;
            return Ok(twin.reported.version);
        }
        Err(HubError::Busy)
    }

    async fn find(&self) -> Result<Twin, HubError> {
        if let Some(reason) = self.mailbox.reason() {
            return Err(HubError::Closed(reason));
        }
        self.mailbox.heard(self.hub.now());
        let twin = self.hub.records().find_twin(self.hub.key(), &self.id).await?;
        twin.ok_or_else(|| HubError::DeviceNotFound(self.id.device.clone()))
    }
}

fn section_update(patch: Option<&Map<String, Value>>, version: i64) -> Option<SectionUpdate<'_>> {
    patch.map(|patch| SectionUpdate { patch, version })
}
