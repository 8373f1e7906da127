//! One section after another. Source: 3.2

use std::fmt;

use super::header::Header;
use super::properties::Properties;
use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::types::{ListRef, MapRef, Reader, ValueRef};

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "named as the sections they are")]
pub enum Section<'a> {
    Header(Header),
    DeliveryAnnotations(MapRef<'a>),
    MessageAnnotations(MapRef<'a>),
    Properties(Properties<'a>),
    ApplicationProperties(MapRef<'a>),
    Data(&'a [u8]),
    Sequence(ListRef<'a>),
    Value(ValueRef<'a>),
    Footer(MapRef<'a>),
}

/// Reads the sections of a message in the order they lie there.
#[derive(Debug, Clone, Copy)]
pub struct Sections<'a> {
    reader: Reader<'a>,
}

/// The data sections of a message, one or more.
#[derive(Clone, Copy)]
pub struct DataSections<'a> {
    pub(super) first: &'a [u8],
    pub(super) count: usize,
    pub(super) message: &'a [u8],
}

/// The sequence sections of a message, one or more.
#[derive(Clone, Copy)]
pub struct SequenceSections<'a> {
    pub(super) first: ListRef<'a>,
    pub(super) count: usize,
    pub(super) message: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Of the message in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes) }
    }

    /// The next section; `None` behind the last. Errors: whatever is malformed in it; do not read on then.
    pub fn read(&mut self) -> Result<Option<Section<'a>>, DecodeError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let reader = &mut self.reader;
        let start = *reader;
        Ok(Some(match d::read(reader, SECTION)? {
            d::HEADER => Section::Header(Header::read(reader)?),
            d::DELIVERY_ANNOTATIONS => Section::DeliveryAnnotations(map(reader, "delivery-annotations")?),
            d::MESSAGE_ANNOTATIONS => Section::MessageAnnotations(map(reader, "message-annotations")?),
            d::PROPERTIES => Section::Properties(Properties::read(reader)?),
            d::APPLICATION_PROPERTIES => Section::ApplicationProperties(map(reader, "application-properties")?),
            d::DATA => match value(reader, "data")? {
                (ValueRef::Binary(bytes), _) => Section::Data(bytes),
                (_, error) => return Err(error("a binary")),
            },
            d::SEQUENCE => match value(reader, "amqp-sequence")? {
                (ValueRef::List(list), _) => Section::Sequence(list),
                (_, error) => return Err(error("a list")),
            },
            d::VALUE => Section::Value(value(reader, "amqp-value")?.0),
            d::FOOTER => Section::Footer(map(reader, "footer")?),
            code => return Err(start.fail(Fault::Descriptor { code, expected: SECTION })),
        }))
    }

    pub(super) fn fail(&self, fault: Fault) -> DecodeError {
        self.reader.fail(fault).of("message", 0)
    }
}

impl<'a> DataSections<'a> {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bytes, when all of them are in one section.
    pub fn single(&self) -> Option<&'a [u8]> {
        (self.count == 1).then_some(self.first)
    }

    /// In order.
    pub fn pieces(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        rest(self.message).filter_map(|section| if let Section::Data(data) = section { Some(data) } else { None })
    }
}

impl<'a> SequenceSections<'a> {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The list, when there is one.
    pub fn single(&self) -> Option<ListRef<'a>> {
        (self.count == 1).then_some(self.first)
    }

    /// In order.
    pub fn lists(&self) -> impl Iterator<Item = ListRef<'a>> + use<'a> {
        rest(self.message).filter_map(|section| if let Section::Sequence(list) = section { Some(list) } else { None })
    }
}

const SECTION: &str = "a message section";

/// The sections of a message that was read before.
fn rest(message: &[u8]) -> impl Iterator<Item = Section<'_>> + use<'_> {
    let mut sections = Sections::new(message);
    std::iter::from_fn(move || sections.read().ok().flatten())
}

/// The next value, and how to refuse it.
fn value<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
) -> Result<(ValueRef<'a>, impl FnOnce(&'static str) -> DecodeError + use<'a>), DecodeError> {
    let start = *reader;
    let value = ValueRef::read(reader).map_err(|error| error.of(what, 0))?;
    let code = start.peek().unwrap_or_default();
    Ok((value, move |expected| start.fail(Fault::WrongType { expected, code }).of(what, 0)))
}

fn map<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<MapRef<'a>, DecodeError> {
    match value(reader, what)? {
        (ValueRef::Map(map), _) => Ok(map),
        (_, error) => Err(error("a map")),
    }
}

/// By their bytes, whatever stands between them.
impl PartialEq for DataSections<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.pieces().eq(other.pieces())
    }
}

/// By their lists, whatever stands between them.
impl PartialEq for SequenceSections<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.lists().eq(other.lists())
    }
}

impl fmt::Debug for DataSections<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pieces()).finish()
    }
}

impl fmt::Debug for SequenceSections<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lists()).finish()
    }
}
