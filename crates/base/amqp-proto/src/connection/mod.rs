//! The server's end of a connection: bytes in, events out; commands in, bytes out.
//!
//! ```text
//!            bytes from the peer                                  bytes to the peer
//!                    │                                                    ▲
//!                    ▼                                                    │ appended to the caller's buffer
//!   Connection::read ─ header ─ frame ─ performative ─┬─ answered at once: header, begin, end, detach, echo, window
//!                                                     │
//!                                                     └─▶ Event ─▶ the caller decides ─▶ a command: open, accept,
//!                                                                                       refuse, grant, settle, send…
//! ```
//!
//! One value is a whole connection: sessions and links are entries of small vectors, there is no task and no queue.
//! What is held between two calls: of a delivery in several transfers what has come, or, where the peer takes no
//! more transfers, what has not gone; the numbers of deliveries that were sent and are not settled.
//!
//! What clients in the field made necessary:
//! - azure-eventhub for Python indexes the fields of lists, so that all are written; detaches its links behind the end of
//!   their session; numbers deliveries by transfers, so that the numbers have gaps; and attaches again when a link is
//!   refused with ends that are null, so that a refusal is an attach with both ends and a detach behind it.
//! - uamqp asks on one link before it has granted credit on the one for the answer: what cannot be sent yet waits with
//!   the caller for [`Event::Credit`].
//! - Receivers that settle second (the C# service client) wait for [`Connection::settle_sent`].

mod channel;
mod command;
mod error;
mod event;
mod flow;
mod handshake;
mod idle;
mod incoming;
mod link;
mod outgoing;
mod session;
mod settings;
mod settlement;
mod slots;

pub use command::Answer;
pub use error::{ConnectionError, SendError};
pub use event::{Delivery, Event, LinkId, SessionId, Step};
pub use outgoing::{Sending, Settling};
pub use settings::Settings;

use crate::frame::{self, FrameType};
use crate::limits::{FRAME_BYTES_BEFORE_OPEN_MAX, FRAME_BYTES_MIN};
use crate::performative::{AmqpError, Close, Performative, Role};
use handshake::Stage;
use idle::Idle;
use link::LinkStage;
use session::Session;
use settlement::Told;
use slots::Slots;

/// One connection, from the first byte to the last.
#[derive(Debug)]
pub struct Connection {
    settings: Settings,
    stage: Stage,
    /// Bytes of the longest frame that is sent.
    frame_max: u32,
    idle: Idle,
    sessions: Slots<Session>,
    /// Of all sessions.
    link_count: u32,
    /// Of all deliveries that are not whole.
    partial_bytes: usize,
    /// Of the last session or link.
    serial: u32,
    /// A disposition on many deliveries, of which some are still to be told.
    told: Option<Box<Told>>,
    /// Still to be told.
    window_opened: Option<SessionId>,
}

impl Connection {
    /// Before the first byte. `now_ms` is any clock that never goes back, the same in all calls.
    pub fn new(settings: Settings, now_ms: u64) -> Self {
        Self {
            settings,
            stage: Stage::Header,
            frame_max: FRAME_BYTES_MIN,
            idle: Idle::new(settings.idle_time_out_ms, now_ms),
            sessions: Slots::default(),
            link_count: 0,
            partial_bytes: 0,
            serial: 0,
            told: None,
            window_opened: None,
        }
    }

