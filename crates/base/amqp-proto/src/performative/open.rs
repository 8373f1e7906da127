//! `open`: who speaks, and what may be sent to it. Source: 2.7.1

use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Map, Reader, write_fields};

/// The first performative of each side.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// The peer's name for itself.
    pub container_id: Box<str>,
    /// Whom a client wants to speak to.
    pub hostname: Option<Box<str>>,
    /// Bytes of the longest frame it takes.
    pub max_frame_size: u32,
    /// The highest channel it takes.
    pub channel_max: u16,
    /// It hangs up when nothing came for about this long; no bound when absent.
    pub idle_time_out_ms: Option<u32>,
    /// IETF language tags.
    pub outgoing_locales: Vec<Box<str>>,
    /// IETF language tags.
    pub incoming_locales: Vec<Box<str>>,
    /// What it can.
    pub offered_capabilities: Vec<Box<str>>,
    /// What it would like of the other side.
    pub desired_capabilities: Vec<Box<str>>,
    /// Product, version and the like; keys are symbols.
    pub properties: Map,
}

impl Open {
    /// With no bound and nothing else said.
    pub fn new(container_id: &str) -> Self {
        Self {
            container_id: container_id.into(),
            hostname: None,
            max_frame_size: u32::MAX,
            channel_max: u16::MAX,
            idle_time_out_ms: None,
            outgoing_locales: Vec::new(),
            incoming_locales: Vec::new(),
            offered_capabilities: Vec::new(),
            desired_capabilities: Vec::new(),
            properties: Map::default(),
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "open", 10)?;
        let container_id = fields.owned_text()?;
        let open = Self {
            container_id: fields.require(container_id)?,
            hostname: fields.owned_text()?,
            max_frame_size: fields.uint()?.unwrap_or(u32::MAX),
            channel_max: fields.ushort()?.unwrap_or(u16::MAX),
            idle_time_out_ms: fields.uint()?,
            outgoing_locales: fields.symbols()?,
            incoming_locales: fields.symbols()?,
            offered_capabilities: fields.symbols()?,
            desired_capabilities: fields.symbols()?,
            properties: fields.map()?,
        };
        fields.finish()?;
        Ok(open)
    }

    /// All ten fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::OPEN, |fields| {
            fields.string(&*self.container_id).string(self.hostname.as_deref());
            fields.uint(self.max_frame_size).ushort(self.channel_max).uint(self.idle_time_out_ms);
            fields.symbols(&self.outgoing_locales).symbols(&self.incoming_locales);
            fields.symbols(&self.offered_capabilities).symbols(&self.desired_capabilities);
            fields.map(&self.properties);
        });
    }
}
