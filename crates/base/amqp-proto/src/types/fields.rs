//! The fields of a described list: read leniently, for the standard lets a sender leave out nulls at the end; written
//! at full length, for some clients index them without looking how many there are.

use super::borrowed::ValueRef;
use super::constructor as c;
use super::owned::{Map, Value};
use super::put::{self, Items};
use super::reader::Reader;
use crate::error::{DecodeError, Fault};

/// Reads field after field of one list. Each method takes the next; `None` for null and for what was left out.
pub(crate) struct Fields<'a> {
    items: Reader<'a>,
    left: u32,
    what: &'static str,
    field: u32,
}

impl<'a> Fields<'a> {
    /// Takes the list that begins there. `what` names it in errors; it has `max` fields at most.
    pub(crate) fn open(reader: &mut Reader<'a>, what: &'static str, max: u32) -> Result<Self, DecodeError> {
        let start = *reader;
        let name = |error: DecodeError| error.of(what, 0);
        let (left, items) = match reader.byte().map_err(name)? {
            c::LIST_0 => (0, Reader::new(&[])),
            code @ (c::LIST_8 | c::LIST_32) => reader.compound(code).map_err(name)?,
            code => return Err(name(start.fail(Fault::WrongType { expected: "a list", code }))),
        };
        if left > max {
            return Err(name(start.fail(Fault::TooManyFields { count: left, max })));
        }
        Ok(Self { items, left, what, field: 0 })
    }

    /// That nothing stands behind the last field.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        self.items.finish().map_err(|error| error.of(self.what, 0))
    }

    /// The field just read, which must not be null.
    pub(crate) fn require<T>(&self, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or(self.fail(Fault::Missing))
    }

    /// The field just read is at fault.
    pub(crate) fn fail(&self, fault: Fault) -> DecodeError {
        self.items.fail(fault).of(self.what, self.field)
    }

    pub(crate) fn boolean(&mut self) -> Result<Option<bool>, DecodeError> {
        self.take("a boolean", |code, reader| match code {
            c::TRUE => Ok(Some(true)),
            c::FALSE => Ok(Some(false)),
            c::BOOLEAN => match reader.byte()? {
                value @ (0 | 1) => Ok(Some(value == 1)),
                value => Err(reader.fail(Fault::Boolean { value })),
            },
            _ => Ok(None),
        })
    }

    pub(crate) fn ubyte(&mut self) -> Result<Option<u8>, DecodeError> {
        self.take("a ubyte", |code, reader| if code == c::UBYTE { reader.byte().map(Some) } else { Ok(None) })
    }

    pub(crate) fn ushort(&mut self) -> Result<Option<u16>, DecodeError> {
        self.take("a ushort", |code, reader| match code {
            c::USHORT => Ok(Some(u16::from_be_bytes(reader.array()?))),
            _ => Ok(None),
        })
    }

    pub(crate) fn uint(&mut self) -> Result<Option<u32>, DecodeError> {
        self.take("a uint", |code, reader| match code {
            c::UINT_0 => Ok(Some(0)),
            c::UINT_SMALL => Ok(Some(reader.byte()?.into())),
            c::UINT => Ok(Some(u32::from_be_bytes(reader.array()?))),
            _ => Ok(None),
        })
    }

    pub(crate) fn ulong(&mut self) -> Result<Option<u64>, DecodeError> {
        self.take("a ulong", |code, reader| match code {
            c::ULONG_0 => Ok(Some(0)),
            c::ULONG_SMALL => Ok(Some(reader.byte()?.into())),
            c::ULONG => Ok(Some(u64::from_be_bytes(reader.array()?))),
            _ => Ok(None),
        })
    }

    pub(crate) fn timestamp(&mut self) -> Result<Option<i64>, DecodeError> {
        self.take("a timestamp", |code, reader| match code {
            c::TIMESTAMP => Ok(Some(i64::from_be_bytes(reader.array()?))),
            _ => Ok(None),
        })
    }

    pub(crate) fn binary(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        self.take("a binary", |code, reader| match code {
            c::BINARY_8 | c::BINARY_32 => reader.variable(code).map(Some),
            _ => Ok(None),
        })
    }

    /// A string or a symbol: clients send one where the standard has the other.
    pub(crate) fn text(&mut self) -> Result<Option<&'a str>, DecodeError> {
        self.take("a string or symbol", |code, reader| match code {
            c::STRING_8 | c::STRING_32 | c::SYMBOL_8 | c::SYMBOL_32 => reader.text(code).map(Some),
            _ => Ok(None),
        })
    }

    pub(crate) fn owned_text(&mut self) -> Result<Option<Box<str>>, DecodeError> {
        Ok(self.text()?.map(Box::from))
    }

    /// One symbol or an array of them; none when null.
    pub(crate) fn symbols(&mut self) -> Result<Vec<Box<str>>, DecodeError> {
        let owned = |value: &ValueRef<'_>| value.as_text().map(Box::from);
        let texts = match self.value()? {
            None => Some(Vec::new()),
            Some(ValueRef::Array(array)) => array.values().map(|value| owned(&value)).collect(),
            Some(value) => owned(&value).map(|text| vec![text]),
        };
        texts.ok_or(self.fail(Fault::WrongType { expected: "one symbol or many", code: c::ARRAY_8 }))
    }

    pub(crate) fn map(&mut self) -> Result<Map, DecodeError> {
        match self.value()? {
            None => Ok(Map::default()),
            Some(value @ ValueRef::Map(_)) => match value.to_value() {
                Value::Map(map) => Ok(map),
                _ => Ok(Map::default()),
            },
            Some(_) => Err(self.fail(Fault::WrongType { expected: "a map", code: c::MAP_8 })),
        }
    }

    pub(crate) fn value(&mut self) -> Result<Option<ValueRef<'a>>, DecodeError> {
        self.nested(ValueRef::read)
    }

    /// A value with a reader of its own, from its constructor on.
    pub(crate) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if !self.step()? {
            return Ok(None);
        }
        let named = |error: DecodeError| error.of(self.what, self.field);
        read(&mut self.items).map(Some).map_err(named)
    }

    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(u8, &mut Reader<'a>) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if !self.step()? {
            return Ok(None);
        }
        let start = self.items;
        let named = |error: DecodeError| error.of(self.what, self.field);
        let code = self.items.byte().map_err(named)?;
        match read(code, &mut self.items).map_err(named)? {
            None => Err(named(start.fail(Fault::WrongType { expected, code }))),
            value => Ok(value),
        }
    }

    /// Whether a field that is not null comes next; takes it when it is.
    fn step(&mut self) -> Result<bool, DecodeError> {
        self.field += 1;
        let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
        self.left = left;
        if self.items.peek() != Some(c::NULL) {
            return Ok(true);
        }
        self.items.byte().map_err(|error| error.of(self.what, self.field))?;
        Ok(false)
    }
}

