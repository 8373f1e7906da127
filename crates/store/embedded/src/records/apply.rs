//! Carrying out changes inside the writer's transaction.

use roadstead_model::DisconnectReason;
use roadstead_store::Expect;
use rusqlite::{Connection, OptionalExtension, Result, params, types::Value};

use super::{
    apply_happening, apply_issued, apply_message, apply_revision,
    change::{Change, Delete, Key, Put},
    table::Table,
};

/// Carries out the changes of one batch in order. `Some(index)`: that change did not find what it expected; the caller
/// undoes those before it.
pub(super) fn apply_batch(connection: &Connection, run: i64, changes: &[Change]) -> Result<Option<usize>> {
    for (index, change) in changes.iter().enumerate() {
        let found = match change {
            Change::Put(put) if put.table == Table::Devices => apply_device(connection, put)?,
            Change::Put(put) if put.table == Table::Modules => {
                device_exists(connection, &put.key)? && apply_put(connection, put)?
            }
            Change::Put(put) if put.table == Table::Twins => apply_twin(connection, put)?,
            Change::Put(put) => apply_put(connection, put)?,
            Change::Delete(delete) => apply_delete(connection, delete)?,
            Change::ForgetHub(hub) => {
                connection.prepare_cached("DELETE FROM deleted_hubs WHERE hub = ?1")?.execute([hub])?;
                true
            }
            Change::Audit { body, kept_max } => {
                connection.prepare_cached("INSERT INTO audit (body) VALUES (?1)")?.execute([body])?;
                let oldest = connection.last_insert_rowid().saturating_sub_unsigned(*kept_max);
                connection.prepare_cached("DELETE FROM audit WHERE number <= ?1")?.execute([oldest])?;
                true
            }
            Change::Subscriptions(table, Key { scope, name }, body) => {
                connection.prepare_cached(set_subscriptions(*table))?.execute(params![scope, name, body])?;
                true
            }
            Change::Presence(table, Key { scope, name }, presence) => {
                if connection.prepare_cached(&table.statements().exists)?.exists(params![scope, name])? {
                    let connected = presence.connected.then_some(run);
                    let [updated, active] = [presence.updated, presence.last_activity].map(|at| at.map(|at| at.0));
                    connection.prepare_cached(PUT_PRESENCE)?.execute(params![
                        scope,
                        name,
                        connected,
                        updated,
                        active,
                        presence.reason.map(DisconnectReason::as_str),
                        presence.model_id
                    ])?;
                }
                true
            }
            Change::Activity { hub, heard } => {
                let mut statement = connection.prepare_cached(PUT_ACTIVITY)?;
                for (identity, at) in heard {
                    statement.execute(params![hub, identity, at])?;
                }
                true
            }
            Change::Enqueue { device, expires, body, depth_max } => {
                apply_message::enqueue(connection, device, *expires, body, *depth_max)?
            }
            Change::Message { device, sequence, expires, body } => {
                apply_message::put(connection, device, *sequence, *expires, body)?
            }
            Change::DeleteMessage { device, sequence } => apply_message::delete(connection, device, *sequence)?,
            Change::Feedback { hub, body } => apply_message::add_told(connection, "feedback", hub, body)?,
            Change::DeleteFeedback { hub, numbers } => {
                apply_message::delete_told(connection, "feedback", hub, numbers)?
            }
            Change::RememberUpload { hub, upload, until, now } => {
                apply_message::remember_upload(connection, hub, upload, *until, *now)?
            }
            Change::FileNotification { hub, body } => {
                apply_message::add_told(connection, "file_notifications", hub, body)?
            }
            Change::DeleteFileNotifications { hub, numbers } => {
                apply_message::delete_told(connection, "file_notifications", hub, numbers)?
            }
            Change::TwinRevision { of, body, bounds } => {
                apply_revision::add(connection, of, body, bounds)?;
                true
            }
            Change::Happenings(entries, bounds) => {
                apply_happening::add(connection, entries, bounds)?;
                true
            }
            Change::Issued(issued, bounds) => apply_issued::add(connection, issued, bounds)?,
        };
        if !found {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

const PUT_PRESENCE: &str = "INSERT INTO presence (hub, identity, connected, updated, last_activity, reason, model)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (hub, identity) DO UPDATE
    SET connected = ?3, updated = ?4, last_activity = ?5, reason = ?6, model = ?7";

const PUT_ACTIVITY: &str = "UPDATE presence SET last_activity = ?3 WHERE hub = ?1 AND identity = ?2";

fn set_subscriptions(table: Table) -> &'static str {
    match table {
        Table::Modules => "UPDATE modules SET subscriptions = ?3 WHERE hub = ?1 AND identity = ?2",
        _ => "UPDATE devices SET subscriptions = ?3 WHERE hub = ?1 AND device = ?2",
    }
}

fn is_module(name: &Value) -> bool {
    matches!(name, Value::Text(identity) if identity.contains('/'))
}

/// Whether the device of a module is there.
fn device_exists(connection: &Connection, Key { scope, name }: &Key) -> Result<bool> {
    let device = match name {
        Value::Text(identity) => identity.split('/').next(),
        _ => None,
    };
    connection.prepare_cached(&Table::Devices.statements().exists)?.exists(params![scope, device])
}

fn apply_put(connection: &Connection, put: &Put) -> Result<bool> {
    let Put { table, key: Key { scope, name }, extra, version, body, expect } = put;
    let statements = table.statements();
    let written = match expect {
        Expect::Absent => {
            connection.prepare_cached(&statements.insert)?.execute(params![scope, name, extra, version, body])?
        }
        Expect::Any => {
            connection.prepare_cached(&statements.upsert)?.execute(params![scope, name, extra, version, body])?
        }
        Expect::Present | Expect::Etag(_) | Expect::Version(_) => connection
            .prepare_cached(&statements.update)?
            .execute(params![scope, name, extra, version, body, expected(expect)])?,
    };
    Ok(written == 1)
}

/// The values of a twin's tags are kept where queries find them.
fn apply_twin(connection: &Connection, put: &Put) -> Result<bool> {
    let Put { key: Key { scope, name }, body, .. } = put;
    let same = "SELECT body -> '$.tags' = ?3 -> '$.tags' FROM twins WHERE hub = ?1 AND identity = ?2";
    let before: Option<bool> =
        connection.prepare_cached(same)?.query_row(params![scope, name, body], |row| row.get(0)).optional()?;
    if !apply_put(connection, put)? {
        return Ok(false);
    }
    if before == Some(false) {
        connection.prepare_cached(DELETE_TAG_VALUES)?.execute(params![scope, name])?;
    }
    if before != Some(true) {
        connection.prepare_cached(PUT_TAG_VALUES)?.execute(params![scope, name, body])?;
    }
    Ok(true)
}

const DELETE_TAG_VALUES: &str = "DELETE FROM tag_values WHERE hub = ?1 AND identity = ?2";
const PUT_TAG_VALUES: &str = "INSERT INTO tag_values (hub, path, value, identity)
    SELECT ?1, replace(substr(fullkey, 8), '\"', ''),
        CASE type WHEN 'text' THEN atom ELSE CAST(atom AS REAL) END, ?2
    FROM json_tree(?3, '$.tags')
    WHERE type IN ('text', 'integer', 'real') AND octet_length(atom) <= 256
    ON CONFLICT DO NOTHING";

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
    if *table == Table::Modules && !is_module(name) {
        return Ok(false);
    }
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
                .prepare_cached("DELETE FROM messages WHERE hub = ?1 AND device = ?2")?
                .execute(params![scope, name])?;
            for sql in [
                "DELETE FROM modules WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0'",
                "DELETE FROM twins WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0'",
                "DELETE FROM tag_values WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0'",
                "DELETE FROM presence WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0'",
            ] {
                connection.prepare_cached(sql)?.execute(params![scope, name])?;
            }
            apply_revision::forget_device(connection, key)?;
            delete_identity(connection, key)?;
        }
        Table::Modules => delete_identity(connection, key)?,
        Table::Principals => {
            connection.prepare_cached("DELETE FROM assignments WHERE principal = ?1")?.execute([name])?;
        }
        Table::Hubs => {
            for table in [
                "devices",
                "device_counts",
                "modules",
                "twins",
                "twin_revisions",
                "twin_revision_bytes",
                "tag_values",
                "presence",
                "messages",
                "feedback",
                "file_notifications",
                "ended_uploads",
            ] {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE hub = ?1"))?.execute([name])?;
            }
            connection.prepare_cached("INSERT OR IGNORE INTO deleted_hubs (hub) VALUES (?1)")?.execute([name])?;
        }
        Table::Dps => {
            for table in ["enrollments", "enrollment_groups", "registrations", "issued"] {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE scope = ?1"))?.execute([name])?;
            }
        }
        _ => {}
    }
    if let Some(owner) = owner {
        connection.prepare_cached("DELETE FROM certificates WHERE owner = ?1")?.execute([owner])?;
        connection.prepare_cached("DELETE FROM assignments WHERE scope = ?1")?.execute([owner])?;
        apply_happening::delete(connection, owner)?;
    }
    Ok(true)
}

/// What belongs to an identity itself, apart from its own record.
fn delete_identity(connection: &Connection, Key { scope, name }: &Key) -> Result<()> {
    for sql in [
        "DELETE FROM twins WHERE hub = ?1 AND identity = ?2",
        "DELETE FROM presence WHERE hub = ?1 AND identity = ?2",
        DELETE_TAG_VALUES,
    ] {
        connection.prepare_cached(sql)?.execute(params![scope, name])?;
    }
    apply_revision::forget(connection, &Key { scope: scope.clone(), name: name.clone() })
}

fn expected(expect: &Expect) -> Option<String> {
    match expect {
        Expect::Etag(etag) => Some(etag.as_str().to_owned()),
        Expect::Version(version) => Some(version.to_string()),
        Expect::Absent | Expect::Present | Expect::Any => None,
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
