//! Device identities: made, changed and removed by back ends.

use roadstead_model::{
    Device, DeviceId, DeviceStatus, DisconnectReason, Etag, GenerationId, IdentityId, Random, UnixMillis, What,
};
use roadstead_store::{Expect, IdentityRecord, Page, StoreError, Write, records::DeviceCounts};

use crate::{
    credentials::{AuthSpec, decide_auth},
    edge::ScopeSpec,
    error::HubError,
    hub::Hub,
    hub_events::News,
    limits,
    session::CloseReason,
    throttle::Operation,
    twin::Beginning,
};

/// A device identity as a back end wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySpec {
    pub id: DeviceId,
    pub status: DeviceStatus,
    pub status_reason: Option<String>,
    pub auth: AuthSpec,
    /// `None`: as it is; a new device is none.
    pub iot_edge: Option<bool>,
    pub scopes: ScopeSpec,
}

/// The condition of a write. Source: REST, `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever is there, but something must be.
    Any,
    Etag(Etag),
}

impl IdentitySpec {
    /// An enabled device that is no edge device and has no parent, unless it is there already: then both stay as they are.
    pub fn new(id: DeviceId, auth: AuthSpec) -> Self {
        let (status, scopes) = (DeviceStatus::Enabled, ScopeSpec::default());
        Self { id, status, status_reason: None, auth, iot_edge: None, scopes }
    }
}

impl Hub {
    /// Registers a device with an empty twin. Errors: `DeviceAlreadyExists`, `TooManyDevices`, `Invalid`.
    pub async fn create_device(&self, spec: IdentitySpec) -> Result<Device, HubError> {
        self.create_device_with(spec, Beginning::default()).await
    }

