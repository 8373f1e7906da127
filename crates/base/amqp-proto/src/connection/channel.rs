//! What comes on a channel: sessions and links begin and end. Source: 2.5, 2.6

use super::event::{Event, LinkId, SessionId};
use super::handshake::Stage;
use super::link::{Link, LinkStage};
use super::session::{INITIAL_OUTGOING_ID, Session};
use super::{Connection, ConnectionError};
use crate::frame::{self, FrameType};
use crate::limits::{LINK_NAME_BYTES_MAX, LINKS_REFUSED_MAX};
use crate::performative::{AmqpError, Attach, Begin, Close, Detach, End, Performative, Role, condition};
use crate::types::Map;

impl Connection {
    pub(super) fn read_performative<'i>(
        &mut self,
        channel: u16,
        performative: Performative<'i>,
        payload: &'i [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        match performative {
            Performative::Close(close) => return Ok(Some(self.read_close(close, out))),
            _ if self.stage == Stage::Closing => return Ok(None),
            Performative::Open(_) => return Err(ConnectionError::OutOfTurn { what: "a second open" }),
            Performative::Begin(begin) => return self.read_begin(channel, &begin, out).map(|()| None),
            _ => {}
        }
        let Some(ours) = self.sessions.find(channel.into()) else {
            return match performative {
                Performative::Attach(_) => Err(ConnectionError::OutOfTurn { what: "an attach without a session" }),
                Performative::Transfer(_) => Err(ConnectionError::OutOfTurn { what: "a transfer without a session" }),
                // azure-eventhub for Python detaches its links when it has ended their session.
                _ => Ok(None),
            };
        };
        if let Performative::End(end) = performative {
            return Ok(self.read_end(ours, end, out));
        }
        if self.sessions.at(ours).is_none_or(|session| session.ending) {
            return Ok(None);
        }
        match performative {
            Performative::Attach(attach) => Ok(self.read_attach(ours, attach, out)),
            Performative::Detach(detach) => Ok(self.read_detach(ours, detach, out)),
            Performative::Flow(flow) => Ok(self.read_flow(ours, &flow, out)),
            Performative::Transfer(transfer) => self.read_transfer(ours, transfer, payload, out),
            Performative::Disposition(disposition) => Ok(self.read_disposition(ours, disposition, out)),
            _ => Ok(None),
        }
    }

    fn read_close(&mut self, close: Close, out: &mut Vec<u8>) -> Event<'static> {
        if self.stage == Stage::Running {
            frame::write(out, FrameType::Amqp, 0, |out| Close { error: None }.encode(out));
        }
        self.stage = Stage::Over;
        Event::Closed { error: close.error }
    }

    fn read_begin(&mut self, channel: u16, begin: &Begin, out: &mut Vec<u8>) -> Result<(), ConnectionError> {
        let max = self.settings.channel_max;
        if begin.remote_channel.is_some() {
            return Err(ConnectionError::OutOfTurn { what: "an answer to no begin" });
        }
        if self.sessions.find(channel.into()).is_some() {
            return Err(ConnectionError::OutOfTurn { what: "a begin in a session" });
        }
        // As there are no more channels than that, one of ours is free.
        let free = self.sessions.vacant(max).filter(|_| channel <= max);
        let ours = free.ok_or(ConnectionError::Channel { channel, max })?;
        let id = SessionId { channel: ours, serial: self.next_serial() };
        let window = self.settings.incoming_window;
        let answer = Begin {
            remote_channel: Some(channel),
            next_outgoing_id: INITIAL_OUTGOING_ID,
            incoming_window: window,
            outgoing_window: window,
            handle_max: self.settings.handle_max.into(),
            offered_capabilities: Vec::new(),
            desired_capabilities: Vec::new(),
            properties: Map::default(),
        };
        frame::write(out, FrameType::Amqp, ours, |out| answer.encode(out));
        self.sessions.insert(ours, channel.into(), Session::new(id, begin, window));
        Ok(())
    }

    fn read_end(&mut self, ours: u16, end: End, out: &mut Vec<u8>) -> Option<Event<'static>> {
        self.forget_links(ours);
        let session = self.sessions.remove(ours)?;
        if session.ending {
            return None;
        }
        session.write(out, |out| End { error: None }.encode(out));
        Some(Event::Ended { session: session.id, error: end.error })
    }

    fn read_attach(&mut self, ours: u16, attach: Box<Attach>, out: &mut Vec<u8>) -> Option<Event<'static>> {
        let (serial, settings) = (self.next_serial(), self.settings);
        let too_many = (self.link_count + 1).saturating_sub(settings.links_max);
        let session = self.sessions.at_mut(ours)?;
        if attach.handle > settings.handle_max.into() || session.links.find(attach.handle).is_some() {
            let error = AmqpError::new(condition::HANDLE_IN_USE, "the handle is in use, or beyond handle-max");
            return self.end_session(ours, error, out);
        }
        let max = settings.handle_max.min(u16::try_from(session.remote_handle_max).unwrap_or(u16::MAX));
        let Some(handle) = session.links.vacant(max) else {
            let error = AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, "no handle is left in this session");
            return self.end_session(ours, error, out);
        };
        if too_many > LINKS_REFUSED_MAX {
            let error = AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, "too many links on this connection");
            return self.end_session(ours, error, out);
        }
        let role = attach.role.opposite();
        let initial_delivery_count = match role {
            Role::Receiver => attach.initial_delivery_count.unwrap_or(0),
            Role::Sender => 0,
        };
        session.links.insert(handle, attach.handle, Link::asked(serial, role, initial_delivery_count));
        self.link_count += 1;
        let link = LinkId { session: session.id, handle, serial };
        let refusal = if too_many > 0 {
            Some((condition::RESOURCE_LIMIT_EXCEEDED, "too many links on this connection"))
        } else if attach.coordinator {
            Some((condition::NOT_IMPLEMENTED, "there are no transactions here"))
        } else if attach.name.len() > LINK_NAME_BYTES_MAX {
            Some((condition::INVALID_FIELD, "the link's name is too long"))
        } else {
            None
        };
        let Some((condition, description)) = refusal else { return Some(Event::Attach { link, attach }) };
        self.refuse(link, &attach, AmqpError::new(condition, description), out);
        None
    }

    fn read_detach(&mut self, ours: u16, detach: Detach, out: &mut Vec<u8>) -> Option<Event<'static>> {
        let session = self.sessions.at_mut(ours)?;
        let handle = session.links.find(detach.handle)?;
        let link = session.links.at_mut(handle)?;
        let (id, stage) = (link.id(session.id, handle), link.stage);
        if stage == LinkStage::Asked {
            link.stage = LinkStage::Abandoned;
            session.links.unmap(handle);
            return Some(Event::Detached { link: id, error: detach.error });
        }
        self.forget_link(ours, handle);
        if stage == LinkStage::Detaching {
            return None;
        }
        let answer = Detach { handle: handle.into(), closed: detach.closed, error: None };
        frame::write(out, FrameType::Amqp, ours, |out| answer.encode(out));
        Some(Event::Detached { link: id, error: detach.error })
    }

    /// Tells the peer that it broke the rules of a session, which is over with that.
    pub(super) fn end_session(&mut self, ours: u16, error: AmqpError, out: &mut Vec<u8>) -> Option<Event<'static>> {
        self.forget_links(ours);
        let session = self.sessions.at_mut(ours)?;
        session.ending = true;
        let end = End { error: Some(error) };
        session.write(out, |out| end.encode(out));
        Some(Event::Ended { session: session.id, error: end.error })
    }

    /// Tells the peer that it broke the rules of a link, which is over with that.
    pub(super) fn detach_link(
        &mut self,
        ours: u16,
        handle: u16,
        error: AmqpError,
        out: &mut Vec<u8>,
    ) -> Option<Event<'static>> {
        let session = self.sessions.at_mut(ours)?;
        let link = session.links.at(handle)?.id(session.id, handle);
        let detach = Detach { handle: handle.into(), closed: true, error: Some(error) };
        session.write(out, |out| detach.encode(out));
        self.void_link(ours, handle);
        Some(Event::Detached { link, error: detach.error })
    }

    /// We have sent detach; the link's numbers stay until the peer has, too.
    pub(super) fn void_link(&mut self, ours: u16, handle: u16) {
        let Some(session) = self.sessions.at_mut(ours) else { return };
        let Some(link) = session.links.at_mut(handle) else { return };
        self.partial_bytes -= link.partial_len();
        (link.partial, link.rest, link.stage) = (None, None, LinkStage::Detaching);
        let serial = link.serial;
        session.forget_unsettled(serial);
    }

    /// Both have sent detach.
    pub(super) fn forget_link(&mut self, ours: u16, handle: u16) {
        let Some(session) = self.sessions.at_mut(ours) else { return };
        let Some(link) = session.links.remove(handle) else { return };
        self.partial_bytes -= link.partial_len();
        self.link_count -= 1;
        session.forget_unsettled(link.serial);
    }

    pub(super) fn forget_links(&mut self, ours: u16) {
        let Some(session) = self.sessions.at_mut(ours) else { return };
        let links = std::mem::take(&mut session.links);
        for link in links.values() {
            self.partial_bytes -= link.partial_len();
            self.link_count -= 1;
        }
        session.unsettled.clear();
    }
}
