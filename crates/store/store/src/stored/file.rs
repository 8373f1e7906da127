//! Notifications of uploaded files.

use roadstead_model::{DeviceId, FileNotification, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileNotificationV1 {
    v: V1,
    device: DeviceId,
    blob_uri: String,
    blob_name: String,
    last_updated: UnixMillis,
    blob_bytes: u64,
    enqueued: UnixMillis,
}

impl Stored for FileNotification {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&FileNotificationV1 {
            v: V1,
            device: self.device.clone(),
            blob_uri: self.blob_uri.clone(),
            blob_name: self.blob_name.clone(),
            last_updated: self.last_updated,
            blob_bytes: self.blob_bytes,
            enqueued: self.enqueued,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let FileNotificationV1 { v: V1, device, blob_uri, blob_name, last_updated, blob_bytes, enqueued } =
            vault.read(text)?;
        Ok(Self { device, blob_uri, blob_name, last_updated, blob_bytes, enqueued })
    }
}
