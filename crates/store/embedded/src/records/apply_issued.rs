//! Certificates that CAs issued, and the room they have.

use roadstead_store::IssuedBounds;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::limits::ENDED_AT_ONCE;

/// An issued certificate, ready for the database.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) scope: String,
    /// Of the CA's own certificate: whose it is, and its name.
    pub(super) owner: String,
    pub(super) certificate: String,
    /// That name in lower case.
    pub(super) ca: String,
    pub(super) name: String,
    pub(super) ends: i64,
    pub(super) body: String,
}

/// Whether the CA is there and has room.
pub(super) fn add(connection: &Connection, issued: &Issued, bounds: &IssuedBounds) -> Result<bool> {
    let Issued { scope, owner, certificate, ca, name, ends, body } = issued;
    let ca_exists = "SELECT 1 FROM certificates WHERE owner = ?1 AND name = ?2";
    if !connection.prepare_cached(ca_exists)?.exists(params![owner, certificate])? {
        return Ok(false);
    }
    connection.prepare_cached(FORGET)?.execute(params![scope, bounds.forget_before.0, ENDED_AT_ONCE])?;
    if count(connection, scope, ca)? >= bounds.per_ca_max {
        connection.prepare_cached(DROP_ENDED)?.execute(params![scope, ca, bounds.now.0, ENDED_AT_ONCE])?;
        if count(connection, scope, ca)? >= bounds.per_ca_max {
            return Ok(false);
        }
    }
    connection.prepare_cached(INSERT)?.execute(params![scope, ca, name, ends, body])?;
    Ok(true)
}

/// How many are noted of a CA.
pub(super) fn count(connection: &Connection, scope: &str, ca: &str) -> Result<u64> {
    let total: Option<i64> =
        connection.prepare_cached(COUNT)?.query_row(params![scope, ca], |row| row.get(0)).optional()?;
    Ok(u64::try_from(total.unwrap_or(0)).unwrap_or(0))
}

pub(super) const COUNT: &str = "SELECT total FROM issued_counts WHERE scope = ?1 AND ca = ?2";
const INSERT: &str = "INSERT INTO issued (scope, ca, name, ends, body) VALUES (?1, ?2, ?3, ?4, ?5)";
const FORGET: &str = "DELETE FROM issued WHERE number IN (
    SELECT number FROM issued WHERE scope = ?1 AND ends < ?2 ORDER BY ends LIMIT ?3)";
const DROP_ENDED: &str = "DELETE FROM issued WHERE number IN (
    SELECT number FROM issued WHERE scope = ?1 AND ca = ?2 AND ends < ?3 ORDER BY ends LIMIT ?4)";
