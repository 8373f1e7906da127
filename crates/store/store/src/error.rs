//! What can go wrong below a port.

use thiserror::Error;

/// Absence is `Ok(None)`; a lost race is [`StoreError::Conflict`]; only surprises are the rest.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The write numbered `index` in its batch did not find what it expected. Nothing of the batch was written.
    #[error("the stored record changed in the meantime (write {index} of the batch)")]
    Conflict { index: usize },
    /// No room for more: the disk is full or a quota is reached. Nothing of the batch was written.
    #[error("no room to store more: {0}")]
    Full(String),
    /// The request asks for more than any answer may hold; a smaller one can succeed.
    #[error("{0}")]
    TooMuch(String),
    /// The engine cannot answer now; the same call may succeed later. Whether the batch was written is not known
    /// unless the engine says so in the text.
    #[error("storage is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read: damaged, or of a later version of Roadstead.
    #[error("stored data cannot be read: {0}")]
    Unreadable(String),
}
