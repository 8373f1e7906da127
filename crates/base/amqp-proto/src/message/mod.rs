//! Messages: the payload of a delivery in message format 0. Source: 3.2

mod batch;
mod header;
mod properties;
mod section;
mod writer;

pub use batch::{BATCH_FORMAT, read_batch};
pub use header::Header;
pub use properties::{MessageId, Properties};
pub use section::{DataSections, Section, Sections, SequenceSections};
pub use writer::{MapWriter, MessageWriter};

use crate::error::{DecodeError, Fault};
use crate::types::{MapRef, ValueRef};

/// A message as it lies in its bytes. Sections may come in any order, for a client in the field sends them so.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Message<'a> {
    /// How to transport it.
    pub header: Option<Header>,
    /// For the next hop alone; keys are symbols.
    pub delivery_annotations: MapRef<'a>,
    /// For every hop; keys are symbols.
    pub message_annotations: MapRef<'a>,
    /// What the standard has fields for.
    pub properties: Properties<'a>,
    /// The sender's own; keys are strings.
    pub application_properties: MapRef<'a>,
    /// What it is all about.
    pub body: Body<'a>,
    /// Behind the body; keys are symbols.
    pub footer: MapRef<'a>,
}

/// The three kinds of body.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Body<'a> {
    /// There is none, which the standard forbids and clients do.
    #[default]
    Empty,
    /// Bytes, mostly in one piece.
    Data(DataSections<'a>),
    /// Lists.
    Sequence(SequenceSections<'a>),
    /// One value.
    Value(ValueRef<'a>),
}

impl<'a> Message<'a> {
    /// Reads a whole message; copies and allocates nothing.
    ///
    /// Errors: [`Fault::RepeatedSection`] for one that may come once and came twice; whatever is malformed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        let mut seen = 0_u16;
        let mut sections = Sections::new(bytes);
        while let Some(section) = sections.read()? {
            // A bit for each kind; a data or sequence section may come again, but no body of another kind.
            let (bit, excluded) = match section {
                Section::Header(_) => (1, 1),
                Section::DeliveryAnnotations(_) => (1 << 1, 1 << 1),
                Section::MessageAnnotations(_) => (1 << 2, 1 << 2),
                Section::Properties(_) => (1 << 3, 1 << 3),
                Section::ApplicationProperties(_) => (1 << 4, 1 << 4),
                Section::Footer(_) => (1 << 5, 1 << 5),
                Section::Data(_) => (1 << 6, 0b110 << 6),
                Section::Sequence(_) => (1 << 7, 0b101 << 6),
                Section::Value(_) => (1 << 8, 0b111 << 6),
            };
            if seen & excluded != 0 {
                return Err(sections.fail(Fault::RepeatedSection));
            }
            seen |= bit;
            message.take(section, bytes);
        }
        Ok(message)
    }

    fn take(&mut self, section: Section<'a>, bytes: &'a [u8]) {
        match section {
            Section::Header(header) => self.header = Some(header),
            Section::DeliveryAnnotations(map) => self.delivery_annotations = map,
            Section::MessageAnnotations(map) => self.message_annotations = map,
            Section::Properties(properties) => self.properties = properties,
            Section::ApplicationProperties(map) => self.application_properties = map,
            Section::Footer(map) => self.footer = map,
            Section::Value(value) => self.body = Body::Value(value),
            Section::Data(data) => match &mut self.body {
                Body::Data(sections) => sections.count += 1,
                body => *body = Body::Data(DataSections { first: data, count: 1, message: bytes }),
            },
            Section::Sequence(list) => match &mut self.body {
                Body::Sequence(sections) => sections.count += 1,
                body => *body = Body::Sequence(SequenceSections { first: list, count: 1, message: bytes }),
            },
        }
    }
}
