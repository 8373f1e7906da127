//! A table of what is neither list nor object. Source: knack output.py, `_TableOutput`; tabulate, format `simple`

use super::tsv::python;
use crate::failure::Failure;
use serde_json::Value;

/// Members that a table leaves out unless a query asks for them.
const LEFT_OUT: [&str; 3] = ["id", "type", "etag"];

pub(super) fn write(value: &Value, is_queried: bool) -> Result<String, Failure> {
    let items: &[Value] = match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    };
    let rows: Vec<Vec<(String, String)>> = items.iter().map(|item| row(item, is_queried)).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    if columns.is_empty() {
        let unusable = Failure::error("the result has nothing that fits into a table");
        return if items.is_empty() {
            Ok(String::new())
        } else {
            Err(unusable.hint("choose columns with `--query`, such as `--query \"[].{Name: name}\"`"))
        };
    }
    let cell = |row: &[(String, String)], column: &str| {
        row.iter().find(|(name, _)| name == column).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|column| (*column).to_owned()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
        })
        .collect();
    lines.insert(1, widths.iter().map(|width| "-".repeat(*width)).collect());
    Ok(lines.iter().map(|line| aligned(line, &widths)).collect())
}

fn row(item: &Value, is_queried: bool) -> Vec<(String, String)> {
    match item {
        Value::Object(members) => {
            let mut shown: Vec<_> = members
                .iter()
                .filter(|(name, value)| {
                    let is_left_out = !is_queried && LEFT_OUT.contains(&name.as_str());
                    !is_left_out && !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
                })
                .collect();
            if !is_queried {
                shown.sort_by_key(|(name, _)| *name);
            }
            shown.into_iter().map(|(name, value)| (capitalized(name), one_line(value))).collect()
        }
        Value::Array(values) => {
            values.iter().enumerate().map(|(index, value)| (format!("Column{}", index + 1), one_line(value))).collect()
        }
        value => vec![("Result".to_owned(), one_line(value))],
    }
}

fn one_line(value: &Value) -> String {
    python(value).trim_end().replace(['\r', '\n', '\t'], " ")
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = line.iter().zip(widths).map(|(text, width)| format!("{text:<width$}")).collect();
    format!("{}\n", cells.join("  ").trim_end())
}
