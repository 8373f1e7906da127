//! Identifiers that Azure makes at random.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Random;

/// A tenant, subscription, principal or role assignment: `6f9619ff-8b86-4d01-b42d-00cf4fc964ff`, lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guid([u8; 16]);

impl Guid {
    /// Parses 32 hex digits in groups of 8, 4, 4, 4 and 12, in any case. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let groups_are_right = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |value, digit| value << 4 | *digit as u8);
        }
        groups_are_right.then_some(Self(bytes))
    }

    /// The one of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, in the order in which they print.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// A new random one, version 4. Source: RFC 9562
    pub fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Guid {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a GUID")
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> Self {
        guid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        let text = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
        assert_eq!(Guid::parse(text).unwrap().to_string(), text);
        assert_eq!(Guid::parse(&text.to_uppercase()), Guid::parse(text));
        for bad in [
            "",
            "common",
            "6f9619ff8b864d01b42d00cf4fc964ff",
            "6f9619ff-8b86-4d01-b42d-00cf4fc964fg",
            "{6f9619ff-8b86-4d01-b42d-00cf4fc964ff}",
        ] {
            assert_eq!(Guid::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn fresh_ones_are_of_version_4() {
        struct Ones;
        impl Random for Ones {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0xff);
            }
        }
        assert_eq!(Guid::fresh(&Ones).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
