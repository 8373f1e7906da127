//! Values as they lie in the bytes they came in: nothing is copied, lists and maps are read while one walks them.

use std::fmt;

use super::check;
use super::constructor as c;
use super::owned::Value;
use super::reader::Reader;
use crate::error::{DecodeError, Fault};

/// One value, checked through and through when it was read. Source: 1.6
#[derive(Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "named as the types they are")]
pub enum ValueRef<'a> {
    Null,
    Boolean(bool),
    Ubyte(u8),
    Ushort(u16),
    Uint(u32),
    Ulong(u64),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Decimal32([u8; 4]),
    Decimal64([u8; 8]),
    Decimal128([u8; 16]),
    Char(char),
    /// Milliseconds since 1970.
    Timestamp(i64),
    Uuid([u8; 16]),
    Binary(&'a [u8]),
    String(&'a str),
    /// ASCII only.
    Symbol(&'a str),
    List(ListRef<'a>),
    Map(MapRef<'a>),
    Array(ArrayRef<'a>),
    Described(DescribedRef<'a>),
}

/// The values of a list, in order.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct ListRef<'a> {
    items: Reader<'a>,
    len: u32,
}

/// The entries of a map, in the order they came; a key may come twice.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct MapRef<'a>(ListRef<'a>);

/// The values of an array, in order, all of one type.
#[derive(Clone, Copy, PartialEq)]
pub struct ArrayRef<'a> {
    descriptor: Option<Reader<'a>>,
    code: u8,
    items: Reader<'a>,
    len: u32,
}

/// A value and what says how to understand it.
#[derive(Clone, Copy, PartialEq)]
pub struct DescribedRef<'a> {
    descriptor: Reader<'a>,
    code: u8,
    body: Reader<'a>,
}

impl<'a> ValueRef<'a> {
    /// Reads `bytes`, which must be exactly one value. Errors: see [`Fault`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// The text of a string or symbol.
    pub fn as_text(&self) -> Option<&'a str> {
        match *self {
            Self::String(text) | Self::Symbol(text) => Some(text),
            _ => None,
        }
    }

    /// A copy that stands alone.
    pub fn to_value(&self) -> Value {
        Value::from(*self)
    }

    /// Checks the value that begins there, whole, and takes it.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut value = *reader;
        check::value(reader)?;
        Self::parse(&mut value)
    }

    /// Takes a value that was checked before; of what is in it only the shell is looked at.
    fn parse(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let code = reader.byte()?;
        Self::parse_of(code, reader)
    }

    fn parse_of(code: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            c::NULL => Self::Null,
            c::TRUE => Self::Boolean(true),
            c::FALSE => Self::Boolean(false),
            c::BOOLEAN => Self::Boolean(reader.byte()? == 1),
            c::UINT_0 => Self::Uint(0),
            c::UINT_SMALL => Self::Uint(reader.byte()?.into()),
            c::UINT => Self::Uint(u32::from_be_bytes(reader.array()?)),
            c::ULONG_0 => Self::Ulong(0),
            c::ULONG_SMALL => Self::Ulong(reader.byte()?.into()),
            c::ULONG => Self::Ulong(u64::from_be_bytes(reader.array()?)),
            c::UBYTE => Self::Ubyte(reader.byte()?),
            c::USHORT => Self::Ushort(u16::from_be_bytes(reader.array()?)),
            c::BYTE => Self::Byte(i8::from_be_bytes(reader.array()?)),
            c::SHORT => Self::Short(i16::from_be_bytes(reader.array()?)),
            c::INT_SMALL => Self::Int(i8::from_be_bytes(reader.array()?).into()),
            c::INT => Self::Int(i32::from_be_bytes(reader.array()?)),
            c::LONG_SMALL => Self::Long(i8::from_be_bytes(reader.array()?).into()),
            c::LONG => Self::Long(i64::from_be_bytes(reader.array()?)),
            c::FLOAT => Self::Float(f32::from_be_bytes(reader.array()?)),
            c::DOUBLE => Self::Double(f64::from_be_bytes(reader.array()?)),
            c::DECIMAL_32 => Self::Decimal32(reader.array()?),
            c::DECIMAL_64 => Self::Decimal64(reader.array()?),
            c::DECIMAL_128 => Self::Decimal128(reader.array()?),
            c::CHAR => {
                let value = u32::from_be_bytes(reader.array()?);
                Self::Char(char::from_u32(value).ok_or(reader.fail(Fault::Char { value }))?)
            }
            c::TIMESTAMP => Self::Timestamp(i64::from_be_bytes(reader.array()?)),
            c::UUID => Self::Uuid(reader.array()?),
            c::BINARY_8 | c::BINARY_32 => Self::Binary(reader.variable(code)?),
            c::STRING_8 | c::STRING_32 => Self::String(reader.text(code)?),
            c::SYMBOL_8 | c::SYMBOL_32 => Self::Symbol(reader.text(code)?),
            c::LIST_0 => Self::List(ListRef::default()),
            c::LIST_8 | c::LIST_32 => Self::List(ListRef::open(code, reader)?),
            c::MAP_8 | c::MAP_32 => Self::Map(MapRef(ListRef::open(code, reader)?)),
            c::ARRAY_8 | c::ARRAY_32 => Self::Array(ArrayRef::open(code, reader)?),
            c::DESCRIBED => Self::Described(DescribedRef::open(reader)?),
            _ => return Err(reader.fail(Fault::UnknownConstructor { code })),
        })
    }
}

