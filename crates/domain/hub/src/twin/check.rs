//! What may stand in a twin. Source: docs, "Understand and use device twins" (format, size)

use std::fmt;

use roadstead_model::Twin;
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::limits;

/// A part of a twin, as refusals name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinSectionName {
    Tags,
    Desired,
    Reported,
}

impl TwinSectionName {
    /// How large the section may be.
    pub(crate) fn bytes_max(self) -> usize {
        match self {
            Self::Tags => limits::TWIN_TAGS_BYTES_MAX,
            Self::Desired | Self::Reported => limits::TWIN_PROPERTIES_BYTES_MAX,
        }
    }
}

impl fmt::Display for TwinSectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tags => "tags",
            Self::Desired => "properties.desired",
            Self::Reported => "properties.reported",
        })
    }
}

/// Why a twin does not take a value. `at` is where it stands: `cfg.rates[2]`, or what is left of so long a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TwinFault {
    #[error("the key `{at}` has {bytes} bytes, at most {} are allowed", limits::TWIN_KEY_BYTES_MAX)]
    KeyTooLong { at: String, bytes: usize },
    #[error("the key `{at}` contains {found:?}: control characters, `.`, `$` and space are not allowed in keys")]
    KeyCharacter { at: String, found: char },
    #[error("the text at `{at}` has {bytes} bytes, at most {} are allowed", limits::TWIN_STRING_BYTES_MAX)]
    StringTooLong { at: String, bytes: usize },
    #[error(
        "the number at `{at}` is {number}, integers must be between {} and {}",
        limits::TWIN_INTEGER_MIN,
        limits::TWIN_INTEGER_MAX
    )]
    Integer { at: String, number: Number },
    #[error("the value at `{at}` is nested deeper than {depth_max} levels of {what}")]
    TooDeep { at: String, what: &'static str, depth_max: usize },
}

impl TwinFault {
    /// The same fault, seen from one level further out.
    fn within(mut self, outer: &str) -> Self {
        let (Self::KeyTooLong { at, .. }
        | Self::KeyCharacter { at, .. }
        | Self::StringTooLong { at, .. }
        | Self::Integer { at, .. }
        | Self::TooDeep { at, .. }) = &mut self;
        let dot = if at.is_empty() || at.starts_with('[') { "" } else { "." };
        *at = format!("{outer}{dot}{at}");
        self
    }
}

/// A key as a refusal repeats it.
fn shown(key: &str) -> String {
    let printed = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    key.chars().take(limits::TWIN_SHOWN_CHARS_MAX).map(printed).collect()
}

/// How deep a value is nested, apart for objects and arrays.
#[derive(Clone, Copy)]
struct Depth {
    objects: usize,
    arrays: usize,
}

/// Checks a section's new content or a patch of it; a `null` is allowed anywhere.
/// Errors: the first fault, in the order of the document.
pub(crate) fn check(document: &Map<String, Value>) -> Result<(), TwinFault> {
    check_members(document, Depth { objects: 0, arrays: 0 })
}

