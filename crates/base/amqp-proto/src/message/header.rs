//! The header section. Source: 3.2.1

use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Reader, write_fields};

/// How to transport a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// It must not be lost.
    pub durable: bool,
    /// 4 is that of most.
    pub priority: u8,
    /// Milliseconds it is worth sending for.
    pub ttl_ms: Option<u32>,
    /// Nobody had it before.
    pub first_acquirer: bool,
    /// Attempts that failed.
    pub delivery_count: u32,
}

impl Default for Header {
    fn default() -> Self {
        Self { durable: false, priority: 4, ttl_ms: None, first_acquirer: false, delivery_count: 0 }
    }
}

impl Header {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "header", 5)?;
        let default = Self::default();
        let header = Self {
            durable: fields.boolean()?.unwrap_or(default.durable),
            priority: fields.ubyte()?.unwrap_or(default.priority),
            ttl_ms: fields.uint()?,
            first_acquirer: fields.boolean()?.unwrap_or(default.first_acquirer),
            delivery_count: fields.uint()?.unwrap_or(default.delivery_count),
        };
        fields.finish()?;
        Ok(header)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::HEADER, |fields| {
            fields.boolean(self.durable).ubyte(self.priority).uint(self.ttl_ms);
            fields.boolean(self.first_acquirer).uint(self.delivery_count);
        });
    }
}
