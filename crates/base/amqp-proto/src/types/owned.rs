//! Values that stand alone, for what is kept or put together.

use super::borrowed::ValueRef;
use super::constructor as c;
use super::put;
use crate::error::DecodeError;

/// One value. A number keeps its type: `Ulong(1)` and `Uint(1)` are not equal, nor do they read the same on the wire.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named as the types they are")]
pub enum Value {
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
    Binary(Box<[u8]>),
    String(Box<str>),
    /// ASCII; what is not is written as `?`.
    Symbol(Box<str>),
    List(Vec<Value>),
    Map(Map),
    Array(Array),
    /// Descriptor, then what it describes.
    Described(Box<(Value, Value)>),
}

/// The entries of a map, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map(pub Vec<(Value, Value)>);

/// Values of one type. An empty array has no type: it reads as the empty array of any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array(Vec<Value>);

impl Value {
    /// Reads `bytes`, which must be exactly one value. Errors: see [`crate::Fault`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        ValueRef::decode(bytes).map(Self::from)
    }

    /// Appends the value in its shortest form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => put::null(out),
            Self::Boolean(value) => put::boolean(out, *value),
            Self::Ubyte(value) => put::ubyte(out, *value),
            Self::Ushort(value) => put::ushort(out, *value),
            Self::Uint(value) => put::uint(out, *value),
            Self::Ulong(value) => put::ulong(out, *value),
            Self::Byte(value) => put::byte(out, *value),
            Self::Short(value) => put::short(out, *value),
            Self::Int(value) => put::int(out, *value),
            Self::Long(value) => put::long(out, *value),
            Self::String(text) => put::string(out, text),
            Self::Symbol(text) => put::symbol(out, text),
            Self::Binary(bytes) => put::binary(out, bytes),
            Self::List(values) => put::list(out, |items| items.values(values)),
            Self::Map(map) => put::map(out, |items| items.entries(map)),
            Self::Array(array) => put::array(out, |items| array.encode_items(items)),
            Self::Described(described) => {
                out.push(c::DESCRIBED);
                described.0.encode(out);
                described.1.encode(out);
            }
            fixed => {
                let code = fixed.widest_code();
                out.push(code);
                fixed.encode_body(code, out);
            }
        }
    }

    /// The text of a string or symbol.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Symbol(text) => Some(text),
            _ => None,
        }
    }

    /// A string of this text.
    pub fn string(text: &str) -> Self {
        Self::String(text.into())
    }

    /// A symbol of this text.
    pub fn symbol(text: &str) -> Self {
        Self::Symbol(text.into())
    }

    /// The constructor of the form that holds every value of the type; 0 for described values.
    fn widest_code(&self) -> u8 {
        match self {
            Self::Null => c::NULL,
            Self::Boolean(_) => c::BOOLEAN,
            Self::Ubyte(_) => c::UBYTE,
            Self::Ushort(_) => c::USHORT,
            Self::Uint(_) => c::UINT,
            Self::Ulong(_) => c::ULONG,
            Self::Byte(_) => c::BYTE,
            Self::Short(_) => c::SHORT,
            Self::Int(_) => c::INT,
            Self::Long(_) => c::LONG,
            Self::Float(_) => c::FLOAT,
            Self::Double(_) => c::DOUBLE,
            Self::Decimal32(_) => c::DECIMAL_32,
            Self::Decimal64(_) => c::DECIMAL_64,
            Self::Decimal128(_) => c::DECIMAL_128,
            Self::Char(_) => c::CHAR,
            Self::Timestamp(_) => c::TIMESTAMP,
            Self::Uuid(_) => c::UUID,
            Self::Binary(_) => c::BINARY_32,
            Self::String(_) => c::STRING_32,
            Self::Symbol(_) => c::SYMBOL_32,
            Self::List(_) => c::LIST_32,
            Self::Map(_) => c::MAP_32,
            Self::Array(_) => c::ARRAY_32,
            Self::Described(_) => c::DESCRIBED,
        }
    }

    /// What stands behind the constructor `code`, which is one of the value's own type.
    fn encode_body(&self, code: u8, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Boolean(value) => out.push((*value).into()),
            Self::Ubyte(value) => out.push(*value),
            Self::Ushort(value) => out.extend(value.to_be_bytes()),
            Self::Uint(value) => out.extend(value.to_be_bytes()),
            Self::Ulong(value) => out.extend(value.to_be_bytes()),
            Self::Byte(value) => out.extend(value.to_be_bytes()),
            Self::Short(value) => out.extend(value.to_be_bytes()),
            Self::Int(value) => out.extend(value.to_be_bytes()),
            Self::Long(value) | Self::Timestamp(value) => out.extend(value.to_be_bytes()),
            Self::Float(value) => out.extend(value.to_be_bytes()),
            Self::Double(value) => out.extend(value.to_be_bytes()),
            Self::Decimal32(bytes) => out.extend(bytes),
            Self::Decimal64(bytes) => out.extend(bytes),
            Self::Decimal128(bytes) | Self::Uuid(bytes) => out.extend(bytes),
            Self::Char(value) => out.extend(u32::from(*value).to_be_bytes()),
            Self::Binary(bytes) => put::variable(out, code, bytes),
            Self::String(text) | Self::Symbol(text) => put::variable_text(out, code, text),
            Self::List(values) => put::compound_32(out, |items| items.values(values)),
            Self::Map(map) => put::compound_32(out, |items| items.entries(map)),
            Self::Array(array) => put::compound_32(out, |items| array.encode_items(items)),
            Self::Described(described) => described.1.encode_body(code, out),
        }
    }
}

