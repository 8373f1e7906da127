//! What a client does with its links: attaches, sends, gives credit, settles.

use roadstead_amqp_proto::{
    AmqpError, Attach, DeliveryState, SenderSettleMode, condition,
    connection::{Answer, Delivery, LinkId},
};
use roadstead_wire::amqp::LinkAddress;
use tokio::time::Instant;

use super::{Conversation, Opened, sending};
use crate::{
    attach::{self, Opening, Place},
    device::Wire,
    limits,
    link::Link,
    request,
};

impl Conversation<'_> {
    pub(super) async fn attach(&mut self, id: LinkId, mut attach: Box<Attach>, out: &mut Vec<u8>) {
        let Some(Opened { hub, host, .. }) = &self.opened else { return };
        let Self { front, caller, grants, wake, .. } = self;
        let certificates = &caller.certificates;
        let origin = caller.origin();
        let place = Place { hub, grants, certificates, wake, host, port: front.port, origin };
        let (address, _) = attach::end_of(&attach);
        match LinkAddress::parse(address) {
            Some(LinkAddress::Device { path }) => {
                let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
                return self.devices.attach(&place, id, (path, &attach), &mut wire).await;
            }
            Some(LinkAddress::Cbs | LinkAddress::Management { .. })
                if self.links.count_of_nodes() >= limits::NODE_LINKS_MAX =>
            {
                let why = "the connection has too many links to this node already: use those it has";
                let error = AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why);
                return self.proto.refuse(id, &attach, error, out);
            }
            _ => {}
        }
        match attach::open(&place, &attach).await {
            Ok(Opening { link, credit, message_bytes_max }) => {
                let answer = Answer { max_message_size: message_bytes_max, ..Answer::default() };
                if matches!(link, Link::Replies(_)) {
                    // Nobody waits to hear that an answer came.
                    attach.snd_settle_mode = SenderSettleMode::Settled;
                }
                if self.proto.accept(id, &attach, answer, out) {
                    if credit > 0 {
                        self.proto.grant(id, credit, out);
                    }
                    self.links.put(id, link);
                }
            }
            Err(error) => {
                tracing::info!(hub = %hub.resource().name, "an amqp link was refused: {error}");
                self.proto.refuse(id, &attach, error, out);
            }
        }
    }

    /// A message from the client. It is settled when what it wants is done, durably.
    pub(super) async fn deliver(&mut self, delivery: Delivery<'_>, out: &mut Vec<u8>) {
        let Some(hub) = self.opened.as_ref().map(|opened| opened.hub.clone()) else { return };
        let id = delivery.link;
        if let Some(link) = self.links.find_device(id) {
            let now = self.front.clock.now();
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            self.devices.deliver(link, &delivery, now, &mut wire).await;
            return self.renew_credit(id, link.credit(), out);
        }
        let (done, credit) = match self.links.all.get(&id) {
            Some(Link::Requests(node)) => {
                let node = *node;
                let origin = self.caller.origin();
                let answered = request::answer(node, &hub, &mut self.grants, &delivery.payload, origin).await;
                if let Some(token) = self.grants.take_fresh() {
                    self.devices.renew(token).await;
                }
                let done = answered.and_then(|(answer, reply_to)| {
                    let to = self.links.find_replies(node, reply_to, id.session());
                    to.map_or(Ok(()), |to| self.reply(to, answer, out))
                });
                (done, limits::REQUESTS_MAX)
            }
            _ => return,
        };
        if let Err(error) = &done {
            tracing::info!(hub = %hub.resource().name, "an amqp message was refused: {error}");
        }
        if !delivery.settled {
            let state = match done {
                Ok(()) => DeliveryState::Accepted,
                Err(error) => DeliveryState::Rejected(Some(Box::new(error))),
            };
            self.proto.settle(id.session(), delivery.delivery_id, delivery.delivery_id, state, out);
        }
        self.renew_credit(id, credit, out);
    }

    pub(super) fn take_telemetry(&mut self, seat: u32, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.take_telemetry(seat, delivery, &mut wire, &self.front.counters);
        self.renew_credit(delivery.link, limits::TELEMETRY_MAX, out);
    }

    /// Takes a message to a device, if the link is for such.
    pub(super) async fn take_devicebound(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        self.outbox.take(hub, delivery, &mut self.proto, out);
        self.renew_credit(delivery.link, limits::DEVICEBOUND_MAX, out);
        if self.outbox.is_full() {
            // What came later must not speak for telemetry from before this wait.
            self.settle_telemetry(out).await;
            self.send_devicebound(out).await;
        }
    }

    /// Queues the messages to devices that came together.
    pub(super) async fn send_devicebound(&mut self, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        self.outbox.send(hub, &self.front.counters, &mut self.proto, out).await;
    }

    /// Lets the client send as much as at first, once half of that is used up.
    fn renew_credit(&mut self, id: LinkId, credit: u32, out: &mut Vec<u8>) {
        if self.proto.credit(id) <= credit / 2 {
            self.proto.grant(id, credit, out);
        }
    }

    /// Sends an answer, now or when the client takes it.
    fn reply(&mut self, to: LinkId, answer: Vec<u8>, out: &mut Vec<u8>) -> Result<(), AmqpError> {
        let bytes = self.links.bytes_of_replies();
        let Some(Link::Replies(replies)) = self.links.all.get_mut(&to) else { return Ok(()) };
        if replies.waiting.len() >= limits::REPLIES_WAITING_MAX || bytes >= limits::REPLY_BYTES_WAITING_MAX {
            let why = "too many answers wait: give the receiver's link more credit";
            return Err(AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why));
        }
        replies.waiting.push_back(answer);
        sending::send_replies(&mut self.proto, to, replies, out);
        Ok(())
    }

    pub(super) fn note_credit(&mut self, id: LinkId, drain: bool, out: &mut Vec<u8>) {
        if let Some(link) = self.links.find_device(id) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            return self.devices.note_credit(link, drain, &mut wire);
        }
        match self.links.all.get_mut(&id) {
            Some(Link::Replies(replies)) => {
                sending::send_replies(&mut self.proto, id, replies, out);
                if drain {
                    self.proto.drained(id, out);
                }
            }
            // What there is goes out with the next look at the link.
            Some(Link::Events(link)) => link.drain = drain,
            Some(Link::Queue(link)) => {
                link.drain = drain;
                link.look = Instant::now();
            }
            Some(Link::Requests(_) | Link::Devicebound | Link::Device(_)) | None => {}
        }
    }

    /// What the client made of a delivery. `Some` is the answer, should it want one.
    pub(super) async fn settle(
        &mut self,
        id: LinkId,
        key: u64,
        state: Option<&DeliveryState>,
    ) -> Option<DeliveryState> {
        let hub = self.opened.as_ref()?.hub.clone();
        if let Some(link) = self.links.find_device(id) {
            return self.devices.settle(link, key, state).await;
        }
        match self.links.all.get_mut(&id)? {
            Link::Queue(link) => link.settle(&hub, key, state).await,
            // Reading takes nothing away: whatever a reader says of an event, it is done with it.
            _ => state.filter(|state| state.is_outcome()).map(|_| DeliveryState::Accepted),
        }
    }
}
