//! What the caller decides on links, sessions and the connection. A command on what is gone does nothing.

use super::Connection;
use super::event::{LinkId, SessionId};
use super::handshake::Stage;
use super::link::LinkStage;
use crate::frame::{self, FrameType};
use crate::performative::{AmqpError, Attach, Close, Detach, End, ReceiverSettleMode, Role};
use crate::types::Map;

/// What the caller says when it accepts a link.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Bytes of the longest message that it takes, or sends; 0 for no bound, which only a sender should say.
    pub max_message_size: u64,
    /// Keys are symbols.
    pub properties: Map,
}

impl Connection {
    /// Accepts a link that the peer wants, with the ends and the sender's mode that it asked for; the caller may have changed
    /// `attach` before. On a link from the peer, [`Connection::grant`] credit next; on one to it, look at
    /// [`Connection::credit`], for the peer may have granted some already.
    ///
    /// `false`: the peer has detached the link in the meantime.
    pub fn accept(&mut self, link: LinkId, attach: &Attach, answer: Answer, out: &mut Vec<u8>) -> bool {
        let Some(session) = self.session_of(link) else { return false };
        let Some(found) = session.links.at_mut(link.handle) else { return false };
        if !matches!(found.stage, LinkStage::Asked | LinkStage::Abandoned) {
            return false;
        }
        let abandoned = found.stage == LinkStage::Abandoned;
        found.stage = LinkStage::Attached;
        found.max_message_size = match found.role {
            Role::Receiver => answer.max_message_size,
            Role::Sender => attach.max_message_size.unwrap_or(0),
        };
        // We settle what we receive at once, whatever the peer would like.
        let rcv_settle_mode = match found.role {
            Role::Receiver => ReceiverSettleMode::First,
            Role::Sender => attach.rcv_settle_mode,
        };
        // Ends that are null, or a sender's count, would make azure-eventhub for Python detach.
        let answer = Attach {
            snd_settle_mode: attach.snd_settle_mode,
            rcv_settle_mode,
            source: Some(attach.source.clone().unwrap_or_default()),
            target: Some(attach.target.clone().unwrap_or_default()),
            max_message_size: Some(answer.max_message_size),
            properties: answer.properties,
            ..Attach::new(&attach.name, link.handle.into(), found.role)
        };
        session.write(out, |out| answer.encode(out));
        if abandoned {
            let detach = Detach { handle: link.handle.into(), closed: true, error: None };
            session.write(out, |out| detach.encode(out));
            self.forget_link(link.session.channel, link.handle);
        }
        !abandoned
    }

    /// Refuses a link that the peer wants: accepts it and detaches it at once with the reason, which every client
    /// understands. (Ends that are null, as the standard has it, make azure-eventhub for Python attach again.)
    pub fn refuse(&mut self, link: LinkId, attach: &Attach, error: AmqpError, out: &mut Vec<u8>) {
        if self.accept(link, attach, Answer::default(), out) {
            self.detach(link, Some(error), out);
        }
    }

    /// Detaches a link for good.
    pub fn detach(&mut self, link: LinkId, error: Option<AmqpError>, out: &mut Vec<u8>) {
        let Some(session) = self.session_of(link) else { return };
        if session.links.at(link.handle).is_none_or(|found| found.stage != LinkStage::Attached) {
            return;
        }
        let detach = Detach { handle: link.handle.into(), closed: true, error };
        session.write(out, |out| detach.encode(out));
        self.void_link(link.session.channel, link.handle);
    }

    /// Ends a session with all its links.
    pub fn end(&mut self, session: SessionId, error: Option<AmqpError>, out: &mut Vec<u8>) {
        let Some(found) = self.session(session) else { return };
        found.ending = true;
        let end = End { error };
        found.write(out, |out| end.encode(out));
        self.forget_links(session.channel);
    }

    /// Closes the connection; before `open` was answered there is nothing to close, and it is over. Else write what is to be written, then read on until [`super::Event::Closed`] or hang up after a while.
    pub fn close(&mut self, error: Option<AmqpError>, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Running => {
                frame::write(out, FrameType::Amqp, 0, |out| Close { error }.encode(out));
                self.stage = Stage::Closing;
            }
            Stage::Closing => {}
            _ => self.stage = Stage::Over,
        }
    }
}