    /// Registers a device of which the twin begins so; an edge device gets the modules of its runtime with it. Errors: as
    /// [`Hub::create_device`].
    pub async fn create_device_with(&self, spec: IdentitySpec, beginning: Beginning) -> Result<Device, HubError> {
        self.throttle(Operation::Registry)?;
        self.check_room().await?;
        let now = self.now();
        let auth = decide_auth(spec.auth, None, self.random())?;
        let mut device = Device {
            id: spec.id.clone(),
            generation: fresh_generation(now, self.random()),
            etag: Etag::fresh(self.random()),
            status: spec.status,
            status_reason: check_reason(spec.status_reason)?,
            status_updated: now,
            auth,
            iot_edge: spec.iot_edge.unwrap_or(false),
            scope: None,
            parent_scopes: Vec::new(),
            created: now,
        };
        (device.scope, device.parent_scopes) = self.decide_scopes(&spec.scopes, None, &device).await?;
        self.check_log(|events| events.device_lifecycle)?;
        let (by, twin) = (beginning.by.clone(), beginning.twin(now));
        let runtime = if device.iot_edge { self.runtime_modules(&device, &[]) } else { Vec::new() };
        let mut batch = vec![
            Write::PutDevice(self.key(), device.clone(), Expect::Absent),
            Write::PutTwin(self.key(), spec.id.clone().into(), twin.clone(), Expect::Any),
        ];
        batch.extend(self.module_writes(&runtime));
        batch.extend(self.keep_beginning(&spec.id.clone().into(), &twin, by, now));
        match self.records().commit(batch).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(HubError::DeviceAlreadyExists(spec.id)),
            Err(error) => return Err(error.into()),
        }
        self.note(spec.id.as_str(), What::Created);
        let told = self.tell(&spec.id.into(), device.generation, News::Created(&twin));
        self.tell_born(&runtime).await;
        self.told(told).await;
        Ok(device)
    }

    /// Changes a device. Keys that the spec leaves out stay. Disabling it closes its session and those of its modules;
    /// otherwise a session closes only if it rests on a credential that is gone. An edge device stays one, `guess (?)`.
    /// Errors: `DeviceNotFound`, `EtagMismatch`, `Busy` after a lost race without an etag, `Invalid`.
    pub async fn update_device(&self, spec: IdentitySpec, condition: IfMatch) -> Result<Device, HubError> {
        self.throttle(Operation::Registry)?;
        let id = spec.id.clone();
        let known = self.matching_device(&id, &condition).await?;
        let auth = decide_auth(spec.auth, Some(&known.auth), self.random())?;
        if known.iot_edge && spec.iot_edge == Some(false) {
            let text = format!("device `{id}` is an edge device and stays one: delete it and create it again");
            return Err(HubError::Invalid(text));
        }
        let mut device = Device {
            etag: Etag::fresh(self.random()),
            status: spec.status,
            status_reason: check_reason(spec.status_reason)?,
            status_updated: if spec.status == known.status { known.status_updated } else { self.now() },
            auth,
            iot_edge: spec.iot_edge.unwrap_or(known.iot_edge),
            ..known.clone()
        };
        (device.scope, device.parent_scopes) = self.decide_scopes(&spec.scopes, Some(&known), &device).await?;
        let mut runtime = Vec::new();
        if device.iot_edge && !known.iot_edge {
            let there = self.records().list_modules(self.key(), &id).await?;
            runtime = self.runtime_modules(&device, &there);
            self.check_log(|events| events.device_lifecycle)?;
        }
        let mut batch = vec![Write::PutDevice(self.key(), device.clone(), Expect::Etag(known.etag.clone()))];
        batch.extend(self.module_writes(&runtime));
        match self.records().commit(batch).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(lost_race(id.into(), &condition)),
            Err(error) => return Err(error.into()),
        }
        self.note_change(id.as_str(), [known.status, device.status], [&known.auth, &device.auth]);
        self.revoked();
        match device.status {
            DeviceStatus::Disabled => self.sessions().close_device(id.as_str(), CloseReason::DeviceDisabled),
            DeviceStatus::Enabled => self.sessions().close_groundless(id.as_str(), &device.auth),
        }
        self.tell_born(&runtime).await;
        Ok(device)
    }

    /// Removes a device with its modules and their twins, and closes their sessions. Errors: `DeviceNotFound`, `EtagMismatch`.
    pub async fn delete_device(&self, id: &DeviceId, condition: IfMatch) -> Result<(), HubError> {
        self.throttle(Operation::Registry)?;
        self.remove_device(id, condition).await
    }

    /// As [`Hub::delete_device`], for the house itself: not counted as a back end's.
    pub(crate) async fn remove_device(&self, id: &DeviceId, condition: IfMatch) -> Result<(), HubError> {
        let known = self.matching_device(id, &condition).await?;
        let expect = match &condition {
            IfMatch::Any => Expect::Present,
            IfMatch::Etag(_) => Expect::Etag(known.etag),
        };
        let identity = id.clone().into();
        // A write to its twin or a module's that is under way ends first: it must not meet the twin of the next one of this id.
        let turn = self.twin_turns().take(id.as_str()).await;
        let twin = self.last_twin(&identity).await?;
        self.check_log(|events| events.device_lifecycle)?;
        match self.records().commit(vec![Write::DeleteDevice(self.key(), id.clone(), expect)]).await {
            Ok(()) => {}
            // Somebody else was faster. Without an etag that can only be another deletion.
            Err(StoreError::Conflict { .. }) => {
                return Err(match condition {
                    IfMatch::Any => HubError::DeviceNotFound(id.clone()),
                    IfMatch::Etag(_) => HubError::EtagMismatch { id: id.clone().into() },
                });
            }
            Err(error) => return Err(error.into()),
        }
        self.revoked();
        self.sessions().close_device(id.as_str(), CloseReason::DeviceDeleted);
        self.note(id.as_str(), What::Deleted);
        let told = twin.and_then(|twin| self.tell(&identity, known.generation, News::Deleted(&twin)));
        drop(turn);
        self.told(told).await;
        Ok(())
    }

    /// One device. Errors: `DeviceNotFound`.
    pub async fn find_device(&self, id: &DeviceId) -> Result<Device, HubError> {
        let device = self.records().find_device(self.key(), id).await?;
        device.ok_or_else(|| HubError::DeviceNotFound(id.clone()))
    }

    /// Devices in the order of their ids, from after `after` on.
    pub async fn list_devices(&self, after: Option<&str>, limit: usize) -> Result<Page<Device>, HubError> {
        self.throttle(Operation::Registry)?;
        Ok(self.records().list_devices(self.key(), after, limit).await?)
    }

    /// Everything about each device, in the order of their ids.
    pub async fn list_identities(&self, after: Option<&str>, limit: usize) -> Result<Page<IdentityRecord>, HubError> {
        self.throttle(Operation::Registry)?;
        self.presence_stored().await;
        let mut page = self.records().list_identities(self.key(), after, limit).await?;
        page.items.iter_mut().for_each(|record| self.overlay(record));
        Ok(page)
    }

    /// An identity, for a back end. Errors: as [`Hub::find_identity`], and `Throttled`.
    pub async fn read_identity(&self, id: &IdentityId) -> Result<IdentityRecord, HubError> {
        self.throttle(Operation::Registry)?;
        self.find_identity(id).await
    }

    /// Everything about a device or module. Errors: `DeviceNotFound`, `ModuleNotFound`.
    pub async fn find_identity(&self, id: &IdentityId) -> Result<IdentityRecord, HubError> {
        // What is not stored yet may be stored, and thus forgotten here, while the store reads.
        let known = self.presence().find(&id.to_string());
        let Some(mut record) = self.records().find_identity(self.key(), id).await? else {
            return Err(self.absent(id).await);
        };
        if let Some(known) = known {
            record.presence = known;
        }
        self.overlay(&mut record);
        Ok(record)
    }

    /// Who is connected now is known here first, and stored a moment later.
    pub(crate) fn overlay(&self, record: &mut IdentityRecord) {
        let key = record.id().to_string();
        if let Some(known) = self.presence().find(&key) {
            record.presence = known;
        }
        let session = self.sessions().last(&key);
        let closed = session.as_ref().and_then(|session| session.reason());
        record.presence.connected = session.is_some() && closed.is_none();
        if let Some(session) = session {
            record.presence.updated = Some(session.since());
            record.presence.last_activity = Some(session.last_activity());
            record.presence.reason = closed.map(DisconnectReason::from);
        }
    }

    /// How many devices are registered.
    pub async fn count_devices(&self) -> Result<DeviceCounts, HubError> {
        Ok(self.records().count_devices(self.key()).await?)
    }

    /// Errors: `TooManyDevices`. Racing creations may pass the limit by their number: it protects the machine, not an invariant.
    pub(crate) async fn check_room(&self) -> Result<(), HubError> {
        match self.records().count_devices(self.key()).await?.total {
            total if total >= limits::DEVICES_MAX => Err(HubError::TooManyDevices { max: limits::DEVICES_MAX }),
            _ => Ok(()),
        }
    }

    async fn matching_device(&self, id: &DeviceId, condition: &IfMatch) -> Result<Device, HubError> {
        let known = self.find_device(id).await?;
        match condition {
            IfMatch::Etag(etag) if *etag != known.etag => Err(HubError::EtagMismatch { id: id.clone().into() }),
            _ => Ok(known),
        }
    }
}

