//! A stored event as the message that a reader gets: from the bytes of the log into the bytes of the frame.

use roadstead_amqp_proto::message::{MapWriter, MessageId, MessageWriter, Properties};
use roadstead_hub::{PartitionState, StoredEvent};
use roadstead_model::{Property, SystemProperty, UnixMillis};
use roadstead_wire::{
    amqp::annotation as event_hub,
    annotation,
    system_property::{Place, spelling},
};

/// Where the partition ends, for readers that asked to be told with every event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) state: PartitionState,
    pub(crate) retrieved: UnixMillis,
}

/// Appends the event, and tells how long its body is; `None`, and nothing is appended, for bytes that are no event this program
/// knows.
pub(crate) fn write(event: &StoredEvent, metric: Option<&Metric>, out: &mut Vec<u8>) -> Option<usize> {
    let view = event.view()?;
    let mut message = MessageWriter::new(out);
    if let Some(metric) = metric {
        message.delivery_annotations(|annotations| write_metric(metric, annotations));
    }
    let offset = Digits::of(event.offset);
    message.message_annotations(|map| {
        map.long(event_hub::SEQUENCE_NUMBER, event.offset.cast_signed());
        map.string(event_hub::OFFSET, offset.as_str());
        map.timestamp(event_hub::ENQUEUED_TIME, event.enqueued_at.0);
        map.string(event_hub::PARTITION_KEY, view.device_id);
        map.string(annotation::DEVICE_ID, view.device_id);
        if let Some(module) = view.module_id {
            map.string(annotation::MODULE_ID, module);
        }
        if let Some(method) = annotation::auth_method(view.auth, view.module_id.is_some()) {
            map.string(annotation::AUTH_METHOD, method);
            map.string(annotation::GENERATION_ID, Digits::of(view.generation.0).as_str());
        }
        map.timestamp(annotation::ENQUEUED_TIME, event.enqueued_at.0);
        map.string(annotation::MESSAGE_SOURCE, annotation::message_source(view.source));
        for property in view.properties.clone() {
            if let Property::System(property, value) = property
                && let (Place::Annotation, name) = spelling(property).event
            {
                map.string(name, value);
            }
        }
    });
    let properties = properties(view.properties.clone());
    if properties != Properties::default() {
        message.properties(&properties);
    }
    if view.properties.clone().any(|property| application(property).is_some()) {
        message.application_properties(|map| {
            for (name, value) in view.properties.clone().filter_map(application) {
                match value {
                    Some(value) => map.string(name, value),
                    None => map.null(name),
                }
            }
        });
    }
    message.data(view.body);
    Some(view.body.len())
}

fn write_metric(Metric { state, retrieved }: &Metric, map: &mut MapWriter<'_, '_>) {
    let last = last_offset(state);
    map.long(event_hub::LAST_SEQUENCE_NUMBER, last.unwrap_or(-1));
    map.string(event_hub::LAST_OFFSET, &last.unwrap_or(-1).to_string());
    map.timestamp(event_hub::LAST_ENQUEUED_TIME, state.last_enqueued.unwrap_or_default().0);
    map.timestamp(event_hub::RETRIEVAL_TIME, retrieved.0);
}

/// Offset of the newest event that ever was in the partition.
pub(crate) fn last_offset(state: &PartitionState) -> Option<i64> {
    state.next.checked_sub(1).map(u64::cast_signed)
}

/// Those that the standard has fields for.
fn properties<'a>(all: impl Iterator<Item = Property<'a>>) -> Properties<'a> {
    let mut properties = Properties::default();
    for property in all {
        let Property::System(property, value) = property else { continue };
        match property {
            SystemProperty::MessageId => properties.message_id = Some(MessageId::String(value)),
            SystemProperty::CorrelationId => properties.correlation_id = Some(MessageId::String(value)),
            SystemProperty::UserId => properties.user_id = Some(value.as_bytes()),
            SystemProperty::To => properties.to = Some(value),
            SystemProperty::ContentType => properties.content_type = Some(value),
            SystemProperty::ContentEncoding => properties.content_encoding = Some(value),
            SystemProperty::AbsoluteExpiryTime => {
                properties.absolute_expiry_time = UnixMillis::parse_iso(value).map(|time| time.0);
            }
            _ => {}
        }
    }
    properties
}

/// Name and value of what goes among the application properties.
fn application(property: Property<'_>) -> Option<(&str, Option<&str>)> {
    match property {
        Property::Application(name, value) => Some((name, value)),
        Property::System(property, value) => match spelling(property).event {
            (Place::Application, name) => Some((name, Some(value))),
            _ => None,
        },
    }
}

