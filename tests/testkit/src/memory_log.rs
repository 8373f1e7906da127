//! An event log in memory. A batch is one event, durable at once unless the test holds it back.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::{Event, UnixMillis};
use roadstead_store::{Bounds, Commits, HubLog, Partition, Retention, StoreError, StoredEvent, Ticket, event};

/// One hub's log without a disk.
#[derive(Debug)]
pub struct MemoryLog {
    partitions: Mutex<Vec<Vec<StoredEvent>>>,
    batch: Mutex<u64>,
    commits: Commits,
    held: AtomicBool,
    refusal: Mutex<Option<StoreError>>,
    damaged: Mutex<BTreeSet<(Partition, u64)>>,
    /// Offsets of the oldest events.
    first: Mutex<Vec<u64>>,
    bytes_read: AtomicU64,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(partitions: u16) -> Arc<Self> {
        Arc::new(Self {
            partitions: Mutex::new(vec![Vec::new(); usize::from(partitions)]),
            batch: Mutex::default(),
            commits: Commits::new(),
            held: AtomicBool::new(false),
            refusal: Mutex::default(),
            damaged: Mutex::default(),
            first: Mutex::new(vec![0; usize::from(partitions)]),
            bytes_read: AtomicU64::new(0),
        })
    }

    /// From now on these offsets of a partition cannot be read.
    pub fn damage(&self, partition: Partition, offsets: Range<u64>) {
        self.damaged.lock().extend(offsets.map(|offset| (partition, offset)));
    }

    /// Drops a partition's events before this offset, as a retention does.
    pub fn drop_before(&self, partition: Partition, offset: u64) {
        self.first.lock()[usize::from(partition)] = offset;
    }

    /// Bytes of events that all reads gave up to now.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// From now on events are refused so, or taken again.
    pub fn refuse(&self, refusal: Option<StoreError>) {
        *self.refusal.lock() = refusal;
    }

    /// From now on events are queued but do not become durable.
    pub fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// Ends what was held back with this outcome.
    pub fn release(&self, outcome: Result<(), StoreError>) {
        self.held.store(false, Ordering::SeqCst);
        let batch = *self.batch.lock();
        self.commits.finish(Ticket(batch), outcome);
    }
}

#[async_trait]
impl HubLog for MemoryLog {
    fn append(&self, partition: Partition, event: &Event<'_>, now: UnixMillis) -> Result<Ticket, StoreError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let mut bytes = Vec::new();
        event::encode(event, &mut bytes);
        let mut partitions = self.partitions.lock();
        let Some(events) = partitions.get_mut(usize::from(partition)) else {
            return Err(StoreError::Unavailable(format!("there is no partition {partition}")));
        };
        let enqueued_at = events.last().map_or(now, |last| now.max(last.enqueued_at));
        events.push(StoredEvent { offset: events.len() as u64, enqueued_at, bytes: bytes.into() });
        let held = self.held.load(Ordering::SeqCst);
        let mut batch = self.batch.lock();
        // What is held back gathers in one batch.
        *batch = if held { self.commits.finished().0 + 1 } else { *batch + 1 };
        if !held {
            self.commits.finish(Ticket(*batch), Ok(()));
        }
        Ok(Ticket(*batch))
    }

    fn refusal(&self) -> Option<StoreError> {
        self.refusal.lock().clone()
    }

    fn commits(&self) -> &Commits {
        &self.commits
    }

    fn partitions(&self) -> u16 {
        self.partitions.lock().len() as u16
    }

    fn bytes(&self) -> u64 {
        let (partitions, first) = (self.partitions.lock(), self.first.lock());
        let kept = partitions.iter().zip(&*first).flat_map(|(events, first)| events.iter().skip(*first as usize));
        kept.map(|event| event.bytes.len() as u64).sum()
    }

    fn bounds(&self, partition: Partition) -> Bounds {
        let (partitions, first) = (self.partitions.lock(), self.first.lock());
        let bounds = |(events, first): (&Vec<_>, &u64)| Bounds { first: *first, next: events.len() as u64 };
        partitions.get(usize::from(partition)).zip(first.get(usize::from(partition))).map(bounds).unwrap_or_default()
    }

    async fn read(&self, partition: Partition, from: u64, bytes_max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let from = self.bounds(partition).first.max(from);
        let (partitions, damaged) = (self.partitions.lock(), self.damaged.lock());
        let rest = partitions.get(usize::from(partition)).into_iter().flatten().skip(from as usize);
        let intact = rest.filter(|event| !damaged.contains(&(partition, event.offset)));
        let (mut bytes, mut events) = (0, Vec::new());
        for event in intact {
            bytes += event.bytes.len();
            if !events.is_empty() && bytes > bytes_max {
                break;
            }
            self.bytes_read.fetch_add(event.bytes.len() as u64, Ordering::Relaxed);
            events.push(event.clone());
        }
        if events.is_empty() && damaged.range((partition, from)..=(partition, u64::MAX)).next().is_some() {
            return Err(StoreError::Unreadable(format!("partition {partition} is damaged from {from} on")));
        }
        Ok(events)
    }

    async fn offset_at(&self, partition: Partition, at: UnixMillis) -> Result<u64, StoreError> {
        let first = self.bounds(partition).first;
        let partitions = self.partitions.lock();
        let events = partitions.get(usize::from(partition)).into_iter().flatten();
        Ok(first.max(events.take_while(|event| event.enqueued_at < at).count() as u64))
    }

    async fn retain(&self, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }

    fn set_retention(&self, _: Retention) {}
}
