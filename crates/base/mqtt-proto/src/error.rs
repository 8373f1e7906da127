//! The peer's faults ([`DecodeError`]) and the caller's own ([`EncodeError`]).

use crate::delivery::QoS;
use crate::frame::FrameError;
use crate::limits::{BODY_BYTES_MAX, FIELD_BYTES_MAX};
use crate::packet::PacketType;
use crate::topic::TopicError;

/// What is wrong with a packet that arrived. After any of these the connection must close, [MQTT-4.8.0-1].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The fixed header is malformed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The bytes handed over are fewer or more than the packet they begin.
    #[error("{actual} bytes where the header says {stated}")]
    NotOnePacket {
        /// Whole length by the header.
        stated: usize,
        /// Bytes handed over.
        actual: usize,
    },
    /// A field ends behind the end of its packet.
    #[error("a field needs {needed} bytes and {left} are left")]
    Truncated {
        /// Bytes the field needs.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// Bytes behind the last field.
    #[error("{count} bytes behind the last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// Packet type 0 or 15. Source: 2.2.1
    #[error("reserved packet type {value}")]
    ReservedType {
        /// Upper half of the first byte.
        value: u8,
    },
    /// [MQTT-2.2.2-2]
    #[error("header flags {flags:#06b} on {packet_type:?}")]
    HeaderFlags {
        /// The packet they came on.
        packet_type: PacketType,
        /// Lower half of the first byte.
        flags: u8,
    },
    /// [MQTT-3.3.1-4], [MQTT-3.8.3-4], [MQTT-3.1.2-14]
    #[error("qos {value}")]
    ReservedQos {
        /// 3 or more; in SUBSCRIBE also what the reserved bits make of it.
        value: u8,
    },
    /// [MQTT-3.3.1-2]
    #[error("dup at qos 0")]
    DupAtQos0,
    /// [MQTT-2.3.1-1]
    #[error("packet id 0")]
    ZeroPacketId,
    /// Not UTF-8, or UTF-8 that encodes a surrogate, [MQTT-1.5.3-1].
    #[error("invalid utf-8 at byte {at} of a string")]
    NotUtf8 {
        /// First byte of the string that is wrong.
        at: usize,
    },
    /// [MQTT-1.5.3-2]
    #[error("U+0000 at byte {at} of a string")]
    NulInString {
        /// Where in the string.
        at: usize,
    },
    /// A topic name or filter that is malformed.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// SUBSCRIBE, UNSUBSCRIBE or SUBACK without an entry, [MQTT-3.8.3-3], [MQTT-3.10.3-2].
    #[error("{0:?} without an entry")]
    NoEntries(PacketType),
    /// Neither `MQTT` nor `MQIsdp`: close without an answer, [MQTT-3.1.2-1].
    #[error("unknown protocol name of {len} bytes")]
    UnknownProtocol {
        /// Bytes of the name.
        len: usize,
    },
    /// An MQTT other than 3.1.1: answer with [`crate::encode::unsupported_protocol`], then close, [MQTT-3.1.2-2].
    #[error("unsupported protocol level {level}")]
    UnsupportedProtocol {
        /// 3 for `MQIsdp`, 5 for MQTT 5, 132 for a mosquitto bridge that tries its private dialect first.
        level: u8,
    },
    /// A reserved bit is set ([MQTT-3.1.2-3]), or will qos or will retain without a will ([MQTT-3.1.2-11]).
    #[error("connect flags {flags:#010b}")]
    ConnectFlags {
        /// All eight.
        flags: u8,
    },
    /// [MQTT-3.1.2-22]
    #[error("password without user name")]
    PasswordWithoutUserName,
    /// A reserved bit of CONNACK's first byte is set, or session present in a refusal ([MQTT-3.2.2-4]).
    #[error("connack flags {flags:#04x} with code {code}")]
    ConnackFlags {
        /// First byte.
        flags: u8,
        /// Return code.
        code: u8,
    },
    /// Above 5. Source: 3.2.2.3
    #[error("reserved connack code {code}")]
    ConnackCode {
        /// Return code.
        code: u8,
    },
    /// [MQTT-3.9.3-2]
    #[error("reserved suback code {code:#04x}")]
    SubackCode {
        /// Return code.
        code: u8,
    },
}

/// Why a value cannot be put on the wire. Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A string, password or will payload too long for its length prefix.
    #[error("field of {len} bytes, at most {FIELD_BYTES_MAX} fit")]
    FieldTooLong {
        /// Its bytes.
        len: usize,
    },
    /// A body too long for the remaining-length field.
    #[error("packet body of {len} bytes, at most {BODY_BYTES_MAX} fit")]
    BodyTooLong {
        /// Its bytes.
        len: usize,
    },
    /// U+0000 in a client id or user name.
    #[error("U+0000 at byte {at} of a string")]
    NulInString {
        /// Where in the string.
        at: usize,
    },
    /// A malformed topic name or filter.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// A packet id at QoS 0, or none above it, [MQTT-2.3.1-5].
    #[error("{qos:?} does not go with the packet id, or with none")]
    PacketId {
        /// Of the PUBLISH.
        qos: QoS,
    },
    /// [MQTT-3.3.1-2]
    #[error("dup at qos 0")]
    DupAtQos0,
    /// [MQTT-3.1.2-22]
    #[error("password without user name")]
    PasswordWithoutUserName,
    /// SUBSCRIBE, UNSUBSCRIBE or SUBACK without an entry.
    #[error("{0:?} without an entry")]
    NoEntries(PacketType),
}
