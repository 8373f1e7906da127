//! What whoever has a message in hand shows to settle it.

use std::fmt;

use roadstead_model::Random;

/// Sixteen random bytes; as text a UUID: `11112222-3333-4444-5555-666677778888`. Source: `reference/hub-device.md` 2.1,
/// `reference/hub-service.md` 0 (25)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockToken([u8; 16]);

impl LockToken {
    pub(crate) fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Reads 32 hex digits of any case, hyphens anywhere. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let mut digits = 0;
        for c in text.chars().filter(|c| *c != '-') {
            let digit = c.to_digit(16)? as u8;
            let byte = bytes.get_mut(digits / 2)?;
            *byte = *byte << 4 | digit;
            digits += 1;
        }
        (digits == 32).then_some(Self(bytes))
    }

    /// The sixteen bytes, as AMQP sends them in a delivery tag.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let text = "11112222-3333-4444-9555-6666aaaa8888";
        for spelling in [text.to_owned(), text.to_uppercase(), text.replace('-', "")] {
            assert_eq!(LockToken::parse(&spelling).unwrap().to_string(), text);
        }
        for bad in ["", "*", &text[1..], &format!("{text}0"), &text.replace('a', "g"), "ä"] {
            assert_eq!(LockToken::parse(bad), None, "{bad}");
        }
    }
}
