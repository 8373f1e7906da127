//! One session, as its connection keeps it: the transfers that may be under way, the links, and what was sent and is not
//! settled.

use std::collections::VecDeque;

use super::event::SessionId;
use super::link::Link;
use super::slots::Slots;
use crate::frame::{self, FrameType};
use crate::performative::{Begin, Flow};

/// The number of our first transfer; any would do.
pub(super) const INITIAL_OUTGOING_ID: u32 = 1;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    /// We sent end; until the peer's comes, what else it sends is void.
    pub(super) ending: bool,
    pub(super) next_incoming_id: u32,
    /// Transfers that the peer may still send.
    pub(super) incoming_window: u32,
    pub(super) next_outgoing_id: u32,
    /// Transfers that we may still send.
    pub(super) remote_incoming_window: u32,
    pub(super) remote_handle_max: u32,
    pub(super) next_delivery_id: u32,
    pub(super) links: Slots<Link>,
    /// In order of their numbers.
    pub(super) unsettled: VecDeque<Unsettled>,
}

/// A delivery that the peer has not settled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    pub(super) delivery_id: u32,
    /// Of the link.
    pub(super) serial: u32,
    pub(super) handle: u16,
    /// The peer has said what it made of it, but waits for us to settle.
    pub(super) answered: bool,
    pub(super) key: u64,
}

impl Session {
    pub(super) fn new(id: SessionId, begin: &Begin, incoming_window: u32) -> Self {
        Self {
            id,
            ending: false,
            next_incoming_id: begin.next_outgoing_id,
            incoming_window,
            next_outgoing_id: INITIAL_OUTGOING_ID,
            remote_incoming_window: begin.incoming_window,
            remote_handle_max: begin.handle_max,
            next_delivery_id: 0,
            links: Slots::default(),
            unsettled: VecDeque::new(),
        }
    }

    /// Forgets what was sent on a link.
    pub(super) fn forget_unsettled(&mut self, serial: u32) {
        self.unsettled.retain(|unsettled| unsettled.serial != serial);
    }

    /// Where in `unsettled` the first is whose number is not before `delivery_id`.
    pub(super) fn unsettled_from(&self, delivery_id: u32) -> usize {
        let Some(oldest) = self.unsettled.front() else { return 0 };
        let distance = delivery_id.wrapping_sub(oldest.delivery_id);
        if distance > u32::MAX / 2 {
            return 0; // before the oldest
        }
        self.unsettled.partition_point(|unsettled| unsettled.delivery_id.wrapping_sub(oldest.delivery_id) < distance)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        frame::write(out, FrameType::Amqp, self.id.channel, write);
    }

    /// The state of the session, and of the link if there is one.
    pub(super) fn write_flow(&self, out: &mut Vec<u8>, outgoing_window: u32, link: Option<(u16, &Link)>, drain: bool) {
        let flow = Flow {
            next_incoming_id: Some(self.next_incoming_id),
            incoming_window: self.incoming_window,
            next_outgoing_id: self.next_outgoing_id,
            outgoing_window,
            handle: link.map(|(handle, _)| handle.into()),
            delivery_count: link.map(|(_, link)| link.delivery_count),
            link_credit: link.map(|(_, link)| link.credit),
            drain,
            ..Flow::default()
        };
        self.write(out, |out| flow.encode(out));
    }
}
