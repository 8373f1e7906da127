//! JSON in ASCII: the node SDK reads MQTT payloads byte by byte and mangles everything else.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !c.is_ascii()) {
            let (ascii, tail) = rest.split_at(at);
            writer.write_all(ascii.as_bytes())?;
            let end = tail.find(|c: char| c.is_ascii()).unwrap_or(tail.len());
            let (foreign, tail) = tail.split_at(end);
            for unit in foreign.encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = tail;
        }
        writer.write_all(rest.as_bytes())
    }
}

/// `value` as compact JSON, everything beyond ASCII escaped as `\u00e4`. Source: `reference/dps.md` 6 (node), measured
///
/// Errors: those of `T`'s own `Serialize`, such as a map with keys that are no text.
pub fn to_vec<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut out, Ascii))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_what_is_not_ascii() {
        let json = to_vec(&serde_json::json!({"ä": "a\"bü𝄞c\n"})).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"\u00e4":"a\"b\u00fc\ud834\udd1ec\n"}"#);
    }

    proptest! {
        #[test]
        fn says_the_same_in_ascii(text in ".{0,40}") {
            let json = to_vec(&text).unwrap();
            prop_assert!(json.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }
    }
}
