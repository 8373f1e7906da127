//! Back ends query identities.

use roadstead_query::{Select, Source, parse};
use roadstead_store::{QueryRow, StoreError};

use crate::{error::HubError, hub::Hub, throttle::Operation, twin};

/// What the rows of an answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Whole identities.
    Twins,
    /// Objects with what the query names.
    Values,
    /// Devices in jobs.
    Jobs,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryPage {
    pub rows: Vec<QueryRow>,
    pub kind: RowKind,
    /// Where the next page begins: hand it back as `continuation`. `None` on the last page.
    pub next: Option<String>,
}

/// A place in an answer: how many rows came before it, for TOP, and the last identity looked at: `12/thermo-7`.
struct Place<'a> {
    rows: u64,
    after: &'a str,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (rows, after) = text.split_once('/')?;
        Some(Self { rows: rows.parse().ok()?, after })
    }
}

fn bytes_of(row: &QueryRow) -> usize {
    match row {
        QueryRow::Identity(record) => twin::whole_size(&record.twin),
        QueryRow::Values(values) => values.to_string().len(),
    }
}

impl Hub {
    /// Runs a query in the IoT Hub query language. A page may have fewer than `limit` rows, or none, and a next one.
    ///
    /// Errors: `BadQuery`; `Throttled`; `QuotaExceeded`; `Invalid` when `continuation` is none of this hub's, or the query makes too many groups.
    pub async fn query(&self, text: &str, continuation: Option<&str>, limit: usize) -> Result<QueryPage, HubError> {
        let query = parse(text).map_err(HubError::BadQuery)?;
        self.throttle(Operation::Query)?;
        self.check_quota()?;
        let kind = match (&query.select, query.source) {
            (_, Source::Jobs) => RowKind::Jobs,
            (Select::All, _) => RowKind::Twins,
            (Select::Elements(_), _) => RowKind::Values,
        };
        let place = match continuation {
            None => Place { rows: 0, after: "" },
            Some(text) => Place::parse(text).ok_or_else(|| {
                HubError::Invalid("the continuation token is not one that this hub gave; begin the query again".into())
            })?,
        };
        let top_left = query.top.map_or(u64::MAX, |top| top.saturating_sub(place.rows));
        let limit = usize::try_from(top_left).unwrap_or(usize::MAX).min(limit);
        if kind == RowKind::Jobs || (limit == 0 && !query.aggregates()) {
            return Ok(QueryPage { rows: Vec::new(), kind, next: None });
        }
        self.presence_stored().await;
        if query.mentions("lastActivityTime") {
            self.activity_stored().await;
        }
        let page =
            self.records().query(self.key(), &query, Some(place.after), limit).await.map_err(|error| match error {
                StoreError::TooMuch(why) => HubError::Invalid(why),
                other => other.into(),
            })?;
        let mut rows = page.items;
        for row in &mut rows {
            if let QueryRow::Identity(record) = row {
                self.overlay(record);
            }
        }
        self.charge(|| rows.iter().map(bytes_of).sum());
        let rows_so_far = place.rows + rows.len() as u64;
        let next = page.next.filter(|_| query.top.is_none_or(|top| rows_so_far < top));
        Ok(QueryPage { rows, kind, next: next.map(|after| format!("{rows_so_far}/{after}")) })
    }
}
