//! A pair of links with one purpose: a twin's, or that of methods.

use std::collections::VecDeque;

use roadstead_amqp_proto::connection::{LinkId, Sending, SessionId, Settling};

use super::Wire;

/// The two links, as far as they are attached, and what waits to be sent.
///
/// A pair has its session and its name in common. Links without a name belong to whatever pair there is: node names none when it
/// attaches again. Source: `reference/hub-device.md` 3.3
#[derive(Debug)]
pub(super) struct Channel {
    name: Box<str>,
    session: SessionId,
    /// From the device.
    asks: Option<LinkId>,
    /// To the device.
    hears: Option<LinkId>,
    /// Whole messages for which there was no credit.
    waiting: VecDeque<Vec<u8>>,
    /// How many were sent: the next one's delivery tag.
    sent: u32,
}

impl Channel {
    fn new(name: &str, session: SessionId) -> Self {
        Self { name: name.into(), session, asks: None, hears: None, waiting: VecDeque::new(), sent: 0 }
    }

    /// Puts a link into its place, in a new channel if it is of another pair. What it displaces goes to `stolen`.
    pub(super) fn put(
        channel: &mut Option<Box<Self>>,
        name: &str,
        id: LinkId,
        is_asking: bool,
        stolen: &mut Vec<LinkId>,
    ) {
        let session = id.session();
        if let Some(other) = channel.take_if(|known| !known.is_of(name, session)) {
            stolen.extend([other.asks, other.hears].into_iter().flatten());
        }
        let channel = channel.get_or_insert_with(|| Box::new(Self::new(name, session)));
        let place = if is_asking { &mut channel.asks } else { &mut channel.hears };
        stolen.extend(place.replace(id));
    }

    fn is_of(&self, name: &str, session: SessionId) -> bool {
        self.session == session && (name.is_empty() || *self.name == *name)
    }

    /// Takes a link out. `true`: it was one of the channel's.
    pub(super) fn remove(channel: &mut Option<Box<Self>>, id: LinkId) -> bool {
        let Some(known) = channel else { return false };
        let place = [&mut known.asks, &mut known.hears].into_iter().find(|place| **place == Some(id));
        let was_here = place.is_some_and(|place| place.take().is_some());
        if known.asks.is_none() && known.hears.is_none() {
            *channel = None;
        }
        was_here
    }

    pub(super) fn is_whole(&self) -> bool {
        self.asks.is_some() && self.hears.is_some()
    }

    /// Messages that wait for credit.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Sends a message to the device, now or when it takes it. Nobody hears it without a link.
    pub(super) fn say(&mut self, message: Vec<u8>, wire: &mut Wire<'_>) {
        if self.hears.is_some() {
            self.waiting.push_back(message);
            self.send(wire);
        }
    }

    /// Sends what waits, as far as the device takes it. All of it is settled: nobody waits to hear that it came.
    pub(super) fn send(&mut self, wire: &mut Wire<'_>) {
        let Some(id) = self.hears else { return };
        while wire.proto.can_send(id) {
            let Some(message) = self.waiting.pop_front() else { return };
            self.sent = self.sent.wrapping_add(1);
            let tag = self.sent.to_be_bytes();
            let sending = Sending { tag: &tag, message_format: 0, settling: Settling::Before, key: 0 };
            if let Err(why) = wire.proto.send(id, &sending, wire.out, |out| out.extend_from_slice(&message)) {
                tracing::info!("a message of a twin or method was not sent: {why}");
            }
        }
    }

    /// The device gives no more credit than it gave until now, and wants back what it has left.
    pub(super) fn drain(&self, wire: &mut Wire<'_>) {
        if let Some(id) = self.hears {
            wire.proto.drained(id, wire.out);
        }
    }
}
