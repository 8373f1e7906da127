//! PUBLISH: a message. Source: 3.3

use crate::delivery::{PacketId, QoS};
use crate::error::DecodeError;
use crate::reader::Reader;

/// A message on its way, to the server or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Sent before, perhaps; never at QoS 0.
    pub dup: bool,
    /// How surely it is to arrive.
    pub qos: QoS,
    /// To be kept for later subscribers.
    pub retain: bool,
    /// Valid by [`crate::topic::check_name`].
    pub topic: &'a str,
    /// Present exactly above QoS 0.
    pub packet_id: Option<PacketId>,
    /// Any bytes, or none.
    pub payload: &'a [u8],
}

pub(crate) const DUP: u8 = 0b1000;
pub(crate) const QOS_SHIFT: u8 = 1;
pub(crate) const RETAIN: u8 = 0b0001;

impl<'a> Publish<'a> {
    pub(crate) fn read(flags: u8, body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let value = (flags >> QOS_SHIFT) & 0b11;
        let qos = QoS::from_u8(value).ok_or(DecodeError::ReservedQos { value })?;
        let dup = flags & DUP != 0;
        if dup && qos == QoS::AtMostOnce {
            return Err(DecodeError::DupAtQos0);
        }
        let topic = body.topic_name()?;
        let packet_id = if qos == QoS::AtMostOnce { None } else { Some(body.packet_id()?) };
        Ok(Self { dup, qos, retain: flags & RETAIN != 0, topic, packet_id, payload: body.take_rest() })
    }
}
