//! What became of a delivery. Source: 3.4

use super::amqp_error::AmqpError;
use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Map, Reader, Value, ValueRef, write_fields};

/// All but [`DeliveryState::Received`] and perhaps [`DeliveryState::Other`] are final.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryState {
    /// So far arrived.
    Received {
        /// Section of the message.
        section_number: u32,
        /// Bytes of it.
        section_offset: u64,
    },
    /// Taken.
    Accepted,
    /// Not taken, and not to be sent again.
    Rejected(Option<Box<AmqpError>>),
    /// Not looked at: anyone may have it.
    Released,
    /// Not taken, as it says.
    Modified(Box<Modified>),
    /// Another type, of transactions for one: the described value.
    Other(Box<Value>),
}

/// How a delivery comes back. Source: 3.4.5
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Modified {
    /// The attempt counts.
    pub delivery_failed: bool,
    /// Not to this receiver again.
    pub undeliverable_here: bool,
    /// To be merged into the message's own; keys are symbols.
    pub message_annotations: Map,
}

impl DeliveryState {
    /// Whether nothing can come after it: an outcome, as the standard calls it.
    pub fn is_outcome(&self) -> bool {
        matches!(self, Self::Accepted | Self::Rejected(_) | Self::Released | Self::Modified(_))
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut start = *reader;
        let state = match d::read(reader, "a delivery state")? {
            d::RECEIVED => {
                let mut fields = Fields::open(reader, "received", 2)?;
                let section_number = fields.uint()?;
                let section_number = fields.require(section_number)?;
                let section_offset = fields.ulong()?;
                let section_offset = fields.require(section_offset)?;
                fields.finish()?;
                Self::Received { section_number, section_offset }
            }
            d::ACCEPTED => {
                Fields::open(reader, "accepted", 0)?.finish()?;
                Self::Accepted
            }
            d::REJECTED => {
                let mut fields = Fields::open(reader, "rejected", 1)?;
                let error = fields.nested(AmqpError::read)?;
                fields.finish()?;
                Self::Rejected(error.map(Box::new))
            }
            d::RELEASED => {
                Fields::open(reader, "released", 0)?.finish()?;
                Self::Released
            }
            d::MODIFIED => {
                let mut fields = Fields::open(reader, "modified", 3)?;
                let modified = Modified {
                    delivery_failed: fields.boolean()?.unwrap_or(false),
                    undeliverable_here: fields.boolean()?.unwrap_or(false),
                    message_annotations: fields.map()?,
                };
                fields.finish()?;
                Self::Modified(Box::new(modified))
            }
            _ => {
                let value = ValueRef::read(&mut start)?;
                *reader = start;
                Self::Other(Box::new(value.to_value()))
            }
        };
        Ok(state)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Received { section_number, section_offset } => write_fields(out, d::RECEIVED, |fields| {
                fields.uint(*section_number).ulong(*section_offset);
            }),
            // As every peer writes them: `00 53 24 45`.
            Self::Accepted => write_fields(out, d::ACCEPTED, |_| {}),
            Self::Released => write_fields(out, d::RELEASED, |_| {}),
            Self::Rejected(error) => write_fields(out, d::REJECTED, |fields| {
                fields.put(error.as_ref(), |out, error| error.encode(out));
            }),
            Self::Modified(modified) => write_fields(out, d::MODIFIED, |fields| {
                fields.boolean(modified.delivery_failed).boolean(modified.undeliverable_here);
                fields.map(&modified.message_annotations);
            }),
            Self::Other(value) => value.encode(out),
        }
    }
}
