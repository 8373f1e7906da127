//! What is kept of twins' past, within bounds.

use roadstead_store::RevisionBounds;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{change::Key, limits::REVISIONS_FORGOTTEN_AT_ONCE};

pub(super) fn add(connection: &Connection, of: &Key, body: &str, bounds: &RevisionBounds) -> Result<()> {
    let Key { scope: hub, name: identity } = of;
    connection.prepare_cached(INSERT)?.execute(params![hub, identity, body])?;
    connection.prepare_cached(TRIM)?.execute(params![hub, identity, bounds.per_identity_max])?;
    for _ in 0..REVISIONS_FORGOTTEN_AT_ONCE {
        let bytes: Option<i64> = connection.prepare_cached(BYTES)?.query_row([hub], |row| row.get(0)).optional()?;
        if bytes.unwrap_or(0) <= i64::try_from(bounds.hub_bytes_max).unwrap_or(i64::MAX) {
            break;
        }
        connection.prepare_cached(DROP_OLDEST)?.execute([hub])?;
    }
    Ok(())
}

/// Of a device, with those of its modules.
pub(super) fn forget_device(connection: &Connection, Key { scope, name }: &Key) -> Result<()> {
    connection.prepare_cached(FORGET_MODULES)?.execute(params![scope, name]).map(drop)
}

/// Of one identity.
pub(super) fn forget(connection: &Connection, Key { scope, name }: &Key) -> Result<()> {
    connection.prepare_cached(FORGET)?.execute(params![scope, name]).map(drop)
}

const INSERT: &str = "INSERT INTO twin_revisions (hub, identity, body) VALUES (?1, ?2, ?3)";
const TRIM: &str = "DELETE FROM twin_revisions WHERE hub = ?1 AND identity = ?2 AND number <= (
    SELECT number FROM twin_revisions WHERE hub = ?1 AND identity = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)";
const BYTES: &str = "SELECT bytes FROM twin_revision_bytes WHERE hub = ?1";
const DROP_OLDEST: &str = "DELETE FROM twin_revisions WHERE number = (
    SELECT number FROM twin_revisions WHERE hub = ?1 ORDER BY number LIMIT 1)";
const FORGET: &str = "DELETE FROM twin_revisions WHERE hub = ?1 AND identity = ?2";
const FORGET_MODULES: &str =
    "DELETE FROM twin_revisions WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0'";
