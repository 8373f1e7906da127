//! What a whole query yields.

use super::{Datum, Summary, find, number, selects};
use crate::ast::{Column, Query, Select};
use serde_json::Value;

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
            let mut summary = Summary::new(query);
            // Documents of groups beyond the bound are left out.
            selected.for_each(|document| summary.add(document).unwrap_or_default());
            summary.rows()
        }
        Select::Elements(_) => selected.map(|document| project(&columns, document)).collect(),
    };
    rows.truncate(query.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
    rows
}

pub(super) fn shown(value: &Value) -> Value {
    match Datum::of(value) {
        Datum::Number(value) => number(value),
        _ => value.clone(),
    }
}

/// One row of a query without aggregates, with the names of [`Select::named`].
pub fn project(columns: &[(String, &Column)], document: &Value) -> Value {
    let member = |(name, column): &(String, &Column)| match column {
        Column::Path(path) => find(path, document).map(|value| (name.clone(), value.clone())),
        Column::Aggregate(_) => None,
    };
    Value::Object(columns.iter().filter_map(member).collect())
}
