//! Entries of journals, and the room they have.

use std::collections::BTreeSet;

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

/// How many more entries of each class there are than before.
#[derive(Debug, Default)]
struct Balance([i64; HappeningClass::ALL.len()]);

impl Balance {
    fn add(&mut self, class: HappeningClass, rows: usize) {
        self.0[class as usize] = self.0[class as usize].saturating_add_unsigned(rows as u64);
    }

    fn take(&mut self, class: HappeningClass, rows: usize) {
        self.0[class as usize] = self.0[class as usize].saturating_sub_unsigned(rows as u64);
    }

    /// Puts it to the totals.
    fn book(&self, connection: &Connection) -> Result<()> {
        for (class, more) in HappeningClass::ALL.into_iter().zip(self.0) {
            if more != 0 {
                connection.prepare_cached(BOOK)?.execute(params![class as u8, more])?;
            }
        }
        Ok(())
    }
}

/// Adds entries in order, then lets go what is too much.
pub(super) fn add(connection: &Connection, entries: &[Entry], bounds: &JournalBounds) -> Result<()> {
    let mut balance = Balance::default();
    for entry in entries {
        add_one(connection, entry, bounds, &mut balance)?;
    }
    let touched: BTreeSet<_> = entries.iter().map(|entry| (&entry.owner, &entry.id, entry.class as u8)).collect();
    for class in HappeningClass::ALL {
        let number = class as u8;
        let mut trim = connection.prepare_cached(TRIM)?;
        for (owner, id, _) in touched.iter().filter(|(.., of)| *of == number) {
            balance.take(class, trim.execute(params![owner, id, number, bounds.per_id_max])?);
        }
    }
    for (class, total_max) in HappeningClass::ALL.into_iter().zip(bounds.totals_max) {
        if touched.iter().any(|(.., of)| *of == class as u8) {
            forget(connection, class, total_max, bounds.forget_before.0, &mut balance)?;
        }
    }
    balance.book(connection)
}

/// Removes all entries of a hub or DPS instance, those of its back ends, too.
pub(super) fn delete(connection: &Connection, owner: &str) -> Result<()> {
    let mut balance = Balance::default();
    for class in HappeningClass::ALL {
        let mut statement = connection
            .prepare_cached("DELETE FROM happenings WHERE owner IN (?1, ?1 || '/services') AND class = ?2")?;
        balance.take(class, statement.execute(params![owner, class as u8])?);
    }
    balance.book(connection)
}

fn add_one(connection: &Connection, entry: &Entry, bounds: &JournalBounds, balance: &mut Balance) -> Result<()> {
    let Entry { owner, id, class, at, likeness, body, .. } = entry;
    let (mut since, mut count) = (entry.since, entry.count);
    let text = likeness.as_ref().map(Likeness::text);
    if let Some(text) = &text {
        let earliest = entry.since.saturating_sub(bounds.alike_ms);
        let alike: Option<(i64, i64, i64)> = connection
            .prepare_cached(FIND_ALIKE)?
            .query_row(params![owner, id, *class as u8, text, earliest], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        if let Some((number, first, before)) = alike {
            (since, count) = (since.min(first), count.saturating_add(before));
            let mut replaced = connection.prepare_cached("DELETE FROM happenings WHERE number = ?1")?;
            balance.take(*class, replaced.execute([number])?);
        }
    }
    let (cause, address) = likeness.as_ref().map(|like| (like.cause, like.address.as_deref())).unzip();
    let added = connection.prepare_cached(INSERT)?.execute(params![
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
    balance.add(*class, added);
    Ok(())
}

/// The oldest go that are too many, and a few of those that are too old.
fn forget(
    connection: &Connection,
    class: HappeningClass,
    total_max: u64,
    forget_before: i64,
    balance: &mut Balance,
) -> Result<()> {
    let number = class as u8;
    let booked: i64 = connection
        .prepare_cached("SELECT total FROM happening_counts WHERE class = ?1")?
        .query_row([number], |row| row.get(0))?;
    let surplus = booked.saturating_add(balance.0[class as usize]).saturating_sub_unsigned(total_max);
    if surplus > 0 {
        balance.take(class, connection.prepare_cached(DROP_OLDEST)?.execute(params![number, surplus])?);
    }
    let old = connection.prepare_cached(DROP_OLD)?.execute(params![number, FORGOTTEN_AT_ONCE, forget_before])?;
    balance.take(class, old);
    Ok(())
}

const BOOK: &str = "UPDATE happening_counts SET total = total + ?2 WHERE class = ?1";
const FIND_ALIKE: &str = "SELECT number, since, count FROM happenings
    WHERE owner = ?1 AND id = ?2 AND class = ?3 AND likeness = ?4 AND at >= ?5 ORDER BY number DESC LIMIT 1";
const INSERT: &str = "INSERT INTO happenings (owner, id, class, at, since, count, likeness, cause, address, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const TRIM: &str = "DELETE FROM happenings WHERE owner = ?1 AND id = ?2 AND class = ?3 AND number <= (
    SELECT number FROM happenings WHERE owner = ?1 AND id = ?2 AND class = ?3 ORDER BY number DESC LIMIT 1 OFFSET ?4)";
const DROP_OLDEST: &str = "DELETE FROM happenings WHERE number IN (
    SELECT number FROM happenings WHERE class = ?1 ORDER BY number LIMIT ?2)";
const DROP_OLD: &str = "DELETE FROM happenings WHERE number IN (
    SELECT number FROM (SELECT number, at FROM happenings WHERE class = ?1 ORDER BY number LIMIT ?2) WHERE at < ?3)";

#[cfg(test)]
mod tests {
    use roadstead_model::UnixMillis;

    use super::*;

    fn entry(owner: &str, id: u8, class: HappeningClass, at: u8) -> Entry {
        let at = i64::from(at);
        let likeness = (class == HappeningClass::Refusal).then(|| Likeness {
            cause: ["wrongKey", "tokenExpired"][usize::from(id % 2)],
            protocol: "mqtt",
            address: None,
        });
        let (owner, id) = (owner.to_owned(), id.to_string());
        Entry { owner, id, class, at, since: at, count: 1, likeness, body: "{}".to_owned() }
    }

    /// Whatever was added, counted as one, trimmed, forgotten or deleted.
    #[test]
    fn totals_are_what_is_there() {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&connection, 0).unwrap();
        let bounds =
            JournalBounds { per_id_max: 3, totals_max: [7, 9, 11, 5], forget_before: UnixMillis(40), alike_ms: 5 };
        let mut seen = BTreeSet::new();
        for at in 0..200_u8 {
            let owner = ["hub/a", "hub/b", "dps/c"][usize::from(at % 3)];
            let classes = HappeningClass::ALL.into_iter().cycle().take(usize::from(at % 7));
            let entries: Vec<_> = classes.map(|class| entry(owner, at % 5, class, at)).collect();
            add(&connection, &entries, &bounds).unwrap();
            if at % 50 == 49 {
                delete(&connection, owner).unwrap();
            }
            for class in HappeningClass::ALL {
                let sql = "SELECT total, (SELECT count(*) FROM happenings WHERE class = ?1) FROM happening_counts WHERE class = ?1";
                let (total, there): (i64, i64) =
                    connection.query_row(sql, [class as u8], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                assert_eq!(total, there, "{class:?} after {at}");
                assert!(there <= bounds.totals_max[class as usize].cast_signed(), "{class:?} after {at}");
                seen.insert(there);
            }
        }
        assert!(seen.len() > 5, "the bounds leave nothing to count: {seen:?}");
    }
}
