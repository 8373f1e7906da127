//! A message of the built-in endpoint as an event of this crate.

use fe2o3_amqp::types::messaging::annotations::OwnedKey;
use fe2o3_amqp::types::messaging::{Body, Message, MessageId, Properties};
use fe2o3_amqp::types::primitives::{Symbol, Value as Amqp};
use roadstead_model::UnixMillis;
use roadstead_wire::amqp::annotation;
use roadstead_wire::event_json::StreamedEvent;
use serde_json::{Map, Value};

/// Where a message stands in its partition, and the event that it is. `None`: it says not where it stands.
pub(crate) fn event(partition: u16, message: Message<Body<Amqp>>) -> Option<StreamedEvent> {
    let mut stamp = Stamp::default();
    let mut annotations = Map::new();
    for (key, value) in message.message_annotations.map(|annotations| annotations.0).unwrap_or_default() {
        match key {
            OwnedKey::Symbol(name) if stamp.takes(name.as_str(), &value) => {}
            OwnedKey::Symbol(name) => {
                annotations.insert(name.into_inner(), json(value));
            }
            OwnedKey::Ulong(_) => {}
        }
    }
    let mut event = StreamedEvent {
        partition,
        offset: stamp.offset?,
        sequence_number: stamp.sequence_number.unwrap_or_default(),
        enqueued_time_utc: stamp.enqueued.unwrap_or_default().iso(),
        system_properties: message.properties.map(system).unwrap_or_default(),
        annotations,
        application_properties: Map::new(),
        body: None,
        body_base64: None,
    };
    for (name, value) in message.application_properties.map(|properties| properties.0).unwrap_or_default() {
        event.application_properties.insert(name, json(value.into()));
    }
    event.put_body(&bytes(message.body));
    Some(event)
}

/// What every event has a member of its own for.
#[derive(Default)]
struct Stamp {
    offset: Option<String>,
    sequence_number: Option<u64>,
    enqueued: Option<UnixMillis>,
}

impl Stamp {
    /// Whether the annotation is one of these.
    fn takes(&mut self, name: &str, value: &Amqp) -> bool {
        match (name, value) {
            (annotation::OFFSET, Amqp::String(offset)) => self.offset = Some(offset.clone()),
            (annotation::SEQUENCE_NUMBER, Amqp::Long(number)) => self.sequence_number = u64::try_from(*number).ok(),
            (annotation::ENQUEUED_TIME, Amqp::Timestamp(at)) => self.enqueued = Some(UnixMillis(at.milliseconds())),
            (annotation::PARTITION_KEY, _) => {}
            _ => return false,
        }
        true
    }
}

/// The standard's properties, under its names.
fn system(properties: Properties) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        map.extend(value.map(|value| (name.to_owned(), value.into())));
    };
    let time = |at: fe2o3_amqp::types::primitives::Timestamp| UnixMillis(at.milliseconds()).iso();
    put("message-id", properties.message_id.map(id));
    put("user-id", properties.user_id.map(|user| String::from_utf8_lossy(&user).into_owned()));
    put("to", properties.to);
    put("subject", properties.subject);
    put("reply-to", properties.reply_to);
    put("correlation-id", properties.correlation_id.map(id));
    put("content-type", properties.content_type.map(Symbol::into_inner));
    put("content-encoding", properties.content_encoding.map(Symbol::into_inner));
    put("absolute-expiry-time", properties.absolute_expiry_time.map(time));
    put("creation-time", properties.creation_time.map(time));
    put("group-id", properties.group_id);
    put("group-sequence", properties.group_sequence.map(|number| number.to_string()));
    put("reply-to-group-id", properties.reply_to_group_id);
    map
}

fn id(id: MessageId) -> String {
    match id {
        MessageId::Ulong(number) => number.to_string(),
        MessageId::Uuid(uuid) => hyphened(uuid.as_inner()),
        MessageId::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        MessageId::String(text) => text,
    }
}

/// `9bddd68f-bbc2-4256-aaff-400cdb9115a4`
fn hyphened(uuid: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default()));
    }
    text
}

fn bytes(body: Body<Amqp>) -> Vec<u8> {
    match body {
        Body::Data(pieces) => pieces.into_iter().flat_map(|data| data.0.into_vec()).collect(),
        Body::Value(value) => match value.0 {
            Amqp::Null => Vec::new(),
            Amqp::Binary(bytes) => bytes.into_vec(),
            Amqp::String(text) => text.into_bytes(),
            other => json(other).to_string().into_bytes(),
        },
        Body::Sequence(lists) => {
            let items = lists.into_iter().flat_map(|list| list.0).map(json);
            Value::Array(items.collect()).to_string().into_bytes()
        }
        Body::Empty => Vec::new(),
    }
}

