//! Reads the fields of a packet body, front to back.

use crate::delivery::PacketId;
use crate::error::DecodeError;
use crate::topic;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left: the payload of a PUBLISH, the codes of a SUBACK.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes { count: self.rest.len() }) }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or(DecodeError::Truncated { needed: 1, left: 0 })?;
        self.rest = rest;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        let truncated = DecodeError::Truncated { needed: 2, left: self.rest.len() };
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(truncated)?;
        self.rest = rest;
        Ok(u16::from_be_bytes(bytes))
    }

    /// Binary data with its two length bytes.
    pub(crate) fn field(&mut self) -> Result<&'a [u8], DecodeError> {
        let needed = usize::from(self.u16()?);
        let truncated = DecodeError::Truncated { needed, left: self.rest.len() };
        let (field, rest) = self.rest.split_at_checked(needed).ok_or(truncated)?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, DecodeError> {
        let text = self.utf8()?;
        match text.bytes().position(|byte| byte == 0) {
            Some(at) => Err(DecodeError::NulInString { at }),
            None => Ok(text),
        }
    }

    pub(crate) fn topic_name(&mut self) -> Result<&'a str, DecodeError> {
        let name = self.utf8()?;
        topic::check_name(name)?;
        Ok(name)
    }

    pub(crate) fn topic_filter(&mut self) -> Result<&'a str, DecodeError> {
        let filter = self.utf8()?;
        topic::check_filter(filter)?;
        Ok(filter)
    }

    pub(crate) fn packet_id(&mut self) -> Result<PacketId, DecodeError> {
        PacketId::new(self.u16()?).ok_or(DecodeError::ZeroPacketId)
    }

    fn utf8(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.field()?).map_err(|error| DecodeError::NotUtf8 { at: error.valid_up_to() })
    }
}