impl<'a> ListRef<'a> {
    fn open(code: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (len, items) = reader.compound(code)?;
        Ok(Self { items, len })
    }

    /// In order.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let mut items = self.items;
        (0..self.len).map_while(move |_| ValueRef::parse(&mut items).ok())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<'a> MapRef<'a> {
    /// Keys and values, in order.
    pub fn entries(&self) -> impl Iterator<Item = (ValueRef<'a>, ValueRef<'a>)> + use<'a> {
        let mut values = self.0.values();
        std::iter::from_fn(move || Some((values.next()?, values.next()?)))
    }

    /// The value of the first entry whose key is this text, as a string or as a symbol.
    pub fn find(&self, key: &str) -> Option<ValueRef<'a>> {
        self.entries().find_map(|(found, value)| (found.as_text() == Some(key)).then_some(value))
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> ArrayRef<'a> {
    fn open(code: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (len, mut items) = reader.compound(code)?;
        let (mut descriptor, mut code) = (None, items.byte()?);
        if code == c::DESCRIBED {
            descriptor = Some(items);
            check::value(&mut items)?;
            code = items.byte()?;
        }
        Ok(Self { descriptor, code, items, len })
    }

    /// In order.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let Self { descriptor, code, mut items, len } = *self;
        (0..len).map_while(move |_| {
            let body = items;
            let value = ValueRef::parse_of(code, &mut items).ok()?;
            let Some(descriptor) = descriptor else { return Some(value) };
            Some(ValueRef::Described(DescribedRef { descriptor, code, body }))
        })
    }
}

impl<'a> DescribedRef<'a> {
    fn open(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let descriptor = *reader;
        check::value(reader)?;
        let code = reader.byte()?;
        let body = *reader;
        ValueRef::parse_of(code, reader)?;
        Ok(Self { descriptor, code, body })
    }

    /// Mostly a ulong or a symbol.
    pub fn descriptor(&self) -> ValueRef<'a> {
        ValueRef::parse(&mut { self.descriptor }).unwrap_or(ValueRef::Null)
    }

    /// What is described.
    pub fn value(&self) -> ValueRef<'a> {
        ValueRef::parse_of(self.code, &mut { self.body }).unwrap_or(ValueRef::Null)
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

impl fmt::Debug for ListRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

impl fmt::Debug for MapRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}

impl fmt::Debug for ArrayRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

impl fmt::Debug for DescribedRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Described").field(&self.descriptor()).field(&self.value()).finish()
    }
}