impl Map {
    /// The value of the first entry whose key is this text, as a string or as a symbol.
    pub fn find(&self, key: &str) -> Option<&Value> {
        self.0.iter().find_map(|(found, value)| (found.as_text() == Some(key)).then_some(value))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Array {
    /// `None` unless all values are of one type, and, if they are described, of one descriptor.
    pub fn new(values: Vec<Value>) -> Option<Self> {
        let alike = values.iter().zip(values.iter().skip(1)).all(|(one, next)| match (one, next) {
            (Value::Described(one), Value::Described(next)) => one.0 == next.0 && same_type(&one.1, &next.1),
            _ => same_type(one, next),
        });
        let nested = matches!(values.first(), Some(Value::Described(it)) if matches!(it.1, Value::Described(_)));
        (alike && !nested).then_some(Self(values))
    }

    /// In order.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The constructor that every element is written with, then the elements.
    fn encode_items(&self, items: &mut put::Items<'_>) {
        if let Some(Value::Described(first)) = self.0.first() {
            items.raw().push(c::DESCRIBED);
            first.0.encode(items.raw());
        }
        let code = self.code();
        items.raw().push(code);
        for value in &self.0 {
            value.encode_body(code, items.item());
        }
    }

    fn code(&self) -> u8 {
        let Some(first) = self.0.first() else { return c::NULL };
        let code = undescribed(first).widest_code();
        let short = |value: &Value| match undescribed(value) {
            Value::Binary(bytes) => bytes.len() <= 0xff,
            Value::String(text) | Value::Symbol(text) => text.len() <= 0xff,
            _ => false,
        };
        // b0, b1, b3 have four length bytes, a0, a1, a3 one.
        if self.0.iter().all(short) { code - 0x10 } else { code }
    }
}

fn same_type(one: &Value, other: &Value) -> bool {
    one.widest_code() == other.widest_code()
}

fn undescribed(value: &Value) -> &Value {
    match value {
        Value::Described(described) => &described.1,
        value => value,
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Boolean(value) => Self::Boolean(value),
            ValueRef::Ubyte(value) => Self::Ubyte(value),
            ValueRef::Ushort(value) => Self::Ushort(value),
            ValueRef::Uint(value) => Self::Uint(value),
            ValueRef::Ulong(value) => Self::Ulong(value),
            ValueRef::Byte(value) => Self::Byte(value),
            ValueRef::Short(value) => Self::Short(value),
            ValueRef::Int(value) => Self::Int(value),
            ValueRef::Long(value) => Self::Long(value),
            ValueRef::Float(value) => Self::Float(value),
            ValueRef::Double(value) => Self::Double(value),
            ValueRef::Decimal32(bytes) => Self::Decimal32(bytes),
            ValueRef::Decimal64(bytes) => Self::Decimal64(bytes),
            ValueRef::Decimal128(bytes) => Self::Decimal128(bytes),
            ValueRef::Char(value) => Self::Char(value),
            ValueRef::Timestamp(value) => Self::Timestamp(value),
            ValueRef::Uuid(bytes) => Self::Uuid(bytes),
            ValueRef::Binary(bytes) => Self::Binary(bytes.into()),
            ValueRef::String(text) => Self::String(text.into()),
            ValueRef::Symbol(text) => Self::Symbol(text.into()),
            ValueRef::List(list) => Self::List(list.values().map(Self::from).collect()),
            ValueRef::Map(map) => {
                Self::Map(Map(map.entries().map(|(key, value)| (Self::from(key), Self::from(value))).collect()))
            }
            ValueRef::Array(array) => Self::Array(Array(array.values().map(Self::from).collect())),
            ValueRef::Described(described) => {
                Self::Described(Box::new((described.descriptor().into(), described.value().into())))
            }
        }
    }
}
