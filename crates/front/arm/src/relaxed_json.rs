//! JSON as `az deployment` sends it: templates with comments, under a key without quotes.

use std::iter::Peekable;
use std::str::Chars;

/// The same as JSON: comments left out, keys without quotes quoted. What is wrong otherwise stays wrong.
///
/// Shape: `{"properties": {"mode": "Incremental", template:{ // a plant\n "resources": [] }}}`.
/// Source: azure-cli 2.77 (`JsonCTemplatePolicy`)
pub(crate) fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => copy_string(&mut chars, &mut json),
            '/' if chars.peek() == Some(&'/') => drop(chars.by_ref().find(|c| *c == '\n')),
            '/' if chars.peek() == Some(&'*') => skip_comment(&mut chars),
            c if c.is_ascii_alphabetic() || c == '_' => copy_word(c, &mut chars, &mut json),
            c => json.push(c),
        }
    }
    json
}

fn copy_string(chars: &mut Peekable<Chars<'_>>, json: &mut String) {
    json.push('"');
    while let Some(c) = chars.next() {
        json.push(c);
        match c {
            '"' => return,
            '\\' => json.extend(chars.next()),
            _ => {}
        }
    }
}

/// What follows the `/` of a `/*`.
fn skip_comment(chars: &mut Peekable<Chars<'_>>) {
    chars.next();
    while let Some(c) = chars.next() {
        if c == '*' && chars.next_if_eq(&'/').is_some() {
            return;
        }
    }
}

/// A key is what a colon follows; `true` and the exponent of a number are none.
fn copy_word(first: char, chars: &mut Peekable<Chars<'_>>, json: &mut String) {
    let mut word = String::from(first);
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        word.push(c);
    }
    let mut blank = String::new();
    while let Some(c) = chars.next_if(char::is_ascii_whitespace) {
        blank.push(c);
    }
    let quote = if chars.peek() == Some(&':') { "\"" } else { "" };
    json.extend([quote, &word, quote, &blank]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_az_sends_is_read() {
        for (text, expected) in [
            (
                r#"{"properties": {"mode": "Incremental", template:{"a": [true, null]}}}"#,
                json!({"properties": {"mode": "Incremental", "template": {"a": [true, null]}}}),
            ),
            (
                "{a : 1e5 , b_2: -1.5E-3, // it's\n c: [false,true] /* {\" * / */ }",
                json!({"a": 1e5, "b_2": -1.5e-3, "c": [false, true]}),
            ),
            (
                r#"{"http://x": "/* not a comment */ a: \" b: \\", "ü": "//"}"#,
                json!({"http://x": "/* not a comment */ a: \" b: \\", "ü": "//"}),
            ),
            ("null", json!(null)),
        ] {
            assert_eq!(serde_json::from_str::<Value>(&to_json(text)).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        for text in ["", "{", "{a}", "{a: b}", "\"", "\"\\", "/", "/*", "//", "{'a': 1}", "[1,]", "{a b: 1}"] {
            assert!(serde_json::from_str::<Value>(&to_json(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn json_means_what_it_meant() {
        for value in
            [json!({"a": [1, 2.5, "x\n\"", null, true], "b": {"c": {}}}), json!("// a"), json!([]), json!(1e300)]
        {
            assert_eq!(serde_json::from_str::<Value>(&to_json(&value.to_string())).unwrap(), value);
        }
    }
}