fn check_members(members: &Map<String, Value>, depth: Depth) -> Result<(), TwinFault> {
    for (key, value) in members {
        check_key(key)?;
        check_value(value, depth).map_err(|fault| fault.within(&shown(key)))?;
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), TwinFault> {
    if key.len() > limits::TWIN_KEY_BYTES_MAX {
        return Err(TwinFault::KeyTooLong { at: shown(key), bytes: key.len() });
    }
    match key.chars().find(|c| c.is_control() || matches!(c, '.' | '$' | ' ')) {
        Some(found) => Err(TwinFault::KeyCharacter { at: shown(key), found }),
        None => Ok(()),
    }
}

fn check_value(value: &Value, depth: Depth) -> Result<(), TwinFault> {
    let here = String::new;
    let too_deep = |what, depth_max| Err(TwinFault::TooDeep { at: here(), what, depth_max });
    match value {
        Value::Number(number) => match number.as_i128() {
            Some(integer) if !(limits::TWIN_INTEGER_MIN..=limits::TWIN_INTEGER_MAX).contains(&integer) => {
                Err(TwinFault::Integer { at: here(), number: number.clone() })
            }
            _ => Ok(()),
        },
        Value::String(text) if text.len() > limits::TWIN_STRING_BYTES_MAX => {
            Err(TwinFault::StringTooLong { at: here(), bytes: text.len() })
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Object(_) if depth.objects == limits::TWIN_DEPTH_MAX => too_deep("objects", limits::TWIN_DEPTH_MAX),
        Value::Object(members) => check_members(members, Depth { objects: depth.objects + 1, ..depth }),
        Value::Array(_) if depth.arrays == limits::TWIN_ARRAY_DEPTH_MAX => {
            too_deep("arrays", limits::TWIN_ARRAY_DEPTH_MAX)
        }
        Value::Array(elements) => {
            let depth = Depth { arrays: depth.arrays + 1, ..depth };
            elements.iter().enumerate().try_for_each(|(index, element)| {
                check_value(element, depth).map_err(|fault| fault.within(&format!("[{index}]")))
            })
        }
    }
}

/// The size of a section, as it is held against its limit: keys and values, no punctuation, no metadata. Numbers count 8,
/// booleans 4, `null` (which only arrays can keep) as a boolean: `guess (?)`; texts their characters. Nothing is free, so that
/// the limit bounds what is stored: Azure does not count control characters in texts; and what is empty counts 1 in an array.
pub(crate) fn size(members: &Map<String, Value>) -> usize {
    members.iter().map(|(key, value)| key.len() + size_of(value)).sum()
}

/// All sections of a twin.
pub(crate) fn whole_size(twin: &Twin) -> usize {
    size(&twin.tags) + size(&twin.desired.value) + size(&twin.reported.value)
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) if text.is_ascii() => text.len(),
        Value::String(text) => text.chars().count(),
        Value::Object(members) => size(members),
        Value::Array(elements) => elements.iter().map(|element| size_of(element).max(1)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    /// `{"a":{"a":…leaf…}}` of so many objects.
    fn objects(levels: usize, leaf: Value) -> Value {
        (0..levels).fold(leaf, |inner, _| json!({ "a": inner }))
    }

    fn arrays(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn allowed() {
        for document in [
            json!({}),
            json!({"": 1, "ä": "ü", "a-b_c:d/e": null}),
            json!({"k".repeat(1024): "v".repeat(4096)}),
            json!({"min": -4_503_599_627_370_496_i64, "max": 4_503_599_627_370_495_i64, "float": 1e300}),
            json!({"list": [1, null, {"x": [true]}, "text"]}),
            // Ten objects below the section, a leaf in the tenth.
            json!({ "top": objects(10, json!(1)) }),
            json!({ "top": arrays(10) }),
        ] {
            assert_eq!(check(&map(document.clone())), Ok(()), "{document}");
        }
    }

    #[test]
    fn refused() {
        let key = |at: &str, found| TwinFault::KeyCharacter { at: at.to_owned(), found };
        let integer = |number: Value| {
            let Value::Number(number) = number else { panic!("{number} is no number") };
            TwinFault::Integer { at: "n".to_owned(), number }
        };
        let deep = |at: String, what| TwinFault::TooDeep { at, what, depth_max: 10 };
        for (document, expected) in [
            (json!({"a.b": 1}), key("a.b", '.')),
            (json!({"$x": 1}), key("$x", '$')),
            (json!({"x$": 1}), key("x$", '$')),
            (json!({"a b": null}), key("a b", ' ')),
            (json!({"a\u{0}": 1}), key("a\u{fffd}", '\u{0}')),
            (json!({"a\u{85}": 1}), key("a\u{fffd}", '\u{85}')),
            (json!({"cfg": {"$version": 1}}), key("cfg.$version", '$')),
            (json!({"cfg": [1, [{"a b": 1}]]}), key("cfg[1][0].a b", ' ')),
            (json!({"k".repeat(1025): 1}), TwinFault::KeyTooLong { at: "k".repeat(64), bytes: 1025 }),
            (json!({"ä".repeat(513): 1}), TwinFault::KeyTooLong { at: "ä".repeat(64), bytes: 1026 }),
            (json!({"s": {"t": "v".repeat(4097)}}), TwinFault::StringTooLong { at: "s.t".to_owned(), bytes: 4097 }),
            (json!({"n": 4_503_599_627_370_496_i64}), integer(json!(4_503_599_627_370_496_i64))),
            (json!({"n": -4_503_599_627_370_497_i64}), integer(json!(-4_503_599_627_370_497_i64))),
            (json!({"n": u64::MAX}), integer(json!(u64::MAX))),
            (json!({ "top": objects(11, json!(1)) }), deep(format!("top{}", ".a".repeat(10)), "objects")),
            (json!({ "top": [objects(11, json!(1))] }), deep(format!("top[0]{}", ".a".repeat(10)), "objects")),
            (json!({ "top": arrays(11) }), deep(format!("top{}", "[0]".repeat(10)), "arrays")),
        ] {
            assert_eq!(check(&map(document.clone())), Err(expected), "{document}");
        }
    }

    #[test]
    fn words() {
        let said = |document: Value| check(&map(document)).unwrap_err().to_string();
        assert_eq!(
            said(json!({"a": {"b c": 1}})),
            "the key `a.b c` contains ' ': control characters, `.`, `$` and space are not allowed in keys"
        );
        assert_eq!(
            said(json!({"n": 1_u64 << 60})),
            "the number at `n` is 1152921504606846976, integers must be between -4503599627370496 and 4503599627370495"
        );
    }

    #[test]
    fn sizes() {
        for (document, expected) in [
            (json!({}), 0),
            (json!({"ab": 1, "c": 1.5}), 2 + 8 + 1 + 8),
            (json!({"t": true, "n": [null]}), 1 + 4 + 1 + 4),
            (json!({"s": "abc\n\u{1}"}), 1 + 5),
            (json!({"s": "äö\u{85}"}), 1 + 3),
            (json!({"ä": ""}), 2),
            (json!({"e": [[], {}, "", [[]]]}), 1 + 4),
            (json!({"o": {"p": {"q": "r"}}, "l": [1, "ab", [true]]}), 4 + 1 + 8 + 2 + 4),
        ] {
            assert_eq!(size(&map(document.clone())), expected, "{document}");
        }
    }
}
