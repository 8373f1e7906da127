//! Roadstead's default storage: everything in one data directory, for one process.
//!
//! Owns the directory and its lock ([`DataDirectory`]), the key under which secrets are sealed (`secrets.key`), the records
//! (`records.db`, SQLite: [`EmbeddedRecords`]), the events (`events/`, segment files: [`EmbeddedEventLog`]) and uploaded files
//! (`blobs/`: [`EmbeddedBlobs`]). Refuses a second process, a database of a later version, and a database whose key is
//! missing. Knows nothing of what the records mean.

pub mod blobs;
mod directory;
mod error;
mod key;
pub mod log;
mod records;
mod schema;

pub use blobs::EmbeddedBlobs;
pub use directory::DataDirectory;
pub use error::OpenError;
pub use log::EmbeddedEventLog;
pub use records::EmbeddedRecords;
