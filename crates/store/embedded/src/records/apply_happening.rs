//! Entries of journals, and the room they have.

use roadstead_model::HappeningClass;
use roadstead_store::JournalBounds;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::limits::FORGOTTEN_AT_ONCE;

/// An entry, ready for the database.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) owner: String,
    pub(super) id: String,
    pub(super) class: HappeningClass,
    pub(super) at: i64,
    pub(super) since: i64,
    pub(super) count: i64,
    /// `Some` for refusals.
    pub(super) likeness: Option<Likeness>,
    pub(super) body: String,
}

/// What refusals that count as one have in common, beside their owner and id.
#[derive(Debug)]
pub(super) struct Likeness {
    pub(super) cause: &'static str,
    pub(super) protocol: &'static str,
    pub(super) address: Option<String>,
}

impl Likeness {
    fn text(&self) -> String {
        format!("{} {} {}", self.cause, self.protocol, self.address.as_deref().unwrap_or_default())
    }
}

/// Adds entries in order, then lets go what is too much.
pub(super) fn add(connection: &Connection, entries: &[Entry], bounds: &JournalBounds) -> Result<()> {
    let mut touched = [false; HappeningClass::ALL.len()];
    for entry in entries {
        touched[entry.class as usize] = true;
        add_one(connection, entry, bounds)?;
    }
    for (class, total_max) in HappeningClass::ALL.into_iter().zip(bounds.totals_max) {
        if touched[class as usize] {
            forget(connection, class, total_max, bounds.forget_before.0)?;
        }
    }
    Ok(())
}

fn add_one(connection: &Connection, entry: &Entry, bounds: &JournalBounds) -> Result<()> {
    let Entry { owner, id, class, at, likeness, body, .. } = entry;
    let (mut since, mut count) = (entry.since, entry.count);
    let text = likeness.as_ref().map(Likeness::text);
    if let Some(text) = &text {
        let earliest = entry.since.saturating_sub(bounds.alike_ms);
        let alike: Option<(i64, i64, i64)> = connection
            .prepare_cached(FIND_ALIKE)?
            .query_row(params![owner, id, text, earliest], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        if let Some((number, first, before)) = alike {
            (since, count) = (since.min(first), count.saturating_add(before));
            connection.prepare_cached("DELETE FROM happenings WHERE number = ?1")?.execute([number])?;
        }
    }
    let (cause, address) = likeness.as_ref().map(|like| (like.cause, like.address.as_deref())).unzip();
    connection.prepare_cached(INSERT)?.execute(params![
        owner,
        id,
        *class as u8,
        at,
        since,
        count,
        text,
        cause,
        address.flatten(),
        body
    ])?;
    connection.prepare_cached(TRIM)?.execute(params![owner, id, *class as u8, bounds.per_id_max])?;
    Ok(())
}

/// The oldest go that are too many, and a few of those that are too old.
fn forget(connection: &Connection, class: HappeningClass, total_max: u64, forget_before: i64) -> Result<()> {
    let class = class as u8;
    let total: i64 = connection
        .prepare_cached("SELECT total FROM happening_counts WHERE class = ?1")?
        .query_row([class], |row| row.get(0))?;
    let surplus = total.saturating_sub_unsigned(total_max);
    if surplus > 0 {
        connection.prepare_cached(DROP_OLDEST)?.execute(params![class, surplus])?;
    }
    connection.prepare_cached(DROP_OLD)?.execute(params![class, FORGOTTEN_AT_ONCE, forget_before])?;
    Ok(())
}

const FIND_ALIKE: &str = "SELECT number, since, count FROM happenings
    WHERE owner = ?1 AND id = ?2 AND likeness = ?3 AND at >= ?4 ORDER BY number DESC LIMIT 1";
const INSERT: &str = "INSERT INTO happenings (owner, id, class, at, since, count, likeness, cause, address, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const TRIM: &str = "DELETE FROM happenings WHERE owner = ?1 AND id = ?2 AND class = ?3 AND number <= (
    SELECT number FROM happenings WHERE owner = ?1 AND id = ?2 AND class = ?3 ORDER BY number DESC LIMIT 1 OFFSET ?4)";
const DROP_OLDEST: &str = "DELETE FROM happenings WHERE number IN (
    SELECT number FROM happenings WHERE class = ?1 ORDER BY number LIMIT ?2)";
const DROP_OLD: &str = "DELETE FROM happenings WHERE number IN (
    SELECT number FROM (SELECT number, at FROM happenings WHERE class = ?1 ORDER BY number LIMIT ?2) WHERE at < ?3)";
