//! How results are printed: data on stdout, as `az` prints it.

mod json;
mod table;
mod tsv;
mod yaml;

use crate::failure::{Failure, wants_colour};
use crate::query::Query;
use clap::ValueEnum;
use serde_json::Value;
use std::io::{self, Write};

pub use yaml::write as yaml;

/// Forms of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON, members in the order of the alphabet
    Json,
    /// JSON in colour
    Jsonc,
    /// A table of the members that are no lists and no objects
    Table,
    /// Values only, separated by tabs
    Tsv,
    /// YAML
    Yaml,
    /// Nothing
    None,
}

/// What a command has to say on stdout.
#[derive(Debug, Default)]
pub struct Printed {
    value: Option<Value>,
    table: Option<&'static str>,
}

impl Printed {
    /// Nothing, as after a deletion.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A query that makes the table's rows when the user gives none.
    pub fn table(mut self, query: &'static str) -> Self {
        self.table = Some(query);
        self
    }

    /// The text for stdout.
    pub fn text(self, format: Format, query: Option<&Query>, colour: bool) -> Result<String, Failure> {
        let Some(value) = self.value else { return Ok(String::new()) };
        let own;
        let query = match (query, self.table) {
            (None, Some(text)) if format == Format::Table => {
                own = Query::parse(text)?;
                Some(&own)
            }
            (query, _) => query,
        };
        let found = match query {
            Some(query) => query.search(&value)?,
            None => value,
        };
        if found.is_null() {
            return Ok(String::new());
        }
        Ok(match format {
            Format::Json => json::write(&found, false),
            Format::Jsonc => json::write(&found, colour),
            Format::Table => table::write(&found, query.is_some())?,
            Format::Tsv => tsv::write(&found, query.is_some()),
            Format::Yaml => yaml::write(&found),
            Format::None => String::new(),
        })
    }

    /// Prints to stdout. A reader who went away is no fault.
    pub fn print(self, format: Format, query: Option<&Query>) -> Result<(), Failure> {
        let stdout = io::stdout();
        let text = self.text(format, query, wants_colour(&stdout))?;
        put(&text)
    }
}

impl From<Value> for Printed {
    fn from(value: Value) -> Self {
        Self { value: Some(value), table: None }
    }
}

impl From<Vec<Value>> for Printed {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items).into()
    }
}

/// Writes data to stdout at once. A reader who went away is no fault.
pub fn put(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::error(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
