//! MQTT 3.1.1 packets, both directions: bytes in, values out, and back.
//!
//! Owns framing ([`frame`]), a borrowed decode of one whole packet ([`decode`]), encoding ([`encode`]) and the rules
//! of topics ([`topic`]). Refuses whatever the OASIS standard forbids, with a typed reason, and panics on nothing.
//! Knows no socket, no clock, no session and no word of what the topics mean.
//!
//! ```
//! use roadstead_mqtt_proto::{Packet, PacketId, decode, encode, frame};
//!
//! let received = b"\x32\x07\x00\x01t\x00\x09hi\xc0"; // a PUBLISH, then half of a PINGREQ
//! let len = frame::first_packet_len(received, 1024).unwrap().unwrap();
//! let Packet::Publish(publish) = decode(&received[..len]).unwrap() else { panic!() };
//! assert_eq!((publish.topic, publish.payload), ("t", &b"hi"[..]));
//!
//! let mut answer = Vec::new();
//! encode::puback(&mut answer, publish.packet_id.unwrap());
//! assert_eq!(answer, b"\x40\x02\x00\x09");
//! ```
//!
//! Source for every rule: "MQTT Version 3.1.1", OASIS Standard, 29 October 2014; `3.3.1.2` is a section of it and
//! `[MQTT-3.3.1-4]` a numbered rule.

#![warn(missing_docs)]

pub mod encode;
pub mod frame;
pub mod limits;
pub mod topic;

mod connack;
mod connect;
mod delivery;
mod error;
mod packet;
mod publish;
mod reader;
mod subscription;

pub use connack::{Connack, Refusal};
pub use connect::{Connect, Will};
pub use delivery::{PacketId, QoS};
pub use error::{DecodeError, EncodeError};
pub use frame::FrameError;
pub use packet::{Packet, PacketType, decode};
pub use publish::Publish;
pub use subscription::{Filters, Suback, SubackCode, SubackCodes, Subscribe, Subscriptions, Unsubscribe};
pub use topic::TopicError;
