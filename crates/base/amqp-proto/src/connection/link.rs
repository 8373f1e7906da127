//! One link, as its connection keeps it.

use super::event::{LinkId, SessionId};
use crate::performative::Role;

/// How far a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkStage {
    /// The peer waits for our attach.
    Asked,
    /// The peer waited for our attach and then detached: the caller's answer is for nothing.
    Abandoned,
    Attached,
    /// We sent detach; until the peer's comes, what else it sends is void.
    Detaching,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) serial: u32,
    pub(super) stage: LinkStage,
    /// Our end.
    pub(super) role: Role,
    /// Deliveries so far, as the sender of the link counts.
    pub(super) delivery_count: u32,
    /// Deliveries that the receiver of the link still takes.
    pub(super) credit: u32,
    /// Bytes of a message that the receiver of the link takes; 0 for no bound.
    pub(super) max_message_size: u64,
    /// On a link from the peer: the delivery whose last transfer has not come.
    pub(super) partial: Option<Box<Partial>>,
    /// On a link to the peer: what of a delivery is not sent yet.
    pub(super) rest: Option<Box<Rest>>,
}

/// The transfers so far of a delivery.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) delivery_id: u32,
    pub(super) tag: Box<[u8]>,
    pub(super) message_format: u32,
    pub(super) settled: bool,
    pub(super) payload: Vec<u8>,
}

/// The bytes behind `sent` wait until the session's peer takes transfers again.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) delivery_id: u32,
    pub(super) tag: Box<[u8]>,
    pub(super) message_format: u32,
    pub(super) settled: bool,
    pub(super) payload: Vec<u8>,
    pub(super) sent: usize,
}

impl Link {
    pub(super) fn asked(serial: u32, role: Role, initial_delivery_count: u32) -> Self {
        Self {
            serial,
            stage: LinkStage::Asked,
            role,
            delivery_count: initial_delivery_count,
            credit: 0,
            max_message_size: 0,
            partial: None,
            rest: None,
        }
    }

    pub(super) fn id(&self, session: SessionId, handle: u16) -> LinkId {
        LinkId { session, handle, serial: self.serial }
    }

    pub(super) fn is_attached(&self, role: Role) -> bool {
        self.stage == LinkStage::Attached && self.role == role
    }

    /// Whether one more message of so many bytes is within bounds.
    pub(super) fn takes(&self, len: usize) -> bool {
        self.max_message_size == 0 || len as u64 <= self.max_message_size
    }

    pub(super) fn partial_len(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.payload.len())
    }
}

/// What a receiver takes from now on, by its own count of deliveries or transfers and ours: those it has not counted
/// yet are under way. A receiver that is ahead of us has none under way.
pub(super) fn allowance(granted: u32, counted_by_peer: u32, counted_by_us: u32) -> u32 {
    let under_way = counted_by_us.wrapping_sub(counted_by_peer);
    if under_way > u32::MAX / 2 { granted } else { granted.saturating_sub(under_way) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_go_round() {
        assert_eq!(allowance(10, 5, 5), 10);
        assert_eq!(allowance(10, 5, 8), 7);
        assert_eq!(allowance(10, 5, 20), 0);
        assert_eq!(allowance(10, u32::MAX, 2), 7);
        assert_eq!(allowance(10, 2, u32::MAX), 10);
        assert_eq!(allowance(u32::MAX, 0, 1), u32::MAX - 1);
    }
}
