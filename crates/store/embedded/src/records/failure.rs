//! What SQLite's errors mean to those who use the port.

use roadstead_store::StoreError;
use rusqlite::{Error, ErrorCode};

/// A failed read.
pub(super) fn unread(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Unreadable(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// A failed write of which nothing was kept.
pub(super) fn refused(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(error.to_string()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Unreadable(error.to_string()),
        _ => StoreError::Unavailable(format!("{error} (nothing was written)")),
    }
}

/// A failed commit: when the disk was full, nothing was kept; else nobody knows until the next start.
pub(super) fn in_doubt(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(error.to_string()),
        _ => StoreError::Unavailable(format!("{error} (whether it was written is not known)")),
    }
}
