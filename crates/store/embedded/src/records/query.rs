//! The IoT Hub query language on SQLite.

mod call;
mod condition;

use roadstead_model::HubKey;
use roadstead_query::{Aggregate, Column, Expr, Path, Query, Source, eval};
use roadstead_store::{
    IdentityRecord, Page, QueryRow, Sealer, StoreError,
    limits::QUERY_CANDIDATES_MAX,
    query::{document, page_of},
};
use rusqlite::{Connection, Row, Rows, params_from_iter, types::Value};
use serde_json::Map;

use self::condition::{Lead, Place, Sql, compile};
use super::{
    change::integer,
    read::{self, bounded},
    readers::ReadError,
};

/// Where a query runs.
pub(super) struct Ground<'a> {
    pub(super) connection: &'a Connection,
    pub(super) sealer: &'a Sealer,
    pub(super) run: i64,
    pub(super) hub: HubKey,
}

/// A query, cut into what SQL finds and what is left to check on each record found.
struct Plan<'q> {
    source: Source,
    /// The conjuncts that SQL checks.
    found: Vec<Sql>,
    /// The conjuncts it cannot.
    unchecked: Option<Expr>,
    lead: Option<Lead>,
    query: &'q Query,
}

impl<'q> Plan<'q> {
    fn new(query: &'q Query) -> Self {
        let mut conjuncts = Vec::new();
        if let Some(condition) = &query.condition {
            add_conjuncts(condition, &mut conjuncts);
        }
        let mut found = Vec::new();
        let mut left = Vec::new();
        for conjunct in &conjuncts {
            match compile(conjunct) {
                Some(sql) => found.push(sql),
                None => left.push((*conjunct).clone()),
            }
        }
        let unchecked = match left.len() {
            0 | 1 => left.pop(),
            _ => Some(Expr::And(left)),
        };
        Self { source: query.source, found, unchecked, lead: Lead::of(&conjuncts), query }
    }

    /// `SELECT columns` of the identities that SQL finds, after `after`, in the order of their ids.
    /// `?1` is the hub, `?2` this run, `?3` the id before the first; the values of the rest follow.
    fn select(&self, columns: Sql, ordered: bool) -> Sql {
        let key = match self.source {
            Source::Modules => "m.identity",
            Source::Devices | Source::Jobs => "d.device",
        };
        let mut sql = Sql::new("SELECT ");
        sql.push(columns);
        // CROSS JOIN: SQLite keeps this order, in which every step is a search and the first one sorts.
        sql.text.push_str(" FROM ");
        if let Some(lead) = &self.lead {
            sql.text.push_str(lead.table());
            sql.text.push_str(" i CROSS JOIN ");
        }
        sql.text.push_str(match (self.source, &self.lead) {
            (Source::Modules, None) => {
                "modules m CROSS JOIN devices d
                    ON d.hub = m.hub AND d.device = substr(m.identity, 1, instr(m.identity, '/') - 1)"
            }
            (Source::Modules, Some(_)) => {
                "modules m ON m.hub = i.hub AND m.identity = i.identity CROSS JOIN devices d
                    ON d.hub = m.hub AND d.device = substr(m.identity, 1, instr(m.identity, '/') - 1)"
            }
            (_, None) => "devices d",
            (_, Some(_)) => "devices d ON d.hub = i.hub AND d.device = i.identity",
        });
        sql.push(Sql::new(format!(
            " CROSS JOIN twins t ON t.hub = d.hub AND t.identity = {key}
            LEFT JOIN presence p ON p.hub = d.hub AND p.identity = {key} WHERE "
        )));
        let leading = match &self.lead {
            Some(lead) => {
                sql.push(lead.condition());
                sql.text.push_str(" AND ");
                "i.identity"
            }
            None => key,
        };
        let table = leading.split('.').next().unwrap_or_default();
        sql.push(Sql::new(format!("{table}.hub = ?1 AND {leading} > ?3")));
        for conjunct in &self.found {
            sql.text.push_str(" AND ");
            sql.push(conjunct.clone());
        }
        if ordered {
            sql.push(Sql::new(format!(" ORDER BY {leading}")));
        }
        sql
    }

