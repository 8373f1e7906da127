//! An event as JSON: as the event stream carries it, and as `az iot hub monitor-events` prints it.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::{AuthMethod, EventSource, GenerationId, Property, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    annotation,
    system_property::{Place, spelling},
};

/// Where and when an event was stored, and who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub partition: u16,
    pub offset: u64,
    pub enqueued: UnixMillis,
    pub source: EventSource,
    pub auth: AuthMethod,
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    pub generation: GenerationId,
}

/// An event as `GET /messages/events` carries it. Ours, in Azure's words.
///
/// Shape: `{"partition":0,"offset":"17","sequenceNumber":17,"enqueuedTimeUtc":"2026-11-21T20:02:50.5160000Z",
/// "systemProperties":{"content-type":"application/json"},"annotations":{"iothub-connection-device-id":"dev1",…},
/// "applicationProperties":{"k":"v","bare":null},"body":{"t":1}}`; a body that is not JSON comes as `"bodyBase64":"/w=="`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamedEvent {
    pub partition: u16,
    /// Text, as at Event Hubs: opaque to readers.
    pub offset: String,
    pub sequence_number: u64,
    pub enqueued_time_utc: String,
    #[serde(default)]
    pub system_properties: Map<String, Value>,
    #[serde(default)]
    pub annotations: Map<String, Value>,
    #[serde(default)]
    pub application_properties: Map<String, Value>,
    /// The body, when it was declared as JSON and is: the text that was sent, its line breaks made blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// Any other body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

impl StreamedEvent {
    /// An event as it was read from the log.
    pub fn of<'a>(origin: &Origin<'_>, properties: impl Iterator<Item = Property<'a>>, body: &[u8]) -> Self {
        let mut event = Self {
            partition: origin.partition,
            offset: origin.offset.to_string(),
            sequence_number: origin.offset,
            enqueued_time_utc: origin.enqueued.iso(),
            system_properties: Map::new(),
            annotations: annotations(origin),
            application_properties: Map::new(),
            body: None,
            body_base64: None,
        };
        for property in properties {
            let (place, name, value) = match property {
                Property::System(property, value) => {
                    let (place, name) = spelling(property).event;
                    (place, name, Some(value))
                }
                Property::Application(name, value) => (Place::Application, name, value),
            };
            let map = match place {
                Place::Property => &mut event.system_properties,
                Place::Annotation => &mut event.annotations,
                Place::Application => &mut event.application_properties,
            };
            map.insert(name.to_owned(), value.map_or(Value::Null, Value::from));
        }
        event.put_body(body);
        event
    }

    /// Puts the body in, as JSON if the properties declare it so and it is.
    pub fn put_body(&mut self, body: &[u8]) {
        self.body = self.is_json().then(|| raw_json(body)).flatten();
        self.body_base64 = if self.body.is_none() { Some(STANDARD.encode(body)) } else { None };
    }

    /// A text among the annotations: `find_annotation(annotation::DEVICE_ID)`.
    pub fn find_annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name)?.as_str()
    }

    /// The body's bytes, as the device sent them but for line breaks and outer blanks of JSON.
    pub fn body_bytes(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(json), _) => json.get().as_bytes().to_vec(),
            (None, Some(base64)) => STANDARD.decode(base64).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    /// Declared as JSON in UTF-8, as routing demands it; no declared encoding passes for UTF-8.
    fn is_json(&self) -> bool {
        let text = |name| self.system_properties.get(name).and_then(Value::as_str).unwrap_or_default();
        let media_type = text("content-type").split(';').next().unwrap_or_default().trim();
        let encoding = text("content-encoding");
        media_type.eq_ignore_ascii_case("application/json")
            && (encoding.is_empty() || encoding.eq_ignore_ascii_case("utf-8"))
    }

    /// What `az iot hub monitor-events` prints of it; `with_properties` as with `--properties all`.
    ///
    /// Shape: `{"event":{"origin":"dev1","module":"","interface":"","component":"","payload":{"t":1}}}`; a body that is not
    /// JSON is printed as text. Source: Azure CLI extension, monitor parser; `guess (?)` for the form of `properties`
    pub fn monitored(&self, with_properties: bool) -> Value {
        let annotation = |name| self.find_annotation(name).unwrap_or_default();
        let payload = match &self.body {
            Some(json) => serde_json::from_str(json.get()).unwrap_or_default(),
            None => Value::from(String::from_utf8_lossy(&self.body_bytes()).into_owned()),
        };
        let mut event = json!({
            "origin": annotation(annotation::DEVICE_ID),
            "module": annotation(annotation::MODULE_ID),
            "interface": annotation("dt-dataschema"),
            "component": annotation("dt-subject"),
            "payload": payload,
        });
        if with_properties {
            event["annotations"] = self.annotations.clone().into();
            event["properties"] = json!({
                "system": self.system_properties,
                "application": self.application_properties,
            });
        }
        json!({ "event": event })
    }
}

fn annotations(origin: &Origin<'_>) -> Map<String, Value> {
    let mut annotations = Map::new();
    let mut stamp = |name: &str, value: Value| annotations.insert(name.to_owned(), value);
    stamp(annotation::DEVICE_ID, origin.device_id.into());
    if let Some(module) = origin.module_id {
        stamp(annotation::MODULE_ID, module.into());
    }
    if let Some(method) = annotation::auth_method(origin.auth, origin.module_id.is_some()) {
        stamp(annotation::AUTH_METHOD, method.into());
        stamp(annotation::GENERATION_ID, origin.generation.to_string().into());
    }
    stamp(annotation::ENQUEUED_TIME, origin.enqueued.0.into());
    stamp(annotation::MESSAGE_SOURCE, annotation::message_source(origin.source).into());
    annotations
}

