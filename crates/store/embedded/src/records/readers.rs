//! Connections that read.

use std::path::PathBuf;

use parking_lot::Mutex;
use roadstead_store::StoreError;
use rusqlite::Connection;

use super::{connection::open_reader, failure, limits};

/// Reader connections, opened when needed. A read holds one without ever waiting in between, so there are never more than
/// threads that read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads on a connection of its own, which sees all that was committed before.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(|error| failure::unread(&error))?,
        };
        let result = read(&connection);
        if !matches!(result, Err(ReadError::Engine(_))) {
            let mut idle = self.idle.lock();
            if idle.len() < limits::IDLE_READERS_MAX {
                idle.push(connection);
            }
        }
        result.map_err(|error| match error {
            ReadError::Engine(error) => failure::unread(&error),
            ReadError::Record(error) => error,
        })
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        self.idle.lock().clear();
    }
}

/// Why a read failed: the engine, after which its connection is not trusted, or a record that cannot be read.
pub(super) enum ReadError {
    Engine(rusqlite::Error),
    Record(StoreError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Record(error)
    }
}
