//! Strict DER: one value, minimal lengths, no BER forms. It goes before the lenient parser, which would read some of
//! them: two readers of one certificate must not see two certificates.

use crate::limits::DER_DEPTH_MAX;
use std::fmt::Write;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const CONSTRUCTED: u8 = 0x20;

/// Why bytes are not DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DerFault {
    /// The bytes end inside a value.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// Bytes follow the value.
    #[error("bytes follow its end")]
    TrailingBytes,
    /// A length in the indefinite form, or in more bytes than it needs.
    #[error("a length is not in its shortest form (BER, not DER)")]
    Length,
    /// A tag of several bytes, or a string or sequence in the form that DER forbids.
    #[error("a tag is not one of DER's")]
    Tag,
    /// A boolean, integer, bit string, null or object identifier not in its one DER form.
    #[error("a value is not in its only DER form")]
    Value,
    /// Nested deeper than [`DER_DEPTH_MAX`].
    #[error("it is nested deeper than {DER_DEPTH_MAX}")]
    Depth,
    /// Another kind of value is needed here.
    #[error("a value of another kind is needed")]
    Unexpected,
}

/// One tag, length and contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    /// Tag and length included.
    pub(crate) whole: &'a [u8],
}

impl<'a> Value<'a> {
    pub(crate) fn reader(self) -> Reader<'a> {
        Reader { rest: self.contents }
    }
}

/// Reads values one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn next(&mut self) -> Result<Value<'a>, DerFault> {
        let whole = self.rest;
        let [tag, first, rest @ ..] = whole else { return Err(DerFault::Truncated) };
        if tag & 0x1f == 0x1f {
            return Err(DerFault::Tag);
        }
        let (len, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x83 => read_long_len(usize::from(long & 0x7f), rest)?,
            _ => return Err(DerFault::Length),
        };
        let (contents, after) = rest.split_at_checked(len).ok_or(DerFault::Truncated)?;
        let (whole, _) = whole.split_at_checked(whole.len() - after.len()).ok_or(DerFault::Truncated)?;
        self.rest = after;
        Ok(Value { tag: *tag, contents, whole })
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Value<'a>, DerFault> {
        self.next().and_then(|value| if value.tag == tag { Ok(value) } else { Err(DerFault::Unexpected) })
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, DerFault> {
        if self.rest.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), DerFault> {
        if self.is_empty() { Ok(()) } else { Err(DerFault::TrailingBytes) }
    }
}

/// Exactly one value in strict DER, all values inside it too. Returns it.
pub(crate) fn check(bytes: &[u8]) -> Result<Value<'_>, DerFault> {
    let mut reader = Reader::new(bytes);
    let value = reader.next()?;
    reader.end()?;
    check_value(value, DER_DEPTH_MAX)?;
    Ok(value)
}

fn check_value(value: Value<'_>, depth: usize) -> Result<(), DerFault> {
    let is_universal = value.tag & 0xc0 == 0;
    if value.tag & CONSTRUCTED != 0 {
        if is_universal && !matches!(value.tag, SEQUENCE | SET) {
            return Err(DerFault::Tag);
        }
        let depth = depth.checked_sub(1).ok_or(DerFault::Depth)?;
        let mut reader = value.reader();
        while !reader.is_empty() {
            check_value(reader.next()?, depth)?;
        }
        return Ok(());
    }
    let is_minimal = match value.tag {
        BOOLEAN => matches!(value.contents, [0x00 | 0xff]),
        INTEGER => is_minimal_integer(value.contents),
        BIT_STRING => is_minimal_bit_string(value.contents),
        NULL => value.contents.is_empty(),
        OID => is_minimal_oid(value.contents),
        tag if is_universal => {
            return if matches!(tag | CONSTRUCTED, SEQUENCE | SET) { Err(DerFault::Tag) } else { Ok(()) };
        }
        _ => true,
    };
    if is_minimal { Ok(()) } else { Err(DerFault::Value) }
}

fn read_long_len(len_bytes: usize, rest: &[u8]) -> Result<(usize, &[u8]), DerFault> {
    let (bytes, rest) = rest.split_at_checked(len_bytes).ok_or(DerFault::Truncated)?;
    let len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    if len < 0x80 || bytes.first() == Some(&0) { Err(DerFault::Length) } else { Ok((len, rest)) }
}

