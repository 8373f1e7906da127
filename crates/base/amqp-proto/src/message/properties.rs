//! The properties section. Source: 3.2.4

use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::types::{Fields, Reader, Value, ValueRef, put, write_fields};

/// What the standard has fields for; all of them may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Properties<'a> {
    /// Names the message.
    pub message_id: Option<MessageId<'a>>,
    /// Who made it.
    pub user_id: Option<&'a [u8]>,
    /// Where it goes.
    pub to: Option<&'a str>,
    /// What it is about.
    pub subject: Option<&'a str>,
    /// Where an answer goes.
    pub reply_to: Option<&'a str>,
    /// Names the message that this one answers, with the very type that one had.
    pub correlation_id: Option<MessageId<'a>>,
    /// MIME type of the body; a symbol.
    pub content_type: Option<&'a str>,
    /// What was done to the body; a symbol.
    pub content_encoding: Option<&'a str>,
    /// Milliseconds since 1970.
    pub absolute_expiry_time: Option<i64>,
    /// Milliseconds since 1970.
    pub creation_time: Option<i64>,
    /// Names a group of messages.
    pub group_id: Option<&'a str>,
    /// Place in the group.
    pub group_sequence: Option<u32>,
    /// The group of an answer.
    pub reply_to_group_id: Option<&'a str>,
}

/// A name of one of four types: who echoes it must keep the type. Source: 3.2.11 to 3.2.14
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the types they are")]
pub enum MessageId<'a> {
    Ulong(u64),
    Uuid([u8; 16]),
    Binary(&'a [u8]),
    String(&'a str),
}

impl<'a> MessageId<'a> {
    /// `None` for a value of another type.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Ulong(value) => Some(Self::Ulong(*value)),
            Value::Uuid(bytes) => Some(Self::Uuid(*bytes)),
            Value::Binary(bytes) => Some(Self::Binary(bytes)),
            Value::String(text) => Some(Self::String(text)),
            _ => None,
        }
    }

    /// A copy that stands alone.
    pub fn to_value(self) -> Value {
        match self {
            Self::Ulong(value) => Value::Ulong(value),
            Self::Uuid(bytes) => Value::Uuid(bytes),
            Self::Binary(bytes) => Value::Binary(bytes.into()),
            Self::String(text) => Value::String(text.into()),
        }
    }

    fn read(fields: &mut Fields<'a>) -> Result<Option<Self>, DecodeError> {
        let Some(value) = fields.value()? else { return Ok(None) };
        match value {
            ValueRef::Ulong(value) => Ok(Some(Self::Ulong(value))),
            ValueRef::Uuid(bytes) => Ok(Some(Self::Uuid(bytes))),
            ValueRef::Binary(bytes) => Ok(Some(Self::Binary(bytes))),
            ValueRef::String(text) => Ok(Some(Self::String(text))),
            _ => Err(fields.fail(Fault::WrongType { expected: "a ulong, uuid, binary or string", code: 0 })),
        }
    }

    fn encode(out: &mut Vec<u8>, id: Self) {
        match id {
            Self::Ulong(value) => put::ulong(out, value),
            Self::Uuid(bytes) => put::uuid(out, bytes),
            Self::Binary(bytes) => put::binary(out, bytes),
            Self::String(text) => put::string(out, text),
        }
    }
}

impl<'a> Properties<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "properties", 13)?;
        let properties = Self {
            message_id: MessageId::read(&mut fields)?,
            user_id: fields.binary()?,
            to: fields.text()?,
            subject: fields.text()?,
            reply_to: fields.text()?,
            correlation_id: MessageId::read(&mut fields)?,
            content_type: fields.text()?,
            content_encoding: fields.text()?,
            absolute_expiry_time: fields.timestamp()?,
            creation_time: fields.timestamp()?,
            group_id: fields.text()?,
            group_sequence: fields.uint()?,
            reply_to_group_id: fields.text()?,
        };
        fields.finish()?;
        Ok(properties)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::PROPERTIES, |fields| {
            fields.put(self.message_id, MessageId::encode).binary(self.user_id).string(self.to);
            fields.string(self.subject).string(self.reply_to).put(self.correlation_id, MessageId::encode);
            fields.symbol(self.content_type).symbol(self.content_encoding);
            fields.timestamp(self.absolute_expiry_time).timestamp(self.creation_time);
            fields.string(self.group_id).uint(self.group_sequence).string(self.reply_to_group_id);
        });
    }
}
