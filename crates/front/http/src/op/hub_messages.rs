//! Messages to devices and feedback on them, for back ends. Source: `reference/hub-service.md` 1.9, 2.3

use hyper::{StatusCode, header::HeaderValue};
use roadstead_hub::{Hub, HubError, NewMessage};
use roadstead_model::{Ack, DeviceId, Properties, SystemProperty, UnixMillis};
use roadstead_wire::{
    Words, devicebound_to, http_headers,
    hub_service::{FEEDBACK_CONTENT_TYPE, FeedbackRecord, PurgeResult},
};

use crate::{
    call::Call,
    op::{device_messages::read_lock, hub_refusal},
    reply::Reply,
    serve::Parts,
};

/// `POST /messages/devicebound`: to the device that the header `iothub-to` names. 204 once it is queued.
pub(crate) async fn send(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let sent = async {
        let message = read_message(call)?;
        let devices =
            devicebound_to::device_ids(message.properties.find_system(SystemProperty::To).unwrap_or_default());
        hub.send_message_to_first(&devices.map_err(|refused| HubError::Invalid(refused.to_string()))?, message).await
    };
    match sent.await {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

fn read_message(call: &Call) -> Result<NewMessage, HubError> {
    let mut properties = Properties::new();
    for (name, value) in &call.headers {
        if let Ok(value) = value.to_str() {
            http_headers::read_devicebound(name.as_str(), value, &mut properties);
        }
    }
    let ack = match properties.find_system(SystemProperty::Ack) {
        None => Ack::None,
        Some(word) => Ack::parse_word(word).ok_or_else(|| {
            HubError::Invalid(format!("iothub-ack is none, positive, negative or full, not `{word}`"))
        })?,
    };
    let expiry = match properties.find_system(SystemProperty::AbsoluteExpiryTime) {
        None | Some("") => None,
        Some(text) => Some(UnixMillis::parse_iso(text).ok_or_else(|| {
            HubError::Invalid(format!("iothub-expiry must be a time like 2026-11-21T21:00:00Z, not `{text}`"))
        })?),
    };
    Ok(NewMessage { properties, body: call.body.to_vec(), ack, expiry })
}

/// `DELETE /devices/{id}/commands`
pub(crate) async fn purge(parts: &Parts, hub: &Hub, call: &Call, id: &str) -> Reply {
    let purged = async { hub.purge_messages(&DeviceId::parse(id)?).await };
    match purged.await {
        Ok(count) => Reply::ok(&PurgeResult::of(id, count)),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /messages/serviceBound/feedback`: a batch, locked; 204 when there is none.
pub(crate) async fn receive_feedback(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    match hub.receive_feedback().await {
        Ok(Some((token, batch))) => {
            let records: Vec<_> = batch.iter().map(FeedbackRecord::from).collect();
            let reply = Reply::ok(&records);
            let body = reply.body.clone();
            reply
                .with_body(HeaderValue::from_static(FEEDBACK_CONTENT_TYPE), body)
                .header("etag", &format!("\"{token}\""))
                .header("iothub-enqueuedtime", &parts.clock.now().iso())
                .header("iothub-userid", hub.resource().name.as_str())
        }
        Ok(None) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `DELETE /messages/serviceBound/feedback/{lock}`. 204.
pub(crate) async fn complete_feedback(parts: &Parts, hub: &Hub, call: &Call, lock: &str) -> Reply {
    let completed = async { hub.complete_feedback(read_lock(call, lock)?).await };
    settled(parts, call, completed.await)
}

/// `POST /messages/serviceBound/feedback/{lock}/abandon`. 204.
pub(crate) async fn abandon_feedback(parts: &Parts, hub: &Hub, call: &Call, lock: &str) -> Reply {
    let abandoned = async { hub.abandon_feedback(read_lock(call, lock)?).await };
    settled(parts, call, abandoned.await)
}

fn settled(parts: &Parts, call: &Call, outcome: Result<(), HubError>) -> Reply {
    match outcome {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}
