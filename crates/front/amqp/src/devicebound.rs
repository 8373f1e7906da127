//! Messages to devices, as back ends send them. Source: `reference/hub-service.md` 2.3

use std::borrow::Cow;

use roadstead_amqp_proto::{
    AmqpError, DecodeError, ValueRef, condition,
    message::{Body, Message, MessageId},
};
use roadstead_hub::{Hub, HubError, NewMessage};
use roadstead_model::{Ack, DeviceId, Properties, SystemProperty, UnixMillis};
use roadstead_wire::{Words, devicebound_to, system_property};

use crate::{end::shown, refusal};

/// Queues the message, durably.
pub(crate) async fn send(hub: &Hub, message_format: u32, payload: &[u8]) -> Result<(), AmqpError> {
    if message_format != 0 {
        return Err(AmqpError::new(condition::NOT_IMPLEMENTED, "messages to devices come one by one, not in batches"));
    }
    let message = Message::decode(payload).map_err(decode_error)?;
    let sent = async {
        let to = message.properties.to.unwrap_or_default();
        send_to_first(hub, to, read(&message)?).await
    };
    sent.await.map_err(|refused| refusal::error(&refused))
}

pub(crate) fn decode_error(error: DecodeError) -> AmqpError {
    AmqpError::new(condition::DECODE_ERROR, &error.to_string())
}

/// An address may be spelled in several ways: the first device that exists gets the message.
async fn send_to_first(hub: &Hub, to: &str, message: NewMessage) -> Result<(), HubError> {
    let to_shown = shown(to);
    let mut refused = HubError::Invalid(format!(
        "`{to_shown}` is no address of a device: the message's property `to` must be /devices/<device id>/messages/devicebound"
    ));
    for candidate in devicebound_to::parse(to) {
        if candidate.module_id.is_some() {
            return Err(HubError::Invalid("messages go to devices, not to their modules".to_owned()));
        }
        let Ok(device) = DeviceId::parse(&candidate.device_id) else { continue };
        match hub.send_message(&device, message.clone()).await {
            Err(error @ HubError::DeviceNotFound(_)) => refused = error,
            outcome => return outcome,
        }
    }
    Err(refused)
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

pub(crate) fn id_text(id: MessageId<'_>) -> Cow<'_, str> {
    match id {
        MessageId::String(text) => text.into(),
        MessageId::Ulong(number) => number.to_string().into(),
        MessageId::Uuid(bytes) => uuid_text(bytes).into(),
        MessageId::Binary(bytes) => String::from_utf8_lossy(bytes),
    }
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

/// A property as devices get it, which is text; `None` for what has none.
pub(crate) fn property_text<'a>(value: &ValueRef<'a>) -> Option<Cow<'a, str>> {
    Some(match *value {
        ValueRef::String(text) | ValueRef::Symbol(text) => text.into(),
        ValueRef::Binary(bytes) => std::str::from_utf8(bytes).ok()?.into(),
        ValueRef::Boolean(value) => value.to_string().into(),
        ValueRef::Ubyte(value) => value.to_string().into(),
        ValueRef::Ushort(value) => value.to_string().into(),
        ValueRef::Uint(value) => value.to_string().into(),
        ValueRef::Ulong(value) => value.to_string().into(),
        ValueRef::Byte(value) => value.to_string().into(),
        ValueRef::Short(value) => value.to_string().into(),
        ValueRef::Int(value) => value.to_string().into(),
        ValueRef::Long(value) => value.to_string().into(),
        ValueRef::Float(value) => value.to_string().into(),
        ValueRef::Double(value) => value.to_string().into(),
        ValueRef::Char(value) => value.to_string().into(),
        ValueRef::Timestamp(ms) => UnixMillis(ms).iso().into(),
        ValueRef::Uuid(bytes) => uuid_text(bytes).into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_amqp_proto::{
        Value,
        message::{MessageWriter, Properties as Sections},
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
