//! What the engine says when the store refuses.

use object_store::Error;
use roadstead_store::{BlobError, StoreError};

pub(crate) fn failed(error: Error) -> BlobError {
    let text = format!("the object store: {error}");
    BlobError::Store(match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::InvalidPath { .. } => {
            StoreError::Unreadable(text)
        }
        _ => StoreError::Unavailable(text),
    })
}

/// `None` when there is no such object.
pub(crate) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, BlobError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
