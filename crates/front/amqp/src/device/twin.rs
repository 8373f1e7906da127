//! A device's twin: what it asks, and what it is told of changes. Source: `reference/hub-device.md` 3.6

use roadstead_amqp_proto::{
    AmqpError, ValueRef,
    message::{Message, MessageId, MessageWriter, Properties},
};
use roadstead_hub::{DesiredChange, HubError, Session};
use roadstead_model::UnixMillis;
use roadstead_wire::{
    amqp::twin::{self, TwinAsk},
    device_twin::{DeviceSection, DeviceTwin},
    hub_error::{TrackingId, twin_body},
};
use uuid::Uuid;

use super::{Device, methods::integer, telemetry::body};
use crate::refusal::{self, undecodable};

/// Does what a device asks and says what it is answered, a refusal too. Errors: no message.
pub(super) async fn answer(device: &mut Device, payload: &[u8], now: UnixMillis) -> Result<Vec<u8>, AmqpError> {
    let message = Message::decode(payload).map_err(undecodable)?;
    let word = |name| message.message_annotations.find(name).and_then(|value| value.as_text()).unwrap_or_default();
    let (operation, resource) = (word(twin::OPERATION), word(twin::RESOURCE));
    let done = match TwinAsk::parse(operation, resource) {
        Some(TwinAsk::Get) => read(&device.session).await,
        Some(TwinAsk::Report) => report(&device.session, &message).await,
        Some(ask @ (TwinAsk::Watch | TwinAsk::Ignore)) => {
            device.watches = ask == TwinAsk::Watch;
            device.attend();
            device.session.heard();
            Ok(Answer { status: 200, version: None, body: Vec::new() })
        }
        None => Err(HubError::Invalid(
            "a request to the twin is GET, PATCH of /properties/reported, or PUT or DELETE of \
             /notifications/twin/properties/desired"
                .to_owned(),
        )),
    };
    let answer = done.unwrap_or_else(|refused| refuse(&device.session, &refused, now));
    Ok(answer.write(message.properties.correlation_id))
}

/// The message of a change of desired properties.
pub(super) fn change(change: &DesiredChange) -> Vec<u8> {
    let DesiredChange { properties, version } = change;
    let mut out = Vec::new();
    let mut message = MessageWriter::new(&mut out);
    message.message_annotations(|map| {
        map.string(twin::RESOURCE, twin::DESIRED);
        if let Ok(version) = i32::try_from(*version) {
            map.int(twin::VERSION, version);
        }
    });
    message.data(&DeviceSection { properties, version: *version }.to_json());
    out
}

struct Answer {
    status: u16,
    version: Option<i64>,
    body: Vec<u8>,
}

impl Answer {
    /// The id is the request's with the very type it has. Java reads the version as an `int`.
    fn write(self, correlation_id: Option<MessageId<'_>>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 128);
        let mut message = MessageWriter::new(&mut out);
        message.message_annotations(|map| {
            map.int(twin::STATUS, self.status.into());
            if let Some(version) = self.version.and_then(|version| i32::try_from(version).ok()) {
                map.int(twin::VERSION, version);
            }
        });
        message.properties(&Properties { correlation_id, ..Properties::default() });
        message.data(&self.body);
        out
    }
}

async fn read(session: &Session) -> Result<Answer, HubError> {
    let twin = session.twin().await?;
    let desired = DeviceSection { properties: &twin.desired.value, version: twin.desired.version };
    let reported = DeviceSection { properties: &twin.reported.value, version: twin.reported.version };
    Ok(Answer { status: 200, version: None, body: DeviceTwin { desired, reported }.to_json() })
}

async fn report(session: &Session, message: &Message<'_>) -> Result<Answer, HubError> {
    let body = body(&message.body).map_err(|error| HubError::Invalid(error.to_string()))?;
    let patch = serde_json::from_slice(&body).map_err(|error| HubError::Invalid(format!("Invalid JSON: {error}")))?;
    let expected = match message.message_annotations.find(twin::VERSION) {
        None | Some(ValueRef::Null) => None,
        Some(value) => Some(integer(&value).ok_or_else(|| HubError::Invalid("the version is no number".to_owned()))?),
    };
    let version = session.report(patch, expected).await?;
    Ok(Answer { status: 204, version: Some(version), body: Vec::new() })
}

/// Never an empty body, nor one that is no JSON: node parses it.
fn refuse(session: &Session, refused: &HubError, now: UnixMillis) -> Answer {
    let (code, device) = (refusal::twin(refused), session.id());
    let id = Uuid::new_v4().simple().to_string();
    tracing::info!(%device, tracking = id, code = code.number(), "twin request refused: {refused}");
    let tracking = TrackingId { id: &id, at: now };
    Answer { status: code.http_status(), version: None, body: twin_body(code, &refusal::text(refused), tracking) }
}
