//! What becomes of deliveries, both ways. Source: 2.6.12, 2.7.6

use super::Connection;
use super::event::{Event, LinkId, SessionId};
use crate::performative::{AmqpError, DeliveryState, Disposition, Role, condition};

/// The peer's word on a range of deliveries that were sent to it, told to the caller one by one.
#[derive(Debug)]
pub(super) struct Told {
    session: SessionId,
    /// The next number to look for.
    next: u32,
    /// How many numbers are left, itself included, less one.
    left: u32,
    settled: bool,
    state: Option<DeliveryState>,
}

impl Connection {
    pub(super) fn read_disposition(
        &mut self,
        ours: u16,
        disposition: Disposition,
        out: &mut Vec<u8>,
    ) -> Option<Event<'static>> {
        let Disposition { role, first, last, settled, state, .. } = disposition;
        let left = last.unwrap_or(first).wrapping_sub(first);
        if left > u32::MAX / 2 {
            let error = AmqpError::new(condition::INVALID_FIELD, "a disposition whose last is before its first");
            return self.end_session(ours, error, out);
        }
        // What a sender says of its own deliveries changes nothing: they are whole when they are told of. What has come
        // so far of one is not told: nobody resumes here.
        if role == Role::Receiver && (settled || state.as_ref().is_some_and(DeliveryState::is_outcome)) {
            let session = self.sessions.at(ours)?.id;
            self.told = Some(Box::new(Told { session, next: first, left, settled, state }));
        }
        None
    }

    /// The next delivery of a disposition that is being told.
    pub(super) fn next_outcome<'i>(&mut self) -> Option<Event<'i>> {
        let told = self.told.as_mut()?;
        let Some(session) = self.sessions.at_mut(told.session.channel).filter(|session| session.id == told.session)
        else {
            self.told = None;
            return None;
        };
        // A word that settles nothing counts once, or every repetition would be told for thousands of deliveries.
        let mut at = session.unsettled_from(told.next);
        while !told.settled && session.unsettled.get(at).is_some_and(|found| found.answered) {
            at += 1;
        }
        let found = session.unsettled.get_mut(at);
        let Some(found) = found.filter(|found| found.delivery_id.wrapping_sub(told.next) <= told.left) else {
            self.told = None;
            return None;
        };
        found.answered = true;
        let found = *found;
        if told.settled {
            session.unsettled.remove(at);
        }
        let link = LinkId { session: session.id, handle: found.handle, serial: found.serial };
        let settled = told.settled;
        let passed = found.delivery_id.wrapping_sub(told.next);
        let state = if passed == told.left {
            self.told.take().and_then(|told| told.state)
        } else {
            (told.next, told.left) = (found.delivery_id.wrapping_add(1), told.left - passed - 1);
            told.state.clone()
        };
        Some(Event::Outcome { link, delivery_id: found.delivery_id, key: found.key, state, settled })
    }

    /// Tells the peer what became of deliveries that it sent in a session, from `first` to `last`, both included, and
    /// that they are done. Does nothing when the session is gone.
    pub fn settle(&mut self, session: SessionId, first: u32, last: u32, state: DeliveryState, out: &mut Vec<u8>) {
        let Some(session) = self.session(session) else { return };
        let disposition = Disposition {
            role: Role::Receiver,
            first,
            last: Some(last),
            settled: true,
            state: Some(state),
            batchable: false,
        };
        session.write(out, |out| disposition.encode(out));
    }

    /// Ends a delivery that was sent to the peer: the answer to an [`Event::Outcome`] that has not settled it. Does
    /// nothing when it is settled, or gone with its link.
    pub fn settle_sent(&mut self, link: LinkId, delivery_id: u32, state: DeliveryState, out: &mut Vec<u8>) {
        let Some(session) = self.session(link.session) else { return };
        let at = session.unsettled_from(delivery_id);
        let found = session.unsettled.get(at);
        if found.is_none_or(|found| found.delivery_id != delivery_id || found.serial != link.serial) {
            return;
        }
        session.unsettled.remove(at);
        let disposition = Disposition {
            role: Role::Sender,
            first: delivery_id,
            last: Some(delivery_id),
            settled: true,
            state: Some(state),
            batchable: false,
        };
        session.write(out, |out| disposition.encode(out));
    }
}
