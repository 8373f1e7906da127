//! Reading one partition of a hub's events for a consumer group.

use std::sync::Arc;

use roadstead_model::UnixMillis;
use roadstead_store::{StoreError, StoredEvent, Ticket};
use tokio::sync::Notify;

use crate::{
    error::HubError,
    hub::Hub,
    readers::{ReaderError, Seat},
};

/// Where in a partition a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStart {
    /// With the oldest event there is.
    First,
    /// With what arrives from now on.
    Latest,
    /// With the event of this offset, or the oldest there is if that one is gone.
    Offset(u64),
    /// With the first event enqueued at or after this instant.
    EnqueuedAt(UnixMillis),
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionState {
    /// Offset of the oldest event, or of the next one when there is none.
    pub first: u64,
    /// Offset of the next event.
    pub next: u64,
    /// When the newest was enqueued; `None` when there is none.
    pub last_enqueued: Option<UnixMillis>,
}

/// Reads one partition, and holds a seat at it until it is dropped.
#[derive(Debug)]
pub struct PartitionReader {
    hub: Arc<Hub>,
    group: Box<str>,
    partition: u16,
    next: u64,
    seat: Arc<Seat>,
}

/// Nothing, where the log is damaged: who looks on looks past it.
pub(crate) fn readable(read: Result<Vec<StoredEvent>, StoreError>) -> Result<Vec<StoredEvent>, StoreError> {
    match read {
        Err(StoreError::Unreadable(_)) => Ok(Vec::new()),
        read => read,
    }
}

impl Hub {
    /// Whether the hub has this consumer group, in any letter case.
    pub fn has_consumer_group(&self, group: &str) -> bool {
        self.resource().has_consumer_group(group)
    }

    /// How many partitions the hub has.
    pub fn partition_count(&self) -> u16 {
        self.log().partitions()
    }

    /// Lets somebody read a partition, named by its number, from `start` on. Those who read it with a lower owner level
    /// (`level`), or with none, lose it: their own `wake` is notified, as this one is when this reader does.
    ///
    /// Errors: [`ReaderError`].
    pub async fn read_partition(
        self: &Arc<Self>,
        group: &str,
        partition: &str,
        start: EventStart,
        level: Option<i64>,
        wake: Arc<Notify>,
    ) -> Result<PartitionReader, ReaderError> {
        self.check_group(group)?;
        let partition = self.find_partition(partition)?;
        let bounds = self.log().bounds(partition);
        let next = match start {
            EventStart::First => bounds.first,
            EventStart::Latest => bounds.next,
            EventStart::Offset(asked) if asked > bounds.next => {
                return Err(ReaderError::BeyondEnd { asked, next: bounds.next });
            }
            EventStart::Offset(offset) => offset.max(bounds.first),
            EventStart::EnqueuedAt(at) => self.log().offset_at(partition, at).await.map_err(HubError::from)?,
        };
        let seat = self.readers().take((group, partition), level, next, wake)?;
        Ok(PartitionReader { hub: self.clone(), group: group.into(), partition, next, seat })
    }

    /// What a partition, named by its number, holds now. Errors: `NoSuchPartition`, `Internal`.
    pub async fn partition_state(&self, partition: &str) -> Result<PartitionState, ReaderError> {
        let partition = self.find_partition(partition)?;
        Ok(self.state_of(partition).await?)
    }

    pub(crate) async fn state_of(&self, partition: u16) -> Result<PartitionState, HubError> {
        let bounds = self.log().bounds(partition);
        let mut last_enqueued = None;
        if bounds.first < bounds.next {
            let last = self.log().read(partition, bounds.next - 1, 1).await;
            last_enqueued = readable(last)?.first().map(|event| event.enqueued_at);
        }
        Ok(PartitionState { first: bounds.first, next: bounds.next, last_enqueued })
    }

    /// How far the log is: look before looking for events, and wait with [`Hub::events_stored_after`] when there were none.
    pub fn events_stored(&self) -> Ticket {
        self.log().commits().finished()
    }

    /// Waits until more was stored, in any partition, than when `seen` was. Safe to drop while pending.
    pub async fn events_stored_after(&self, seen: Ticket) {
        self.log().commits().wait_beyond(seen).await;
    }

    fn check_group(&self, group: &str) -> Result<(), ReaderError> {
        if self.has_consumer_group(group) {
            return Ok(());
        }
        Err(ReaderError::NoSuchGroup(group.chars().take(64).collect()))
    }

    fn find_partition(&self, asked: &str) -> Result<u16, ReaderError> {
        let count = self.log().partitions();
        let found = asked.parse().ok().filter(|partition| *partition < count);
        found.ok_or_else(|| ReaderError::NoSuchPartition { asked: asked.chars().take(64).collect(), count })
    }
}

impl PartitionReader {
    /// The owner level that took the partition from this reader, once one has.
    pub fn lost_to(&self) -> Option<i64> {
        self.seat.lost_to.get().copied()
    }

    /// Whether the reader may go on: to be asked when the hub has another resource ([`Hub::replaced_after`]). Errors:
    /// `NoSuchGroup`, the consumer group was deleted.
    pub fn check(&self) -> Result<(), ReaderError> {
        self.hub.check_group(&self.group)
    }

    /// Whether there are events to read now.
    pub fn has_more(&self) -> bool {
        self.next < self.hub.log().bounds(self.partition).next
    }

    /// The next events, about `bytes_max` of them but at least one if there is one that can be read. The same again until they are
    /// [taken](PartitionReader::take); a damaged end is passed over. Safe to drop while pending. Errors: `Internal`.
    pub async fn peek(&mut self, bytes_max: usize) -> Result<Vec<StoredEvent>, HubError> {
        let log = self.hub.log();
        let end = log.bounds(self.partition).next;
        let events = readable(log.read(self.partition, self.next, bytes_max).await)?;
        if events.is_empty() {
            self.next = self.next.max(end);
        }
        Ok(events)
    }

    /// Goes on behind this event.
    pub fn take(&mut self, event: &StoredEvent) {
        self.next = event.offset + 1;
    }

    /// Notes that what was [taken](PartitionReader::take) has been given to the client: once for many events.
    pub fn note_delivered(&self) {
        self.seat.note_delivered(self.next, self.hub.now());
    }

    /// What the partition holds now. Errors: `Internal`.
    pub async fn state(&self) -> Result<PartitionState, HubError> {
        self.hub.state_of(self.partition).await
    }
}

impl Drop for PartitionReader {
    fn drop(&mut self) {
        let is_known = || self.hub.has_consumer_group(&self.group);
        self.hub.readers().leave((&self.group, self.partition), &self.seat, is_known);
    }
}