fn is_minimal_integer(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [0x00, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

fn is_minimal_bit_string(contents: &[u8]) -> bool {
    match contents {
        [unused] => *unused == 0,
        [unused @ 0..=7, .., last] => u32::from(*unused) <= last.trailing_zeros(),
        _ => false,
    }
}

fn is_minimal_oid(contents: &[u8]) -> bool {
    let ends_well = contents.last().is_some_and(|last| last & 0x80 == 0);
    let mut starts_arc = true;
    let no_padding = contents.iter().all(|byte| {
        let padded = starts_arc && *byte == 0x80;
        starts_arc = byte & 0x80 == 0;
        !padded
    });
    ends_well && no_padding
}

/// `1.2.840.113549.1.1.5` for the contents of an object identifier; hex when an arc is too large to print.
pub(crate) fn oid_text(contents: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc: u64 = 0;
    for byte in contents {
        if arc > u64::MAX >> 7 {
            return hex(contents);
        }
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let top = (arc / 40).min(2);
                arcs.push(top);
                arc -= top * 40;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Upper-case hex without separators.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02X}").expect("writing to a String does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_der_passes() {
        for (bytes, expected) in [
            (&[0x30, 0x00][..], Ok(())),
            (&[0x30, 0x03, 0x02, 0x01, 0x05], Ok(())),
            (&[0x02, 0x02, 0x00, 0x80], Ok(())),
            (&[0x03, 0x02, 0x07, 0x80], Ok(())),
            (&[0xa0, 0x03, 0x02, 0x01, 0x02], Ok(())),
            (&[0x06, 0x03, 0x55, 0x04, 0x03], Ok(())),
            (&[], Err(DerFault::Truncated)),
            (&[0x30], Err(DerFault::Truncated)),
            (&[0x30, 0x01], Err(DerFault::Truncated)),
            (&[0x30, 0x82, 0x01], Err(DerFault::Truncated)),
            (&[0x30, 0x00, 0x00], Err(DerFault::TrailingBytes)),
            (&[0x30, 0x80, 0x00, 0x00], Err(DerFault::Length)),
            (&[0x30, 0x81, 0x03, 0x02, 0x01, 0x05], Err(DerFault::Length)),
            (&[0x30, 0x82, 0x00, 0x80], Err(DerFault::Length)),
            (&[0x30, 0x84, 0x00, 0x00, 0x00, 0x01, 0x00], Err(DerFault::Length)),
            (&[0x24, 0x03, 0x04, 0x01, 0x05], Err(DerFault::Tag)),
            (&[0x10, 0x00], Err(DerFault::Tag)),
            (&[0x11, 0x00], Err(DerFault::Tag)),
            (&[0x1f, 0x81, 0x01, 0x00], Err(DerFault::Tag)),
            (&[0x01, 0x01, 0x01], Err(DerFault::Value)),
            (&[0x02, 0x00], Err(DerFault::Value)),
            (&[0x02, 0x02, 0x00, 0x7f], Err(DerFault::Value)),
            (&[0x02, 0x02, 0xff, 0x80], Err(DerFault::Value)),
            (&[0x03, 0x00], Err(DerFault::Value)),
            (&[0x03, 0x01, 0x01], Err(DerFault::Value)),
            (&[0x03, 0x02, 0x01, 0x01], Err(DerFault::Value)),
            (&[0x03, 0x02, 0x08, 0x00], Err(DerFault::Value)),
            (&[0x05, 0x01, 0x00], Err(DerFault::Value)),
            (&[0x06, 0x02, 0x80, 0x01], Err(DerFault::Value)),
            (&[0x06, 0x01, 0x81], Err(DerFault::Value)),
            (&[0x30, 0x03, 0x01, 0x01, 0x01], Err(DerFault::Value)),
        ] {
            assert_eq!(check(bytes).map(drop), expected, "{bytes:02x?}");
        }
        let deep = |levels: u8| (0..levels).rev().flat_map(|level| [0x30, level * 2]).collect::<Vec<_>>();
        assert_eq!(check(&deep(16)).map(drop), Ok(()));
        assert_eq!(check(&deep(17)).map(drop), Err(DerFault::Depth));
    }

    #[test]
    fn object_identifiers_print() {
        for (contents, text) in [
            (&[0x55, 0x04, 0x03][..], "2.5.4.3"),
            (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "1.2.840.113549.1.1.5"),
            (&[0x88, 0x37], "2.999"),
            (&[0xff; 11], "FFFFFFFFFFFFFFFFFFFFFF"),
        ] {
            assert_eq!(oid_text(contents), text);
        }
    }
}
