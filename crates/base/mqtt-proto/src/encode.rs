//! Packets out. Each function appends one whole packet to `out`, or on an error nothing.

use crate::connack::{Connack, Refusal};
use crate::connect::{self, Connect, Will};
use crate::delivery::{PacketId, QoS};
use crate::error::EncodeError;
use crate::limits::{BODY_BYTES_MAX, FIELD_BYTES_MAX};
use crate::packet::{Packet, PacketType};
use crate::publish::{self, Publish};
use crate::subscription::SubackCode;
use crate::topic;

/// Any packet: what [`crate::decode`] took apart, put together again.
pub fn packet(out: &mut Vec<u8>, packet: &Packet<'_>) -> Result<(), EncodeError> {
    match packet {
        Packet::Connect(connect) => self::connect(out, connect)?,
        Packet::Connack(connack) => self::connack(out, *connack),
        Packet::Publish(publish) => self::publish(out, publish)?,
        Packet::Puback(id) => puback(out, *id),
        Packet::Pubrec(id) => answer(out, PacketType::Pubrec, *id),
        Packet::Pubrel(id) => answer(out, PacketType::Pubrel, *id),
        Packet::Pubcomp(id) => answer(out, PacketType::Pubcomp, *id),
        Packet::Subscribe(subscribe) => self::subscribe(out, subscribe.packet_id, subscribe.filters.clone())?,
        Packet::Suback(suback) => self::suback(out, suback.packet_id, suback.codes.clone())?,
        Packet::Unsubscribe(unsubscribe) => self::unsubscribe(out, unsubscribe.packet_id, unsubscribe.filters.clone())?,
        Packet::Unsuback(id) => unsuback(out, *id),
        Packet::Pingreq => pingreq(out),
        Packet::Pingresp => pingresp(out),
        Packet::Disconnect => disconnect(out),
    }
    Ok(())
}

/// Shape: `32 07 00 01 74 00 09 68 69` is `hi` on topic `t` with QoS 1 and packet id 9. Source: 3.3
pub fn publish(out: &mut Vec<u8>, publish: &Publish<'_>) -> Result<(), EncodeError> {
    let Publish { dup, qos, retain, topic, packet_id, payload } = *publish;
    if packet_id.is_some() == (qos == QoS::AtMostOnce) {
        return Err(EncodeError::PacketId { qos });
    }
    if dup && qos == QoS::AtMostOnce {
        return Err(EncodeError::DupAtQos0);
    }
    let id_len = if packet_id.is_some() { 2 } else { 0 };
    let body_len = topic_name_len(topic)? + id_len + payload.len();
    let mut flags = (qos as u8) << publish::QOS_SHIFT;
    flags |= if dup { publish::DUP } else { 0 };
    flags |= if retain { publish::RETAIN } else { 0 };
    put_header(out, PacketType::Publish, flags, body_len)?;
    put_field(out, topic.as_bytes());
    if let Some(id) = packet_id {
        put_u16(out, id.value());
    }
    out.extend_from_slice(payload);
    Ok(())
}

/// Shape: `40 02 00 09`. Source: 3.4
pub fn puback(out: &mut Vec<u8>, packet_id: PacketId) {
    answer(out, PacketType::Puback, packet_id);
}

/// Shape: `20 02 01 00` is accepted with a session present. Source: 3.2
pub fn connack(out: &mut Vec<u8>, connack: Connack) {
    let (flags, code) = match connack {
        Connack::Accepted { session_present } => (u8::from(session_present), 0),
        Connack::Refused(refusal) => (0, refusal as u8),
    };
    out.extend_from_slice(&[first_byte(PacketType::Connack), 2, flags, code]);
}

/// The answer to [`crate::DecodeError::UnsupportedProtocol`], in the form that the caller's protocol level reads:
/// `20 03 00 84 00` for MQTT 5 (unsupported protocol version, no properties), for any other `20 02 00 01`.
/// Source: 3.2.2.3; MQTT 5.0, 3.2.2.2
pub fn unsupported_protocol(out: &mut Vec<u8>, level: u8) {
    if level == 5 {
        out.extend_from_slice(&[first_byte(PacketType::Connack), 3, 0, 0x84, 0]);
    } else {
        connack(out, Connack::Refused(Refusal::UnacceptableProtocol));
    }
}

/// Shape: `90 03 00 07 01` grants QoS 1. Errors: no code at all. Source: 3.9
pub fn suback(
    out: &mut Vec<u8>,
    packet_id: PacketId,
    codes: impl IntoIterator<Item = SubackCode, IntoIter: ExactSizeIterator>,
) -> Result<(), EncodeError> {
    let codes = codes.into_iter();
    if codes.len() == 0 {
        return Err(EncodeError::NoEntries(PacketType::Suback));
    }
    put_header(out, PacketType::Suback, PacketType::Suback.flags(), 2 + codes.len())?;
    put_u16(out, packet_id.value());
    out.extend(codes.map(SubackCode::to_u8));
    Ok(())
}

/// Shape: `b0 02 00 07`. Source: 3.11
pub fn unsuback(out: &mut Vec<u8>, packet_id: PacketId) {
    answer(out, PacketType::Unsuback, packet_id);
}

/// Shape: `d0 00`. Source: 3.13
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[first_byte(PacketType::Pingresp), 0]);
}

