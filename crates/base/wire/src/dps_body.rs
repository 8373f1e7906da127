//! The JSON between a device and DPS. Members without a value are left out: the embedded C SDK refuses `null`.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::{AttestedBy, Etag, OperationStatus, RegistrationState, State, Substatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ascii_json, object_body,
    word::{Word, words},
};

/// What a device sends with "register": all of it optional, as the C# SDK sends nothing.
///
/// Shape: `{"registrationId":"dev-01","payload":{"model":"m7"}}`. Other members are passed over.
/// Source: `reference/dps.md` 1.2
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceRegistration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<String>,
    /// For the custom-allocation webhook only. `null` counts as absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<TpmKeys>,
}

/// A TPM's public keys, base64.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TpmKeys {
    pub endorsement_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_root_key: Option<String>,
}

impl DeviceRegistration {
    /// Reads a body; an empty or blank one and `null` are an empty registration.
    ///
    /// Errors: not JSON, not an object, or a member of the wrong type.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        object_body::parse::<Option<Self>>(body).map(Option::unwrap_or_default)
    }

    /// The JSON a client sends.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// With what a device with a TPM is challenged: the body of a 401. Source: `reference/dps.md` 2.5
///
/// Shape: `{"authenticationKey":"ADQAIJ…","keyName":"registration","message":"Unauthorized"}`; the C SDK needs `keyName`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TpmChallenge {
    /// Base64, for the TPM.
    pub authentication_key: String,
    pub key_name: String,
    pub message: String,
}

impl TpmChallenge {
    /// `authentication_key` as it goes to the TPM.
    pub fn new(authentication_key: &[u8], message: impl Into<String>) -> Self {
        Self {
            authentication_key: STANDARD.encode(authentication_key),
            key_name: "registration".to_owned(),
            message: message.into(),
        }
    }

    /// The JSON, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// How far a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Never sent: a C device without TPM takes it for a challenge.
    Unassigned,
    Assigning,
    Assigned,
    Failed,
    Disabled,
}

words!("status", Progress {
    Unassigned = "unassigned",
    Assigning = "assigning",
    Assigned = "assigned",
    Failed = "failed",
    Disabled = "disabled",
});

/// The answer to "register" and to "operation status".
///
/// Shape: `{"operationId":"5.316aac5bdc130deb.b1e0…","status":"assigned","registrationState":{…}}`.
/// Source: `reference/dps.md` 1.2
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationOperationStatus {
    pub operation_id: String,
    pub status: Word<Progress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_state: Option<DeviceRegistrationResult>,
}

impl From<&OperationStatus> for RegistrationOperationStatus {
    fn from(operation: &OperationStatus) -> Self {
        let registration_state = operation.state.as_ref().map(DeviceRegistrationResult::from);
        let status = registration_state.as_ref().map_or(Word(Progress::Assigning), |result| result.status);
        Self { operation_id: operation.operation_id.clone(), status, registration_state }
    }
}

impl RegistrationOperationStatus {
    /// The JSON, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// What became of a registration: `registrationState`, and the whole answer to "registration status".
///
/// Shape: `{"registrationId":"dev-01","assignedHub":"hub1.example.test","deviceId":"dev-01","status":"assigned",
/// "substatus":"initialAssignment",…}`. Times ISO 8601 with seven fractional digits. Source: `reference/dps.md` 1.2
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRegistrationResult {
    /// `{}`: the schema's certificate details are never filled in practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x509: Option<AttestedGroup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symmetric_key: Option<AttestedGroup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<TpmResult>,
    pub registration_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_date_time_utc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_hub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    pub status: Word<Progress>,
    /// Always there when assigned: without it the python SDK waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substatus: Option<Word<Substatus>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_date_time_utc: Option<String>,
    /// Base64 of the quoted etag, in the device API only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What the webhook gave: an object, as java and embedded C demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Map<String, Value>>,
}

/// Which group vouched for a device; `{}` for an individual enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttestedGroup {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment_group_id: Option<String>,
}

/// What a device with a TPM takes in to speak to its hub; only when assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TpmResult {
    /// Base64, for the TPM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_key: Option<String>,
}

