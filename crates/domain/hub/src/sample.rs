//! A hub's events for people who look on: the newest few, and how many more there were. What a look costs does not grow with
//! how much is sent.

use std::sync::Arc;

use roadstead_store::StoredEvent;

use crate::{
    error::HubError,
    events::EventPosition,
    hub::Hub,
    limits::{READ_BYTES_MAX, SAMPLE_BYTES_MAX, SAMPLE_LOOKED_AT_MAX},
    partition::readable,
    routing::partition_of,
};

/// What came since the last look.
#[derive(Debug, Default)]
pub struct Glimpse {
    /// The newest and their partitions, in the order in which they were enqueued.
    pub events: Vec<(u16, StoredEvent)>,
    /// How many more there were.
    pub skipped: u64,
    /// How many events of all devices went by without a look at whose they were.
    pub unseen: u64,
}

/// Looks at a hub's events again and again.
#[derive(Debug)]
pub struct EventSample {
    hub: Arc<Hub>,
    device: Option<String>,
    /// Offsets of what was not looked at yet, of each partition.
    next: Vec<u64>,
}

impl Hub {
    /// Looks at what is enqueued from a position on; with `device`, at that device's events only. Errors: `Internal`.
    pub async fn sample_events(
        self: &Arc<Self>,
        device: Option<String>,
        from: EventPosition,
    ) -> Result<EventSample, HubError> {
        Ok(EventSample { hub: self.clone(), device, next: self.offsets(&from).await? })
    }
}

impl EventSample {
    /// Waits until there is something to look at. Safe to drop while pending.
    pub async fn changed(&self) {
        let log = self.hub.log();
        loop {
            let seen = log.commits().finished();
            if self.partitions().any(|partition| self.next[usize::from(partition)] < log.bounds(partition).next) {
                return;
            }
            log.commits().wait_beyond(seen).await;
        }
    }

    /// The newest of what came, at most `most`. Errors: `Internal`.
    pub async fn look(&mut self, most: usize) -> Result<Glimpse, HubError> {
        let mut glimpse = Glimpse::default();
        for partition in self.partitions() {
            self.look_at(partition, most, &mut glimpse).await?;
            // At once, so that never more are held than of two partitions.
            glimpse.events.sort_by_key(|(_, event)| event.enqueued_at);
            let surplus = glimpse.events.len().saturating_sub(most);
            glimpse.events.drain(..surplus);
            glimpse.skipped += surplus as u64;
        }
        Ok(glimpse)
    }

    /// Offsets of what was not looked at yet, of each partition, to continue from later.
    pub fn positions(&self) -> &[u64] {
        &self.next
    }

    /// Those that may have what is wanted.
    fn partitions(&self) -> std::ops::Range<u16> {
        let all = self.hub.log().partitions();
        match &self.device {
            None => 0..all,
            Some(device) => {
                let its = partition_of(device, all);
                its..its + 1
            }
        }
    }

    async fn look_at(&mut self, partition: u16, most: usize, glimpse: &mut Glimpse) -> Result<(), HubError> {
        let log = self.hub.log();
        let (bounds, next) = (log.bounds(partition), &mut self.next[usize::from(partition)]);
        let looked_at = if self.device.is_some() {
            // So many that of events of like sizes all to the newest are read.
            (SAMPLE_BYTES_MAX as u64 / 2 / self.hub.mean_event_bytes()).clamp(1, SAMPLE_LOOKED_AT_MAX)
        } else {
            most as u64
        };
        let mut at = (*next).max(bounds.first).max(bounds.next.saturating_sub(looked_at));
        // Those that the retention dropped before anybody looked, too.
        let passed = at.saturating_sub(*next);
        if self.device.is_some() {
            glimpse.unseen += passed;
        } else {
            glimpse.skipped += passed;
        }
        // Those of this partition begin here: only the newest of them may be wanted.
        let (begin, mut bytes) = (glimpse.events.len(), 0);
        while at < bounds.next && bytes < SAMPLE_BYTES_MAX {
            let read = readable(log.read(partition, at, READ_BYTES_MAX).await)?;
            let Some(last) = read.last() else { break };
            at = last.offset + 1;
            bytes += read.iter().map(|event| event.bytes.len()).sum::<usize>();
            let is_wanted = |event: &StoredEvent| match &self.device {
                None => true,
                Some(device) => event.view().is_some_and(|view| view.device_id == device),
            };
            let wanted = read.into_iter().filter(is_wanted).map(|event| (partition, event));
            glimpse.events.extend(wanted);
            let surplus = (glimpse.events.len() - begin).saturating_sub(most);
            glimpse.events.drain(begin..begin + surplus);
            glimpse.skipped += surplus as u64;
        }
        // Of large events not all were looked at, and of damaged ones none.
        glimpse.unseen += bounds.next.saturating_sub(at);
        *next = at.max(bounds.next).max(*next);
        Ok(())
    }
}
