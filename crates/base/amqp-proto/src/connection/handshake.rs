//! From the first byte to `open`: protocol headers and SASL. Source: 2.2, 2.4.1, 5.3

use super::idle::beat_interval_ms;
use super::{Connection, ConnectionError, Event};
use crate::frame::{self, FrameType, Protocol};
use crate::limits::FRAME_BYTES_MIN;
use crate::performative::{Open, Performative};
use crate::sasl::{self, SaslCode, SaslRequest};
use crate::types::Map;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing came yet.
    Header,
    /// Mechanisms were offered.
    SaslInit,
    /// The caller is asked about what came.
    SaslAsked,
    /// A challenge was sent.
    SaslResponse,
    /// SASL went well.
    HeaderAfterSasl,
    /// Both sent the header of AMQP.
    Open,
    /// The caller is asked about the peer's `open`.
    OpenAsked,
    /// Both sent `open`.
    Running,
    /// We sent `close`.
    Closing,
    /// Both sent `close`, or there is no way on.
    Over,
}

impl Connection {
    pub(super) fn read_header<'i>(
        &mut self,
        input: &'i [u8],
        now_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Option<Event<'i>>)>, ConnectionError> {
        let Some(&bytes) = input.first_chunk() else { return Ok(None) };
        self.idle.heard(now_ms);
        match (self.stage, Protocol::parse(bytes)) {
            (Stage::Header, Some(Protocol::Sasl)) => {
                out.extend(Protocol::Sasl.bytes());
                sasl::write_mechanisms(out, self.settings.mechanisms);
                self.stage = Stage::SaslInit;
            }
            (_, Some(Protocol::Amqp)) => {
                out.extend(Protocol::Amqp.bytes());
                self.stage = Stage::Open;
            }
            _ => {
                let wanted = if self.stage == Stage::Header { Protocol::Sasl } else { Protocol::Amqp };
                out.extend(wanted.bytes());
                return Err(ConnectionError::Header { bytes });
            }
        }
        Ok(Some((Protocol::BYTES, None)))
    }

    pub(super) fn read_sasl<'i>(&mut self, body: &'i [u8]) -> Result<Event<'i>, ConnectionError> {
        let event = match (self.stage, SaslRequest::decode(body)?) {
            (Stage::SaslInit, SaslRequest::Init(init)) => Event::SaslInit(init),
            (Stage::SaslResponse, SaslRequest::Response(response)) => Event::SaslResponse(response),
            (_, SaslRequest::Init(_)) => return Err(ConnectionError::OutOfTurn { what: "a second sasl-init" }),
            (_, SaslRequest::Response(_)) => return Err(ConnectionError::OutOfTurn { what: "a sasl-response" }),
        };
        self.stage = Stage::SaslAsked;
        Ok(event)
    }

    /// Asks the client for more. Does nothing unless SASL waits for an answer.
    pub fn sasl_challenge(&mut self, challenge: &[u8], out: &mut Vec<u8>) {
        if self.stage == Stage::SaslAsked {
            sasl::write_challenge(out, challenge);
            self.stage = Stage::SaslResponse;
        }
    }

    /// Ends SASL; with any code but [`SaslCode::Ok`] the connection is over. Does nothing unless SASL waits for an
    /// answer.
    pub fn sasl_outcome(&mut self, code: SaslCode, out: &mut Vec<u8>) {
        if self.stage == Stage::SaslAsked {
            sasl::write_outcome(out, code);
            self.stage = if code == SaslCode::Ok { Stage::HeaderAfterSasl } else { Stage::Over };
        }
    }

    pub(super) fn read_open(
        &mut self,
        performative: Performative<'_>,
        now_ms: u64,
    ) -> Result<Event<'static>, ConnectionError> {
        let Performative::Open(open) = performative else {
            return Err(ConnectionError::OutOfTurn { what: "a performative before open" });
        };
        if open.max_frame_size < FRAME_BYTES_MIN {
            return Err(ConnectionError::MaxFrameSize { value: open.max_frame_size });
        }
        self.frame_max = open.max_frame_size.min(self.settings.max_frame_size);
        self.idle.beat_every(open.idle_time_out_ms.and_then(beat_interval_ms), now_ms);
        self.stage = Stage::OpenAsked;
        Ok(Event::Opened(open))
    }

    /// Answers the peer's `open`; [`Connection::close`] right behind it refuses the peer. Does nothing unless the peer
    /// waits for that.
    pub fn open(&mut self, container_id: &str, properties: Map, out: &mut Vec<u8>) {
        if self.stage != Stage::OpenAsked {
            return;
        }
        let idle_time_out_ms = self.settings.idle_time_out_ms;
        let open = Open {
            max_frame_size: self.settings.max_frame_size,
            channel_max: self.settings.channel_max,
            idle_time_out_ms: (idle_time_out_ms > 0).then_some(idle_time_out_ms),
            properties,
            ..Open::new(container_id)
        };
        frame::write(out, FrameType::Amqp, 0, |out| open.encode(out));
        self.stage = Stage::Running;
    }
}
