//! Messages to devices, as back ends send them. Source: `reference/hub-service.md` 2.3

use std::borrow::Cow;

use roadstead_amqp_proto::{
    AmqpError, Connection, DeliveryState, ValueRef, condition,
    connection::{Delivery, SessionId},
    message::{Body, Message},
};
use roadstead_hub::{Hub, HubError, NewMessage};
use roadstead_model::{Ack, DeviceId, Properties, SystemProperty, UnixMillis};
use roadstead_wire::{Words, devicebound_to, system_property};

use crate::{
    counters::Counters,
    end::shown,
    limits,
    ranges::Ranges,
    refusal::{self, undecodable},
    text::{id_text, property_text},
};

/// Messages that came and are not queued yet. Those that came together are queued together: they share a commit.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: Vec<Outgoing>,
    /// Where each came from; `None` for one that nobody waits to hear of.
    deliveries: Vec<Option<(SessionId, u32)>>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether they are to be queued before another one is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= limits::DEVICEBOUND_AT_ONCE || self.bytes >= limits::DEVICEBOUND_BYTES_AT_ONCE
    }

    /// Takes what a delivery brought. It is settled here if it is none, else by [`Outbox::send`].
    pub(crate) fn take(&mut self, hub: &Hub, delivery: &Delivery<'_>, proto: &mut Connection, out: &mut Vec<u8>) {
        let from = (!delivery.settled).then(|| (delivery.link.session(), delivery.delivery_id));
        match outgoing(delivery.message_format, &delivery.payload) {
            Ok(message) => {
                self.bytes += delivery.payload.len();
                self.messages.push(message);
                self.deliveries.push(from);
            }
            Err(error) => reject(hub, from, error, proto, out),
        }
    }

    /// Queues the messages, durably, and says so of each.
    pub(crate) async fn send(&mut self, hub: &Hub, counters: &Counters, proto: &mut Connection, out: &mut Vec<u8>) {
        self.bytes = 0;
        let (mut accepted, deliveries) = (Ranges::default(), std::mem::take(&mut self.deliveries));
        let outcomes = hub.send_messages(std::mem::take(&mut self.messages)).await;
        for (from, outcome) in deliveries.into_iter().zip(outcomes) {
            match (outcome, from) {
                (Ok(()), from) => {
                    counters.devicebound.increment(1);
                    if let Some((session, id)) = from {
                        accepted.add(session, id);
                    }
                }
                (Err(refused), from) => reject(hub, from, refusal::error(&refused), proto, out),
            }
        }
        accepted.settle(&DeliveryState::Accepted, proto, out);
    }
}

fn reject(hub: &Hub, from: Option<(SessionId, u32)>, error: AmqpError, proto: &mut Connection, out: &mut Vec<u8>) {
    tracing::info!(hub = %hub.resource().name, "an amqp message was refused: {error}");
    if let Some((session, id)) = from {
        proto.settle(session, id, id, DeliveryState::Rejected(Some(Box::new(error))), out);
    }
}

/// A message, and the devices one of which it is for.
type Outgoing = (Vec<DeviceId>, NewMessage);

fn outgoing(message_format: u32, payload: &[u8]) -> Result<Outgoing, AmqpError> {
    if message_format != 0 {
        return Err(AmqpError::new(condition::NOT_IMPLEMENTED, "messages to devices come one by one, not in batches"));
    }
    let message = Message::decode(payload).map_err(undecodable)?;
    let devices = devicebound_to::device_ids(&shown(message.properties.to.unwrap_or_default()));
    let devices = devices.map_err(|refused| HubError::Invalid(refused.to_string()));
    let outgoing = devices.and_then(|devices| Ok((devices, read(&message)?)));
    outgoing.map_err(|refused| refusal::error(&refused))
}

fn read(message: &Message<'_>) -> Result<NewMessage, HubError> {
    let (mut properties, sections) = (Properties::new(), &message.properties);
    let mut system = |property, value: Option<Cow<'_, str>>| {
        if let Some(value) = value {
            properties.push_system(property, &value);
        }
    };
    system(SystemProperty::MessageId, sections.message_id.map(id_text));
    system(SystemProperty::CorrelationId, sections.correlation_id.map(id_text));
    system(SystemProperty::UserId, sections.user_id.map(String::from_utf8_lossy));
    system(SystemProperty::To, sections.to.map(Cow::from));
    system(SystemProperty::ContentType, sections.content_type.map(Cow::from));
    system(SystemProperty::ContentEncoding, sections.content_encoding.map(Cow::from));
    let expiry = sections.absolute_expiry_time.filter(|ms| *ms > 0).map(UnixMillis);
    system(SystemProperty::AbsoluteExpiryTime, expiry.map(|at| at.iso().into()));
    let mut ack = Ack::None;
    for (name, value) in message.application_properties.entries() {
        let Some(name) = name.as_text().filter(|name| !system_property::is_reserved(name)) else { continue };
        let value = if value == ValueRef::Null { Ok(None) } else { property_text(&value).map(Some).ok_or(()) };
        let Ok(value) = value else {
            let name = shown(name);
            return Err(HubError::Invalid(format!("application property `{name}` is no string, number or boolean")));
        };
        if name.eq_ignore_ascii_case(ACK) {
            let word = value.as_deref().unwrap_or_default();
            ack = Ack::parse_word(word).ok_or_else(|| {
                let word = shown(word);
                HubError::Invalid(format!("iothub-ack is none, positive, negative or full, not `{word}`"))
            })?;
            properties.push_system(SystemProperty::Ack, word);
        } else {
            properties.push_application(name, value.as_deref());
        }
    }
    Ok(NewMessage { properties, body: body(&message.body)?, ack, expiry })
}

