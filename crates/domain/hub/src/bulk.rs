//! Many identities changed in one request: each change stands for itself. Source: `reference/hub-service.md` 1.5

use std::{collections::HashSet, sync::Arc};

use roadstead_model::IdentityId;
use roadstead_store::StoreError;

use crate::{
    error::HubError,
    hub::Hub,
    limits,
    modules::ModuleSpec,
    registry::{IdentitySpec, IfMatch},
    twin::{Beginning, TwinChange, TwinWrite},
};

/// One change of a bulk request.
#[derive(Debug, Clone, PartialEq)]
pub enum RegistryChange {
    /// The twin's sections are what a new one begins with, and take the place of those of a known one.
    PutDevice(IdentitySpec, When, TwinChange),
    /// As `PutDevice`. Who manages a known module stays as it is if the spec names nobody.
    PutModule(ModuleSpec, When, TwinChange),
    Delete(IdentityId, IfMatch),
    /// The sections given take the place of those that are there.
    PutTwin(IdentityId, TwinChange, IfMatch),
}

/// What a change of a bulk request wants to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// No such identity: it is created.
    Absent,
    /// Such an identity: it is changed.
    Present(IfMatch),
    /// Either; one that is there must match.
    Either(IfMatch),
}

impl RegistryChange {
    /// Whose change it is.
    pub fn id(&self) -> IdentityId {
        match self {
            Self::PutDevice(spec, ..) => spec.id.clone().into(),
            Self::PutModule(spec, ..) => IdentityId::of_module(spec.device.clone(), spec.id.clone()),
            Self::Delete(id, _) | Self::PutTwin(id, ..) => id.clone(),
        }
    }
}

/// Whether one request may name so many identities, well or badly. Errors: `Invalid` when there are more than
/// [`limits::BULK_MAX`].
pub fn check_bulk(count: usize) -> Result<(), HubError> {
    let max = limits::BULK_MAX;
    if count > max {
        return Err(HubError::Invalid(format!("the request has {count} identities, at most {max} are allowed")));
    }
    Ok(())
}

impl Hub {
    /// Makes changes to identities, those of modules after those of devices, and says what became of each, in order. An
    /// identity that is named more than once is left alone. All run at the same time, so that they share commits, and to
    /// their end even if the caller goes away.
    ///
    /// Errors: `Invalid` when there are more than [`limits::BULK_MAX`]; of each what the change alone would be refused for,
    /// and `DefinedTwice`.
    pub async fn change_identities(
        self: &Arc<Self>,
        changes: Vec<RegistryChange>,
    ) -> Result<Vec<Result<(), HubError>>, HubError> {
        check_bulk(changes.len())?;
        let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
        for change in &changes {
            if !seen.insert(change.id()) {
                twice.insert(change.id());
            }
        }
        let mut results: Vec<Result<(), HubError>> = changes.iter().map(|_| Ok(())).collect();
        let (modules, devices): (Vec<_>, Vec<_>) =
            changes.into_iter().enumerate().partition(|(_, change)| change.id().module.is_some());
        for group in [devices, modules] {
            let mut running = Vec::with_capacity(group.len());
            for (at, change) in group {
                let id = change.id();
                if twice.contains(&id) {
                    results[at] = Err(HubError::DefinedTwice(id));
                    continue;
                }
                let hub = self.clone();
                running.push((at, tokio::spawn(async move { hub.change_identity(change).await })));
            }
            for (at, task) in running {
                results[at] = task.await.unwrap_or_else(|cause| {
                    let cause = format!("a change of a bulk request was cut short: {cause}");
                    Err(HubError::Internal(StoreError::Unavailable(cause)))
                });
            }
        }
        Ok(results)
    }

    async fn change_identity(self: &Arc<Self>, change: RegistryChange) -> Result<(), HubError> {
        let id = change.id();
        match change {
            RegistryChange::Delete(IdentityId { device, module: None }, condition) => {
                self.delete_device(&device, condition).await
            }
            RegistryChange::Delete(IdentityId { device, module: Some(module) }, condition) => {
                self.delete_module(&device, &module, condition).await
            }
            RegistryChange::PutTwin(id, change, condition) => {
                self.update_twin(&id, change, TwinWrite::Replace, condition).await.map(|_| ())
            }
            RegistryChange::PutDevice(spec, when, twin) => {
                // A twin that cannot be written is refused before anything is.
                let beginning = Beginning::of(&twin)?;
                let changed = match &when {
                    When::Absent => None,
                    When::Present(condition) | When::Either(condition) => {
                        Some(self.update_device(spec.clone(), condition.clone()).await)
                    }
                };
                match (changed, when) {
                    (None, _) | (Some(Err(HubError::DeviceNotFound(_))), When::Either(_)) => {
                        self.create_device_with(spec, beginning).await.map(|_| ())
                    }
                    (Some(changed), _) => {
                        changed?;
                        self.put_sections(&id, twin).await
                    }
                }
            }
            RegistryChange::PutModule(mut spec, when, twin) => {
                // Bulk requests have no word for it.
                if let Some(known) = self.records().find_module(self.key(), &id).await? {
                    spec.managed_by = spec.managed_by.or(known.managed_by);
                }
                let beginning = Beginning::of(&twin)?;
                let changed = match &when {
                    When::Absent => None,
                    When::Present(condition) | When::Either(condition) => {
                        Some(self.update_module(spec.clone(), condition.clone()).await)
                    }
                };
                match (changed, when) {
                    (None, _) | (Some(Err(HubError::ModuleNotFound(_))), When::Either(_)) => {
                        self.create_module(spec, beginning).await.map(|_| ())
                    }
                    (Some(changed), _) => {
                        changed?;
                        self.put_sections(&id, twin).await
                    }
                }
            }
        }
    }

    async fn put_sections(self: &Arc<Self>, id: &IdentityId, change: TwinChange) -> Result<(), HubError> {
        if change == TwinChange::default() {
            return Ok(());
        }
        self.update_twin(id, change, TwinWrite::Replace, IfMatch::Any).await.map(|_| ())
    }
}