    fn identities(&self) -> Sql {
        self.select(
            Sql::new(match self.source {
                Source::Modules => read::MODULE_COLUMNS,
                Source::Devices | Source::Jobs => read::DEVICE_COLUMNS,
            }),
            true,
        )
    }
}

/// What is joined by AND, within parentheses as well.
fn add_conjuncts<'q>(condition: &'q Expr, conjuncts: &mut Vec<&'q Expr>) {
    match condition {
        Expr::And(members) => members.iter().for_each(|member| add_conjuncts(member, conjuncts)),
        single => conjuncts.push(single),
    }
}

/// What the query yields. Errors: `TooMuch`.
pub(super) fn run(ground: &Ground<'_>, query: &Query, after: &str, limit: usize) -> Result<Page<QueryRow>, ReadError> {
    if query.source == Source::Jobs {
        return Err(StoreError::TooMuch("there are no jobs to query".to_owned()).into());
    }
    let plan = Plan::new(query);
    if query.aggregates() {
        let items = aggregate(ground, &plan)?.into_iter().map(QueryRow::Values).collect();
        return Ok(Page { items, next: None });
    }
    with_rows(ground, plan.identities(), after, |rows| {
        let records = std::iter::from_fn(|| next_identity(ground, rows).transpose());
        Ok(page_of(query, plan.unchecked.as_ref(), records, bounded(limit), QUERY_CANDIDATES_MAX)?)
    })
}

fn aggregate(ground: &Ground<'_>, plan: &Plan<'_>) -> Result<Vec<serde_json::Value>, ReadError> {
    let mut summary = eval::Summary::new(plan.query);
    let too_many = |error: eval::TooManyGroups| StoreError::TooMuch(error.to_string());
    let paths = paths_of(plan.query);
    let places: Option<Vec<Place>> = paths.iter().map(|path| Place::of(path)).collect();
    match places.filter(|_| plan.unchecked.is_none()) {
        Some(_) if paths.is_empty() => {
            let counted = plan.select(Sql::new("count(*)"), false);
            let count =
                with_rows(ground, counted, "", |rows| Ok(rows.next()?.map_or(Ok(0), |row| row.get::<_, i64>(0))?))?;
            summary.add_count(count.unsigned_abs());
        }
        Some(places) => {
            let mut columns = Sql::default();
            for (index, place) in places.iter().enumerate() {
                columns.push(Sql::new(if index > 0 { ", " } else { "" }));
                columns.push(place.shown());
            }
            with_rows(ground, plan.select(columns, false), "", |rows| {
                while let Some(row) = rows.next()? {
                    summary.add(&partial_document(row, &paths)?).map_err(too_many)?;
                }
                Ok(())
            })?;
        }
        None => with_rows(ground, plan.identities(), "", |rows| {
            while let Some(record) = next_identity(ground, rows)? {
                let document = document(&record);
                if plan.unchecked.as_ref().is_none_or(|condition| eval::selects(condition, &document)) {
                    summary.add(&document).map_err(too_many)?;
                }
            }
            Ok(())
        })?,
    }
    Ok(summary.rows())
}

/// The paths whose values a query with aggregates looks at.
fn paths_of(query: &Query) -> Vec<&Path> {
    let mut paths: Vec<&Path> = query.group_by.iter().collect();
    for (_, column) in query.select.named() {
        match column {
            Column::Path(path)
            | Column::Aggregate(
                Aggregate::Avg(path) | Aggregate::Sum(path) | Aggregate::Min(path) | Aggregate::Max(path),
            ) if !paths.contains(&path) => paths.push(path),
            _ => {}
        }
    }
    paths
}

