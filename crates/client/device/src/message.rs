//! What a device sends.

use bytes::Bytes;
use roadstead_model::limits::D2C_MESSAGE_BYTES_MAX;
use roadstead_model::{Properties, SystemProperty};
use roadstead_mqtt_proto::{EncodeError, PacketId, Publish, QoS, encode};
use roadstead_wire::telemetry_topic;
use serde::Serialize;

/// A message from a device to its hub: a body, and properties beside it that the hub and its back ends can read without it.
///
/// ```
/// use roadstead_device::Message;
///
/// let reading = serde_json::json!({ "temperature": 21.5 });
/// let message = Message::json(&reading)?.property("alert", "false").message_id("m-1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Message {
    body: Bytes,
    properties: Properties,
}

/// Why a message cannot be sent, whatever the state of the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The hub would close the connection.
    #[error("the message has {bytes} bytes with its properties, at most {bytes_max} are allowed: send less at once")]
    TooLarge {
        /// Bytes of body, property names and values.
        bytes: usize,
        /// What a hub takes.
        bytes_max: usize,
    },
    /// Its properties do not fit into a topic.
    #[error("the message's properties cannot be sent ({0}): put them into the body")]
    Properties(EncodeError),
}

impl Message {
    /// Any bytes. Say with [`Message::content_type`] what they are, so that back ends can route by them.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), properties: Properties::new() }
    }

    /// A value as JSON, with content type `application/json` and content encoding `utf-8`.
    ///
    /// Errors: the value has no JSON form.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        let message = Self::new(serde_json::to_vec(value)?);
        Ok(message.content_type("application/json").content_encoding("utf-8"))
    }

    /// Adds a property of the application. Names that begin with `$.` are the hub's own: use the methods below for them.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.push_application(name, Some(value));
        self
    }

    /// An id that back ends can tell repeated messages by: a message may arrive twice when a connection breaks.
    #[must_use]
    pub fn message_id(self, id: &str) -> Self {
        self.system(SystemProperty::MessageId, id)
    }

    /// The id of the message or command that this one answers.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        self.system(SystemProperty::CorrelationId, id)
    }

    /// What the body is: `text/csv`.
    #[must_use]
    pub fn content_type(self, content_type: &str) -> Self {
        self.system(SystemProperty::ContentType, content_type)
    }

    /// How the body is encoded: `utf-8`. Hubs route by the body only if it is UTF-8, UTF-16 or UTF-32.
    #[must_use]
    pub fn content_encoding(self, encoding: &str) -> Self {
        self.system(SystemProperty::ContentEncoding, encoding)
    }

    /// When it was made, in ISO 8601: `2026-11-21T20:02:50Z`.
    #[must_use]
    pub fn creation_time(self, time: &str) -> Self {
        self.system(SystemProperty::CreationTime, time)
    }

    fn system(mut self, property: SystemProperty, value: &str) -> Self {
        self.properties.push_system(property, value);
        self
    }

    /// Bytes that count towards the hub's limit: body, property names and values.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.properties.text_bytes()
    }

    /// The message as a PUBLISH with QoS 1, its packet id still to be set.
    pub(crate) fn to_packet(&self, device_id: &str) -> Result<Packet, MessageError> {
        let bytes = self.bytes();
        if bytes > D2C_MESSAGE_BYTES_MAX {
            return Err(MessageError::TooLarge { bytes, bytes_max: D2C_MESSAGE_BYTES_MAX });
        }
        let mut topic = String::new();
        telemetry_topic::write(device_id, None, &self.properties, &mut topic);
        let publish = Publish {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: false,
            topic: &topic,
            packet_id: Some(PacketId::FIRST),
            payload: &self.body,
        };
        let mut bytes = Vec::new();
        encode::publish(&mut bytes, &publish).map_err(MessageError::Properties)?;
        Ok(Packet { id_at: bytes.len() - self.body.len() - 2, bytes })
    }
}

/// A PUBLISH with QoS 1 as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
    /// Where its packet id is.
    id_at: usize,
}

impl Packet {
    /// The duplicate flag. Source: MQTT 3.1.1, 3.3.1.1
    const DUP: u8 = 0b1000;

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn set_id(&mut self, id: PacketId) {
        if let Some(place) = self.bytes.get_mut(self.id_at..self.id_at + 2) {
            place.copy_from_slice(&id.value().to_be_bytes());
        }
    }

    /// Says that it may have been sent before.
    pub(crate) fn set_dup(&mut self) {
        if let Some(first) = self.bytes.first_mut() {
            *first |= Self::DUP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_mqtt_proto::{Packet as Decoded, decode};

    #[test]
    fn a_packet_with_its_id_set() {
        let message = Message::json(&serde_json::json!({"t": 1})).unwrap().property("k 1", "v&").message_id("m");
        let mut packet = message.to_packet("dev1").unwrap();
        packet.set_id(PacketId::new(0x0102).unwrap());
        packet.set_dup();
        let Decoded::Publish(publish) = decode(packet.bytes()).unwrap() else { panic!() };
        assert_eq!(
            publish.topic,
            "devices/dev1/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8&k%201=v%26&%24.mid=m"
        );
        assert_eq!((publish.packet_id, publish.dup, publish.qos), (PacketId::new(0x0102), true, QoS::AtLeastOnce));
        assert_eq!(publish.payload, br#"{"t":1}"#);
    }

    #[test]
    fn the_hubs_limit_is_kept_here() {
        let max = D2C_MESSAGE_BYTES_MAX;
        assert!(Message::new(vec![0; max]).to_packet("d").is_ok());
        let refused = |message: Message| message.to_packet("d").map(|_| ()).unwrap_err();
        let too_large = MessageError::TooLarge { bytes: max + 1, bytes_max: max };
        assert_eq!(refused(Message::new(vec![0; max + 1])), too_large);
        assert_eq!(refused(Message::new(vec![0; max - 1]).property("k", "v")), too_large);
        let long = refused(Message::new("").property("k", &"v".repeat(70_000)));
        assert!(matches!(long, MessageError::Properties(EncodeError::FieldTooLong { .. })), "{long}");
    }
}
