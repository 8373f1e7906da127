//! One file per group of operations. Each translates both ways and decides nothing.

pub(crate) mod blob;
mod blob_get;
mod blob_put;
pub(crate) mod device_files;
pub(crate) mod device_messages;
pub(crate) mod device_register;
pub(crate) mod device_send;
pub(crate) mod hub_bulk;
pub(crate) mod hub_consumers;
pub(crate) mod hub_devices;
pub(crate) mod hub_event_log;
pub(crate) mod hub_events;
mod hub_events_sample;
pub(crate) mod hub_messages;
pub(crate) mod hub_methods;
pub(crate) mod hub_modules;
pub(crate) mod hub_query;
pub(crate) mod hub_renewal;
pub(crate) mod hub_twins;
pub(crate) mod hub_uploads;
pub(crate) mod journal;
pub(crate) mod operations;
mod service;
pub(crate) mod service_bulk;
mod service_draft;
pub(crate) mod service_enrollments;
pub(crate) mod service_groups;
pub(crate) mod service_registrations;

use hyper::StatusCode;
use roadstead_dps::DpsError;
use roadstead_hub::HubError;
use roadstead_wire::{
    DpsCode, HubCode,
    dps_body::TpmChallenge,
    dps_error::DpsError as DpsErrorBody,
    hub_error::{self, ERROR_CODE_HEADER, TrackingId},
};
use tracing::{error, info};

use crate::{call::Call, noted, refusal, reply::Reply, serve::Parts};

/// A hub's refusal in the shape of the registry and device APIs, and a line in the log.
pub(crate) fn hub_refusal(parts: &Parts, call: &Call, refused: &HubError) -> Reply {
    let code = refusal::hub_code(refused);
    let path = &call.path;
    match refused {
        HubError::Internal(cause) | HubError::Full(cause) => {
            error!(request = %call.id, path, %cause, "a request failed: {refused}");
        }
        refused => info!(request = %call.id, path, code = code.number(), "refused: {refused}"),
    }
    let message = refused.to_string();
    noted::refused(parts, call, code, refused, &message);
    let reply = hub_code(parts, call, code, &message);
    match refused {
        HubError::Throttled { retry_after_s, .. } => reply.header("retry-after", &retry_after_s.to_string()),
        _ => reply,
    }
}

/// An error of the registry and device APIs: body of shape A, and the header that the C# SDK compares with it.
pub(crate) fn hub_code(parts: &Parts, call: &Call, code: HubCode, message: &str) -> Reply {
    let id = call.id.simple().to_string();
    let tracking = TrackingId { id: &id, at: parts.clock.now() };
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = hub_error::http_body(code, message, tracking);
    Reply::json(status, body).header(ERROR_CODE_HEADER, code.name())
}

/// Answers for a host name that is no hub's.
pub(crate) fn no_such_hub(parts: &Parts, call: &Call) -> Reply {
    let message =
        format!("no hub here answers to the name `{}`; `roadstead iot hub list` shows those that do", call.host);
    noted::no_such_hub(parts, call, &message);
    hub_code(parts, call, HubCode::IotHubNotFound, &message)
}

/// Answers for a path of the hub's API that Roadstead does not serve.
pub(crate) fn not_implemented(parts: &Parts, call: &Call) -> Reply {
    hub_code(parts, call, HubCode::InvalidOperation, &not_served(call))
}

/// A refusal of DPS, to devices and back ends alike, and a line in the log.
pub(crate) fn dps_refusal(parts: &Parts, call: &Call, refused: &DpsError) -> Reply {
    let code = refusal::dps_code(refused);
    let path = &call.path;
    if let DpsError::TpmChallenge { authentication_key } = refused {
        let challenge = TpmChallenge::new(authentication_key, refused.to_string());
        return Reply::json(StatusCode::UNAUTHORIZED, challenge.to_json());
    }
    let message = match refused {
        DpsError::Internal(cause) => {
            error!(request = %call.id, path, %cause, "a request failed");
            "internal error".to_owned()
        }
        refused => {
            info!(request = %call.id, path, code = code.number(), "refused: {refused}");
            refused.to_string()
        }
    };
    let reply = dps_code(parts, call, code, &message);
    match refused.retry_after_s() {
        Some(retry_after_s) => reply.header("retry-after", &retry_after_s.to_string()),
        None => reply,
    }
}

/// An error of DPS. Its `trackingId` is the answer's `x-ms-request-id`. Source: `reference/dps.md` 1.1, 3.7
pub(crate) fn dps_code(parts: &Parts, call: &Call, code: DpsCode, message: &str) -> Reply {
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = DpsErrorBody::new(code, message, call.id.to_string(), parts.clock.now());
    Reply::json(status, body.to_json()).header("x-ms-error-code", &code.number().to_string())
}

/// Answers for a host name that is no DPS instance's.
pub(crate) fn no_such_dps(parts: &Parts, call: &Call) -> Reply {
    let message = format!(
        "no DPS instance here answers to the name `{}`; `roadstead iot dps list` shows those that do",
        call.host
    );
    dps_code(parts, call, DpsCode::EnrollmentNotFound, &message)
}

/// Answers for a path or method of DPS that does not exist. Source: `reference/dps.md` 3.7 (405 when the id is missing)
pub(crate) fn dps_no_route(parts: &Parts, call: &Call) -> Reply {
    dps_code(parts, call, DpsCode::MethodNotAllowed, &not_served(call))
}

fn not_served(call: &Call) -> String {
    format!("{} {} is not served by this version of Roadstead", call.method, call.path)
}
