//! Deliveries to the peer, in as many transfers as its frame size asks for and as its window allows. Source: 2.6.12

use super::Connection;
use super::error::SendError;
use super::event::LinkId;
use super::handshake::Stage;
use super::link::Rest;
use super::session::{Session, Unsettled};
use crate::frame::{self, FrameType};
use crate::performative::{Role, Transfer};

/// What goes with a message.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The caller's name for the delivery on the wire, of 32 bytes at most.
    pub tag: &'a [u8],
    /// 0 for a message.
    pub message_format: u32,
    /// The caller keeps to the `snd_settle_mode` that the peer asked for at attach.
    pub settling: Settling,
    /// The caller's name for the delivery in [`super::Event::Outcome`].
    pub key: u64,
}

/// What becomes of a delivery once it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// It is settled when it is sent.
    Before,
    /// The peer may settle it, and nobody here waits for that: what it says is passed over.
    Unwatched,
    /// It is kept until the peer, or [`Connection::settle_sent`], settles it: [`super::Event::Outcome`].
    Watched,
}

/// How far from the end of a transfer without states its field `more` is: five fields of one byte follow it.
const MORE_FROM_END: usize = 6;
const MORE: u8 = 0x41;

impl Connection {
    /// Whether [`Connection::send`] would send now.
    pub fn can_send(&self, link: LinkId) -> bool {
        let session = self.sessions.at(link.session.channel);
        session.is_some_and(|session| self.takes(session, link).is_ok())
    }

    /// Sends a delivery, of the bytes that `encode` appends: into the very frame, if the peer takes frames so long. What
    /// the peer takes no transfers for is kept and sent later. Tells the delivery's number.
    ///
    /// Errors: see [`SendError`]; but for [`SendError::TooLong`] `encode` is not called then.
    pub fn send(
        &mut self,
        link: LinkId,
        sending: &Sending<'_>,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u32, SendError> {
        let frame_max = self.frame_max as usize;
        let session = self.sessions.at(link.session.channel).ok_or(SendError::NoLink)?;
        let max = self.takes(session, link)?;
        let delivery_id = session.next_delivery_id;
        let transfer = Transfer {
            handle: link.handle.into(),
            delivery_id: Some(delivery_id),
            delivery_tag: Some(sending.tag),
            message_format: Some(sending.message_format),
            settled: Some(sending.settling == Settling::Before),
            ..Transfer::default()
        };
        let start = frame::begin(out, FrameType::Amqp, session.id.channel);
        transfer.encode(out);
        let payload = out.len();
        encode(out);
        let len = out.len() - payload;
        if max > 0 && len as u64 > max {
            out.truncate(start);
            return Err(SendError::TooLong { len, max });
        }
        let room = frame_max.saturating_sub(payload - start);
        let rest = (len > room).then(|| out.split_off(payload + room));
        if rest.is_some()
            && let Some(more) = out.get_mut(payload - MORE_FROM_END)
        {
            *more = MORE;
        }
        frame::end(out, start);

        let Some(session) = self.session(link.session) else { return Err(SendError::NoLink) };
        session.count_transfer();
        session.next_delivery_id = delivery_id.wrapping_add(1);
        if sending.settling == Settling::Watched {
            let (serial, handle, key) = (link.serial, link.handle, sending.key);
            session.unsettled.push_back(Unsettled { delivery_id, serial, handle, answered: false, key });
        }
        if let Some(found) = session.links.at_mut(link.handle) {
            found.credit -= 1;
            found.delivery_count = found.delivery_count.wrapping_add(1);
            found.rest = rest.map(|payload| {
                let (tag, message_format) = (sending.tag.into(), sending.message_format);
                let settled = sending.settling == Settling::Before;
                Box::new(Rest { delivery_id, tag, message_format, settled, payload, sent: 0 })
            });
        }
        session.send_rest(link.handle, frame_max, out);
        Ok(delivery_id)
    }

    /// Bytes of a message that the peer takes on a link, 0 for any number, if it takes one now.
    fn takes(&self, session: &Session, link: LinkId) -> Result<u64, SendError> {
        let found = session.links.at(link.handle);
        let runs = self.stage == Stage::Running && session.id == link.session && !session.ending;
        let found = found.filter(|_| runs);
        let found = found.filter(|found| found.serial == link.serial && found.is_attached(Role::Sender));
        let found = found.ok_or(SendError::NoLink)?;
        let busy = found.credit == 0
            || found.rest.is_some()
            || session.remote_incoming_window == 0
            || session.unsettled.len() >= self.settings.unsettled_max as usize;
        if busy { Err(SendError::Busy) } else { Ok(found.max_message_size) }
    }

    /// Sends what waits for transfers, link by link.
    pub(super) fn send_rests(&mut self, ours: u16, out: &mut Vec<u8>) {
        let frame_max = self.frame_max as usize;
        let Some(session) = self.sessions.at_mut(ours) else { return };
        let waiting: Vec<u16> =
            session.links.iter_mut().filter_map(|(handle, link)| link.rest.is_some().then_some(handle)).collect();
        for handle in waiting {
            session.send_rest(handle, frame_max, out);
        }
    }
}

impl Session {
    fn count_transfer(&mut self) {
        self.next_outgoing_id = self.next_outgoing_id.wrapping_add(1);
        self.remote_incoming_window = self.remote_incoming_window.saturating_sub(1);
    }

    /// Sends of a delivery what the peer takes now.
    fn send_rest(&mut self, handle: u16, frame_max: usize, out: &mut Vec<u8>) {
        while self.remote_incoming_window > 0 {
            let Some(rest) = self.links.at_mut(handle).and_then(|link| link.rest.as_mut()) else { return };
            let mut transfer = Transfer {
                handle: handle.into(),
                delivery_id: Some(rest.delivery_id),
                delivery_tag: Some(&rest.tag),
                message_format: Some(rest.message_format),
                settled: Some(rest.settled),
                ..Transfer::default()
            };
            let start = frame::begin(out, FrameType::Amqp, self.id.channel);
            let left = rest.payload.get(rest.sent..).unwrap_or_default();
            let performative = out.len();
            transfer.encode(out);
            let room = frame_max.saturating_sub(out.len() - start).max(1);
            transfer.more = left.len() > room;
            if transfer.more {
                out.truncate(performative);
                transfer.encode(out);
            }
            let (now, later) = left.split_at(room.min(left.len()));
            out.extend_from_slice(now);
            rest.sent += now.len();
            let done = later.is_empty();
            frame::end(out, start);
            if done && let Some(link) = self.links.at_mut(handle) {
                link.rest = None;
            }
            self.count_transfer();
        }
    }
}
