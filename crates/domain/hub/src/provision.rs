//! What provisioning does to a hub: makes a device there, moves its twin, takes it away.

use roadstead_model::{Device, DeviceAuth, DeviceId, DeviceStatus, Etag, InitialTwin, Twin};
use roadstead_store::{Expect, StoreError, Write};

use crate::{error::HubError, hub::Hub, registry::fresh_generation, session::CloseReason};

/// A device as a DPS instance wants it to be.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    pub id: DeviceId,
    pub auth: DeviceAuth,
    pub iot_edge: bool,
    pub twin: TwinChange,
}

/// What becomes of the device's twin.
#[derive(Debug, Clone, PartialEq)]
pub enum TwinChange {
    /// A device that is there keeps its twin; a new one gets this.
    Keep(InitialTwin),
    /// The twin starts over with this.
    Reset(InitialTwin),
    /// The twin is the one another hub held.
    Adopt(Box<Twin>),
}

impl Hub {
    /// Makes the device be as `spec` says. A device that is as it should be costs one read and no write.
    ///
    /// A status set by an administrator stays. Errors: `Internal`, `Full`, `Busy` after lost races.
    pub async fn ensure_device(&self, spec: &DeviceSpec) -> Result<Device, HubError> {
        for _ in 0..crate::limits::LOGIN_TRIES {
            let known = self.records().find_device(self.key(), &spec.id).await?;
            let (device, device_expect) = self.provisioned(spec, known.as_ref());
            let twin = match (&spec.twin, &known) {
                (TwinChange::Keep(_), Some(_)) => None,
                (TwinChange::Keep(initial) | TwinChange::Reset(initial), _) => Some(Twin::new(initial, self.now())),
                (TwinChange::Adopt(twin), _) => Some((**twin).clone()),
            };
            let mut batch = Vec::with_capacity(2);
            if known.as_ref() != Some(&device) {
                batch.push(Write::PutDevice(self.key(), device.clone(), device_expect));
            }
            if let Some(twin) = twin {
                batch.push(Write::PutTwin(self.key(), spec.id.clone(), twin, Expect::Any));
            }
            if batch.is_empty() {
                return Ok(device);
            }
            match self.records().commit(batch).await {
                Ok(()) => {}
                Err(StoreError::Conflict { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            if known.is_some_and(|known| known.auth != device.auth) {
                self.revoked();
                self.sessions().close(spec.id.as_str(), CloseReason::CredentialsChanged);
            }
            return Ok(device);
        }
        Err(HubError::Busy)
    }

    /// Takes a device away because it now lives on another hub. Fine when it is gone already.
    pub async fn release_device(&self, id: &DeviceId) -> Result<(), HubError> {
        match self.delete_device(id, crate::registry::IfMatch::Any).await {
            Err(HubError::DeviceNotFound(_)) => Ok(()),
            other => other,
        }
    }

    fn provisioned(&self, spec: &DeviceSpec, known: Option<&Device>) -> (Device, Expect) {
        match known {
            Some(known) if known.auth == spec.auth && known.iot_edge == spec.iot_edge => {
                (known.clone(), Expect::Etag(known.etag.clone()))
            }
            Some(known) => {
                let etag = Etag::fresh(self.random());
                let device = Device { etag, auth: spec.auth.clone(), iot_edge: spec.iot_edge, ..known.clone() };
                (device, Expect::Etag(known.etag.clone()))
            }
            None => {
                let now = self.now();
                let device = Device {
                    id: spec.id.clone(),
                    generation: fresh_generation(now, self.random()),
                    etag: Etag::fresh(self.random()),
                    status: DeviceStatus::Enabled,
                    status_reason: None,
                    status_updated: now,
                    auth: spec.auth.clone(),
                    iot_edge: spec.iot_edge,
                    created: now,
                };
                (device, Expect::Absent)
            }
        }
    }
}
