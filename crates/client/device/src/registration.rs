//! What DPS says to a registration.

use crate::options::DeviceOptions;
use crate::register_error::RegisterError;
use roadstead_model::Substatus;
use roadstead_wire::dps_body::{DeviceRegistrationResult, Progress, RegistrationOperationStatus};
use roadstead_wire::dps_error::DpsError;
use serde_json::{Map, Value};

/// Where a device belongs. Hand it to [`Device::connect`](crate::Device::connect).
#[derive(Debug, Clone)]
pub struct Registration {
    /// Who registered.
    pub registration_id: String,
    /// Host name of the hub: `dev.localhost`
    pub assigned_hub: String,
    /// The device's id there, which need not be its registration id.
    pub device_id: String,
    /// How the assignment came about; not said by every service.
    pub substatus: Option<Substatus>,
    /// What the allocation webhook had to say.
    pub payload: Option<Map<String, Value>>,
    pub(crate) device: DeviceOptions,
}

impl Registration {
    /// How to connect to the hub: with the credentials, trust, port and address of the registration.
    pub fn device(&self) -> DeviceOptions {
        self.device.clone()
    }
}

impl From<Registration> for DeviceOptions {
    fn from(registration: Registration) -> Self {
        registration.device
    }
}

/// What is to be done after an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Assigned(Assignment),
    /// Poll later.
    Assigning {
        operation_id: String,
    },
    /// Ask the same again later; the error should it be the last answer.
    Again(RegisterError),
    No(RegisterError),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) hub: String,
    pub(crate) device_id: String,
    pub(crate) substatus: Option<Substatus>,
    pub(crate) payload: Option<Map<String, Value>>,
}

/// Source: `reference/dps.md` 1.2, 3.7
pub(crate) fn judge(registration_id: &str, status: u16, body: &[u8]) -> Verdict {
    match status {
        200..=299 => judge_progress(registration_id, body),
        429 | 500.. => Verdict::Again(refusal(status, body)),
        _ => Verdict::No(refusal(status, body)),
    }
}

fn judge_progress(registration_id: &str, body: &[u8]) -> Verdict {
    let odd = |cause: String| Verdict::No(RegisterError::Odd { cause });
    let answer: RegistrationOperationStatus = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => return odd(error.to_string()),
    };
    let state = answer.registration_state;
    match answer.status.0 {
        Progress::Assigned => match state.map(assignment) {
            Some(Some(assignment)) => Verdict::Assigned(assignment),
            _ => odd("assigned, and to no hub".to_owned()),
        },
        Progress::Assigning | Progress::Unassigned => Verdict::Assigning { operation_id: answer.operation_id },
        Progress::Disabled => Verdict::No(RegisterError::Disabled { registration_id: registration_id.to_owned() }),
        Progress::Failed => Verdict::No(RegisterError::Failed {
            registration_id: registration_id.to_owned(),
            code: state.as_ref().and_then(|state| state.error_code).unwrap_or(0),
            message: state.and_then(|state| state.error_message).unwrap_or_else(|| "it does not say why".to_owned()),
        }),
    }
}

fn assignment(state: DeviceRegistrationResult) -> Option<Assignment> {
    Some(Assignment {
        hub: state.assigned_hub?,
        device_id: state.device_id?,
        substatus: state.substatus.map(|word| word.0),
        payload: state.payload,
    })
}

fn refusal(status: u16, body: &[u8]) -> RegisterError {
    match serde_json::from_slice::<DpsError>(body) {
        Ok(error) => RegisterError::Refused {
            code: error.error_code,
            message: error.message,
            tracking_id: Some(error.tracking_id).filter(|id| !id.is_empty()),
        },
        Err(_) => RegisterError::Refused {
            code: u32::from(status) * 1000,
            message: format!("status {status} without a word"),
            tracking_id: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSIGNED: &str = r#"{"operationId":"5.316a.b1e0","status":"assigned","registrationState":{"x509":{"certificateInfo":null},
        "registrationId":"dev-01","createdDateTimeUtc":"2026-11-21T20:02:50.5163352Z","assignedHub":"hub1.example","deviceId":"d1",
        "status":"assigned","substatus":"initialAssignment","etag":"IjY5","payload":{"a":1},"new":[]}}"#;

    #[test]
    fn assigned() {
        let Verdict::Assigned(assignment) = judge("dev-01", 200, ASSIGNED.as_bytes()) else { panic!() };
        assert_eq!((&*assignment.hub, &*assignment.device_id), ("hub1.example", "d1"));
        assert_eq!(assignment.substatus, Some(Substatus::InitialAssignment));
        assert_eq!(assignment.payload.unwrap()["a"], 1);
        let bare = r#"{"operationId":"","status":"assigned","registrationState":{"registrationId":"d","assignedHub":"h.x","deviceId":"d","status":"assigned"}}"#;
        assert!(matches!(judge("d", 202, bare.as_bytes()), Verdict::Assigned(Assignment { substatus: None, .. })));
    }

    #[test]
    fn not_yet() {
        for body in [
            r#"{"operationId":"4.a1","status":"assigning"}"#,
            r#"{"operationId":"4.a1","status":"assigning","registrationState":{"registrationId":"d","status":"assigning"}}"#,
        ] {
            assert_eq!(judge("d", 202, body.as_bytes()), Verdict::Assigning { operation_id: "4.a1".to_owned() });
        }
        let busy = br#"{"errorCode":429001,"message":"slow down"}"#;
        let Verdict::Again(RegisterError::Refused { code: 429_001, .. }) = judge("d", 429, busy) else { panic!() };
        let Verdict::Again(RegisterError::Refused { code: 503_000, .. }) = judge("d", 503, b"") else { panic!() };
    }

    #[test]
    fn never() {
        let state = r#"{"registrationId":"d","status":"failed","errorCode":400208,"errorMessage":"no hub"}"#;
        for (status, body, error) in [
            (
                401,
                r#"{"errorCode":401002,"trackingId":"t","message":"Unauthorized"}"#.to_owned(),
                "Unauthorized (401002, tracking id t)",
            ),
            (401, "<html>".to_owned(), "status 401 without a word (401000)"),
            (200, format!(r#"{{"operationId":"1","status":"failed","registrationState":{state}}}"#), "no hub (400208)"),
            (200, r#"{"operationId":"1","status":"failed"}"#.to_owned(), "does not say why (0)"),
            (200, r#"{"operationId":"1","status":"disabled"}"#.to_owned(), "disabled"),
            (200, r#"{"operationId":"1","status":"assigned"}"#.to_owned(), "to no hub"),
            (200, r#"{"operationId":"1","status":"unheard"}"#.to_owned(), "should not"),
            (200, "{".to_owned(), "should not"),
        ] {
            let Verdict::No(refusal) = judge("d", status, body.as_bytes()) else { panic!("{body}") };
            assert!(refusal.to_string().contains(error), "{refusal}");
            assert!(!refusal.is_transient(), "{refusal}");
        }
    }
}
