//! Values of messages as text: what is text to the hub has many types in AMQP.

use std::borrow::Cow;

use roadstead_amqp_proto::{ValueRef, message::MessageId};
use roadstead_model::UnixMillis;
use uuid::Uuid;

/// An id of any of its types.
pub(crate) fn id_text(id: MessageId<'_>) -> Cow<'_, str> {
    match id {
        MessageId::String(text) => text.into(),
        MessageId::Ulong(number) => number.to_string().into(),
        MessageId::Uuid(bytes) => Uuid::from_bytes(bytes).to_string().into(),
        MessageId::Binary(bytes) => String::from_utf8_lossy(bytes),
    }
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
        ValueRef::Uuid(bytes) => Uuid::from_bytes(bytes).to_string().into(),
        _ => return None,
    })
}
