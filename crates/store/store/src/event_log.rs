//! The port for events: per hub, partitions of records that are appended and read in order.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use roadstead_model::{Event, HubKey, UnixMillis};

use crate::{
    commits::{Commits, Ticket},
    error::StoreError,
    event::StoredEvent,
};

/// A partition's number, from 0.
pub type Partition = u16;

/// How long events are kept. What is older than `age_ms`, or beyond `bytes_max` of the newest, may be dropped whole segments at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub age_ms: i64,
    pub bytes_max: u64,
}

/// What a partition holds: offsets from `first` up to, not including, `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    pub first: u64,
    pub next: u64,
}

/// The logs of all hubs of an installation.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Opens a hub's log, making it when there is none. Opening twice gives the same log.
    /// Errors: `Unreadable` only when the place itself cannot be used; damage inside is cut off or skipped and logged.
    async fn open(&self, hub: HubKey, partitions: u16, retention: Retention) -> Result<Arc<dyn HubLog>, StoreError>;
    /// Removes a hub's log and everything in it. Fine when there is none.
    async fn remove(&self, hub: HubKey) -> Result<(), StoreError>;
    /// Where the log lives, for messages to operators; `None` for engines without a directory.
    fn directory(&self) -> Option<PathBuf>;
}

/// One hub's log.
///
/// - An event is durable when [`Commits::wait`] on its ticket returns `Ok`. Never before is it readable.
/// - Per partition, offsets count from 0 without gaps in the order of `append` calls; a refused or failed event takes none
///   that was ever readable.
/// - `enqueued_at` never decreases within a partition.
/// - After a crash, everything that was durable is there, exactly once and in order; a torn tail is cut.
#[async_trait]
pub trait HubLog: Send + Sync {
    /// Queues an event for the next group commit. Never blocks on the disk.
    /// Errors: `Full` when too much waits already or the disk is full.
    fn append(&self, partition: Partition, event: &Event<'_>, now: UnixMillis) -> Result<Ticket, StoreError>;
    /// Why an event would be refused now; `None` when it would be taken. One that is taken may still fail with its batch.
    fn refusal(&self) -> Option<StoreError>;
    /// Tells when batches become durable.
    fn commits(&self) -> &Commits;
    /// How many partitions there are.
    fn partitions(&self) -> u16;
    /// Bytes that the log takes, about.
    fn bytes(&self) -> u64;
    /// What a partition holds now.
    fn bounds(&self, partition: Partition) -> Bounds;
    /// Durable events from `from` on, at most about `bytes_max` of them but at least one if there is one. An offset below
    /// `first` reads from `first`. Damaged ones are passed over. Errors: `Unreadable` when there are some and all are damaged.
    async fn read(&self, partition: Partition, from: u64, bytes_max: usize) -> Result<Vec<StoredEvent>, StoreError>;
    /// The offset of the first event enqueued at or after `at`; `next` when there is none.
    async fn offset_at(&self, partition: Partition, at: UnixMillis) -> Result<u64, StoreError>;
    /// Drops whole segments that the retention no longer covers.
    async fn retain(&self, now: UnixMillis) -> Result<(), StoreError>;
    /// Changes the retention.
    fn set_retention(&self, retention: Retention);
}