const ACK: &str = "iothub-ack";

/// A body of bytes or text. Errors: `Invalid`
fn body(body: &Body<'_>) -> Result<Vec<u8>, HubError> {
    match body {
        Body::Empty | Body::Value(ValueRef::Null) => Ok(Vec::new()),
        Body::Data(data) => Ok(data.pieces().collect::<Vec<_>>().concat()),
        Body::Value(ValueRef::Binary(bytes)) => Ok(bytes.to_vec()),
        Body::Value(ValueRef::String(text)) => Ok(text.as_bytes().to_vec()),
        Body::Value(_) | Body::Sequence(_) => {
            Err(HubError::Invalid("the body is neither data nor a string; send bytes".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_amqp_proto::{
        Value,
        message::{MessageId, MessageWriter, Properties as Sections},
    };
    use roadstead_model::Property;

    fn written(write: impl FnOnce(&mut MessageWriter<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut MessageWriter::new(&mut bytes));
        bytes
    }

    #[test]
    fn a_message_of_node() {
        let bytes = written(|message| {
            message.properties(&Sections {
                message_id: Some(MessageId::String("m1")),
                to: Some("/devices/dev%201/messages/devicebound"),
                absolute_expiry_time: Some(1_795_294_800_000),
                ..Sections::default()
            });
            message.application_properties(|map| {
                map.string("iothub-ack", "full");
                map.string("a", "b");
                map.int("n", 7);
                map.null("bare");
                map.string("iothub-connection-device-id", "another");
            });
            message.data(b"hel");
            message.data(b"lo");
        });
        let new = read(&Message::decode(&bytes).unwrap()).unwrap();
        assert_eq!((new.ack, new.expiry, &*new.body), (Ack::Full, Some(UnixMillis(1_795_294_800_000)), &b"hello"[..]));
        let expected = [
            Property::System(SystemProperty::MessageId, "m1"),
            Property::System(SystemProperty::To, "/devices/dev%201/messages/devicebound"),
            Property::System(SystemProperty::AbsoluteExpiryTime, "2026-11-21T21:00:00.0000000Z"),
            Property::System(SystemProperty::Ack, "full"),
            Property::Application("a", Some("b")),
            Property::Application("n", Some("7")),
            Property::Application("bare", None),
        ];
        assert_eq!(new.properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ids_of_every_type_and_bodies_of_text() {
        let uuid = *b"\x11\x11\x22\x22\x33\x33\x44\x44\x55\x55\x66\x66\x77\x77\x88\x88";
        for (id, text) in [
            (MessageId::String("m1"), "m1"),
            (MessageId::Ulong(7), "7"),
            (MessageId::Binary(b"x"), "x"),
            (MessageId::Uuid(uuid), "11112222-3333-4444-5555-666677778888"),
        ] {
            let bytes = written(|message| {
                message.properties(&Sections { message_id: Some(id), ..Sections::default() });
                message.value(&Value::string("text"));
            });
            let new = read(&Message::decode(&bytes).unwrap()).unwrap();
            assert_eq!((new.properties.find_system(SystemProperty::MessageId), &*new.body), (Some(text), &b"text"[..]));
        }
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        let refused = |write: &dyn Fn(&mut MessageWriter<'_>)| {
            let bytes = written(write);
            read(&Message::decode(&bytes).unwrap()).unwrap_err().to_string()
        };
        let ack = refused(&|message| message.application_properties(|map| map.string("iothub-ack", "maybe")));
        assert_eq!(ack, "iothub-ack is none, positive, negative or full, not `maybe`");
        let list = Value::List(Vec::new());
        let property = refused(&|message| message.application_properties(|map| map.value("l", &list)));
        assert_eq!(property, "application property `l` is no string, number or boolean");
        let body = refused(&|message| message.value(&Value::Long(3)));
        assert_eq!(body, "the body is neither data nor a string; send bytes");
    }
}
