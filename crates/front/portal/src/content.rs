//! What is in a message, for people: JSON, text or hex.

use crate::limits::{LOG_BODY_BYTES_MAX, LOG_BODY_CHARS_SHORT};
use crate::size;
use roadstead_service::events::StreamedEvent;
use serde_json::Value;
use std::fmt::Write;

/// A message's body as a page shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// `JSON`, `text` or `binary`
    pub(crate) kind: &'static str,
    pub(crate) size: String,
    /// Its beginning, on one line.
    pub(crate) short: String,
    /// JSON on lines of its own, text as it is, anything else as hex.
    pub(crate) whole: String,
    pub(crate) is_cut: bool,
}

impl Content {
    pub(crate) fn of(event: &StreamedEvent) -> Self {
        let bytes = event.body_bytes();
        let text = printable(&bytes);
        let (kind, whole) = match text {
            Some(text) if event.body.is_some() => ("JSON", indented(text)),
            Some(text) => ("text", text.to_owned()),
            None => ("binary", hex(&bytes[..bytes.len().min(LOG_BODY_BYTES_MAX)])),
        };
        let short = match text {
            Some(text) => cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LOG_BODY_CHARS_SHORT),
            None => cut(&plain_hex(&bytes[..bytes.len().min(LOG_BODY_CHARS_SHORT)]), LOG_BODY_CHARS_SHORT),
        };
        let is_cut = bytes.len() > LOG_BODY_BYTES_MAX;
        let whole = if is_cut && text.is_some() { beginning(text.unwrap_or_default()).to_owned() } else { whole };
        Self { kind, size: size::words(bytes.len() as u64), short, whole, is_cut }
    }
}

/// The first bytes of a text, whole characters.
fn beginning(text: &str) -> &str {
    let end = (0..=LOG_BODY_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

/// The first characters of a text, and a mark if there are more.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// JSON on lines of its own; what is too deep for that stays as it is.
fn indented(text: &str) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(text);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// `00000000  01 02 ff …  |..ÿ|`, sixteen bytes a line.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let text: String =
            bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(out, "{:08x}  {:<47}  |{text}|", line * 16, plain_hex(bytes));
    }
    out
}

/// A body that people can read as it is.
pub(crate) fn printable(bytes: &[u8]) -> Option<&str> {
    let is_printable = |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    std::str::from_utf8(bytes).ok().filter(is_printable)
}

/// `01 02 ff`
pub(crate) fn plain_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    fn content(body: &Value) -> Content {
        let mut event =
            json!({"partition": 0, "offset": "7", "sequenceNumber": 7, "enqueuedTimeUtc": "2026-11-21T20:02:50Z"});
        event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        Content::of(&serde_json::from_value(event).unwrap())
    }

    fn raw(bytes: &[u8]) -> Content {
        content(&json!({"bodyBase64": STANDARD.encode(bytes)}))
    }

    #[test]
    fn bodies_of_every_kind() {
        for (content, kind, size, short, whole) in [
            (content(&json!({"body": {"t": 1}})), "JSON", "7 B", r#"{"t":1}"#, "{\n  \"t\": 1\n}"),
            (raw(b"21.5"), "text", "4 B", "21.5", "21.5"),
            (raw(b"a\n  b"), "text", "5 B", "a b", "a\n  b"),
            (raw(b""), "text", "0 B", "", ""),
            (raw(b"\x00A\xff"), "binary", "3 B", "00 41 ff", &*format!("00000000  {:<47}  |.A.|\n", "00 41 ff")),
        ] {
            assert_eq!((content.kind, &*content.size, &*content.short, &*content.whole), (kind, size, short, whole));
            assert!(!content.is_cut);
        }
    }

    #[test]
    fn of_long_bodies_the_beginning_is_shown() {
        let text = raw("ü".repeat(LOG_BODY_BYTES_MAX).as_bytes());
        assert_eq!(
            (text.whole.len(), text.short.chars().count(), text.is_cut),
            (LOG_BODY_BYTES_MAX, LOG_BODY_CHARS_SHORT + 1, true)
        );
        let binary = raw(&vec![0; LOG_BODY_BYTES_MAX + 1]);
        assert_eq!((binary.whole.lines().count(), binary.is_cut), (LOG_BODY_BYTES_MAX / 16, true));
    }
}
