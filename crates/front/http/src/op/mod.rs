//! One file per group of operations. Each translates both ways and decides nothing.

pub(crate) mod device_send;
pub(crate) mod hub_devices;
pub(crate) mod hub_events;
pub(crate) mod hub_query;
pub(crate) mod operations;

use hyper::StatusCode;
use roadstead_hub::{Hub, HubError};
use roadstead_model::{Clock, Right};
use roadstead_auth::Segment;
use roadstead_wire::{
    HubCode,
    hub_error::{ERROR_CODE_HEADER, TrackingId},
};
use tracing::{error, info};

use crate::{call::Call, refusal, reply::Reply, serve::Parts};

/// A hub's refusal in the shape of the registry and device APIs, and a line in the log.
pub(crate) fn hub_refusal(parts: &Parts, call: &Call, refused: &HubError) -> Reply {
    let code = refusal::hub_code(refused);
    let path = call.path_and_query.split('?').next().unwrap_or_default();
    match refused {
        HubError::Internal(cause) => error!(request = %call.id, path, %cause, "a request failed"),
        HubError::Full(cause) => error!(request = %call.id, path, cause, "a request found no room"),
        refused => info!(request = %call.id, path, code = code.number(), "refused: {refused}"),
    }
    hub_code(parts, call, code, &refused.to_string())
}

/// An error of the registry and device APIs: body of shape A, and the header that the C# SDK compares with it.
pub(crate) fn hub_code(parts: &Parts, call: &Call, code: HubCode, message: &str) -> Reply {
    let id = call.id.simple().to_string();
    let tracking = TrackingId { id: &id, at: parts.clock.now() };
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = roadstead_wire::hub_error::registry_body(code, message, tracking);
    Reply::json(status, body).header(ERROR_CODE_HEADER, code.name())
}

/// Lets a back end pass that has `right` on this path. The refusal is ready to be sent.
pub(crate) fn authorize(
    parts: &Parts,
    hub: &Hub,
    call: &Call,
    path: &[Segment<'_>],
    right: Right,
) -> Result<(), Box<Reply>> {
    match hub.authorize(call.authorization().unwrap_or_default(), path, right) {
        Ok(_) => Ok(()),
        Err(refused) => Err(Box::new(hub_refusal(parts, call, &refused))),
    }
}

/// Answers for a host name that is no hub's.
pub(crate) fn no_such_hub(parts: &Parts, call: &Call) -> Reply {
    let message = format!("no hub here answers to the name `{}`; `roadstead iot hub list` shows those that do", call.host);
    hub_code(parts, call, HubCode::IotHubNotFound, &message)
}

/// Answers for a path of the hub's API that Roadstead does not serve.
pub(crate) fn not_implemented(parts: &Parts, call: &Call) -> Reply {
    let path = call.path_and_query.split('?').next().unwrap_or_default();
    let message = format!("{} {path} is not served by this version of Roadstead", call.method);
    hub_code(parts, call, HubCode::InvalidOperation, &message)
}
