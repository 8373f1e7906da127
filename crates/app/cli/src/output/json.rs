//! JSON, indented by two, members sorted. Source: knack output.py, `format_json`

use serde_json::{Map, Value};

/// Every object's members in the order of the alphabet.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            Value::Object(names.into_iter().map(|(name, member)| (name.clone(), sorted(member))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

pub(super) fn write(value: &Value, colour: bool) -> String {
    let mut text = String::new();
    put(&sorted(value), 0, if colour { &IN_COLOUR } else { &PLAIN }, &mut text);
    text.push('\n');
    text
}

struct Paint {
    name: &'static str,
    text: &'static str,
    other: &'static str,
    end: &'static str,
}

const PLAIN: Paint = Paint { name: "", text: "", other: "", end: "" };
const IN_COLOUR: Paint = Paint { name: "\x1b[94m", text: "\x1b[33m", other: "\x1b[35m", end: "\x1b[0m" };

fn put(value: &Value, depth: usize, paint: &Paint, text: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(index, depth + 1, text);
                put(item, depth + 1, paint, text);
            }
            end(']', depth, text);
        }
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                new_line(index, depth + 1, text);
                text.extend([paint.name, &Value::from(name.as_str()).to_string(), paint.end, ": "]);
                put(member, depth + 1, paint, text);
            }
            end('}', depth, text);
        }
        Value::Array(_) | Value::Object(_) => text.push_str(&value.to_string()),
        Value::String(_) => text.extend([paint.text, &value.to_string(), paint.end]),
        other => text.extend([paint.other, &other.to_string(), paint.end]),
    }
}

fn new_line(index: usize, depth: usize, text: &mut String) {
    text.push_str(if index == 0 { "\n" } else { ",\n" });
    text.push_str(&"  ".repeat(depth));
}

fn end(bracket: char, depth: usize, text: &mut String) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(bracket);
}
