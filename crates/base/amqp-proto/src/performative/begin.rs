//! `begin`: a session, and how many transfers may be under way in it. Source: 2.7.2

use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Map, Reader, write_fields};

/// Begins a session on the channel of its frame, or answers that.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// In an answer: the channel on which the other side began the session.
    pub remote_channel: Option<u16>,
    /// Number of the first transfer that the sender of this will send.
    pub next_outgoing_id: u32,
    /// Transfers that it takes now.
    pub incoming_window: u32,
    /// Transfers that it may send.
    pub outgoing_window: u32,
    /// The highest handle it takes.
    pub handle_max: u32,
    /// What it can.
    pub offered_capabilities: Vec<Box<str>>,
    /// What it would like of the other side.
    pub desired_capabilities: Vec<Box<str>>,
    /// Keys are symbols.
    pub properties: Map,
}

impl Begin {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "begin", 8)?;
        let remote_channel = fields.ushort()?;
        let next_outgoing_id = fields.uint()?;
        let next_outgoing_id = fields.require(next_outgoing_id)?;
        let incoming_window = fields.uint()?;
        let incoming_window = fields.require(incoming_window)?;
        let outgoing_window = fields.uint()?;
        let begin = Self {
            remote_channel,
            next_outgoing_id,
            incoming_window,
            outgoing_window: fields.require(outgoing_window)?,
            handle_max: fields.uint()?.unwrap_or(u32::MAX),
            offered_capabilities: fields.symbols()?,
            desired_capabilities: fields.symbols()?,
            properties: fields.map()?,
        };
        fields.finish()?;
        Ok(begin)
    }

    /// All eight fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::BEGIN, |fields| {
            fields.ushort(self.remote_channel).uint(self.next_outgoing_id);
            fields.uint(self.incoming_window).uint(self.outgoing_window).uint(self.handle_max);
            fields.symbols(&self.offered_capabilities).symbols(&self.desired_capabilities).map(&self.properties);
        });
    }
}
