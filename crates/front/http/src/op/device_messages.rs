//! Messages from the cloud, taken by a device without a connection. Source: `reference/hub-device.md` 2 (rows 3 to 6)

use hyper::{StatusCode, header};
use roadstead_hub::{HubError, LockToken, Settlement};
use roadstead_wire::http_headers::{self, Delivery};

use crate::{call::Call, gate::DeviceDoor, op::hub_refusal, reply::Reply, serve::Parts};

/// `GET /devices/{id}/messages/devicebound`: the next message, locked; 204 when none waits.
pub(crate) async fn receive(parts: &Parts, call: &Call, door: DeviceDoor<'_>) -> Reply {
    match door.receive_message().await {
        Ok(Some((token, message))) => {
            let delivery = Delivery {
                lock_token: &token.to_string(),
                sequence: message.sequence,
                enqueued: message.enqueued,
                delivery_count: message.delivery_count,
            };
            let headers = http_headers::write_devicebound(&delivery, &message.properties);
            Reply { body: message.body.into(), ..Reply::empty(StatusCode::OK).headers(headers) }
        }
        Ok(None) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `DELETE /devices/{id}/messages/devicebound/{lock}`: completes, or rejects with `?reject`. 204.
pub(crate) async fn end(parts: &Parts, call: &Call, door: DeviceDoor<'_>, lock: &str) -> Reply {
    let settlement = if is_rejection(call) { Settlement::Reject } else { Settlement::Complete };
    settle(parts, call, door, lock, settlement).await
}

/// `POST /devices/{id}/messages/devicebound/{lock}/abandon`. 204.
pub(crate) async fn abandon(parts: &Parts, call: &Call, door: DeviceDoor<'_>, lock: &str) -> Reply {
    settle(parts, call, door, lock, Settlement::Abandon).await
}

async fn settle(parts: &Parts, call: &Call, door: DeviceDoor<'_>, lock: &str, settlement: Settlement) -> Reply {
    let settled = async {
        let token = read_lock(call, lock)?;
        door.settle_message(token, settlement).await
    };
    match settled.await {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// The lock in the path counts; `If-Match` must only not name another one. What is no lock is as good as a lost one.
pub(crate) fn read_lock(call: &Call, lock: &str) -> Result<LockToken, HubError> {
    let token = LockToken::parse(lock).ok_or(HubError::LockLost)?;
    let condition = call.header(header::IF_MATCH.as_str()).unwrap_or_default();
    match LockToken::parse(condition.trim().trim_matches('"')) {
        Some(other) if other != token => Err(HubError::LockLost),
        _ => Ok(token),
    }
}

/// `reject`, `reject=`, `reject=true`, and java's key `?reject`.
fn is_rejection(call: &Call) -> bool {
    call.query.iter().any(|(name, _)| name.trim_start_matches('?').eq_ignore_ascii_case("reject"))
}