/// Another write came between. Who named a version is told that it is no longer that; who did not may try again.
pub(crate) fn lost_race(id: IdentityId, condition: &IfMatch) -> HubError {
    match condition {
        IfMatch::Any => HubError::Busy,
        IfMatch::Etag(_) => HubError::EtagMismatch { id },
    }
}

/// Eighteen digits in the manner of .NET ticks: the time in 100 ns since the year 1, the last four digits at random.
pub(crate) fn fresh_generation(now: UnixMillis, random: &dyn Random) -> GenerationId {
    const TICKS_TO_1970: i64 = 621_355_968_000_000_000;
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    let ticks = TICKS_TO_1970.saturating_add(now.0.saturating_mul(10_000));
    GenerationId(ticks.unsigned_abs() + u64::from(u16::from_be_bytes(bytes)) % 10_000)
}

fn check_reason(reason: Option<String>) -> Result<Option<String>, HubError> {
    match reason.as_deref().map(|text| text.chars().count()) {
        Some(chars) if chars > limits::STATUS_REASON_CHARS_MAX => Err(HubError::Invalid(format!(
            "statusReason has {chars} characters, at most {} are allowed",
            limits::STATUS_REASON_CHARS_MAX
        ))),
        _ => Ok(reason.filter(|text| !text.is_empty())),
    }
}
