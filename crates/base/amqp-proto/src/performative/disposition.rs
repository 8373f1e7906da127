//! `disposition`: what became of deliveries. Source: 2.7.6

use super::attach::Role;
use super::delivery_state::DeliveryState;
use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Reader, write_fields};

/// One word on a range of deliveries of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Disposition {
    /// Which end of their links the sender of this is.
    pub role: Role,
    /// The first delivery.
    pub first: u32,
    /// The last, itself included; `first` when absent.
    pub last: Option<u32>,
    /// The sender of this has forgotten them.
    pub settled: bool,
    /// What became of them.
    pub state: Option<DeliveryState>,
    /// The answer may wait for others.
    pub batchable: bool,
}

impl Disposition {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "disposition", 6)?;
        let role = fields.boolean()?;
        let role = Role::from_wire(fields.require(role)?);
        let first = fields.uint()?;
        let disposition = Self {
            role,
            first: fields.require(first)?,
            last: fields.uint()?,
            settled: fields.boolean()?.unwrap_or(false),
            state: fields.nested(DeliveryState::read)?,
            batchable: fields.boolean()?.unwrap_or(false),
        };
        fields.finish()?;
        Ok(disposition)
    }

    /// All six fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::DISPOSITION, |fields| {
            fields.boolean(self.role.to_wire()).uint(self.first).uint(self.last).boolean(self.settled);
            fields.put(self.state.as_ref(), |out, state| state.encode(out)).boolean(self.batchable);
        });
    }
}
