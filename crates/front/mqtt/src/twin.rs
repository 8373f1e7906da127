//! A device's twin: what it asks, and what it is told of changes. Source: `reference/hub-device.md` 1.7

use roadstead_hub::{DesiredChange, HubError, Session};
use roadstead_mqtt_proto::{Publish, QoS, encode};
use roadstead_wire::{
    DesiredPatch, TwinRequest, TwinResponse,
    device_twin::{DeviceSection, DeviceTwin},
    hub_error::{TrackingId, twin_body},
    twin_topic,
};
use uuid::Uuid;

use crate::{MqttFront, end::End, refusal};

/// Answers a request, a refused one too: to node, no body would mean success. A device that does not listen for answers gets
/// none, but what it asked is done.
pub(crate) async fn answer(
    front: &MqttFront,
    session: &Session,
    request: TwinRequest<'_>,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), End> {
    let rid = request.rid();
    let done = match request {
        TwinRequest::Get { .. } => read(session).await,
        TwinRequest::PatchReported { version, .. } => report(session, body, version).await,
    };
    let Answer { status, version, body } = match done {
        Ok(answer) => answer,
        Err(HubError::Closed(reason)) => return Err(End::ClosedByHub(reason)),
        Err(refused) => refuse(front, session, &refused),
    };
    let is_listening =
        session.subscriptions().iter().any(|subscription| subscription.filter == twin_topic::RESPONSE_FILTER);
    if is_listening {
        publish(out, &TwinResponse { status, rid, version }.to_string(), &body)?;
    }
    Ok(())
}

/// Tells a device that its desired properties changed.
pub(crate) fn deliver(change: &DesiredChange, out: &mut Vec<u8>) {
    let DesiredChange { properties, version } = change;
    let topic = DesiredPatch { version: *version }.to_string();
    // It fits: the properties are bounded far below what a packet holds.
    let _ = publish(out, &topic, &DeviceSection { properties, version: *version }.to_json());
}

struct Answer {
    status: u16,
    version: Option<i64>,
    body: Vec<u8>,
}

async fn read(session: &Session) -> Result<Answer, HubError> {
    let twin = session.twin().await?;
    let desired = DeviceSection { properties: &twin.desired.value, version: twin.desired.version };
    let reported = DeviceSection { properties: &twin.reported.value, version: twin.reported.version };
    Ok(Answer { status: 200, version: None, body: DeviceTwin { desired, reported }.to_json() })
}

async fn report(session: &Session, body: &[u8], expected: Option<i64>) -> Result<Answer, HubError> {
    let patch = serde_json::from_slice(body).map_err(|error| HubError::Invalid(format!("Invalid JSON: {error}")))?;
    let version = session.report(patch, expected).await?;
    Ok(Answer { status: 204, version: Some(version), body: Vec::new() })
}

fn refuse(front: &MqttFront, session: &Session, refused: &HubError) -> Answer {
    let (code, device) = (refusal::twin(refused), session.id());
    let id = Uuid::new_v4().simple().to_string();
    match refused {
        HubError::Internal(cause) | HubError::Full(cause) => {
            tracing::error!(%device, tracking = id, %cause, "a twin request failed: {refused}");
        }
        refused => tracing::info!(%device, tracking = id, code = code.number(), "twin request refused: {refused}"),
    }
    let message = refused.to_string();
    session.note_refused(refused.cause(), &code.number().to_string(), message.clone());
    let tracking = TrackingId { id: &id, at: front.clock.now() };
    Answer { status: code.http_status(), version: None, body: twin_body(code, &message, tracking) }
}

/// At QoS 0, as the hub answers whatever the question's.
fn publish(out: &mut Vec<u8>, topic: &str, payload: &[u8]) -> Result<(), End> {
    let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic, packet_id: None, payload };
    encode::publish(out, &publish).map_err(|error| End::Refused(error.to_string()))
}
