//! What a whole query yields.

use super::{Datum, find, number, selects};
use crate::ast::{Aggregate, Column, Query, Select};
use crate::path::Path;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The rows of the query over the documents of its collection, in their order; groups in the order of their first
/// document. An engine may order groups otherwise, and the members of rows too.
///
/// - `*` yields the documents that are selected. Other elements yield an object for each, with the names of
///   [`Select::named`]: values as they are in the document, and no member where the path yields undefined.
/// - With an aggregate and no GROUP BY there is exactly one row, over no document too.
/// - With GROUP BY there is one for each distinct combination of values. Numbers group by value (1 with 1.0, shown by
///   [`number`]), everything else by its JSON text as it is in the document, and undefined is a value apart from null.
/// - `COUNT()` counts documents. `AVG` and `SUM` are over the numbers alone, computed with doubles; `MIN` and `MAX` are
///   over the numbers if there is any, else over the strings in their order of comparisons. All other values are
///   passed over. Where nothing is left, or the sum is not finite, the row has no such member: `SUM` of nothing is not 0.
///   Numbers are shown by [`number`].
/// - TOP cuts the rows last.
pub fn run(query: &Query, documents: &[Value]) -> Vec<Value> {
    let selected =
        documents.iter().filter(|it| query.condition.as_ref().is_none_or(|condition| selects(condition, it)));
    let columns = query.select.named();
    let mut rows: Vec<Value> = match &query.select {
        Select::All => selected.cloned().collect(),
        Select::Elements(_) if query.aggregates() => {
            let groups = if query.group_by.is_empty() { vec![selected.collect()] } else { group(query, selected) };
            groups.iter().map(|group| row(&columns, group)).collect()
        }
        Select::Elements(_) => selected.map(|document| project(&columns, document)).collect(),
    };
    rows.truncate(query.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
    rows
}

/// The documents that agree in all paths grouped by.
fn group<'a>(query: &Query, documents: impl Iterator<Item = &'a Value>) -> Vec<Vec<&'a Value>> {
    let mut places: HashMap<Vec<Option<String>>, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    for document in documents {
        let text = |path: &Path| find(path, document).map(|value| shown(value).to_string());
        let key = query.group_by.iter().map(text).collect();
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(document),
            None => groups.push(vec![document]),
        }
    }
    groups
}

fn shown(value: &Value) -> Value {
    match Datum::of(value) {
        Datum::Number(value) => number(value),
        _ => value.clone(),
    }
}

fn project(columns: &[(String, &Column)], document: &Value) -> Value {
    let member = |(name, column): &(String, &Column)| match column {
        Column::Path(path) => find(path, document).map(|value| (name.clone(), value.clone())),
        Column::Aggregate(_) => None,
    };
    Value::Object(columns.iter().filter_map(member).collect())
}

fn row(columns: &[(String, &Column)], group: &[&Value]) -> Value {
    let mut row = Map::new();
    for (name, column) in columns {
        let value = match column {
            Column::Path(path) => group.first().and_then(|document| find(path, document)).map(shown),
            Column::Aggregate(aggregate) => aggregated(aggregate, group),
        };
        row.extend(value.map(|value| (name.clone(), value)));
    }
    Value::Object(row)
}

fn aggregated(aggregate: &Aggregate, group: &[&Value]) -> Option<Value> {
    let numbers = |path| {
        let values = group.iter().filter_map(move |document| find(path, document));
        values.filter_map(Value::as_f64).collect::<Vec<_>>()
    };
    let strings = |path| {
        let values = group.iter().filter_map(move |document| find(path, document));
        values.filter_map(Value::as_str).map(Value::from)
    };
    let sum = |numbers: &[f64]| (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>());
    let finite = |value: &f64| value.is_finite();
    match aggregate {
        Aggregate::Count => Some(Value::from(group.len())),
        Aggregate::Sum(path) => sum(&numbers(path)).filter(finite).map(number),
        Aggregate::Avg(path) => {
            let numbers = numbers(path);
            sum(&numbers).map(|sum| sum / numbers.len() as f64).filter(finite).map(number)
        }
        Aggregate::Min(path) => {
            let least = numbers(path).into_iter().reduce(f64::min).map(number);
            least.or_else(|| strings(path).min_by(by_text))
        }
        Aggregate::Max(path) => {
            let most = numbers(path).into_iter().reduce(f64::max).map(number);
            most.or_else(|| strings(path).max_by(by_text))
        }
    }
}

fn by_text(left: &Value, right: &Value) -> std::cmp::Ordering {
    left.as_str().cmp(&right.as_str())
}
