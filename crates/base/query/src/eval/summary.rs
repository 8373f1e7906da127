//! Aggregates over documents that come one at a time.

use super::{find, number, rows::shown};
use crate::ast::{Aggregate, Column, Query};
use crate::limits::GROUPS_MAX;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The rows of a query with aggregates, made from one document after the other. Holds as much as the rows it will give.
#[derive(Debug)]
pub struct Summary<'q> {
    query: &'q Query,
    columns: Vec<(String, &'q Column)>,
    places: HashMap<Vec<Option<String>>, usize>,
    groups: Vec<Vec<Cell>>,
}

/// More than [`GROUPS_MAX`] distinct combinations of what the query groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the query makes more than {GROUPS_MAX} groups; group by something with fewer different values")]
pub struct TooManyGroups;

/// One value of a row in the making.
#[derive(Debug, Clone)]
enum Cell {
    /// From the first document of the group.
    Value(Option<Value>),
    Count(u64),
    Sum {
        sum: f64,
        numbers: u64,
    },
    Extreme {
        number: Option<f64>,
        text: Option<String>,
    },
}

impl<'q> Summary<'q> {
    /// Nothing seen yet. The query has aggregates; its condition is the caller's business.
    pub fn new(query: &'q Query) -> Self {
        let mut summary = Self { query, columns: query.select.named(), places: HashMap::new(), groups: Vec::new() };
        if query.group_by.is_empty() {
            summary.groups.push(summary.empty(None));
        }
        summary
    }

    /// Adds a document that is selected; a document that has only the members the query names will do.
    /// Errors: [`TooManyGroups`].
    pub fn add(&mut self, document: &Value) -> Result<(), TooManyGroups> {
        let place = match self.query.group_by.as_slice() {
            [] => 0,
            paths => {
                let text = |path| find(path, document).map(|value| shown(value).to_string());
                let key: Vec<Option<String>> = paths.iter().map(text).collect();
                match self.places.get(&key) {
                    Some(place) => *place,
                    None if self.groups.len() >= GROUPS_MAX => return Err(TooManyGroups),
                    None => {
                        self.groups.push(self.empty(Some(document)));
                        self.places.insert(key, self.groups.len() - 1);
                        self.groups.len() - 1
                    }
                }
            }
        };
        for (cell, (_, column)) in self.groups[place].iter_mut().zip(&self.columns) {
            if let Column::Aggregate(aggregate) = column {
                cell.add(aggregate, document);
            }
        }
        Ok(())
    }

    /// Adds `documents` at once that are all alike to the query: it counts them and looks at nothing in them.
    pub fn add_count(&mut self, documents: u64) {
        for cell in self.groups.iter_mut().flatten() {
            if let Cell::Count(count) = cell {
                *count += documents;
            }
        }
    }

    /// The rows, in the order of their groups' first documents.
    pub fn rows(self) -> Vec<Value> {
        let Self { query, columns, groups, .. } = self;
        let row = |cells: Vec<Cell>| {
            let members = columns.iter().zip(cells);
            let shown = members.filter_map(|((name, column), cell)| Some((name.clone(), cell.shown(column)?)));
            Value::Object(shown.collect::<Map<_, _>>())
        };
        let mut rows: Vec<Value> = groups.into_iter().map(row).collect();
        rows.truncate(query.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
        rows
    }

    fn empty(&self, first: Option<&Value>) -> Vec<Cell> {
        let cell = |(_, column): &(String, &Column)| match column {
            Column::Path(path) => Cell::Value(first.and_then(|document| find(path, document)).map(shown)),
            Column::Aggregate(Aggregate::Count) => Cell::Count(0),
            Column::Aggregate(Aggregate::Sum(_) | Aggregate::Avg(_)) => Cell::Sum { sum: 0.0, numbers: 0 },
            Column::Aggregate(Aggregate::Min(_) | Aggregate::Max(_)) => Cell::Extreme { number: None, text: None },
        };
        self.columns.iter().map(cell).collect()
    }
}

impl Cell {
    fn add(&mut self, aggregate: &Aggregate, document: &Value) {
        let path = match aggregate {
            Aggregate::Count => None,
            Aggregate::Avg(path) | Aggregate::Sum(path) | Aggregate::Min(path) | Aggregate::Max(path) => Some(path),
        };
        let value = path.and_then(|path| find(path, document));
        match self {
            Self::Value(_) => {}
            Self::Count(count) => *count += 1,
            Self::Sum { sum, numbers } => {
                if let Some(value) = value.and_then(Value::as_f64) {
                    *sum += value;
                    *numbers += 1;
                }
            }
            Self::Extreme { number, text } => {
                let least = matches!(aggregate, Aggregate::Min(_));
                if let Some(value) = value.and_then(Value::as_f64) {
                    *number =
                        Some(number.map_or(value, |known| if least { known.min(value) } else { known.max(value) }));
                } else if let Some(value) = value.and_then(Value::as_str) {
                    let better = |known: &str| if least { value < known } else { value > known };
                    if text.as_deref().is_none_or(better) {
                        *text = Some(value.to_owned());
                    }
                }
            }
        }
    }

    fn shown(self, column: &Column) -> Option<Value> {
        match self {
            Self::Value(value) => value,
            Self::Count(count) => Some(count.into()),
            Self::Sum { numbers: 0, .. } => None,
            Self::Sum { sum, numbers } => {
                let average = matches!(column, Column::Aggregate(Aggregate::Avg(_)));
                Some(if average { sum / numbers as f64 } else { sum }).filter(|value| value.is_finite()).map(number)
            }
            Self::Extreme { number: Some(value), .. } => Some(number(value)),
            Self::Extreme { text, .. } => text.map(Value::from),
        }
    }
}
