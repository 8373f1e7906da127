//! Where Roadstead keeps things, as three ports: [`Records`], [`EventLog`] and [`Blobs`].
//!
//! Owns the promises every engine must keep and the suites that hold them to it ([`suite`]), the stored form of each
//! record ([`stored`], versioned, secrets sealed) and of each event ([`event`]). Refuses to know any driver, and what the
//! records mean. Another port of the design, `Signals` (who owns which live session), comes with the second node.

pub mod blob;
pub mod blob_path;
pub mod commits;
pub mod error;
pub mod event;
pub mod event_log;
pub mod issued;
pub mod limits;
pub mod query;
pub mod quota;
pub mod records;
pub mod seal;
pub mod stored;
pub mod suite;

pub use blob::{
    BlobChunks, BlobCondition, BlobError, BlobInfo, BlobProperties, BlobRead, BlobWriter, Blobs, BlockWriter,
    ByteRange, ListedBlob, WaitingBlock,
};
pub use blob_path::{BlobPath, BlobPathError, BlockId, BlockIdError};
pub use commits::{Commits, Ticket};
pub use error::StoreError;
pub use event::{EventView, StoredEvent};
pub use event_log::{Bounds, EventLog, HubLog, Partition, Retention};
pub use issued::IssuedPosition;
pub use query::QueryRow;
pub use quota::Quota;
pub use records::{
    DeviceCounts, EnrollmentCounts, Expect, IdentityRecord, IssuedBounds, JournalBounds, Page, Records, RefusalFilter,
    RevisionBounds, SessionRecord, Write,
};
pub use seal::{SealKey, Sealer};
pub use stored::{Place, Stored, Vault};
