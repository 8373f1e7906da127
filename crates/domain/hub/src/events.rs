//! Reading a hub's events: from a point in time, then live.

use std::{collections::VecDeque, sync::Arc};

use roadstead_model::UnixMillis;
use roadstead_store::StoredEvent;

use crate::{error::HubError, hub::Hub, limits, partition::readable};

/// Where a reader begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPosition {
    /// Only what arrives from now on.
    Latest,
    /// Everything enqueued at or after this instant.
    EnqueuedAt(UnixMillis),
    /// From these offsets, one per partition; a missing one counts as the partition's first.
    Offsets(Vec<u64>),
}

/// Follows all partitions of a hub. Events of one partition come in order; partitions take turns.
#[derive(Debug)]
pub struct EventReader {
    hub: Arc<Hub>,
    next: Vec<u64>,
    ready: VecDeque<(u16, StoredEvent)>,
}

impl Hub {
    /// A reader of this hub's events. Errors: `Internal`.
    pub async fn read_events(self: &Arc<Self>, from: EventPosition) -> Result<EventReader, HubError> {
        let next = self.offsets(&from).await?;
        Ok(EventReader { hub: self.clone(), next, ready: VecDeque::new() })
    }

    /// The offset that a position means, in each partition.
    pub(crate) async fn offsets(&self, from: &EventPosition) -> Result<Vec<u64>, HubError> {
        let mut offsets = Vec::new();
        for partition in 0..self.log().partitions() {
            offsets.push(self.offset(partition, from).await?);
        }
        Ok(offsets)
    }

    /// The same in one. Never beyond the log's end, where a reader would wait in vain: a position may be of the log that was here
    /// before a backup was restored.
    pub(crate) async fn offset(&self, partition: u16, from: &EventPosition) -> Result<u64, HubError> {
        let bounds = self.log().bounds(partition);
        Ok(match from {
            EventPosition::Latest => bounds.next,
            EventPosition::EnqueuedAt(at) => self.log().offset_at(partition, *at).await?,
            EventPosition::Offsets(given) => {
                given.get(usize::from(partition)).copied().unwrap_or_default().min(bounds.next)
            }
        })
    }
}

impl Hub {
    /// Drops events that the hub's retention no longer covers. Errors: `Internal`.
    pub async fn retain_events(&self, now: UnixMillis) -> Result<(), HubError> {
        Ok(self.log().retain(now).await?)
    }
}

impl EventReader {
    /// Waits for the next event and the partition it is in. Safe to drop while pending. Errors: `Internal`.
    pub async fn next(&mut self) -> Result<(u16, StoredEvent), HubError> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Ok(found);
            }
            let seen = self.hub.log().commits().finished();
            for partition in 0..self.hub.log().partitions() {
                self.read(partition).await?;
            }
            if self.ready.is_empty() {
                self.hub.log().commits().wait_beyond(seen).await;
            }
        }
    }

    /// Offsets of the next unread event of each partition, to continue from later.
    pub fn positions(&self) -> Vec<u64> {
        let mut positions = self.next.clone();
        for (partition, event) in self.ready.iter().rev() {
            positions[usize::from(*partition)] = event.offset;
        }
        positions
    }

    /// What is there; a damaged end is passed over.
    async fn read(&mut self, partition: u16) -> Result<(), HubError> {
        let (next, end) = (&mut self.next[usize::from(partition)], self.hub.log().bounds(partition).next);
        if *next >= end {
            return Ok(());
        }
        let events = readable(self.hub.log().read(partition, *next, limits::READ_BYTES_MAX).await)?;
        *next = events.last().map_or(end, |last| last.offset + 1);
        self.ready.extend(events.into_iter().map(|event| (partition, event)));
        Ok(())
    }
}