impl From<&RegistrationState> for DeviceRegistrationResult {
    fn from(told: &RegistrationState) -> Self {
        let group = AttestedGroup { enrollment_group_id: told.group.as_ref().map(|id| id.as_str().to_owned()) };
        let by_tpm =
            || TpmResult { authentication_key: told.authentication_key.as_ref().map(|key| STANDARD.encode(key)) };
        let (x509, symmetric_key, tpm) = match told.attested {
            AttestedBy::X509 => (Some(AttestedGroup::default()), None, None),
            AttestedBy::SymmetricKey => (None, Some(group), None),
            AttestedBy::Tpm => (None, None, Some(by_tpm())),
        };
        let result = Self {
            x509,
            symmetric_key,
            tpm,
            created_date_time_utc: Some(told.created.iso()),
            last_updated_date_time_utc: Some(told.updated.iso()),
            etag: told.etag.as_ref().map(device_etag),
            payload: told.payload.clone(),
            ..Self::bare(told.registration_id.as_str(), Progress::Assigned)
        };
        let ended = |status, code: u32, message: &String| Self {
            status: Word(status),
            error_code: Some(code),
            error_message: Some(message.clone()),
            ..result.clone()
        };
        match &told.state {
            State::Failed { code, message } => ended(Progress::Failed, *code, message),
            State::Disabled { code, message } => ended(Progress::Disabled, *code, message),
            State::Assigned { hub, device_id, substatus } => Self {
                assigned_hub: Some(hub.clone()),
                device_id: Some(device_id.as_str().to_owned()),
                substatus: Some(Word(*substatus)),
                ..result
            },
        }
    }
}

impl DeviceRegistrationResult {
    fn bare(registration_id: &str, status: Progress) -> Self {
        Self {
            x509: None,
            symmetric_key: None,
            tpm: None,
            registration_id: registration_id.to_owned(),
            created_date_time_utc: None,
            assigned_hub: None,
            device_id: None,
            status: Word(status),
            substatus: None,
            error_code: None,
            error_message: None,
            last_updated_date_time_utc: None,
            etag: None,
            payload: None,
        }
    }

