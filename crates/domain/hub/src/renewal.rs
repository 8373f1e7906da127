//! New keys for devices and modules, one of their two at a time.

use roadstead_model::{DeviceAuth, IdentityId, Secret};

use crate::{
    credentials::{AuthSpec, fresh_key},
    error::HubError,
    hub::Hub,
    modules::ModuleSpec,
    registry::{IdentitySpec, IfMatch},
};

/// One of the two keys of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySlot {
    /// `primaryKey`
    Primary,
    /// `secondaryKey`
    Secondary,
}

impl Hub {
    /// Gives a device or module a new key in place of one of its two, and leaves the rest of it as it is.
    ///
    /// Errors: `DeviceNotFound`, `ModuleNotFound`; `Invalid` when it proves itself by something else than keys;
    /// `EtagMismatch` when it was changed at the same time.
    pub async fn renew_key(&self, id: &IdentityId, slot: KeySlot) -> Result<(), HubError> {
        let found = self.find_identity(id).await?;
        let (auth, etag) = match &found.module {
            Some(module) => (&module.auth, &module.etag),
            None => (&found.device.auth, &found.device.etag),
        };
        if !matches!(auth, DeviceAuth::Sas { .. }) {
            return Err(HubError::Invalid(format!("`{id}` has no keys: it proves itself by something else")));
        }
        let (key, condition) = (Some(fresh_key(self.random())), IfMatch::Etag(etag.clone()));
        // The one that is left out stays.
        let auth = with(slot, key);
        let device = found.device;
        if let Some(module) = found.module {
            let spec = ModuleSpec { device: device.id, id: module.id, auth, managed_by: module.managed_by };
            return self.update_module(spec, condition).await.map(drop);
        }
        let (status, status_reason) = (device.status, device.status_reason);
        let spec = IdentitySpec { status, status_reason, ..IdentitySpec::new(device.id, auth) };
        self.update_device(spec, condition).await.map(drop)
    }
}

fn with(slot: KeySlot, key: Option<Secret>) -> AuthSpec {
    match slot {
        KeySlot::Primary => AuthSpec::Sas { primary: key, secondary: None },
        KeySlot::Secondary => AuthSpec::Sas { primary: None, secondary: key },
    }
}