/// Appends a described list: its descriptor and what `write` puts into it, which is every field it has.
pub(crate) fn write_fields(out: &mut Vec<u8>, descriptor: u64, write: impl FnOnce(&mut FieldsWriter<'_, '_>)) {
    put::descriptor(out, descriptor);
    put::list(out, |items| write(&mut FieldsWriter(items)));
}

/// Writes field after field; `None` is null.
pub(crate) struct FieldsWriter<'i, 'o>(&'i mut Items<'o>);

impl FieldsWriter<'_, '_> {
    pub(crate) fn boolean(&mut self, value: impl Into<Option<bool>>) -> &mut Self {
        self.put(value.into(), put::boolean)
    }

    pub(crate) fn ubyte(&mut self, value: impl Into<Option<u8>>) -> &mut Self {
        self.put(value.into(), put::ubyte)
    }

    pub(crate) fn ushort(&mut self, value: impl Into<Option<u16>>) -> &mut Self {
        self.put(value.into(), put::ushort)
    }

    pub(crate) fn uint(&mut self, value: impl Into<Option<u32>>) -> &mut Self {
        self.put(value.into(), put::uint)
    }

    pub(crate) fn ulong(&mut self, value: impl Into<Option<u64>>) -> &mut Self {
        self.put(value.into(), put::ulong)
    }

    pub(crate) fn timestamp(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        self.put(value.into(), put::timestamp)
    }

    pub(crate) fn binary<'a>(&mut self, bytes: impl Into<Option<&'a [u8]>>) -> &mut Self {
        self.put(bytes.into(), put::binary)
    }

    pub(crate) fn string<'a>(&mut self, text: impl Into<Option<&'a str>>) -> &mut Self {
        self.put(text.into(), put::string)
    }

    pub(crate) fn symbol<'a>(&mut self, text: impl Into<Option<&'a str>>) -> &mut Self {
        self.put(text.into(), put::symbol)
    }

    /// Null when there are none.
    pub(crate) fn symbols(&mut self, texts: &[Box<str>]) -> &mut Self {
        let texts = (!texts.is_empty()).then(|| texts.iter().map(AsRef::as_ref));
        self.put(texts, put::symbols)
    }

    /// Null when there is no entry.
    pub(crate) fn map(&mut self, map: &Map) -> &mut Self {
        self.put((!map.is_empty()).then_some(map), |out, map| put::map(out, |items| items.entries(map)))
    }

    pub(crate) fn value(&mut self, value: Option<&Value>) -> &mut Self {
        self.put(value, |out, value| value.encode(out))
    }

    pub(crate) fn put<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) -> &mut Self {
        match value {
            Some(value) => write(self.0.item(), value),
            None => put::null(self.0.item()),
        }
        self
    }
}
