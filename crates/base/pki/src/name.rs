//! Names in certificates: the one common name that a device is, and names made fit for messages.

use crate::limits::SHOWN_NAME_CHARS_MAX;
use x509_parser::asn1_rs::Tag;
use x509_parser::x509::X509Name;

/// Why a subject does not name one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommonNameFault {
    /// No common name, or an empty one.
    #[error("has no common name (CN)")]
    Missing,
    /// More than one common name.
    #[error("has {count} common names (CN); it must have one")]
    Several {
        /// How many.
        count: usize,
    },
    /// A NUL or other control character, a letter beyond ASCII, or a string type that could hide one.
    #[error("has a common name (CN) that is not printable ASCII")]
    NotAscii,
}

/// The subject's one common name, compared later as its characters.
///
/// Source: `DESIGN.md` section 9
pub(crate) fn common_name(subject: &X509Name<'_>) -> Result<String, CommonNameFault> {
    let mut names = subject.iter_common_name();
    let name = names.next().ok_or(CommonNameFault::Missing)?.attr_value();
    match names.count() {
        0 => {}
        more => return Err(CommonNameFault::Several { count: more + 1 }),
    }
    let is_text = matches!(name.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString);
    match name.data {
        [] => Err(CommonNameFault::Missing),
        bytes if is_text && bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            Ok(bytes.iter().copied().map(char::from).collect())
        }
        _ => Err(CommonNameFault::NotAscii),
    }
}

/// A name for a message: control characters escaped, cut to [`SHOWN_NAME_CHARS_MAX`].
pub(crate) fn shown(name: &str) -> String {
    let mut escaped = name.chars().flat_map(char::escape_debug);
    let mut text: String = escaped.by_ref().take(SHOWN_NAME_CHARS_MAX).collect();
    if escaped.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::FromDer;

    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        let len = u8::try_from(contents.len()).unwrap();
        assert!(len < 0x80);
        [&[tag, len], contents].concat()
    }

    fn common_name_of(values: &[(u8, &[u8])]) -> Result<String, CommonNameFault> {
        let rdns = values.iter().map(|(tag, text)| {
            let attribute = [tlv(0x06, &[0x55, 0x04, 0x03]), tlv(*tag, text)].concat();
            tlv(0x31, &tlv(0x30, &attribute))
        });
        let der = tlv(0x30, &rdns.collect::<Vec<_>>().concat());
        common_name(&X509Name::from_der(&der).unwrap().1)
    }

    #[test]
    fn one_ascii_common_name() {
        for (values, expected) in [
            (&[(0x0c, &b"esp32-device"[..])][..], Ok("esp32-device".to_owned())),
            (&[(0x13, b"dev 1")], Ok("dev 1".to_owned())),
            (&[(0x16, b"a@b")], Ok("a@b".to_owned())),
            (&[], Err(CommonNameFault::Missing)),
            (&[(0x0c, b"")], Err(CommonNameFault::Missing)),
            (&[(0x0c, b"a"), (0x0c, b"b")], Err(CommonNameFault::Several { count: 2 })),
            (&[(0x0c, b"a"), (0x0c, b"a"), (0x0c, b"a")], Err(CommonNameFault::Several { count: 3 })),
            (&[(0x0c, b"dev1\0.evil")], Err(CommonNameFault::NotAscii)),
            (&[(0x0c, b"dev\n1")], Err(CommonNameFault::NotAscii)),
            (&[(0x0c, "gerät".as_bytes())], Err(CommonNameFault::NotAscii)),
            (&[(0x1e, b"\0d\0e\0v")], Err(CommonNameFault::NotAscii)),
            (&[(0x1e, b"dev1")], Err(CommonNameFault::NotAscii)),
            (&[(0x04, b"dev1")], Err(CommonNameFault::NotAscii)),
        ] {
            assert_eq!(common_name_of(values), expected, "{values:?}");
        }
    }

    #[test]
    fn shown_names_are_tame() {
        assert_eq!(shown("CN=a\u{1b}[2J"), "CN=a\\u{1b}[2J");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), SHOWN_NAME_CHARS_MAX + 1);
    }
}
