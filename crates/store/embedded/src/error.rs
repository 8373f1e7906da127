//! Why a data directory cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use roadstead_store::StoreError;
use thiserror::Error;

/// What stands in the way of opening; each message names the path and, where there is one, the way out.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("{} is in use by {}", path.display(), owner(*pid))]
    Locked { path: PathBuf, pid: Option<u32> },
    #[error(
        "{} is missing, but {} holds secrets sealed with it: put the key file back, without it they cannot be read",
        key.display(),
        database.display()
    )]
    KeyMissing { key: PathBuf, database: PathBuf },
    #[error("{} is not a key: it must hold base64 of 32 bytes", key.display())]
    KeyMalformed { key: PathBuf },
    #[error("{} was written with another key than the one given: put the right key back", database.display())]
    KeyWrong { database: PathBuf },
    #[error(
        "{} was written by a later version of Roadstead (schema {found}, this program knows up to {known})",
        database.display()
    )]
    Newer { database: PathBuf, found: i64, known: u32 },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", database.display())]
    Database { database: PathBuf, source: rusqlite::Error },
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// What an engine says when the file system refuses.
pub(crate) fn unusable(path: &Path, error: &io::Error) -> StoreError {
    let text = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(text),
        io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => {
            StoreError::Unreadable(text)
        }
        _ => StoreError::Unavailable(text),
    }
}
