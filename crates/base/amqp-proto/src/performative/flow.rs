//! `flow`: the state of a session, and perhaps of one link. Source: 2.7.4

use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Map, Reader, write_fields};

/// What the sender of this takes and sends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    /// Number of the next transfer it expects; absent before it has seen the other side's `begin`.
    pub next_incoming_id: Option<u32>,
    /// Transfers that it takes now.
    pub incoming_window: u32,
    /// Number of the next transfer it will send.
    pub next_outgoing_id: u32,
    /// Transfers that it may send.
    pub outgoing_window: u32,
    /// The link that the rest is about; without one the rest says nothing.
    pub handle: Option<u32>,
    /// Deliveries so far, as the link's sender counts them.
    pub delivery_count: Option<u32>,
    /// Deliveries that the link's receiver takes beyond `delivery_count`.
    pub link_credit: Option<u32>,
    /// Messages that the link's sender has waiting.
    pub available: Option<u32>,
    /// The receiver takes what there is and the rest of the credit is void.
    pub drain: bool,
    /// Answer with a flow.
    pub echo: bool,
    /// Of the link; keys are symbols.
    pub properties: Map,
}

impl Flow {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "flow", 11)?;
        let next_incoming_id = fields.uint()?;
        let incoming_window = fields.uint()?;
        let incoming_window = fields.require(incoming_window)?;
        let next_outgoing_id = fields.uint()?;
        let next_outgoing_id = fields.require(next_outgoing_id)?;
        let outgoing_window = fields.uint()?;
        let flow = Self {
            next_incoming_id,
            incoming_window,
            next_outgoing_id,
            outgoing_window: fields.require(outgoing_window)?,
            handle: fields.uint()?,
            delivery_count: fields.uint()?,
            link_credit: fields.uint()?,
            available: fields.uint()?,
            drain: fields.boolean()?.unwrap_or(false),
            echo: fields.boolean()?.unwrap_or(false),
            properties: fields.map()?,
        };
        fields.finish()?;
        Ok(flow)
    }

    /// All eleven fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::FLOW, |fields| {
            fields.uint(self.next_incoming_id).uint(self.incoming_window);
            fields.uint(self.next_outgoing_id).uint(self.outgoing_window);
            fields.uint(self.handle).uint(self.delivery_count).uint(self.link_credit).uint(self.available);
            fields.boolean(self.drain).boolean(self.echo).map(&self.properties);
        });
    }
}
