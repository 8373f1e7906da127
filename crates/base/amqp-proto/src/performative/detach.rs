//! `detach`, `end` and `close`: the ends of a link, a session and a connection. Source: 2.7.7 to 2.7.9

use super::amqp_error::AmqpError;
use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, FieldsWriter, Reader, write_fields};

/// Ends a link, or answers that.
#[derive(Debug, Clone, PartialEq)]
pub struct Detach {
    /// The link, by its sender's number.
    pub handle: u32,
    /// For good.
    pub closed: bool,
    /// Why.
    pub error: Option<AmqpError>,
}

/// Ends the session of its channel, or answers that.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct End {
    /// Why.
    pub error: Option<AmqpError>,
}

/// Ends the connection, or answers that.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Close {
    /// Why.
    pub error: Option<AmqpError>,
}

impl Detach {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "detach", 3)?;
        let handle = fields.uint()?;
        let detach = Self {
            handle: fields.require(handle)?,
            closed: fields.boolean()?.unwrap_or(false),
            error: fields.nested(AmqpError::read)?,
        };
        fields.finish()?;
        Ok(detach)
    }

    /// All three fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::DETACH, |fields| {
            write_error(fields.uint(self.handle).boolean(self.closed), self.error.as_ref());
        });
    }
}

impl End {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_error(reader, "end").map(|error| Self { error })
    }

    /// Its one field.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::END, |fields| write_error(fields, self.error.as_ref()));
    }
}

impl Close {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_error(reader, "close").map(|error| Self { error })
    }

    /// Its one field.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::CLOSE, |fields| write_error(fields, self.error.as_ref()));
    }
}

fn read_error(reader: &mut Reader<'_>, what: &'static str) -> Result<Option<AmqpError>, DecodeError> {
    let mut fields = Fields::open(reader, what, 1)?;
    let error = fields.nested(AmqpError::read)?;
    fields.finish()?;
    Ok(error)
}

fn write_error(fields: &mut FieldsWriter<'_, '_>, error: Option<&AmqpError>) {
    fields.put(error, |out, error| error.encode(out));
}