/// A number as text, without an allocation.
struct Digits {
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    fn of(mut number: u64) -> Self {
        let (mut bytes, mut start) = ([0; 20], 20);
        loop {
            start -= 1;
            bytes[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self { bytes, start };
            }
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_amqp_proto::{
        ValueRef,
        message::{Body, Message},
    };
    use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, Properties as EventProperties};
    use roadstead_store::event;

    fn stored(module_id: Option<&str>, properties: &EventProperties, auth: AuthMethod) -> StoredEvent {
        let source = EventSource::Telemetry;
        let event = Event {
            source,
            auth,
            device_id: "dev1",
            module_id,
            generation: GenerationId(7),
            properties,
            body: b"{\"t\":1}",
        };
        let mut bytes = Vec::new();
        event::encode(&event, &mut bytes);
        StoredEvent { offset: 300, enqueued_at: UnixMillis(1_795_291_370_516), bytes: bytes.into() }
    }

    #[test]
    fn a_whole_event() {
        let mut properties = EventProperties::new();
        for (property, value) in [
            (SystemProperty::MessageId, "m1"),
            (SystemProperty::ContentType, "application/json"),
            (SystemProperty::AbsoluteExpiryTime, "2026-11-21T21:00:00Z"),
            (SystemProperty::Subject, "comp1"),
            (SystemProperty::CreationTime, "t"),
        ] {
            properties.push_system(property, value);
        }
        properties.push_application("k", Some("v"));
        properties.push_application("bare", None);
        let mut out = b"before".to_vec();
        let state = PartitionState { first: 0, next: 400, last_enqueued: Some(UnixMillis(9)) };
        let metric = Metric { state, retrieved: UnixMillis(10) };
        let len = write(&stored(Some("mod1"), &properties, AuthMethod::X509), Some(&metric), &mut out);
        assert_eq!(len, Some(7));
        let message = Message::decode(&out[6..]).unwrap();
        let annotations = message.message_annotations;
        for (name, value) in [
            ("x-opt-sequence-number", ValueRef::Long(300)),
            ("x-opt-offset", ValueRef::String("300")),
            ("x-opt-enqueued-time", ValueRef::Timestamp(1_795_291_370_516)),
            ("x-opt-partition-key", ValueRef::String("dev1")),
            ("iothub-connection-device-id", ValueRef::String("dev1")),
            ("iothub-connection-module-id", ValueRef::String("mod1")),
            ("iothub-connection-auth-generation-id", ValueRef::String("7")),
            ("iothub-enqueuedtime", ValueRef::Timestamp(1_795_291_370_516)),
            ("iothub-message-source", ValueRef::String("Telemetry")),
            ("dt-subject", ValueRef::String("comp1")),
        ] {
            assert_eq!(annotations.find(name), Some(value), "{name}");
        }
        assert_eq!(annotations.len(), 11, "{annotations:?}");
        let delivery = message.delivery_annotations;
        assert_eq!(delivery.find("last_enqueued_offset"), Some(ValueRef::String("399")));
        assert_eq!(delivery.find("last_enqueued_sequence_number"), Some(ValueRef::Long(399)));
        assert_eq!(message.properties.message_id, Some(MessageId::String("m1")));
        assert_eq!(message.properties.absolute_expiry_time, Some(1_795_294_800_000));
        let application = message.application_properties;
        assert_eq!(application.find("k"), Some(ValueRef::String("v")));
        assert_eq!(application.find("bare"), Some(ValueRef::Null));
        assert_eq!(application.find("iothub-creation-time-utc"), Some(ValueRef::String("t")));
        let Body::Data(data) = message.body else { panic!("{:?}", message.body) };
        assert_eq!(data.single(), Some(&b"{\"t\":1}"[..]));
    }

    #[test]
    fn the_hubs_own_events_claim_no_login() {
        let mut out = Vec::new();
        write(&stored(None, &EventProperties::new(), AuthMethod::Hub), None, &mut out).unwrap();
        let message = Message::decode(&out).unwrap();
        assert_eq!(message.message_annotations.find("iothub-connection-auth-method"), None);
        assert_eq!(message.message_annotations.find("iothub-connection-module-id"), None);
        assert!(message.delivery_annotations.is_empty() && message.application_properties.is_empty());
        let unknown = StoredEvent { offset: 0, enqueued_at: UnixMillis(0), bytes: vec![99, 0, 0].into() };
        out.clear();
        assert_eq!((write(&unknown, None, &mut out), out.len()), (None, 0));
    }

    #[test]
    fn digits() {
        for number in [0, 7, 10, u64::MAX] {
            assert_eq!(Digits::of(number).as_str(), number.to_string());
        }
    }
}