/// Errors: an empty client id without `clean_session` is not one: servers must answer it, so tests must send it.
/// Source: 3.1
pub fn connect(out: &mut Vec<u8>, connect: &Connect<'_>) -> Result<(), EncodeError> {
    let Connect { clean_session, keep_alive_s, client_id, will, user_name, password } = *connect;
    if password.is_some() && user_name.is_none() {
        return Err(EncodeError::PasswordWithoutUserName);
    }
    let mut flags = if clean_session { connect::CLEAN_SESSION } else { 0 };
    let mut body_len = 2 + connect::PROTOCOL_NAME.len() + 1 + 1 + 2 + string_len(client_id)?;
    if let Some(Will { topic, payload, qos, retain }) = will {
        flags |= connect::WILL | (qos as u8) << connect::WILL_QOS_SHIFT;
        flags |= if retain { connect::WILL_RETAIN } else { 0 };
        body_len += topic_name_len(topic)? + field_len(payload)?;
    }
    if let Some(name) = user_name {
        flags |= connect::USER_NAME;
        body_len += string_len(name)?;
    }
    if let Some(password) = password {
        flags |= connect::PASSWORD;
        body_len += field_len(password)?;
    }
    put_header(out, PacketType::Connect, PacketType::Connect.flags(), body_len)?;
    put_field(out, connect::PROTOCOL_NAME);
    out.extend_from_slice(&[connect::PROTOCOL_LEVEL, flags]);
    put_u16(out, keep_alive_s);
    put_field(out, client_id.as_bytes());
    let will_fields = will.map(|will| [will.topic.as_bytes(), will.payload]);
    for field in will_fields.iter().flatten().copied().chain(user_name.map(str::as_bytes)).chain(password) {
        put_field(out, field);
    }
    Ok(())
}

/// Shape: `82 06 00 07 00 01 61 01` asks for `a` with QoS 1. Walks the filters twice. Errors: no filter at all.
/// Source: 3.8
pub fn subscribe<'a>(
    out: &mut Vec<u8>,
    packet_id: PacketId,
    filters: impl IntoIterator<Item = (&'a str, QoS), IntoIter: Clone>,
) -> Result<(), EncodeError> {
    let filters = filters.into_iter();
    let mut body_len = 2;
    for (filter, _) in filters.clone() {
        body_len += topic_filter_len(filter)? + 1;
    }
    put_list_header(out, PacketType::Subscribe, packet_id, body_len)?;
    for (filter, qos) in filters {
        put_field(out, filter.as_bytes());
        out.push(qos as u8);
    }
    Ok(())
}

/// Shape: `a2 05 00 08 00 01 61`. Walks the filters twice. Errors: no filter at all. Source: 3.10
pub fn unsubscribe<'a>(
    out: &mut Vec<u8>,
    packet_id: PacketId,
    filters: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> Result<(), EncodeError> {
    let filters = filters.into_iter();
    let mut body_len = 2;
    for filter in filters.clone() {
        body_len += topic_filter_len(filter)?;
    }
    put_list_header(out, PacketType::Unsubscribe, packet_id, body_len)?;
    filters.for_each(|filter| put_field(out, filter.as_bytes()));
    Ok(())
}

/// Shape: `c0 00`. Source: 3.12
pub fn pingreq(out: &mut Vec<u8>) {
    out.extend_from_slice(&[first_byte(PacketType::Pingreq), 0]);
}

/// Shape: `e0 00`. Source: 3.14
pub fn disconnect(out: &mut Vec<u8>) {
    out.extend_from_slice(&[first_byte(PacketType::Disconnect), 0]);
}

fn answer(out: &mut Vec<u8>, packet_type: PacketType, packet_id: PacketId) {
    let [high, low] = packet_id.value().to_be_bytes();
    out.extend_from_slice(&[first_byte(packet_type), 2, high, low]);
}

fn first_byte(packet_type: PacketType) -> u8 {
    (packet_type as u8) << 4 | packet_type.flags()
}

fn string_len(text: &str) -> Result<usize, EncodeError> {
    match text.bytes().position(|byte| byte == 0) {
        Some(at) => Err(EncodeError::NulInString { at }),
        None => field_len(text.as_bytes()),
    }
}

fn topic_name_len(name: &str) -> Result<usize, EncodeError> {
    topic::check_name(name)?;
    field_len(name.as_bytes())
}

fn topic_filter_len(filter: &str) -> Result<usize, EncodeError> {
    topic::check_filter(filter)?;
    field_len(filter.as_bytes())
}

/// Bytes of `field` with its prefix. Every field goes through here before [`put_field`] writes it.
fn field_len(field: &[u8]) -> Result<usize, EncodeError> {
    let len = field.len();
    if len > FIELD_BYTES_MAX { Err(EncodeError::FieldTooLong { len }) } else { Ok(2 + len) }
}

fn put_list_header(
    out: &mut Vec<u8>,
    packet_type: PacketType,
    packet_id: PacketId,
    body_len: usize,
) -> Result<(), EncodeError> {
    if body_len == 2 {
        return Err(EncodeError::NoEntries(packet_type));
    }
    put_header(out, packet_type, packet_type.flags(), body_len)?;
    put_u16(out, packet_id.value());
    Ok(())
}

fn put_header(out: &mut Vec<u8>, packet_type: PacketType, flags: u8, body_len: usize) -> Result<(), EncodeError> {
    if body_len > BODY_BYTES_MAX {
        return Err(EncodeError::BodyTooLong { len: body_len });
    }
    out.reserve(5 + body_len);
    out.push((packet_type as u8) << 4 | flags);
    let mut left = body_len;
    while left > 0x7f {
        out.push(0x80 | (left & 0x7f) as u8);
        left >>= 7;
    }
    out.push(left as u8);
    Ok(())
}

fn put_field(out: &mut Vec<u8>, field: &[u8]) {
    put_u16(out, field.len() as u16);
    out.extend_from_slice(field);
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}
