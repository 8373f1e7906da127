//! YAML that readers of 1.1 and of 1.2 understand alike: whatever either might take for something else is quoted.

use super::json::sorted;
use serde_json::Value;

/// Words that YAML 1.1 takes for something else than text.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

/// YAML, members in the order of the alphabet.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    put(&sorted(value), 0, &mut text);
    text
}

/// A value from where the cursor stands, whose own lines are indented by `depth`. Ends with a line end.
fn put(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                indent(index, depth, text);
                text.push_str("- ");
                put(item, depth + 1, text);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (index, (name, member)) in members.iter().enumerate() {
                indent(index, depth, text);
                text.push_str(&scalar(name));
                text.push(':');
                let below = match member {
                    Value::Array(items) if !items.is_empty() => Some(depth),
                    Value::Object(members) if !members.is_empty() => Some(depth + 1),
                    _ => None,
                };
                if let Some(below) = below {
                    text.push('\n');
                    text.push_str(&"  ".repeat(below));
                    put(member, below, text);
                } else {
                    text.push(' ');
                    put(member, depth + 1, text);
                }
            }
        }
        Value::String(string) => text.extend([&scalar(string), "\n"]),
        other => text.extend([&other.to_string(), "\n"]),
    }
}

/// The first line of a value stands where the cursor is.
fn indent(index: usize, depth: usize, text: &mut String) {
    if index > 0 {
        text.push_str(&"  ".repeat(depth));
    }
}

/// Text without quotes where nobody can mistake it, else in single quotes, else as JSON, which is YAML.
fn scalar(text: &str) -> String {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_-./@ ".contains(c);
    let is_plain =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_inner) && !text.ends_with(' ');
    if is_plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else if text.contains(char::is_control) {
        Value::from(text).to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
