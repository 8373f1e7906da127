//! The peer's faults, told with what was being read and where.

use std::fmt;

/// What is wrong with bytes that arrived, and where.
///
/// Shape: `field 3 of attach, byte 17: constructor 0xa1 where a boolean belongs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The byte of it, counted from the first that was handed over.
    pub at: usize,
    /// The type that was being read, as the standard names it; empty for a bare value.
    pub what: &'static str,
    /// Its field, counted from 1; 0 when none is at fault.
    pub field: u32,
}

/// The kinds of [`DecodeError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A value ends behind the end of what holds it.
    #[error("{needed} bytes are needed and {left} are left")]
    Truncated {
        /// Bytes the value needs.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// Bytes behind the last value.
    #[error("{count} bytes too many")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A constructor that the standard does not define.
    #[error("unknown constructor {code:#04x}")]
    UnknownConstructor {
        /// The byte.
        code: u8,
    },
    /// A value of another type.
    #[error("constructor {code:#04x} where {expected} belongs")]
    WrongType {
        /// With its article.
        expected: &'static str,
        /// The byte that says the type.
        code: u8,
    },
    /// A boolean of one byte that is neither 0 nor 1.
    #[error("boolean {value}")]
    Boolean {
        /// The byte.
        value: u8,
    },
    /// A `char` that is no Unicode scalar value.
    #[error("char {value:#x}")]
    Char {
        /// The number.
        value: u32,
    },
    /// A string that is not UTF-8.
    #[error("invalid utf-8 in a string")]
    NotUtf8,
    /// A symbol that is not ASCII.
    #[error("a byte above 127 in a symbol")]
    NotAscii,
    /// A map with a key and no value.
    #[error("a map of {count} keys and values")]
    OddMap {
        /// What the map says it holds.
        count: u32,
    },
    /// More levels than [`crate::limits::DEPTH_MAX`].
    #[error("nested deeper than {} levels", crate::limits::DEPTH_MAX)]
    TooDeep,
    /// More values than [`crate::limits::VALUES_MAX`].
    #[error("more than {} values in one", crate::limits::VALUES_MAX)]
    TooMany,
    /// An array whose element type is described twice.
    #[error("a descriptor described")]
    NestedDescriptor,
    /// A described type that has no place here.
    #[error("descriptor {code:#x} where {expected} belongs")]
    Descriptor {
        /// Of the type that came; 0 for a name that is not known.
        code: u64,
        /// With its article.
        expected: &'static str,
    },
    /// A list with more fields than its type has.
    #[error("{count} fields, of {max} at most")]
    TooManyFields {
        /// What the list says it holds.
        count: u32,
        /// What the type has.
        max: u32,
    },
    /// A field that must be there and is null.
    #[error("a mandatory field is missing")]
    Missing,
    /// A number that the type allows and its meaning does not.
    #[error("value {value} is out of range")]
    OutOfRange {
        /// The number.
        value: u64,
    },
    /// A message section a second time, or a body of two kinds.
    #[error("a section twice, or two kinds of body")]
    RepeatedSection,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, at, what, field } = self;
        match (what.is_empty(), field) {
            (true, _) => write!(f, "byte {at}: {fault}"),
            (false, 0) => write!(f, "{what}, byte {at}: {fault}"),
            (false, _) => write!(f, "field {field} of {what}, byte {at}: {fault}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    pub(crate) fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at, what: "", field: 0 }
    }

    /// Names what was being read, unless something inside it has been named already.
    pub(crate) fn of(self, what: &'static str, field: u32) -> Self {
        if self.what.is_empty() { Self { what, field, ..self } } else { self }
    }
}
