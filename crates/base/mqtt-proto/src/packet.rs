//! The fourteen packets and the way in.

use crate::connack::Connack;
use crate::connect::Connect;
use crate::delivery::PacketId;
use crate::error::DecodeError;
use crate::frame;
use crate::publish::Publish;
use crate::reader::Reader;
use crate::subscription::{Suback, Subscribe, Unsubscribe};

/// One packet, borrowing from the bytes it was decoded from. Source: chapter 3
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Client to server, once, first.
    Connect(Connect<'a>),
    /// The server's answer.
    Connack(Connack),
    /// A message, either way.
    Publish(Publish<'a>),
    /// Answers a QoS 1 PUBLISH.
    Puback(PacketId),
    /// Answers a QoS 2 PUBLISH.
    Pubrec(PacketId),
    /// Answers PUBREC.
    Pubrel(PacketId),
    /// Answers PUBREL.
    Pubcomp(PacketId),
    /// Client to server.
    Subscribe(Subscribe<'a>),
    /// The server's answer, one code for each filter.
    Suback(Suback<'a>),
    /// Client to server.
    Unsubscribe(Unsubscribe<'a>),
    /// The server's answer.
    Unsuback(PacketId),
    /// Client to server.
    Pingreq,
    /// The server's answer.
    Pingresp,
    /// Client to server: no will, please.
    Disconnect,
}

/// Kind of a packet; the number is the upper half of its first byte. Source: 2.2.1, table 2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "named as the packets they are")]
pub enum PacketType {
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Pingreq = 12,
    Pingresp = 13,
    Disconnect = 14,
}

/// Reads exactly one whole packet, as [`frame::first_packet_len`] cuts it off. Allocates and copies nothing.
///
/// A CONNECT with an empty client id and `clean_session: false` decodes: the server must answer it with
/// [`crate::Refusal::IdentifierRejected`], [MQTT-3.1.3-8]. Another protocol level is
/// [`DecodeError::UnsupportedProtocol`], whatever follows it.
pub fn decode(packet: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let (first, body) = frame::split(packet)?;
    let (value, flags) = (first >> 4, first & 0x0f);
    let packet_type = PacketType::from_u8(value).ok_or(DecodeError::ReservedType { value })?;
    if packet_type != PacketType::Publish && flags != packet_type.flags() {
        return Err(DecodeError::HeaderFlags { packet_type, flags });
    }
    let mut body = Reader::new(body);
    let packet = match packet_type {
        PacketType::Connect => Packet::Connect(Connect::read(&mut body)?),
        PacketType::Connack => Packet::Connack(Connack::read(&mut body)?),
        PacketType::Publish => Packet::Publish(Publish::read(flags, &mut body)?),
        PacketType::Puback => Packet::Puback(body.packet_id()?),
        PacketType::Pubrec => Packet::Pubrec(body.packet_id()?),
        PacketType::Pubrel => Packet::Pubrel(body.packet_id()?),
        PacketType::Pubcomp => Packet::Pubcomp(body.packet_id()?),
        PacketType::Subscribe => Packet::Subscribe(Subscribe::read(&mut body)?),
        PacketType::Suback => Packet::Suback(Suback::read(&mut body)?),
        PacketType::Unsubscribe => Packet::Unsubscribe(Unsubscribe::read(&mut body)?),
        PacketType::Unsuback => Packet::Unsuback(body.packet_id()?),
        PacketType::Pingreq => Packet::Pingreq,
        PacketType::Pingresp => Packet::Pingresp,
        PacketType::Disconnect => Packet::Disconnect,
    };
    body.finish()?;
    Ok(packet)
}

impl PacketType {
    fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            1 => Self::Connect,
            2 => Self::Connack,
            3 => Self::Publish,
            4 => Self::Puback,
            5 => Self::Pubrec,
            6 => Self::Pubrel,
            7 => Self::Pubcomp,
            8 => Self::Subscribe,
            9 => Self::Suback,
            10 => Self::Unsubscribe,
            11 => Self::Unsuback,
            12 => Self::Pingreq,
            13 => Self::Pingresp,
            14 => Self::Disconnect,
            _ => return None,
        })
    }

    /// What the lower half of the first byte must be; a PUBLISH has flags of its own. Source: 2.2.2, table 2.2
    pub(crate) fn flags(self) -> u8 {
        match self {
            Self::Pubrel | Self::Subscribe | Self::Unsubscribe => 0b0010,
            _ => 0,
        }
    }
}
