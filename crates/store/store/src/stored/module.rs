//! Module identities.

use roadstead_model::{DeviceId, Etag, GenerationId, Module, ModuleId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, device::AuthV1, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModuleV1 {
    v: V1,
    device: DeviceId,
    id: ModuleId,
    generation: GenerationId,
    etag: Etag,
    auth: AuthV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    managed_by: Option<String>,
    created: UnixMillis,
}

impl Stored for Module {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&ModuleV1 {
            v: V1,
            device: self.device.clone(),
            id: self.id.clone(),
            generation: self.generation,
            etag: self.etag.clone(),
            auth: AuthV1::new(&self.auth, vault),
            managed_by: self.managed_by.clone(),
            created: self.created,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: ModuleV1 = vault.read(text)?;
        Ok(Self {
            device: stored.device,
            id: stored.id,
            generation: stored.generation,
            etag: stored.etag,
            auth: stored.auth.load(vault)?,
            managed_by: stored.managed_by,
            created: stored.created,
        })
    }
}