/// As near as JSON comes to it: times are milliseconds, bytes are text.
fn json(value: Amqp) -> Value {
    match value {
        Amqp::Bool(value) => value.into(),
        Amqp::Ubyte(number) => number.into(),
        Amqp::Ushort(number) => number.into(),
        Amqp::Uint(number) => number.into(),
        Amqp::Ulong(number) => number.into(),
        Amqp::Byte(number) => number.into(),
        Amqp::Short(number) => number.into(),
        Amqp::Int(number) => number.into(),
        Amqp::Long(number) => number.into(),
        Amqp::Float(number) => number.0.into(),
        Amqp::Double(number) => number.0.into(),
        Amqp::Char(letter) => letter.to_string().into(),
        Amqp::Timestamp(at) => at.milliseconds().into(),
        Amqp::Uuid(uuid) => hyphened(uuid.as_inner()).into(),
        Amqp::Binary(bytes) => String::from_utf8_lossy(&bytes).into(),
        Amqp::String(text) => text.into(),
        Amqp::Symbol(symbol) => symbol.into_inner().into(),
        Amqp::List(items) => items.into_iter().map(json).collect(),
        Amqp::Array(items) => items.into_inner().into_iter().map(json).collect(),
        Amqp::Map(map) => map.into_iter().map(|(key, value)| (name(key), json(value))).collect(),
        Amqp::Described(described) => json(described.value),
        Amqp::Null | Amqp::Decimal32(_) | Amqp::Decimal64(_) | Amqp::Decimal128(_) => Value::Null,
    }
}

fn name(key: Amqp) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fe2o3_amqp::types::messaging::{
        AmqpSequence, AmqpValue, ApplicationProperties, Batch, Data, MessageAnnotations,
    };
    use fe2o3_amqp::types::primitives::{Binary, Timestamp, Uuid};
    use serde_json::json;

    fn message(body: Body<Amqp>) -> Message<Body<Amqp>> {
        let annotations = MessageAnnotations::builder()
            .insert("x-opt-offset", Amqp::String("4520".to_owned()))
            .insert("x-opt-sequence-number", Amqp::Long(5))
            .insert("x-opt-enqueued-time", Amqp::Timestamp(Timestamp::from_milliseconds(1_795_291_370_516)))
            .insert("x-opt-partition-key", Amqp::String("dev1".to_owned()))
            .insert("iothub-connection-device-id", Amqp::String("dev1".to_owned()))
            .insert("iothub-enqueuedtime", Amqp::Timestamp(Timestamp::from_milliseconds(7)))
            .build();
        let application = ApplicationProperties::builder().insert("alert", "true").insert("count", 3i32).build();
        let properties = Properties::builder()
            .message_id(MessageId::Uuid(Uuid::from([0xab; 16])))
            .user_id(Binary::from(b"hub".to_vec()))
            .content_type("application/json")
            .absolute_expiry_time(Timestamp::from_milliseconds(0))
            .build();
        let message = Message::builder().message_annotations(annotations).properties(properties);
        message.application_properties(application).body(body).build()
    }

    fn data(pieces: &[&[u8]]) -> Body<Amqp> {
        Body::Data(pieces.iter().map(|piece| Data(Binary::from(piece.to_vec()))).collect())
    }

    #[test]
    fn a_whole_event() {
        let event = event(3, message(data(&[b"{\"t\":", b"1}"]))).unwrap();
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({
                "partition": 3, "offset": "4520", "sequenceNumber": 5, "enqueuedTimeUtc": "2026-11-21T20:02:50.5160000Z",
                "systemProperties": {
                    "message-id": "abababab-abab-abab-abab-abababababab", "user-id": "hub",
                    "content-type": "application/json", "absolute-expiry-time": "1970-01-01T00:00:00.0000000Z"},
                "annotations": {"iothub-connection-device-id": "dev1", "iothub-enqueuedtime": 7},
                "applicationProperties": {"alert": "true", "count": 3}, "body": {"t": 1}})
        );
    }

    #[test]
    fn every_form_of_body() {
        let value = |value| Body::Value(AmqpValue(value));
        let list = || AmqpSequence(vec![Amqp::Int(1), Amqp::String("a".to_owned())]);
        for (body, expected) in [
            (data(&[]), &b""[..]),
            (data(&[b"\xff", b"\x00"]), b"\xff\x00"),
            (Body::Empty, b""),
            (value(Amqp::Null), b""),
            (value(Amqp::Binary(Binary::from(vec![1]))), b"\x01"),
            (value(Amqp::String("text".to_owned())), b"text"),
            (value(Amqp::Bool(true)), b"true"),
            (Body::Sequence(Batch::new(vec![list(), list()])), br#"[1,"a",1,"a"]"#),
        ] {
            let mut message = message(body);
            message.properties = None;
            assert_eq!(event(0, message).unwrap().body_bytes(), expected);
        }
    }

    #[test]
    fn what_does_not_say_where_it_stands_is_no_event() {
        let mut message = message(Body::Empty);
        message.message_annotations = None;
        assert!(event(0, message).is_none());
    }
}
