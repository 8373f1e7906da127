//! Registrations.

use std::borrow::Cow;

use roadstead_model::{
    DeviceId, EnrollmentGroupId, Etag, Registration, RegistrationId, RegistrationStatus, Substatus, UnixMillis,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, mirror, provisioning::TpmKeyV1, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RegistrationV1<'a> {
    v: V1,
    registration_id: RegistrationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<EnrollmentGroupId>,
    status: StatusV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Cow<'a, Map<String, Value>>>,
    credential_digest: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    storage_root_key: Option<TpmKeyV1>,
    etag: Etag,
    created: UnixMillis,
    updated: UnixMillis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum StatusV1 {
    Assigned { hub: String, device_id: DeviceId, substatus: SubstatusV1 },
    Failed { code: u32, message: String },
}

mirror!(SubstatusV1 of Substatus: InitialAssignment, DeviceDataMigrated, DeviceDataReset, ReprovisionedToInitialAssignment);

impl From<&RegistrationStatus> for StatusV1 {
    fn from(status: &RegistrationStatus) -> Self {
        match status {
            RegistrationStatus::Assigned { hub, device_id, substatus } => {
                Self::Assigned { hub: hub.clone(), device_id: device_id.clone(), substatus: (*substatus).into() }
            }
            RegistrationStatus::Failed { code, message } => Self::Failed { code: *code, message: message.clone() },
        }
    }
}

impl From<StatusV1> for RegistrationStatus {
    fn from(stored: StatusV1) -> Self {
        match stored {
            StatusV1::Assigned { hub, device_id, substatus } => {
                Self::Assigned { hub, device_id, substatus: substatus.into() }
            }
            StatusV1::Failed { code, message } => Self::Failed { code, message },
        }
    }
}

impl Stored for Registration {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&RegistrationV1 {
            v: V1,
            registration_id: self.registration_id.clone(),
            group: self.group.clone(),
            status: (&self.status).into(),
            payload: self.payload.as_ref().map(Cow::Borrowed),
            credential_digest: Cow::Borrowed(&self.credential_digest),
            storage_root_key: self.storage_root_key.as_ref().map(Into::into),
            etag: self.etag.clone(),
            created: self.created,
            updated: self.updated,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: RegistrationV1 = vault.read(text)?;
        Ok(Self {
            registration_id: stored.registration_id,
            group: stored.group,
            status: stored.status.into(),
            payload: stored.payload.map(Cow::into_owned),
            credential_digest: stored.credential_digest.into_owned(),
            storage_root_key: stored.storage_root_key.map(Into::into),
            etag: stored.etag,
            created: stored.created,
            updated: stored.updated,
        })
    }
}