/// A document of these paths alone; each column holds the JSON text of one.
fn partial_document(row: &Row<'_>, paths: &[&Path]) -> Result<serde_json::Value, ReadError> {
    let mut document = serde_json::Value::Object(Map::new());
    for (index, path) in paths.iter().enumerate() {
        let Some(text) = row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from)? else { continue };
        let value = serde_json::from_str(text)
            .map_err(|error| StoreError::Unreadable(format!("a twin's value at {path}: {error}")))?;
        place_at(&mut document, path.names(), value);
    }
    Ok(document)
}

/// Puts a value where a path leads. A path through another's value finds that value there already.
fn place_at(document: &mut serde_json::Value, names: &[String], value: serde_json::Value) {
    match (names, document) {
        ([], document) => *document = value,
        ([name, rest @ ..], serde_json::Value::Object(members)) => {
            place_at(members.entry(name.as_str()).or_insert_with(|| Map::new().into()), rest, value);
        }
        _ => {}
    }
}

fn next_identity(ground: &Ground<'_>, rows: &mut Rows<'_>) -> Result<Option<IdentityRecord>, StoreError> {
    let row = rows.next().map_err(|error| super::failure::unread(&error))?;
    row.map(|row| read::identity(row, ground.sealer, ground.hub)).transpose().map_err(|error| match error {
        ReadError::Engine(error) => super::failure::unread(&error),
        ReadError::Record(error) => error,
    })
}

fn with_rows<T>(
    ground: &Ground<'_>,
    sql: Sql,
    after: &str,
    read: impl FnOnce(&mut Rows<'_>) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let mut parameters = vec![integer(ground.hub), ground.run.into(), Value::Text(after.to_owned())];
    let mut statement = ground.connection.prepare(&sql.numbered(parameters.len() + 1))?;
    parameters.extend(sql.values);
    read(&mut statement.query(params_from_iter(parameters))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::connection::open_database;
    use roadstead_query::parse;
    use roadstead_store::{SealKey, suite::samples::Pattern};

    /// However many identities there are, a query goes straight to those that its tag or the connected ones lead to, in order.
    #[test]
    fn leads_are_followed_without_a_scan_or_a_sort() {
        let directory = tempfile::tempdir().unwrap();
        let database = open_database(&directory.path().join("records.db"), &SealKey::fresh(&Pattern)).unwrap();
        let (tag, connected) = ("(hub=? AND path=? AND value=? AND identity>?)", "(hub=? AND identity>?)");
        let (device, module) = ("(hub=? AND device>?)", "(hub=? AND identity>?)");
        for (condition, lead) in [
            ("tags.site = 'a'", Some(tag)),
            ("connectionState = 'Connected'", Some(connected)),
            ("'Connected' = connectionState AND status = 'enabled'", Some(connected)),
            ("connectionState = 'Connected' AND tags.floor = 3", Some(tag)),
            (
                "STARTS_WITH(deviceId, 'a') AND (status = 'enabled' AND (connectionState = 'Connected'))",
                Some(connected),
            ),
            ("connectionState = 'Disconnected'", None),
            ("connectionState = 'connected'", None),
            ("connectionState != 'Connected'", None),
            ("connectionState = 'Connected' OR tags.site = 'a'", None),
        ] {
            for (source, own) in [("devices", device), ("devices.modules", module)] {
                let query = parse(&format!("SELECT * FROM {source} WHERE {condition}")).unwrap();
                let sql = Plan::new(&query).identities().numbered(4);
                let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let parameters = vec![Value::Null; statement.parameter_count()];
                let steps = statement.query_map(params_from_iter(parameters), |row| row.get(3)).unwrap();
                let plan: Vec<String> = steps.map(Result::unwrap).collect();
                assert!(plan[0].ends_with(lead.unwrap_or(own)), "{condition}: {plan:?}");
                assert_eq!(plan[0].starts_with("SEARCH i "), lead.is_some(), "{condition}: {plan:?}");
                assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{condition}: {plan:?}");
            }
        }
    }
}
