//! Connections to the database file and what each is set to.

use std::{path::Path, time::Duration};

use roadstead_store::SealKey;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use super::limits;
use crate::{directory::private_options, error::OpenError, schema};

/// Opens the database for writing, making it when there is none, and checks that it was written by this program or an
/// earlier one, with this key. Reads no records.
pub(super) fn open_database(path: &Path, key: &SealKey) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { database: path.to_owned(), source };
    // SQLite gives its other files the mode of this one.
    private_options()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let mut connection = open_writer(path).map_err(failed)?;
    if schema::version(&connection, path)? != schema::LATEST {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let from = schema::version(&transaction, path)?;
        schema::migrate(&transaction, from).map_err(failed)?;
        if from == 0 {
            write_fingerprint(&transaction, key).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    match read_fingerprint(&connection).map_err(failed)? {
        Some(found) if found == key.fingerprint() => Ok(connection),
        _ => Err(OpenError::KeyWrong { database: path.to_owned() }),
    }
}

const FINGERPRINT: &str = "key_fingerprint";

fn write_fingerprint(connection: &Connection, key: &SealKey) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
    connection.execute(sql, (FINGERPRINT, key.fingerprint())).map(drop)
}

fn read_fingerprint(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE name = ?1", [FINGERPRINT], |row| row.get(0)).optional()
}

/// A connection of which every commit is on the disk before it returns.
pub(super) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where fsync does not reach the disk (macOS); elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    // What a savepoint can undo stays in memory: a batch is small.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -limits::WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", limits::LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", limits::LOG_BYTES_KEPT)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "cache_size", -limits::READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // No mutex: a connection is used by one thread at a time, which `&mut` and the pool see to.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_millis(limits::BUSY_MS))?;
    connection.set_prepared_statement_cache_capacity(limits::STATEMENTS_KEPT);
    Ok(connection)
}
