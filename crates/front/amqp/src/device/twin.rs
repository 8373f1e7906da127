//! A device's twin: what it asks, and what it is told of changes. Source: `reference/hub-device.md` 3.6

use roadstead_amqp_proto::{
    AmqpError, ValueRef,
    message::{Message, MessageId, MessageWriter, Properties},
};
use roadstead_hub::{DesiredChange, HubError, OwnTwin};
use roadstead_model::UnixMillis;
use roadstead_wire::{
    amqp::twin::{self, TwinAsk},
    device_twin::{DeviceSection, DeviceTwin},
    hub_error::{TrackingId, twin_body},
};
use uuid::Uuid;

use super::{methods::integer, telemetry::body};
use crate::refusal::{self, undecodable};

/// Whether a device that asks this is told of changes from now on; `None` when that stays as it is.
pub(super) fn watches(payload: &[u8]) -> Option<bool> {
    match asked(&Message::decode(payload).ok()?)? {
        TwinAsk::Watch => Some(true),
        TwinAsk::Ignore => Some(false),
        TwinAsk::Get | TwinAsk::Report => None,
    }
}

fn asked(message: &Message<'_>) -> Option<TwinAsk> {
    let word = |name| message.message_annotations.find(name).and_then(|value| value.as_text()).unwrap_or_default();
    TwinAsk::parse(word(twin::OPERATION), word(twin::RESOURCE))
}

/// Does what a device asks and says what it is answered, a refusal too. Errors: no message.
pub(super) async fn answer(own: &OwnTwin, payload: &[u8], now: UnixMillis) -> Result<Vec<u8>, AmqpError> {
    let message = Message::decode(payload).map_err(undecodable)?;
    let done = match asked(&message) {
        Some(TwinAsk::Get) => read(own).await,
        Some(TwinAsk::Report) => report(own, &message).await,
        // Done already: see [`watches`].
        Some(TwinAsk::Watch | TwinAsk::Ignore) => Ok(Answer { status: 200, version: None, body: Vec::new() }),
        None => Err(HubError::Invalid(
            "a request to the twin is GET, PATCH of /properties/reported, or PUT or DELETE of \
             /notifications/twin/properties/desired"
                .to_owned(),
        )),
    };
    let answer = done.unwrap_or_else(|refused| refuse(own, &refused, now));
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

async fn read(own: &OwnTwin) -> Result<Answer, HubError> {
    let twin = own.read().await?;
    let desired = DeviceSection { properties: &twin.desired.value, version: twin.desired.version };
    let reported = DeviceSection { properties: &twin.reported.value, version: twin.reported.version };
    Ok(Answer { status: 200, version: None, body: DeviceTwin { desired, reported }.to_json() })
}

async fn report(own: &OwnTwin, message: &Message<'_>) -> Result<Answer, HubError> {
    let body = body(&message.body).map_err(|error| HubError::Invalid(error.to_string()))?;
    let patch = serde_json::from_slice(&body).map_err(|error| HubError::Invalid(format!("Invalid JSON: {error}")))?;
    let expected = match message.message_annotations.find(twin::VERSION) {
        None | Some(ValueRef::Null) => None,
        Some(value) => Some(integer(&value).ok_or_else(|| HubError::Invalid("the version is no number".to_owned()))?),
    };
    let version = own.report(patch, expected).await?;
    Ok(Answer { status: 204, version: Some(version), body: Vec::new() })
}

/// Never an empty body, nor one that is no JSON: node parses it.
fn refuse(own: &OwnTwin, refused: &HubError, now: UnixMillis) -> Answer {
    let (code, device) = (refusal::twin(refused), own.id());
    let id = Uuid::new_v4().simple().to_string();
    tracing::info!(%device, tracking = id, code = code.number(), "twin request refused: {refused}");
    let (tracking, message) = (TrackingId { id: &id, at: now }, refusal::text(refused));
    own.note_refused(refused.cause(), &code.number().to_string(), message.clone());
    Answer { status: code.http_status(), version: None, body: twin_body(code, &message, tracking) }
}