/// The body as it stands, if it is JSON. Line breaks, which in JSON can only stand between tokens, become blanks: an event
/// stream ends its data at a line break.
fn raw_json(body: &[u8]) -> Option<Box<RawValue>> {
    let json: &RawValue = serde_json::from_slice(body).ok()?;
    let text = json.get();
    if text.contains(['\n', '\r']) {
        return RawValue::from_string(text.replace(['\n', '\r'], " ")).ok();
    }
    Some(json.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roadstead_model::{Properties, SystemProperty as P};

    const ORIGIN: Origin<'static> = Origin {
        partition: 3,
        offset: 17,
        enqueued: UnixMillis(1_795_291_370_516),
        source: EventSource::Telemetry,
        auth: AuthMethod::X509,
        device_id: "dev1",
        module_id: None,
        generation: GenerationId(638_994_563_210_123_456),
    };

    fn event(properties: &[(P, &str)], body: &[u8]) -> StreamedEvent {
        let system = properties.iter().map(|(property, value)| Property::System(*property, value));
        StreamedEvent::of(&ORIGIN, system, body)
    }

    #[test]
    fn a_whole_event() {
        let mut properties = Properties::new();
        for (property, value) in [
            (P::ContentType, "application/json"),
            (P::ContentEncoding, "utf-8"),
            (P::Subject, "comp1"),
            (P::CreationTime, "t"),
        ] {
            properties.push_system(property, value);
        }
        properties.push_application("k", Some("v"));
        properties.push_application("bare", None);
        let event = StreamedEvent::of(&ORIGIN, properties.iter(), br#"{"t": 1.50}"#);
        let expected = json!({
            "partition": 3, "offset": "17", "sequenceNumber": 17, "enqueuedTimeUtc": "2026-11-21T20:02:50.5160000Z",
            "systemProperties": {"content-type": "application/json", "content-encoding": "utf-8"},
            "annotations": {
                "iothub-connection-device-id": "dev1",
                "iothub-connection-auth-method": "{\"scope\":\"device\",\"type\":\"x509Certificate\",\"issuer\":\"external\",\"acceptingIpFilterRule\":null}",
                "iothub-connection-auth-generation-id": "638994563210123456",
                "iothub-enqueuedtime": 1_795_291_370_516_i64, "iothub-message-source": "Telemetry", "dt-subject": "comp1"},
            "applicationProperties": {"iothub-creation-time-utc": "t", "k": "v", "bare": null},
            "body": {"t": 1.50}});
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
        assert_eq!(event.body_bytes(), br#"{"t": 1.50}"#);
        let back: StreamedEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(back.body_bytes(), event.body_bytes());
        assert_eq!(back.find_annotation(annotation::DEVICE_ID), Some("dev1"));
    }

    #[test]
    fn only_declared_and_valid_json_is_json() {
        for (properties, body, is_json) in [
            (&[(P::ContentType, "application/json")][..], &b"{}"[..], true),
            (&[(P::ContentType, "Application/JSON; charset=utf-8"), (P::ContentEncoding, "UTF-8")], b"[1]", true),
            (&[(P::ContentType, "application/json")], b"{\n\"t\": 1}\r\n", true),
            (&[(P::ContentType, "application/json"), (P::ContentEncoding, "utf-16")], b"{}", false),
            (&[(P::ContentType, "application/json")], b"{", false),
            (&[(P::ContentType, "application/json")], b"", false),
            (&[(P::ContentType, "application/json")], b"\"\xff\"", false),
            (&[(P::ContentType, "text/plain")], b"{}", false),
            (&[], b"{}", false),
        ] {
            let event = event(properties, body);
            assert_eq!((event.body.is_some(), event.body_base64.is_some()), (is_json, !is_json), "{body:?}");
            if !is_json {
                assert_eq!(event.body_bytes(), body);
            }
            assert!(!serde_json::to_string(&event).unwrap().contains(['\n', '\r']));
        }
    }

    #[test]
    fn monitored_as_az_prints() {
        let json = event(&[(P::ContentType, "application/json")], br#"{"t":1}"#);
        let expected = r#"{"event":{"origin":"dev1","module":"","interface":"","component":"","payload":{"t":1}}}"#;
        assert_eq!(json.monitored(false).to_string(), expected);
        let text = event(&[], "hü".as_bytes()).monitored(true);
        assert_eq!(text["event"]["payload"], "hü");
        assert_eq!(text["event"]["properties"], json!({"system": {}, "application": {}}));
        assert_eq!(text["event"]["annotations"]["iothub-message-source"], "Telemetry");
    }

    #[test]
    fn the_hubs_own_events_claim_no_login() {
        let origin = Origin { auth: AuthMethod::Hub, module_id: Some("m"), source: EventSource::TwinChange, ..ORIGIN };
        let event = StreamedEvent::of(&origin, std::iter::empty(), b"{}");
        assert_eq!(event.find_annotation(annotation::AUTH_METHOD), None);
        assert_eq!(event.find_annotation(annotation::MODULE_ID), Some("m"));
        assert_eq!(event.find_annotation(annotation::MESSAGE_SOURCE), Some("twinChangeEvents"));
    }

    proptest! {
        #[test]
        fn every_body_survives(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let event = event(&[(P::ContentType, "application/json")], &body);
            prop_assert!(event.body.is_some() || event.body_bytes() == body);
            let _ = event.monitored(true);
        }
    }
}
