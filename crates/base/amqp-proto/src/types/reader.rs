//! Reads bytes front to back and knows where it is.

use super::constructor as c;
use crate::error::{DecodeError, Fault};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Of the first byte of `rest`, for errors.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn fail(&self, fault: Fault) -> DecodeError {
        DecodeError::new(fault, self.at)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        let count = self.rest.len();
        if count == 0 { Ok(()) } else { Err(self.fail(Fault::TrailingBytes { count })) }
    }

    pub(crate) fn take(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        let left = self.rest.len();
        let (taken, rest) = self.rest.split_at_checked(needed).ok_or(self.fail(Fault::Truncated { needed, left }))?;
        (self.rest, self.at) = (rest, self.at + needed);
        Ok(taken)
    }

    /// A reader of the next bytes alone.
    pub(crate) fn take_reader(&mut self, needed: usize) -> Result<Self, DecodeError> {
        let at = self.at;
        Ok(Self { rest: self.take(needed)?, at })
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let left = self.rest.len();
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(self.fail(Fault::Truncated { needed: N, left }))?;
        (self.rest, self.at) = (rest, self.at + N);
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// A length of four bytes.
    pub(crate) fn length(&mut self) -> Result<usize, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }

    /// The bytes of a value whose constructor says how many length bytes it has: `ax` one, `bx` four.
    pub(crate) fn variable(&mut self, code: u8) -> Result<&'a [u8], DecodeError> {
        let len = if code >> 4 == 0xa { usize::from(self.byte()?) } else { self.length()? };
        self.take(len)
    }

    pub(crate) fn text(&mut self, code: u8) -> Result<&'a str, DecodeError> {
        let start = *self;
        let bytes = self.variable(code)?;
        if matches!(code, c::SYMBOL_8 | c::SYMBOL_32) && !bytes.is_ascii() {
            return Err(start.fail(Fault::NotAscii));
        }
        std::str::from_utf8(bytes).map_err(|_| start.fail(Fault::NotUtf8))
    }

    /// How many values a list, map or array has, and a reader of them alone.
    pub(crate) fn compound(&mut self, code: u8) -> Result<(u32, Self), DecodeError> {
        let small = matches!(code, c::LIST_8 | c::MAP_8 | c::ARRAY_8);
        let size = if small { usize::from(self.byte()?) } else { self.length()? };
        let mut inner = self.take_reader(size)?;
        let count = if small { u32::from(inner.byte()?) } else { u32::from_be_bytes(inner.array()?) };
        Ok((count, inner))
    }
}

/// Two readers are equal when the same bytes are before them.
impl PartialEq for Reader<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rest == other.rest
    }
}

impl Eq for Reader<'_> {}
