//! What provisioning does to a hub: makes a device there, moves its twin, takes it away.

use roadstead_model::{Actor, Device, DeviceAuth, DeviceId, DeviceStatus, Etag, IdentityId, InitialTwin, Twin, What};
use roadstead_store::{Expect, StoreError, Write};
use serde_json::{Map, Value};

use crate::{
    edge::own_scope,
    error::HubError,
    hub::Hub,
    hub_events::News,
    limits,
    modules::Newborn,
    registry::{IfMatch, fresh_generation},
    twin::{TwinWrite, begun},
};

/// A device as a DPS instance wants it to be.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    pub id: DeviceId,
    pub auth: DeviceAuth,
    pub iot_edge: bool,
    /// What a device that is not there yet starts with.
    pub initial_twin: InitialTwin,
    pub known: Known,
}

/// What becomes of a device that is there already. Its status, set by an administrator, always stays.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// It stays as it is.
    Keep,
    /// Credentials and capabilities are written where they differ.
    Credentials,
    /// As `Credentials`, and the twin starts over; its versions go on, and who listens hears of it.
    Reset,
    /// As `Credentials`, and the twin takes over what another hub held: also the twin of a device that is not there yet.
    Adopt(Box<Adopted>),
}

/// A twin as another hub held it, without metadata.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Adopted {
    pub tags: Map<String, Value>,
    pub desired: Map<String, Value>,
    pub reported: Map<String, Value>,
}

impl Hub {
    /// Makes the device be as `spec` says. A device that is as it should be costs one read and no write.
    ///
    /// Errors: `TooManyDevices`, `Internal`, `Full`, `Busy` after lost races.
    pub async fn ensure_device(&self, spec: &DeviceSpec) -> Result<(), HubError> {
        // A twin that starts over does so between two other writes to it.
        let _turn = match spec.known {
            Known::Keep | Known::Credentials => None,
            Known::Reset | Known::Adopt(_) => Some(self.twin_turns().take(spec.id.as_str()).await),
        };
        for _ in 0..limits::LOGIN_TRIES {
            let Some(known) = self.records().find_device(self.key(), &spec.id).await? else {
                if self.make(spec).await? {
                    return Ok(());
                }
                continue;
            };
            let Alteration { batch, born, twin } = self.alteration(spec, &known).await?;
            if batch.is_empty() {
                return Ok(());
            }
            match self.records().commit(batch).await {
                Ok(()) => {}
                Err(StoreError::Conflict { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            if known.auth != spec.auth {
                self.note(spec.id.as_str(), What::CredentialsChanged);
                self.revoked();
                self.sessions().close_groundless(spec.id.as_str(), &spec.auth);
            }
            let told = twin.and_then(|twin| {
                self.notify_desired(spec.id.as_str(), Some(&twin.desired.value), TwinWrite::Replace, &twin);
                self.tell(&spec.id.clone().into(), known.generation, News::TwinReplaced(&twin))
            });
            self.tell_born(&born).await;
            self.told(told).await;
            return Ok(());
        }
        Err(HubError::Busy)
    }

    /// Takes a device away because it now lives on another hub. Fine when it is gone already.
    pub async fn release_device(&self, id: &DeviceId) -> Result<(), HubError> {
        match self.remove_device(id, IfMatch::Any).await {
            Err(HubError::DeviceNotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// Whether the device was made: not if another was faster.
    async fn make(&self, spec: &DeviceSpec) -> Result<bool, HubError> {
        self.check_room().await?;
        let now = self.now();
        let generation = fresh_generation(now, self.random());
        let device = Device {
            id: spec.id.clone(),
            generation,
            etag: Etag::fresh(self.random()),
            status: DeviceStatus::Enabled,
            status_reason: None,
            status_updated: now,
            auth: spec.auth.clone(),
            iot_edge: spec.iot_edge,
            scope: spec.iot_edge.then(|| own_scope(&spec.id, generation)),
            parent_scopes: Vec::new(),
            created: now,
        };
        let twin = match spec.twin() {
            Some((initial, reported)) => Twin::new(&initial, now).with_reported(reported, now),
            None => Twin::new(&spec.initial_twin, now),
        };
        self.check_log(|events| events.device_lifecycle)?;
        let runtime = if device.iot_edge { self.runtime_modules(&device, &[]) } else { Vec::new() };
        let identity = IdentityId::from(spec.id.clone());
        let mut batch = vec![
            Write::PutDevice(self.key(), device, Expect::Absent),
            Write::PutTwin(self.key(), identity.clone(), twin.clone(), Expect::Any),
        ];
        batch.extend(self.module_writes(&runtime));
        batch.extend(self.keep_beginning(&identity, &twin, Some(Actor::Provisioning), now));
        match self.records().commit(batch).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.note(spec.id.as_str(), What::Created);
        let told = self.tell(&identity, generation, News::Created(&twin));
        self.tell_born(&runtime).await;
        self.told(told).await;
        Ok(true)
    }

    /// What is to become of a device that is there. An edge device stays one, whatever its enrollment says.
    async fn alteration(&self, spec: &DeviceSpec, device: &Device) -> Result<Alteration, HubError> {
        let (mut batch, mut born, mut twin) = (Vec::with_capacity(2), Vec::new(), None);
        if spec.known == Known::Keep {
            return Ok(Alteration { batch, born, twin });
        }
        let becomes_edge = spec.iot_edge && !device.iot_edge;
        if device.auth != spec.auth || becomes_edge {
            let (etag, auth) = (Etag::fresh(self.random()), spec.auth.clone());
            let mut altered = Device { etag, auth, ..device.clone() };
            if becomes_edge {
                (altered.iot_edge, altered.scope) = (true, Some(own_scope(&device.id, device.generation)));
                let there = self.records().list_modules(self.key(), &device.id).await?;
                born = self.runtime_modules(&altered, &there);
                self.check_log(|events| events.device_lifecycle)?;
            }
            batch.push(Write::PutDevice(self.key(), altered, Expect::Etag(device.etag.clone())));
            batch.extend(self.module_writes(&born));
        }
        if let Some((initial, reported)) = spec.twin() {
            let id = IdentityId::from(spec.id.clone());
            // Without a twin the device went away just now.
            let before = self.records().find_twin(self.key(), &id).await?.ok_or(HubError::Busy)?;
            self.check_log(|events| events.twin_changes)?;
            let after = before.start_over(&initial, reported, self.now());
            batch.push(self.keep(&id, begun(&after, Some(Actor::Provisioning), self.now())));
            batch.push(Write::PutTwin(self.key(), id, after.clone(), Expect::Version(before.version)));
            twin = Some(after);
        }
        Ok(Alteration { batch, born, twin })
    }
}

/// What becomes of a device that is there.
struct Alteration {
    batch: Vec<Write>,
    /// Modules that come with it.
    born: Vec<Newborn>,
    /// The twin, if it starts over.
    twin: Option<Twin>,
}

impl DeviceSpec {
    /// What the twin starts over with, reported properties apart, if it does.
    fn twin(&self) -> Option<(InitialTwin, Map<String, Value>)> {
        match &self.known {
            Known::Keep | Known::Credentials => None,
            Known::Reset => Some((self.initial_twin.clone(), Map::new())),
            Known::Adopt(adopted) => {
                let Adopted { tags, desired, reported } = &**adopted;
                Some((InitialTwin { tags: tags.clone(), desired: desired.clone() }, reported.clone()))
            }
        }
    }
}