    /// Reads up to the next event. Call it again with what it has not consumed until there is no event; then, with more
    /// bytes behind the same, when they have come.
    ///
    /// While SASL or `open` waits for the caller's answer nothing is read. Answers to the peer go to `out`.
    /// Errors: see [`ConnectionError`]; the connection is over then.
    pub fn read<'i>(&mut self, input: &'i [u8], now_ms: u64, out: &mut Vec<u8>) -> Result<Step<'i>, ConnectionError> {
        let mut consumed = 0;
        loop {
            if let Some(event) = self.next_told() {
                return Ok(Step { consumed, event: Some(event) });
            }
            let rest = input.get(consumed..).unwrap_or_default();
            let (len, event) = match self.read_one(rest, now_ms, out) {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(Step { consumed, event: None }),
                Err(error) => {
                    self.fail(&error, out);
                    return Err(error);
                }
            };
            consumed += len;
            if event.is_some() {
                return Ok(Step { consumed, event });
            }
        }
    }

    /// Whether nothing can come or go any more: write what is to be written, then hang up.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// What an earlier frame said and the caller has not heard yet.
    fn next_told<'i>(&mut self) -> Option<Event<'i>> {
        self.next_outcome().or_else(|| self.window_opened.take().map(Event::WindowOpened))
    }

    /// One header or frame; `None` when it is not whole, or not to be read yet.
    fn read_one<'i>(
        &mut self,
        input: &'i [u8],
        now_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Option<Event<'i>>)>, ConnectionError> {
        match self.stage {
            Stage::SaslAsked | Stage::OpenAsked => return Ok(None),
            Stage::Over => return Ok(if input.is_empty() { None } else { Some((input.len(), None)) }),
            Stage::Header | Stage::HeaderAfterSasl => return self.read_header(input, now_ms, out),
            Stage::SaslInit | Stage::SaslResponse | Stage::Open | Stage::Running | Stage::Closing => {}
        }
        let max = match self.stage {
            Stage::Running | Stage::Closing => self.settings.max_frame_size,
            _ => self.settings.max_frame_size.min(FRAME_BYTES_BEFORE_OPEN_MAX),
        };
        let Some((frame, len)) = frame::first_frame(input, max as usize)? else { return Ok(None) };
        self.idle.heard(now_ms);
        let event = match (self.stage, frame.frame_type) {
            (Stage::SaslInit | Stage::SaslResponse, FrameType::Sasl) => Some(self.read_sasl(frame.body)?),
            (Stage::SaslInit | Stage::SaslResponse, FrameType::Amqp) | (_, FrameType::Sasl) => {
                return Err(ConnectionError::OutOfTurn { what: "a frame of this type" });
            }
            _ if frame.body.is_empty() => None, // a sign of life
            _ => {
                let (performative, payload) = Performative::decode(frame.body)?;
                match self.stage {
                    Stage::Open => Some(self.read_open(performative, now_ms)?),
                    _ => self.read_performative(frame.channel, performative, payload, out)?,
                }
            }
        };
        Ok(Some((len, event)))
    }

    /// Tells the peer why, if it can be told, and is over.
    fn fail(&mut self, error: &ConnectionError, out: &mut Vec<u8>) {
        if self.stage == Stage::Running {
            let error = Some(AmqpError::new(error.condition(), &error.to_string()));
            frame::write(out, FrameType::Amqp, 0, |out| Close { error }.encode(out));
        }
        self.stage = Stage::Over;
    }

    fn next_serial(&mut self) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// `None` when it is gone or ending, or the connection is.
    fn session(&mut self, id: SessionId) -> Option<&mut Session> {
        if self.stage != Stage::Running {
            return None;
        }
        self.sessions.at_mut(id.channel).filter(|session| session.id == id && !session.ending)
    }

    /// The session of a link that is there and not detached by us.
    fn session_of(&mut self, link: LinkId) -> Option<&mut Session> {
        let session = self.session(link.session)?;
        let found = session.links.at(link.handle)?;
        (found.serial == link.serial && found.stage != LinkStage::Detaching).then_some(session)
    }

    /// The same, and whether the link is accepted and ours is this end.
    fn session_attached(&mut self, link: LinkId, role: Role) -> Option<&mut Session> {
        let session = self.session_of(link)?;
        session.links.at(link.handle)?.is_attached(role).then_some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::link::Link;
    use super::*;
    use std::mem::size_of;

    /// What a device costs beside its buffers: a session, and two links each for CBS, twin and methods, one each for
    /// telemetry and messages.
    #[test]
    fn a_connection_is_small() {
        let vectors = size_of::<Option<Session>>() + 8 * size_of::<Option<Link>>() + 12 * size_of::<(u32, u16)>();
        let all = size_of::<Connection>() + vectors;
        assert!(all <= 1024, "{all} bytes, of them {vectors} in vectors");
    }
}
