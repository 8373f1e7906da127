//! The nine performatives, which run connections, sessions and links. Source: 2.7

mod amqp_error;
mod attach;
mod begin;
mod delivery_state;
mod detach;
mod disposition;
mod flow;
mod open;
mod terminus;
mod transfer;

pub use amqp_error::{AmqpError, condition};
pub use attach::{Attach, ReceiverSettleMode, Role, SenderSettleMode};
pub use begin::Begin;
pub use delivery_state::{DeliveryState, Modified};
pub use detach::{Close, Detach, End};
pub use disposition::Disposition;
pub use flow::Flow;
pub use open::Open;
pub use terminus::{Source, Target};
pub use transfer::Transfer;

use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::types::Reader;

/// What the body of an AMQP frame begins with.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named as the performatives they are")]
pub enum Performative<'a> {
    Open(Box<Open>),
    Begin(Box<Begin>),
    Attach(Box<Attach>),
    Flow(Flow),
    Transfer(Transfer<'a>),
    Disposition(Disposition),
    Detach(Detach),
    End(End),
    Close(Close),
}

impl<'a> Performative<'a> {
    /// Reads the body of a frame: the performative, and what stands behind it, which only a transfer may have.
    ///
    /// Errors: [`Fault::Descriptor`] for another type, [`Fault::TrailingBytes`] for a payload that has no place.
    pub fn decode(body: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(body);
        let start = reader;
        let performative = match d::read(&mut reader, PERFORMATIVE)? {
            d::OPEN => Self::Open(Box::new(Open::read(&mut reader)?)),
            d::BEGIN => Self::Begin(Box::new(Begin::read(&mut reader)?)),
            d::ATTACH => Self::Attach(Box::new(Attach::read(&mut reader)?)),
            d::FLOW => Self::Flow(Flow::read(&mut reader)?),
            d::TRANSFER => Self::Transfer(Transfer::read(&mut reader)?),
            d::DISPOSITION => Self::Disposition(Disposition::read(&mut reader)?),
            d::DETACH => Self::Detach(Detach::read(&mut reader)?),
            d::END => Self::End(End::read(&mut reader)?),
            d::CLOSE => Self::Close(Close::read(&mut reader)?),
            code => return Err(start.fail(Fault::Descriptor { code, expected: PERFORMATIVE })),
        };
        let payload = reader.rest();
        if !matches!(performative, Self::Transfer(_)) {
            reader.finish()?;
        }
        Ok((performative, payload))
    }

    /// Appends the performative with all its fields, trailing nulls included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open(open) => open.encode(out),
            Self::Begin(begin) => begin.encode(out),
            Self::Attach(attach) => attach.encode(out),
            Self::Flow(flow) => flow.encode(out),
            Self::Transfer(transfer) => transfer.encode(out),
            Self::Disposition(disposition) => disposition.encode(out),
            Self::Detach(detach) => detach.encode(out),
            Self::End(end) => end.encode(out),
            Self::Close(close) => close.encode(out),
        }
    }
}

const PERFORMATIVE: &str = "a performative";
