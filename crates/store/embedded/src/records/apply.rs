//! Carrying out changes inside the writer's transaction.

use roadstead_model::Etag;
use roadstead_store::Expect;
use rusqlite::{Connection, OptionalExtension, Result, params, types::Value};

use super::{
    change::{Change, Delete, Key, Put},
    table::Table,
};

/// Carries out the changes of one batch in order. `Some(index)`: that change did not find what it expected; the caller
/// undoes those before it.
pub(super) fn apply_batch(connection: &Connection, changes: &[Change]) -> Result<Option<usize>> {
    for (index, change) in changes.iter().enumerate() {
        let found = match change {
            Change::Put(put) if put.table == Table::Devices => apply_device(connection, put)?,
            Change::Put(put) => apply_put(connection, put)?,
            Change::Delete(delete) => apply_delete(connection, delete)?,
            Change::Subscriptions(Key { scope, name }, body) => {
                let sql = "UPDATE devices SET subscriptions = ?3 WHERE hub = ?1 AND device = ?2";
                connection.prepare_cached(sql)?.execute(params![scope, name, body])?;
                true
            }
        };
        if !found {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn apply_put(connection: &Connection, put: &Put) -> Result<bool> {
    let Put { table, key: Key { scope, name }, extra, etag, body, expect } = put;
    let statements = table.statements();
    let etag = etag.as_ref().map(Etag::as_str);
    let written = match expect {
        Expect::Absent => {
            connection.prepare_cached(&statements.insert)?.execute(params![scope, name, extra, etag, body])?
        }
        Expect::Any => {
            connection.prepare_cached(&statements.upsert)?.execute(params![scope, name, extra, etag, body])?
        }
        Expect::Present | Expect::Etag(_) => connection.prepare_cached(&statements.update)?.execute(params![
            scope,
            name,
            extra,
            etag,
            body,
            expected(expect)
        ])?,
    };
    Ok(written == 1)
}

/// A device is counted when it is put.
fn apply_device(connection: &Connection, put: &Put) -> Result<bool> {
    let before = find_enabled(connection, &put.key)?;
    let found = apply_put(connection, put)?;
    if found {
        count(connection, &put.key, before, Some(put.extra == Value::Integer(1)))?;
    }
    Ok(found)
}

/// What a removed record takes with it goes even if the record itself was not there: nothing of it may be left.
///
/// All of it goes in one transaction: some 20 µs for each device of a hub, during which no other commit gets through.
fn apply_delete(connection: &Connection, delete: &Delete) -> Result<bool> {
    let Delete { table, key, owner, expect } = delete;
    let Key { scope, name } = key;
    let statements = table.statements();
    if *expect == Expect::Absent {
        return Ok(!connection.prepare_cached(&statements.exists)?.exists(params![scope, name])?);
    }
    let enabled = if *table == Table::Devices { find_enabled(connection, key)? } else { None };
    let removed = connection.prepare_cached(&statements.delete)?.execute(params![scope, name, expected(expect)])?;
    if removed == 0 && *expect != Expect::Any {
        return Ok(false);
    }
    match table {
        Table::Devices => {
            count(connection, key, enabled, None)?;
            connection
                .prepare_cached("DELETE FROM twins WHERE hub = ?1 AND device = ?2")?
                .execute(params![scope, name])?;
        }
        Table::Hubs => {
            for table in ["devices", "device_counts", "twins"] {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE hub = ?1"))?.execute([name])?;
            }
        }
        Table::Dps => {
            for table in ["enrollments", "enrollment_groups", "registrations"] {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE scope = ?1"))?.execute([name])?;
            }
        }
        _ => {}
    }
    if let Some(owner) = owner {
        connection.prepare_cached("DELETE FROM certificates WHERE owner = ?1")?.execute([owner])?;
    }
    Ok(true)
}

fn expected(expect: &Expect) -> Option<&str> {
    match expect {
        Expect::Etag(etag) => Some(etag.as_str()),
        _ => None,
    }
}

/// Whether the device is enabled; `None` when there is no such device.
fn find_enabled(connection: &Connection, Key { scope, name }: &Key) -> Result<Option<bool>> {
    let sql = "SELECT enabled FROM devices WHERE hub = ?1 AND device = ?2";
    connection.prepare_cached(sql)?.query_row([scope, name], |row| row.get(0)).optional()
}

/// Keeps the hub's counts in step with one device that was, or was not, there and enabled before and after.
fn count(connection: &Connection, key: &Key, before: Option<bool>, after: Option<bool>) -> Result<()> {
    if before == after {
        return Ok(());
    }
    let total = i64::from(after.is_some()) - i64::from(before.is_some());
    let enabled = i64::from(after == Some(true)) - i64::from(before == Some(true));
    let sql = "INSERT INTO device_counts (hub, total, enabled) VALUES (?1, ?2, ?3)
        ON CONFLICT (hub) DO UPDATE SET total = total + ?2, enabled = enabled + ?3";
    connection.prepare_cached(sql)?.execute(params![key.scope, total, enabled]).map(drop)
}
