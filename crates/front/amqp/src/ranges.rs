//! Deliveries that are settled alike, told of in as few words as it takes.

use roadstead_amqp_proto::{Connection, DeliveryState, connection::SessionId};

/// Deliveries in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Ranges(Vec<Range>);

/// Deliveries of one session with numbers without a gap, both ends included.
#[derive(Debug)]
struct Range {
    session: SessionId,
    first: u32,
    last: u32,
}

impl Ranges {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, session: SessionId, id: u32) {
        match self.0.last_mut() {
            Some(range) if range.session == session && range.last.wrapping_add(1) == id => range.last = id,
            _ => self.0.push(Range { session, first: id, last: id }),
        }
    }

    /// Settles all of them, and forgets them.
    pub(crate) fn settle(&mut self, state: &DeliveryState, proto: &mut Connection, out: &mut Vec<u8>) {
        for Range { session, first, last } in self.0.drain(..) {
            proto.settle(session, first, last, state.clone(), out);
        }
    }
}
