//! Messages from the cloud on their way to a device, and its acknowledgements. Source: `reference/hub-device.md` 1.6

use roadstead_hub::{Delivery, Session, limits::IN_FLIGHT_MAX};
use roadstead_model::ModuleId;
use roadstead_mqtt_proto::{EncodeError, PacketId, Publish, QoS, encode};
use roadstead_wire::{HubFilter, devicebound_topic};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::{end::End, limits, stream::PacketStream};

/// What one connection was sent and has not acknowledged, and whether to look for more.
#[derive(Debug)]
pub(crate) struct Devicebound {
    /// Sequence numbers by the packet ids they were sent under; at most [`IN_FLIGHT_MAX`].
    in_flight: Vec<(PacketId, u64)>,
    next_id: PacketId,
    /// Sequence numbers that were acknowledged since the last [`Devicebound::work`].
    acknowledged: Vec<u64>,
    is_waiting: bool,
}

impl Devicebound {
    /// Of a new connection, which may have been waited for.
    pub(crate) fn new() -> Self {
        Self { in_flight: Vec::new(), next_id: PacketId::FIRST, acknowledged: Vec::new(), is_waiting: true }
    }

    /// There may be messages to send.
    pub(crate) fn look(&mut self) {
        self.is_waiting = true;
    }

    /// The device has a message. One that was not sent is none: a client that lost count is told nothing.
    pub(crate) fn acknowledge(&mut self, packet_id: PacketId) {
        if let Some(at) = self.in_flight.iter().position(|(sent, _)| *sent == packet_id) {
            self.acknowledged.push(self.in_flight.remove(at).1);
        }
    }

    /// Whether [`Devicebound::work`] would do anything. Asked at every wake-up of every connection.
    pub(crate) fn has_work(&self) -> bool {
        !self.acknowledged.is_empty() || (self.is_waiting && self.in_flight.len() < IN_FLIGHT_MAX)
    }

    /// Completes what was acknowledged, in one commit.
    pub(crate) async fn complete(&mut self, session: &Session) -> Result<(), End> {
        session.complete(&self.acknowledged).await?;
        self.acknowledged.clear();
        Ok(())
    }

    /// Completes what was acknowledged and writes what waits. Under QoS 0 a message is complete once it is sent.
    pub(crate) async fn work<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        session: &Session,
        stream: &mut PacketStream<S>,
    ) -> Result<(), End> {
        self.complete(session).await?;
        while self.has_work() {
            let Some(qos) = granted(session) else {
                self.is_waiting = false;
                break;
            };
            let room = IN_FLIGHT_MAX - self.in_flight.len();
            let deliveries = session.fetch_messages(room).await?;
            self.is_waiting = deliveries.len() == room;
            for delivery in &deliveries {
                if let Err(error) = self.write(session, delivery, qos, &mut stream.out) {
                    tracing::error!(device = %session.id(), "a message to a device was not sent: {error}");
                }
            }
            if !self.acknowledged.is_empty() {
                timeout(limits::WRITE_WAIT, stream.flush()).await.map_err(|_| End::NotReading)??;
                self.complete(session).await?;
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        session: &Session,
        Delivery { message, redelivered }: &Delivery,
        qos: QoS,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let mut topic = String::new();
        devicebound_topic::write(session.id().device.as_str(), None, &message.properties, &mut topic);
        let packet_id = (qos != QoS::AtMostOnce).then(|| self.free_id());
        let dup = *redelivered && packet_id.is_some();
        encode::publish(out, &Publish { dup, qos, retain: false, topic: &topic, packet_id, payload: &message.body })?;
        match packet_id {
            Some(packet_id) => self.in_flight.push((packet_id, message.sequence)),
            None => self.acknowledged.push(message.sequence),
        }
        Ok(())
    }

    /// The next packet id that no message in flight has.
    fn free_id(&mut self) -> PacketId {
        let mut id = self.next_id;
        while self.in_flight.iter().any(|(taken, _)| *taken == id) {
            id = id.next();
        }
        self.next_id = id.next();
        id
    }
}

/// The QoS that messages are sent with: the highest among the subscriptions that ask for them. `None` without one.
fn granted(session: &Session) -> Option<QoS> {
    let id = session.id();
    let module = id.module.as_ref().map(ModuleId::as_str);
    let asks = |filter: &str| {
        let filter = HubFilter::classify(filter, id.device.as_str(), module);
        matches!(filter, Some(HubFilter::Devicebound | HubFilter::Module))
    };
    let asking = session.subscriptions().iter().filter(|subscription| asks(&subscription.filter));
    let highest = asking.map(|subscription| subscription.qos).max()?;
    Some(if highest == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_ids_go_round_and_skip_those_in_flight() {
        let mut devicebound = Devicebound::new();
        devicebound.next_id = PacketId::new(u16::MAX).unwrap();
        devicebound.in_flight = vec![(PacketId::FIRST, 7)];
        assert_eq!([(); 3].map(|()| devicebound.free_id().value()), [u16::MAX, 2, 3]);
    }

    #[test]
    fn only_what_was_sent_can_be_acknowledged_and_only_once() {
        let mut devicebound = Devicebound { in_flight: vec![(PacketId::FIRST, 7)], ..Devicebound::new() };
        devicebound.acknowledge(PacketId::FIRST.next());
        devicebound.acknowledge(PacketId::FIRST);
        devicebound.acknowledge(PacketId::FIRST);
        assert_eq!(devicebound.acknowledged, [7]);
    }
}