    /// The JSON, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

fn device_etag(etag: &Etag) -> String {
    STANDARD.encode(format!("\"{etag}\""))
}

fn to_json<T: Serialize>(body: &T) -> Vec<u8> {
    ascii_json::to_vec(body).expect("every map in these bodies has text for keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roadstead_model::{DeviceId, EnrollmentGroupId, RegistrationId, UnixMillis};
    use serde_json::json;

    fn told(state: State, attested: AttestedBy, group: Option<&str>) -> RegistrationState {
        RegistrationState {
            registration_id: RegistrationId::parse("dev-01").unwrap(),
            state,
            attested,
            group: group.map(|id| EnrollmentGroupId::parse(id).unwrap()),
            payload: None,
            authentication_key: None,
            etag: Some(Etag::from_client("69003552-0000-0300-0000-630fda8a0000")),
            created: UnixMillis(1_795_291_370_516),
            updated: UnixMillis(1_795_291_370_737),
        }
    }

    fn assigned(attested: AttestedBy, group: Option<&str>) -> RegistrationState {
        let state = State::Assigned {
            hub: "hub1.example.test".to_owned(),
            device_id: DeviceId::parse("dev-01").unwrap(),
            substatus: Substatus::InitialAssignment,
        };
        told(state, attested, group)
    }

    fn worded(state: Option<RegistrationState>) -> String {
        let status = OperationStatus { operation_id: "5.316aac5bdc130deb.b1e02da8".to_owned(), state };
        String::from_utf8(RegistrationOperationStatus::from(&status).to_json()).unwrap()
    }

    #[test]
    fn requests_of_the_sdks() {
        for (body, id, payload) in [
            (&b""[..], None, None),
            (b" ", None, None),
            (b"null", None, None),
            (b"{}", None, None),
            (br#"{"payload": null, "registrationId": "dev-01"}"#, Some("dev-01"), None),
            (br#"{"registrationId":"dev-01","payload":{"a":1}}"#, Some("dev-01"), Some(json!({"a": 1}))),
            (br#"{"payload":"text of java"}"#, None, Some(json!("text of java"))),
            (br#"{"registrationId":null,"csr":"x","tpm":null}"#, None, None),
        ] {
            let parsed = DeviceRegistration::parse(body).unwrap();
            assert_eq!((parsed.registration_id.as_deref(), parsed.payload), (id, payload), "{body:?}");
        }
        let tpm = DeviceRegistration::parse(br#"{"tpm":{"endorsementKey":"e"}}"#).unwrap().tpm.unwrap();
        assert_eq!((&*tpm.endorsement_key, tpm.storage_root_key), ("e", None));
        for body in [&b"["[..], b"[]", b"3", b"\"x\"", b"{\"registrationId\":3}", b"{} {}", b"\xff"] {
            assert!(DeviceRegistration::parse(body).is_err(), "{body:?}");
        }
        let client = DeviceRegistration { registration_id: Some("dev-01".into()), ..Default::default() };
        assert_eq!(client.to_json(), br#"{"registrationId":"dev-01"}"#);
    }

    #[test]
    fn an_assigned_individual_as_azure_words_it() {
        let body = worded(Some(assigned(AttestedBy::SymmetricKey, None)));
        let expected = concat!(
            r#"{"operationId":"5.316aac5bdc130deb.b1e02da8","status":"assigned","registrationState":{"symmetricKey":{},"#,
            r#""registrationId":"dev-01","createdDateTimeUtc":"2026-11-21T20:02:50.5160000Z","assignedHub":"hub1.example.test","#,
            r#""deviceId":"dev-01","status":"assigned","substatus":"initialAssignment","#,
            r#""lastUpdatedDateTimeUtc":"2026-11-21T20:02:50.7370000Z","etag":"IjY5MDAzNTUyLTAwMDAtMDMwMC0wMDAwLTYzMGZkYThhMDAwMCI="}}"#,
        );
        assert_eq!(body, expected);
        let read = serde_json::from_str::<RegistrationOperationStatus>(expected).unwrap();
        assert_eq!(String::from_utf8(read.to_json()).unwrap(), expected);
    }

    #[test]
    fn groups_failures_and_what_is_under_way() {
        let group = DeviceRegistrationResult::from(&assigned(AttestedBy::SymmetricKey, Some("fleet-a")));
        assert_eq!(serde_json::to_value(&group.symmetric_key).unwrap(), json!({"enrollmentGroupId": "fleet-a"}));
        let x509 = DeviceRegistrationResult::from(&assigned(AttestedBy::X509, Some("fleet-a")));
        assert_eq!(serde_json::to_value(&x509).unwrap()["x509"], json!({}));
        let mut by_tpm = assigned(AttestedBy::Tpm, None);
        by_tpm.authentication_key = Some(vec![0, 1, 2]);
        let tpm = serde_json::to_value(DeviceRegistrationResult::from(&by_tpm)).unwrap();
        assert_eq!((&tpm["tpm"], tpm.get("symmetricKey")), (&json!({"authenticationKey": "AAEC"}), None));
        let challenge = r#"{"authenticationKey":"AAEC","keyName":"registration","message":"Unauthorized"}"#;
        assert_eq!(TpmChallenge::new(&[0, 1, 2], "Unauthorized").to_json(), challenge.as_bytes());
        let failed = State::Failed { code: 400_208, message: "hub für alle".to_owned() };
        let body = worded(Some(told(failed, AttestedBy::X509, None)));
        assert!(body.contains(r#""status":"failed","errorCode":400208,"errorMessage":"hub f\u00fcr alle""#), "{body}");
        assert!(!body.contains("assignedHub") && !body.contains("substatus") && !body.contains("null"), "{body}");
        let disabled = State::Disabled { code: 403_001, message: "no".to_owned() };
        let body = worded(Some(told(disabled, AttestedBy::X509, None)));
        assert!(
            body.starts_with(
                r#"{"operationId":"5.316aac5bdc130deb.b1e02da8","status":"disabled","registrationState":{"#
            ),
            "{body}"
        );
        assert_eq!(worded(None), r#"{"operationId":"5.316aac5bdc130deb.b1e02da8","status":"assigning"}"#);
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..64), json in "[{}\\[\\]\":,a-zA-Z0-9 ]{0,64}") {
            let _ = DeviceRegistration::parse(&body);
            let _ = DeviceRegistration::parse(json.as_bytes());
        }
    }
}
