//! A message's properties in one flat buffer, so that a connection can fill the same one for every message.

/// A property the hub itself understands, beside the body. The code is stored on disk: never renumber.
/// Source: reference of the D2C topic's `$.` keys and the HTTP headers of "Send device event".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SystemProperty {
    MessageId = 1,
    CorrelationId = 2,
    UserId = 3,
    To = 4,
    ContentType = 5,
    ContentEncoding = 6,
    AbsoluteExpiryTime = 7,
    CreationTime = 8,
    Subject = 9,
    InterfaceId = 10,
    OutputName = 11,
    MessageSchema = 12,
    DiagnosticId = 13,
    DiagnosticContext = 14,
    Operation = 15,
    Ack = 16,
    ModelId = 17,
}

impl SystemProperty {
    /// Every property, by code.
    pub const ALL: [Self; 17] = [
        Self::MessageId,
        Self::CorrelationId,
        Self::UserId,
        Self::To,
        Self::ContentType,
        Self::ContentEncoding,
        Self::AbsoluteExpiryTime,
        Self::CreationTime,
        Self::Subject,
        Self::InterfaceId,
        Self::OutputName,
        Self::MessageSchema,
        Self::DiagnosticId,
        Self::DiagnosticContext,
        Self::Operation,
        Self::Ack,
        Self::ModelId,
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// One property as read back: the hub's own, or the application's under its name. A name without `=` has the value `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property<'a> {
    System(SystemProperty, &'a str),
    Application(&'a str, Option<&'a str>),
}

const APPLICATION: u8 = 0;
const APPLICATION_NULL: u8 = 0xff;

/// Properties in the order in which they were added. Cheap to clear and fill again; the bytes are also their stored form:
/// `code, value` or `0, name, value` or `255, name`, each text after its length as four little-endian bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    bytes: Vec<u8>,
    text_bytes: usize,
}

impl Properties {
    /// No properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.text_bytes = 0;
    }

    /// Adds one of the hub's own properties.
    pub fn push_system(&mut self, property: SystemProperty, value: &str) {
        self.bytes.push(property as u8);
        self.push_text(value);
    }

    /// Adds an application property; `None` for a name that came without `=`.
    pub fn push_application(&mut self, name: &str, value: Option<&str>) {
        self.bytes.push(if value.is_some() { APPLICATION } else { APPLICATION_NULL });
        self.push_text(name);
        if let Some(value) = value {
            self.push_text(value);
        }
    }

    fn push_text(&mut self, text: &str) {
        self.bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        self.text_bytes += text.len();
    }

    /// Bytes of all names and values: what counts towards the size of a message.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The properties of a stored flat form; as with [`Properties::iter_stored`], what follows damage is lost.
    pub fn from_stored(bytes: &[u8]) -> Self {
        let mut properties = Self::new();
        for property in Self::iter_stored(bytes) {
            match property {
                Property::System(property, value) => properties.push_system(property, value),
                Property::Application(name, value) => properties.push_application(name, value),
            }
        }
        properties
    }

    /// The flat form, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The properties in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.bytes }
    }

    /// Reads a stored flat form. Ends at the first byte that is not part of a property, so a damaged form yields what precedes the damage.
    pub fn iter_stored(bytes: &[u8]) -> Iter<'_> {
        Iter { rest: bytes }
    }

    /// The value of one of the hub's own properties.
    pub fn find_system(&self, wanted: SystemProperty) -> Option<&str> {
        self.iter().find_map(|property| match property {
            Property::System(found, value) if found == wanted => Some(value),
            _ => None,
        })
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = Property<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Properties read one by one out of their flat form.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    fn text(&mut self) -> Option<&'a str> {
        let (len, rest) = self.rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let (&code, rest) = self.rest.split_first()?;
        self.rest = rest;
        match code {
            APPLICATION => Some(Property::Application(self.text()?, Some(self.text()?))),
            APPLICATION_NULL => Some(Property::Application(self.text()?, None)),
            code => Some(Property::System(SystemProperty::from_code(code)?, self.text()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_added_and_counts_only_text() {
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::MessageId, "m-1");
        properties.push_application("colour", Some("dark red"));
        properties.push_application("empty", Some(""));
        properties.push_application("bare", None);
        let expected = [
            Property::System(SystemProperty::MessageId, "m-1"),
            Property::Application("colour", Some("dark red")),
            Property::Application("empty", Some("")),
            Property::Application("bare", None),
        ];
        assert_eq!(properties.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Properties::iter_stored(properties.as_bytes()).count(), 4);
        assert_eq!(properties.text_bytes(), "m-1colourdark redemptybare".len());
        assert_eq!(properties.find_system(SystemProperty::MessageId), Some("m-1"));
        properties.clear();
        assert_eq!((properties.iter().count(), properties.text_bytes()), (0, 0));
    }

    #[test]
    fn codes_are_their_place_in_the_list() {
        for property in SystemProperty::ALL {
            assert_eq!(SystemProperty::from_code(property as u8), Some(property));
        }
        assert_eq!(SystemProperty::from_code(0), None);
        assert_eq!(SystemProperty::from_code(18), None);
    }

    #[test]
    fn damage_ends_the_list_without_panic() {
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::To, "x");
        properties.push_application("name", Some("value"));
        let whole = properties.as_bytes();
        for len in 0..whole.len() {
            assert!(Properties::iter_stored(&whole[..len]).count() <= 1, "cut at {len}");
        }
        assert_eq!(Properties::iter_stored(&[99, 0, 0, 0, 0]).count(), 0);
        assert_eq!(Properties::iter_stored(&[1, 255, 255, 255, 255, b'x']).count(), 0);
    }
}
