//! A device registers with DPS. Source: `reference/dps.md` 1.1, 1.2

use hyper::StatusCode;
use roadstead_dps::{DpsError, OperationStatus, RegistrationRequest, limits::RETRY_AFTER_S};
use roadstead_wire::{
    dps_body::{DeviceRegistration, DeviceRegistrationResult, RegistrationOperationStatus, TpmKeys},
    percent,
};

use crate::{call::Call, gate::RegistrantDoor, reply::Reply};

/// `PUT /{idScope}/registrations/{id}/register`: 202 whatever became of it, as the C# SDK takes nothing else.
pub(crate) async fn register(call: &Call, door: RegistrantDoor<'_>) -> Result<Reply, DpsError> {
    let body = read_body(call)?;
    let request = RegistrationRequest {
        registration_id: body.registration_id,
        payload: body.payload,
        api_version: call.argument("api-version").unwrap_or_default().to_owned(),
        tpm: body.tpm.map(|TpmKeys { endorsement_key, storage_root_key }| roadstead_dps::TpmKeys {
            endorsement_key,
            storage_root_key,
        }),
    };
    let operation = door.register(request).await?;
    Ok(worded(call, StatusCode::ACCEPTED, &operation))
}

/// `GET /{idScope}/registrations/{id}/operations/{operationId}`: 202 while it is under way, else 200.
pub(crate) async fn operation_status(
    call: &Call,
    door: RegistrantDoor<'_>,
    operation_id: &str,
) -> Result<Reply, DpsError> {
    let operation = door.operation_status(operation_id).await?;
    let status = if operation.state.is_none() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(worded(call, status, &operation))
}

/// `POST /{idScope}/registrations/{id}`: the state of the registration, bare.
pub(crate) async fn registration_status(call: &Call, door: RegistrantDoor<'_>) -> Result<Reply, DpsError> {
    read_body(call)?;
    let state = door.registration_status().await?;
    Ok(Reply::json(StatusCode::OK, DeviceRegistrationResult::from(&state).to_json()))
}

fn worded(call: &Call, status: StatusCode, operation: &OperationStatus) -> Reply {
    let reply = Reply::json(status, RegistrationOperationStatus::from(operation).to_json());
    if status != StatusCode::ACCEPTED {
        return reply;
    }
    let [scope, id] = [0, 2].map(|at| percent::encode(call.segment(at)));
    let reply = reply.header("location", &format!("https://{}/{scope}/registrations/{id}/register", call.host));
    match operation.state {
        Some(_) => reply,
        None => reply.header("retry-after", &RETRY_AFTER_S.to_string()),
    }
}

fn read_body(call: &Call) -> Result<DeviceRegistration, DpsError> {
    DeviceRegistration::parse(&call.body)
        .map_err(|error| DpsError::Invalid { member: "body", fault: error.to_string() })
}
