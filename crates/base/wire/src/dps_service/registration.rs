//! What back ends read of a registration.

use roadstead_model::{Registration, RegistrationStatus, Substatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::quoted;
use crate::{dps_body::Progress, word::Word};

/// Shape: `{"registrationId":"dev-01","assignedHub":"hub1.example.test","deviceId":"dev-01","status":"assigned",…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRegistrationState {
    pub registration_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_date_time_utc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_hub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    pub status: Word<Progress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substatus: Option<Word<Substatus>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_date_time_utc: Option<String>,
    /// Within quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Map<String, Value>>,
}

impl From<&Registration> for DeviceRegistrationState {
    fn from(registration: &Registration) -> Self {
        let state = Self {
            registration_id: registration.registration_id.as_str().to_owned(),
            created_date_time_utc: Some(registration.created.iso()),
            assigned_hub: None,
            device_id: None,
            status: Word(Progress::Assigned),
            substatus: None,
            error_code: None,
            error_message: None,
            last_updated_date_time_utc: Some(registration.updated.iso()),
            etag: Some(quoted(&registration.etag)),
            payload: registration.payload.clone(),
        };
        match &registration.status {
            RegistrationStatus::Assigned { hub, device_id, substatus } => Self {
                assigned_hub: Some(hub.clone()),
                device_id: Some(device_id.as_str().to_owned()),
                substatus: Some(Word(*substatus)),
                ..state
            },
            RegistrationStatus::Failed { code, message } => Self {
                status: Word(Progress::Failed),
                error_code: Some(*code),
                error_message: Some(message.clone()),
                ..state
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{Etag, RegistrationId, UnixMillis};
    use serde_json::json;

    #[test]
    fn a_failed_registration() {
        let registration = Registration {
            registration_id: RegistrationId::parse("dev-01").unwrap(),
            group: None,
            status: RegistrationStatus::Failed { code: 400_208, message: "hub not specified".to_owned() },
            payload: None,
            credential_digest: String::new(),
            storage_root_key: None,
            etag: Etag::from_client("e"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
        };
        let at = "1970-01-01T00:00:00.0000000Z";
        let expected = json!({"registrationId": "dev-01", "createdDateTimeUtc": at, "status": "failed", "errorCode": 400_208,
            "errorMessage": "hub not specified", "lastUpdatedDateTimeUtc": at, "etag": "\"e\""});
        assert_eq!(serde_json::to_value(DeviceRegistrationState::from(&registration)).unwrap(), expected);
    }
}
