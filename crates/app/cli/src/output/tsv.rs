//! Values only, one result a line. Source: knack output.py, `_TsvOutput`

use serde_json::Value;

pub(super) fn write(value: &Value, is_queried: bool) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| line(item, is_queried)).collect(),
        one => line(one, is_queried),
    }
}

fn line(item: &Value, is_queried: bool) -> String {
    let cells: Vec<String> = match item {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if !is_queried {
                members.sort_by_key(|(name, _)| *name);
            }
            members.into_iter().map(|(_, value)| cell(value)).collect()
        }
        Value::Array(values) => values.iter().map(cell).collect(),
        Value::Bool(flag) => vec![flag.to_string()],
        value => vec![cell(value)],
    };
    format!("{}\n", cells.join("\t"))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Array(items) => items.len().to_string(),
        Value::Object(_) => String::new(),
        value => python(value),
    }
}

/// A value as Python prints it: `None`, `True`, text without quotes.
pub(super) fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
