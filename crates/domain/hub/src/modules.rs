//! Module identities: made, changed and removed by back ends, or by the device they are on.

use roadstead_auth::{Evidence, Segment};
use roadstead_model::{DeviceId, DeviceStatus, Etag, IdentityId, Module, ModuleId, Right, Twin, What};
use roadstead_sas::SasToken;
use roadstead_store::{Expect, IdentityRecord, StoreError, Write};

use crate::{
    credentials::{AuthSpec, decide_auth},
    error::HubError,
    hub::{Hub, Login},
    hub_events::News,
    limits,
    registry::{IfMatch, fresh_generation, lost_race},
    session::CloseReason,
    throttle::Operation,
    twin::Beginning,
};

/// A module that is to be registered, and its first twin.
pub(crate) type Newborn = (Module, Twin);

/// A module identity as its owner wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSpec {
    pub device: DeviceId,
    pub id: ModuleId,
    pub auth: AuthSpec,
    pub managed_by: Option<String>,
}

impl ModuleSpec {
    fn identity(&self) -> IdentityId {
        IdentityId::of_module(self.device.clone(), self.id.clone())
    }
}

impl Hub {
    /// Registers a module with a twin of its own, which begins so.
    /// Errors: `DeviceNotFound`, `ModuleAlreadyExists`, `TooManyModules`, `Invalid`.
    pub async fn create_module(&self, spec: ModuleSpec, beginning: Beginning) -> Result<Module, HubError> {
        self.throttle(Operation::Registry)?;
        let (now, identity) = (self.now(), spec.identity());
        self.check_module_room(&identity).await?;
        let module = Module {
            device: spec.device,
            id: spec.id,
            generation: fresh_generation(now, self.random()),
            etag: Etag::fresh(self.random()),
            auth: decide_auth(spec.auth, None, self.random())?,
            managed_by: check_manager(spec.managed_by)?,
            created: now,
        };
        self.check_log(|events| events.device_lifecycle)?;
        let (by, twin) = (beginning.by.clone(), beginning.twin(now));
        let kept = self.keep_beginning(&identity, &twin, by, now);
        let born = [(module.clone(), twin)];
        match self.records().commit(self.module_writes(&born).chain(kept).collect()).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => {
                self.find_device(&identity.device).await?;
                return Err(HubError::ModuleAlreadyExists(identity));
            }
            Err(error) => return Err(error.into()),
        }
        self.tell_born(&born).await;
        Ok(module)
    }

    /// Changes a module. Keys that the spec leaves out stay; its session closes if it rests on a credential that is gone.
    /// Errors: `DeviceNotFound`, `ModuleNotFound`, `EtagMismatch`, `Busy` after a lost race without an etag, `Invalid`.
    pub async fn update_module(&self, spec: ModuleSpec, condition: IfMatch) -> Result<Module, HubError> {
        self.throttle(Operation::Registry)?;
        let identity = spec.identity();
        let known = self.matching_module(&identity, &condition).await?;
        let module = Module {
            etag: Etag::fresh(self.random()),
            auth: decide_auth(spec.auth, Some(&known.auth), self.random())?,
            managed_by: check_manager(spec.managed_by)?,
            ..known.clone()
        };
        let write = Write::PutModule(self.key(), module.clone(), Expect::Etag(known.etag.clone()));
        match self.records().commit(vec![write]).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(lost_race(identity, &condition)),
            Err(error) => return Err(error.into()),
        }
        let (id, status) = (identity.to_string(), DeviceStatus::Enabled);
        self.note_change(&id, [status, status], [&known.auth, &module.auth]);
        self.revoked();
        self.sessions().close_groundless(&id, &module.auth);
        Ok(module)
    }

    /// Removes a module with its twin, and closes its session.
    /// Errors: `DeviceNotFound`, `ModuleNotFound`, `EtagMismatch`.
    pub async fn delete_module(&self, device: &DeviceId, id: &ModuleId, condition: IfMatch) -> Result<(), HubError> {
        self.throttle(Operation::Registry)?;
        let identity = IdentityId::of_module(device.clone(), id.clone());
        let known = self.matching_module(&identity, &condition).await?;
        let expect = match &condition {
            IfMatch::Any => Expect::Present,
            IfMatch::Etag(_) => Expect::Etag(known.etag.clone()),
        };
        let key = identity.to_string();
        // A write to the twin that is under way ends first: it must not meet the twin of the next module of this id.
        let turn = self.twin_turns().take(&key).await;
        let twin = self.last_twin(&identity).await?;
        self.check_log(|events| events.device_lifecycle)?;
        match self.records().commit(vec![Write::DeleteModule(self.key(), identity.clone(), expect)]).await {
            Ok(()) => {}
            // Somebody else was faster. Without an etag that can only be another deletion.
            Err(StoreError::Conflict { .. }) => {
                return Err(match condition {
                    IfMatch::Any => HubError::ModuleNotFound(identity),
                    IfMatch::Etag(_) => HubError::EtagMismatch { id: identity },
                });
            }
            Err(error) => return Err(error.into()),
        }
        self.revoked();
        self.sessions().close(&key, CloseReason::DeviceDeleted);
        self.note(&key, What::Deleted);
        let told = twin.and_then(|twin| self.tell(&identity, known.generation, News::Deleted(&twin)));
        drop(turn);
        self.told(told).await;
        Ok(())
    }

    /// The modules of a device, in the order of their ids. Errors: `DeviceNotFound`.
    pub async fn list_modules(&self, device: &DeviceId) -> Result<Vec<Module>, HubError> {
        self.throttle(Operation::Registry)?;
        let modules = self.records().list_modules(self.key(), device).await?;
        if modules.is_empty() {
            self.find_device(device).await?;
        }
        Ok(modules)
    }

    /// Everything about each module of a device, in the order of their ids. Errors: `DeviceNotFound`.
    pub async fn list_module_identities(&self, device: &DeviceId) -> Result<Vec<IdentityRecord>, HubError> {
        let mut found = Vec::new();
        for module in self.list_modules(device).await? {
            match self.find_identity(&module.identity()).await {
                Ok(record) => found.push(record),
                // It went away while its neighbours were read.
                Err(HubError::ModuleNotFound(_) | HubError::DeviceNotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Lets pass who may manage the modules of a device: a back end with `right` on `path`, or the device itself with its
    /// own credentials, of which the edge runtime makes use.
    /// Errors: `Unauthorized`, `UnknownDevice`, `DeviceDisabled`. Source: `reference/hub-device.md` 4.1
    pub async fn authorize_modules(
        &self,
        evidence: Evidence<'_>,
        device: &str,
        path: &[Segment<'_>],
        right: Right,
    ) -> Result<(), HubError> {
        let token = evidence.token.unwrap_or_default();
        let own = match SasToken::parse(token) {
            Ok(token) => token.key_name().is_none(),
            Err(_) => token.is_empty() && !evidence.chain.is_empty(),
        };
        if !own {
            return self.authorize(token, path, right).map(|_| ());
        }
        self.judge(Login { device_id: device, module_id: None, evidence }).await.map(|_| ())
    }

    /// Registers modules with their twins, those of a new device after it.
    pub(crate) fn module_writes(&self, born: &[Newborn]) -> impl Iterator<Item = Write> {
        born.iter().flat_map(|(module, twin)| {
            let put = Write::PutModule(self.key(), module.clone(), Expect::Absent);
            [put, Write::PutTwin(self.key(), module.identity(), twin.clone(), Expect::Any)]
        })
    }

    /// Tells of modules that were registered.
    pub(crate) async fn tell_born(&self, born: &[Newborn]) {
        for (module, twin) in born {
            self.note(&module.identity().to_string(), What::Created);
            let told = self.tell(&module.identity(), module.generation, News::Created(twin));
            self.told(told).await;
        }
    }

    /// Errors: `ModuleAlreadyExists`, `TooManyModules`. Racing creations may pass the limit by their number.
    async fn check_module_room(&self, identity: &IdentityId) -> Result<(), HubError> {
        let there = self.records().list_modules(self.key(), &identity.device).await?;
        if there.iter().any(|module| Some(&module.id) == identity.module.as_ref()) {
            return Err(HubError::ModuleAlreadyExists(identity.clone()));
        }
        if there.len() >= limits::MODULES_MAX {
            return Err(HubError::TooManyModules { device: identity.device.clone(), max: limits::MODULES_MAX });
        }
        Ok(())
    }

    async fn matching_module(&self, identity: &IdentityId, condition: &IfMatch) -> Result<Module, HubError> {
        let Some(known) = self.records().find_module(self.key(), identity).await? else {
            return Err(self.absent(identity).await);
        };
        match condition {
            IfMatch::Etag(etag) if *etag != known.etag => Err(HubError::EtagMismatch { id: identity.clone() }),
            _ => Ok(known),
        }
    }

    /// Says what is missing of an identity: the module, or its device already.
    pub(crate) async fn absent(&self, identity: &IdentityId) -> HubError {
        match (&identity.module, self.find_device(&identity.device).await) {
            (Some(_), Ok(_)) => HubError::ModuleNotFound(identity.clone()),
            (None, Ok(_)) => HubError::DeviceNotFound(identity.device.clone()),
            (_, Err(error)) => error,
        }
    }
}

fn check_manager(managed_by: Option<String>) -> Result<Option<String>, HubError> {
    match managed_by.as_deref().map(|text| text.chars().count()) {
        Some(chars) if chars > limits::MANAGED_BY_CHARS_MAX => Err(HubError::Invalid(format!(
            "managedBy has {chars} characters, at most {} are allowed",
            limits::MANAGED_BY_CHARS_MAX
        ))),
        _ => Ok(managed_by.filter(|text| !text.is_empty())),
    }
}
