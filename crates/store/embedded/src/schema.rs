//! The database's schema and how an older one becomes it.

use std::path::Path;

use rusqlite::Connection;

use crate::error::OpenError;

/// Each brings the schema one version up; `user_version` says how many were applied. Only ever add at the end.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/001_records.sql"),
    include_str!("schema/002_identities.sql"),
    include_str!("schema/003_tag_values.sql"),
    include_str!("schema/004_file_notifications.sql"),
    include_str!("schema/005_disconnect_reason.sql"),
    include_str!("schema/006_ended_uploads.sql"),
    include_str!("schema/007_principals.sql"),
    include_str!("schema/008_deleted_hubs.sql"),
    include_str!("schema/009_happenings.sql"),
    include_str!("schema/010_happenings_by_class.sql"),
    include_str!("schema/011_issued.sql"),
    include_str!("schema/012_twin_revisions.sql"),
    include_str!("schema/013_service_refusals.sql"),
];

/// The version this program writes.
pub(crate) const LATEST: u32 = MIGRATIONS.len() as u32;

/// The version of an open database; 0 for a new one. Errors: `Newer`; `Database`.
pub(crate) fn version(connection: &Connection, database: &Path) -> Result<u32, OpenError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| OpenError::Database { database: database.to_owned(), source })?;
    match u32::try_from(found) {
        Ok(version) if version <= LATEST => Ok(version),
        _ => Err(OpenError::Newer { database: database.to_owned(), found, known: LATEST }),
    }
}

/// Applies what is missing to a database of version `from`. The caller commits.
pub(crate) fn migrate(connection: &Connection, from: u32) -> rusqlite::Result<()> {
    for migration in MIGRATIONS.iter().skip(from as usize) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "user_version", LATEST)
}
