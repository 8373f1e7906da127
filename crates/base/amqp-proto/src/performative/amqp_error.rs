//! Why a delivery was rejected or a link, session or connection ended. Source: 2.8.14

use std::fmt;

use crate::descriptor as d;
use crate::error::DecodeError;
use crate::types::{Fields, Map, Reader, write_fields};

/// A condition that programs know, a text that people read.
///
/// Shape: `00 53 1d c0 13 03 a3 0e "amqp:not-found" 40 40`.
#[derive(Debug, Clone, PartialEq)]
pub struct AmqpError {
    /// Of [`condition`], or another.
    pub condition: Box<str>,
    /// For people.
    pub description: Option<Box<str>>,
    /// More for programs; keys are symbols.
    pub info: Map,
}

/// The standard's own conditions that an engine or its caller has use for. Source: 2.8.15 to 2.8.18
#[expect(missing_docs, reason = "named as the conditions they are")]
pub mod condition {
    pub const INTERNAL_ERROR: &str = "amqp:internal-error";
    pub const NOT_FOUND: &str = "amqp:not-found";
    pub const UNAUTHORIZED_ACCESS: &str = "amqp:unauthorized-access";
    pub const DECODE_ERROR: &str = "amqp:decode-error";
    pub const RESOURCE_LIMIT_EXCEEDED: &str = "amqp:resource-limit-exceeded";
    pub const NOT_ALLOWED: &str = "amqp:not-allowed";
    pub const INVALID_FIELD: &str = "amqp:invalid-field";
    pub const NOT_IMPLEMENTED: &str = "amqp:not-implemented";
    pub const RESOURCE_LOCKED: &str = "amqp:resource-locked";
    pub const PRECONDITION_FAILED: &str = "amqp:precondition-failed";
    pub const ILLEGAL_STATE: &str = "amqp:illegal-state";
    pub const CONNECTION_FORCED: &str = "amqp:connection:forced";
    pub const FRAMING_ERROR: &str = "amqp:connection:framing-error";
    pub const WINDOW_VIOLATION: &str = "amqp:session:window-violation";
    pub const HANDLE_IN_USE: &str = "amqp:session:handle-in-use";
    pub const UNATTACHED_HANDLE: &str = "amqp:session:unattached-handle";
    pub const DETACH_FORCED: &str = "amqp:link:detach-forced";
    pub const TRANSFER_LIMIT_EXCEEDED: &str = "amqp:link:transfer-limit-exceeded";
    pub const MESSAGE_SIZE_EXCEEDED: &str = "amqp:link:message-size-exceeded";
    pub const REDIRECT: &str = "amqp:link:redirect";
    pub const STOLEN: &str = "amqp:link:stolen";
}

impl AmqpError {
    /// Without further information.
    pub fn new(condition: &str, description: &str) -> Self {
        Self { condition: condition.into(), description: Some(description.into()), info: Map::default() }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        d::expect(reader, d::ERROR, "an error")?;
        let mut fields = Fields::open(reader, "error", 3)?;
        let condition = fields.owned_text()?;
        let error =
            Self { condition: fields.require(condition)?, description: fields.owned_text()?, info: fields.map()? };
        fields.finish()?;
        Ok(error)
    }

    /// All three fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::ERROR, |fields| {
            fields.symbol(&*self.condition).string(self.description.as_deref()).map(&self.info);
        });
    }
}

impl fmt::Display for AmqpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) => write!(f, "{}: {description}", self.condition),
            None => f.write_str(&self.condition),
        }
    }
}
