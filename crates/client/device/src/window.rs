//! Messages sent and not yet acknowledged, oldest first.

use crate::inbox::FIRST_SUBSCRIBE_ID;
use crate::message::Packet;
use crate::send_error::SendError;
use roadstead_mqtt_proto::PacketId;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A message on its way into the window.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) packet: Packet,
    /// Told when the hub acknowledged, or that it never will.
    pub(crate) done: oneshot::Sender<Result<(), SendError>>,
}

#[derive(Debug)]
struct InFlight {
    id: PacketId,
    sent: Instant,
    message: Outgoing,
}

#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    next_id: PacketId,
    waiting: VecDeque<InFlight>,
}

impl Window {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, next_id: PacketId::FIRST, waiting: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Ids are given out in turn, so only the oldest message can still hold the one that is next.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < self.size && self.waiting.front().is_none_or(|oldest| oldest.id != self.next_id)
    }

    /// Takes a message in; returns the bytes to send.
    pub(crate) fn push(&mut self, mut message: Outgoing, now: Instant) -> &[u8] {
        let id = self.next_id;
        let next = id.next();
        self.next_id = if next.value() < FIRST_SUBSCRIBE_ID { next } else { PacketId::FIRST };
        message.packet.set_id(id);
        self.waiting.push_back(InFlight { id, sent: now, message });
        self.waiting.back().map_or(&[], |newest| newest.message.packet.bytes())
    }

    /// A PUBACK. One for a message that is not waiting is late, and nothing to worry about.
    pub(crate) fn acknowledge(&mut self, id: PacketId) {
        let place = self.waiting.iter().position(|message| message.id == id);
        if let Some(acknowledged) = place.and_then(|place| self.waiting.remove(place)) {
            // The sender may have stopped waiting.
            let _ = acknowledged.message.done.send(Ok(()));
        }
    }

    /// All that must be sent again on a new connection, in order and with their ids.
    pub(crate) fn resend(&mut self, now: Instant) -> impl Iterator<Item = &[u8]> {
        self.waiting.iter_mut().map(move |in_flight| {
            in_flight.sent = now;
            in_flight.message.packet.set_dup();
            in_flight.message.packet.bytes()
        })
    }

    /// When the oldest message was sent on this connection.
    pub(crate) fn oldest_sent(&self) -> Option<Instant> {
        self.waiting.front().map(|oldest| oldest.sent)
    }

    /// Nothing of it will be acknowledged any more.
    pub(crate) fn fail(&mut self, error: &SendError) {
        for in_flight in self.waiting.drain(..) {
            let _ = in_flight.message.done.send(Err(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use roadstead_mqtt_proto::{Packet as Decoded, decode};

    type Receipt = oneshot::Receiver<Result<(), SendError>>;

    fn message(body: &'static str) -> (Outgoing, Receipt) {
        let (done, receipt) = oneshot::channel();
        (Outgoing { packet: Message::new(body).to_packet("d").unwrap(), done }, receipt)
    }

    fn push(window: &mut Window, body: &'static str) -> Receipt {
        let (message, receipt) = message(body);
        window.push(message, Instant::now());
        receipt
    }

    fn shown(packet: &[u8]) -> (String, u16, bool) {
        let Decoded::Publish(publish) = decode(packet).unwrap() else { panic!() };
        (String::from_utf8(publish.payload.to_vec()).unwrap(), publish.packet_id.unwrap().value(), publish.dup)
    }

    #[tokio::test]
    async fn acknowledged_in_any_order_and_the_rest_sent_again_in_its_own() {
        let mut window = Window::new(3);
        let (first, sent) = (push(&mut window, "a"), push(&mut window, "b"));
        let third = push(&mut window, "c");
        assert!(!window.has_room());
        window.acknowledge(PacketId::new(2).unwrap());
        window.acknowledge(PacketId::new(2).unwrap());
        window.acknowledge(PacketId::new(9).unwrap());
        assert_eq!(sent.await.unwrap(), Ok(()));
        assert!(window.has_room());
        let again: Vec<_> = window.resend(Instant::now()).map(shown).collect();
        assert_eq!(again, [("a".to_owned(), 1, true), ("c".to_owned(), 3, true)]);
        let (message, _) = message("d");
        assert_eq!(shown(window.push(message, Instant::now())), ("d".to_owned(), 4, false));
        window.fail(&SendError::Closed { cause: None });
        assert!(window.is_empty());
        for receipt in [first, third] {
            assert_eq!(receipt.await.unwrap(), Err(SendError::Closed { cause: None }));
        }
    }

    #[tokio::test]
    async fn an_id_that_is_in_use_is_waited_for() {
        let mut window = Window::new(10);
        let oldest = push(&mut window, "oldest");
        for id in 2..FIRST_SUBSCRIBE_ID {
            drop(push(&mut window, ""));
            window.acknowledge(PacketId::new(id).unwrap());
        }
        assert!(!window.has_room());
        window.acknowledge(PacketId::FIRST);
        assert!(window.has_room());
        assert_eq!(oldest.await.unwrap(), Ok(()));
    }
}
