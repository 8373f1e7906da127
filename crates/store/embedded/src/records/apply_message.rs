//! Carrying out changes of message queues, of feedback and of what is told of uploads.

use rusqlite::{Connection, OptionalExtension, Result, params, types::Value};

use super::change::Key;

/// Whether there is such a device with room in its queue; then the message is in it.
pub(super) fn enqueue(
    connection: &Connection,
    Key { scope, name }: &Key,
    expires: i64,
    body: &str,
    depth_max: u32,
) -> Result<bool> {
    let next = "UPDATE devices SET queued = queued + 1, sequence = sequence + 1
        WHERE hub = ?1 AND device = ?2 AND queued < ?3 RETURNING sequence";
    let sequence: Option<i64> =
        connection.prepare_cached(next)?.query_row(params![scope, name, depth_max], |row| row.get(0)).optional()?;
    let Some(sequence) = sequence else { return Ok(false) };
    let insert = "INSERT INTO messages (hub, device, sequence, expires, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(insert)?.execute(params![scope, name, sequence, expires, body])?;
    Ok(true)
}

/// Whether the message still waited; then it is replaced.
pub(super) fn put(
    connection: &Connection,
    Key { scope, name }: &Key,
    sequence: i64,
    expires: i64,
    body: &str,
) -> Result<bool> {
    let sql = "UPDATE messages SET expires = ?4, body = ?5 WHERE hub = ?1 AND device = ?2 AND sequence = ?3";
    Ok(connection.prepare_cached(sql)?.execute(params![scope, name, sequence, expires, body])? == 1)
}

/// Whether the message still waited; then it is gone.
pub(super) fn delete(connection: &Connection, Key { scope, name }: &Key, sequence: i64) -> Result<bool> {
    let sql = "DELETE FROM messages WHERE hub = ?1 AND device = ?2 AND sequence = ?3";
    if connection.prepare_cached(sql)?.execute(params![scope, name, sequence])? == 0 {
        return Ok(false);
    }
    let count = "UPDATE devices SET queued = queued - 1 WHERE hub = ?1 AND device = ?2";
    connection.prepare_cached(count)?.execute(params![scope, name])?;
    Ok(true)
}

/// Whether the end of the upload was not told before.
pub(super) fn remember_upload(
    connection: &Connection,
    hub: &Value,
    upload: &str,
    until: i64,
    now: i64,
) -> Result<bool> {
    connection
        .prepare_cached("DELETE FROM ended_uploads WHERE hub = ?1 AND until <= ?2")?
        .execute(params![hub, now])?;
    let insert = "INSERT INTO ended_uploads (hub, upload, until) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(connection.prepare_cached(insert)?.execute(params![hub, upload, until])? == 1)
}

/// Into one of the tables of what back ends are told.
pub(super) fn add_told(connection: &Connection, table: &str, hub: &Value, body: &str) -> Result<bool> {
    let sql = format!("INSERT INTO {table} (hub, body) VALUES (?1, ?2)");
    connection.prepare_cached(&sql)?.execute(params![hub, body])?;
    Ok(true)
}

pub(super) fn delete_told(connection: &Connection, table: &str, hub: &Value, numbers: &[u64]) -> Result<bool> {
    let sql = format!("DELETE FROM {table} WHERE hub = ?1 AND number = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    for number in numbers {
        statement.execute(params![hub, number.cast_signed()])?;
    }
    Ok(true)
}
