//! Direct methods on their way to a device, and its answers on their way back. Source: `reference/hub-device.md` 3.6

use roadstead_amqp_proto::{
    AmqpError, ValueRef, condition,
    message::{Message, MessageId, MessageWriter, Properties},
};
use roadstead_hub::{MethodCall, Session};
use roadstead_wire::amqp::{condition as azure, method};

use super::telemetry::body;
use crate::refusal::undecodable;

/// The message of a call.
pub(super) fn call(call: &MethodCall) -> Vec<u8> {
    let mut out = Vec::with_capacity(call.payload.len() + 128);
    let mut message = MessageWriter::new(&mut out);
    let correlation_id = Some(MessageId::Uuid(method::correlation(call.id)));
    message.properties(&Properties { correlation_id, ..Properties::default() });
    message.application_properties(|map| map.string(method::NAME, &call.name));
    message.data(call.payload.as_bytes());
    out
}

/// Takes a device's answer. An id that is not ours is that of a call nobody knows. Errors: no answer at all.
pub(super) fn take(session: &Session, payload: &[u8]) -> Result<(), AmqpError> {
    let message = Message::decode(payload).map_err(undecodable)?;
    let id = match message.properties.correlation_id {
        Some(MessageId::Uuid(id)) => method::call(id),
        Some(MessageId::String(text)) => method::call_of_text(text),
        Some(MessageId::Binary(bytes)) => bytes.try_into().ok().and_then(method::call),
        Some(MessageId::Ulong(_)) | None => None,
    };
    let status = message.application_properties.find(method::STATUS).and_then(|value| integer(&value));
    let Some(status) = status.and_then(|status| i32::try_from(status).ok()) else {
        let why = format!("the answer has no status: set the application property {} to an int", method::STATUS);
        return Err(AmqpError::new(azure::ARGUMENT_ERROR, &why));
    };
    let Some(id) = id else {
        let why = "the answer is to no call: its correlation-id must be that of the call, a uuid";
        return Err(AmqpError::new(condition::INVALID_FIELD, why));
    };
    session.answer_method(id, status, &body(&message.body)?);
    Ok(())
}

/// A whole number of any type, or its text.
pub(super) fn integer(value: &ValueRef<'_>) -> Option<i64> {
    Some(match *value {
        ValueRef::Ubyte(value) => value.into(),
        ValueRef::Ushort(value) => value.into(),
        ValueRef::Uint(value) => value.into(),
        ValueRef::Ulong(value) => i64::try_from(value).ok()?,
        ValueRef::Byte(value) => value.into(),
        ValueRef::Short(value) => value.into(),
        ValueRef::Int(value) => value.into(),
        ValueRef::Long(value) => value,
        ValueRef::String(text) => text.parse().ok()?,
        _ => return None,
    })
}
