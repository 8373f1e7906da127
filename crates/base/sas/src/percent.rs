//! Percent-encoding, as tokens use it.

use std::borrow::Cow;
use std::fmt::Write;

/// `dev%2f1` to `dev/1`, hex in either case. A `+` stays a plus and a `%` without two hex digits stays a percent sign:
/// the C SDK signs and sends device ids unencoded, and both characters are legal there.
/// `None` when the result is not UTF-8. Source: `reference/hub-device.md` 4.1
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// `dev/1` to `dev%2F1`: everything but `A-Z a-z 0-9 - . _ ~`, as Python's `quote(text, safe="")` does.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
    encoded
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_clients_send() {
        for (text, decoded) in [
            ("hub1.example/devices/dev1", "hub1.example/devices/dev1"),
            ("a%2Fb%2fc", "a/b/c"),
            ("a+b", "a+b"),
            ("%C3%A4", "ä"),
            ("50%", "50%"),
            ("50%2", "50%2"),
            ("50%zz%2F", "50%zz/"),
            ("%252F", "%2F"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(decoded), "{text}");
        }
        assert_eq!(decode("%ff"), None);
    }

    #[test]
    fn encodes_as_python_does() {
        assert_eq!(encode("hub1.example/devices/a:b+c~d!"), "hub1.example%2Fdevices%2Fa%3Ab%2Bc~d%21");
    }
}
