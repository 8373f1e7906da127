//! Direct methods as back ends call them. Source: `reference/hub-service.md` 1.3, 1.8

use std::{collections::BTreeMap, time::Duration};

use hyper::StatusCode;
use roadstead_hub::{Hub, HubError, MethodRequest};
use roadstead_model::IdentityId;
use roadstead_wire::{
    hub_error::{self, ERROR_CODE_HEADER, TrackingId},
    hub_service::{MethodCall, MethodResult},
    object_body,
};
use tracing::info;

use crate::{call::Call, limits, op::hub_refusal, refusal, reply::Reply, serve::Parts};

/// `POST /twins/{id}/methods` and `POST /twins/{id}/modules/{module}/methods`
pub(crate) async fn invoke(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: Option<&str>) -> Reply {
    let answered = async {
        let id = IdentityId::parse(device, module)?;
        hub.invoke_method(&id, read_request(call)?).await
    };
    match answered.await {
        Ok(answer) => Reply::ok(&MethodResult { status: answer.status, payload: answer.payload }),
        Err(refused) => refuse(parts, call, &refused),
    }
}

fn read_request(call: &Call) -> Result<MethodRequest, HubError> {
    let body: MethodCall =
        object_body::parse(&call.body).map_err(|error| HubError::Invalid(format!("the body: {error}")))?;
    let timeout = |given: Option<u32>, default: Duration| given.map_or(default, |s| Duration::from_secs(s.into()));
    Ok(MethodRequest {
        name: body.method_name,
        payload: body.payload,
        response_timeout: timeout(body.response_timeout_in_seconds, limits::METHOD_RESPONSE_TIMEOUT),
        connect_timeout: timeout(body.connect_timeout_in_seconds, Duration::ZERO),
    })
}

/// What went wrong with the device has a shape of its own, everything else the shape of the registry.
fn refuse(parts: &Parts, call: &Call, refused: &HubError) -> Reply {
    let waited = match refused {
        HubError::DeviceNotOnline { waited } | HubError::MethodTimedOut { waited } => Some(*waited),
        HubError::DeviceConnectionClosedRemotely | HubError::MethodAnswerUnfit(_) => None,
        other => return hub_refusal(parts, call, other),
    };
    let code = refusal::hub_code(refused);
    info!(request = %call.id, path = call.path, code = code.number(), "refused: {refused}");
    let id = call.id.simple().to_string();
    let tracking = TrackingId { id: &id, at: parts.clock.now() };
    let info: BTreeMap<_, _> = waited.map(|waited| ("timeout".to_owned(), span(waited))).into_iter().collect();
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = hub_error::method_body(code, &refused.to_string(), info, tracking);
    Reply::json(status, body).header(ERROR_CODE_HEADER, code.name())
}

/// A span of time as .NET prints it: `00:05:00`.
fn span(waited: Duration) -> String {
    let seconds = waited.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, printed) in [(0, "00:00:00"), (59, "00:00:59"), (300, "00:05:00"), (3600, "01:00:00")] {
            assert_eq!(span(Duration::from_secs(seconds)), printed);
        }
    }
}
