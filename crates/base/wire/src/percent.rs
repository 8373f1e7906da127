//! Percent-encoding, as topics, user names and paths use it: `+` is a plus, never a blank.

use std::borrow::Cow;

/// `dev%201` to `dev 1`. A `%` without two hex digits stays as it is; text that would decode to something other than UTF-8
/// stays wholly as it is. Source: `reference/hub-device.md` 1.5 (C sends values raw by default).
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    decode_into(text, &mut out);
    Cow::Owned(out)
}

/// As [`decode`], appended to `out`. Allocates only when `out` is too small.
pub fn decode_into(text: &str, out: &mut String) {
    let mut bytes = std::mem::take(out).into_bytes();
    let start = bytes.len();
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
    *out = String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut bytes = error.into_bytes();
        bytes.truncate(start);
        let mut kept = String::from_utf8(bytes).expect("what was in the string before was UTF-8");
        kept.push_str(text);
        kept
    });
}

/// `dev 1` to `dev%201`: everything but `A-Z a-z 0-9 - . _ ~`, hex in capitals. Source: RFC 3986, 2.3.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    encode_into(text, &mut out);
    out
}

/// As [`encode`], appended to `out`.
pub fn encode_into(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend(['%', char::from(high), char::from(low)]);
        }
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_what_is_encoded_and_keeps_the_rest() {
        for (text, decoded) in [
            ("", ""),
            ("plain", "plain"),
            ("a%2Fb%2fc", "a/b/c"),
            ("a+b%2B", "a+b+"),
            ("%C3%A4", "ä"),
            ("50%", "50%"),
            ("50%2", "50%2"),
            ("50%zz%2F", "50%zz/"),
            ("%252F", "%2F"),
            ("%ff", "%ff"),
            ("a%20b%C3", "a%20b%C3"),
            ("%Ã¤", "%Ã¤"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
            let mut out = "ö".to_owned();
            decode_into(text, &mut out);
            assert_eq!(out, format!("ö{decoded}"));
        }
    }

    #[test]
    fn encodes_all_but_the_unreserved() {
        assert_eq!(encode("azAZ09-._~"), "azAZ09-._~");
        assert_eq!(encode("$.ct=a/b;c ä+"), "%24.ct%3Da%2Fb%3Bc%20%C3%A4%2B");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in ".{0,64}") {
            let encoded = encode(&text);
            prop_assert_eq!(decode(&encoded), text);
        }

        #[test]
        fn any_text_decodes(text in "[%0-9a-fÄ ]{0,64}") {
            prop_assert!(decode(&text).len() <= text.len());
        }
    }
}
