//! An event log in memory. A batch is one event, durable at once unless the test holds it back.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::{Event, HubKey, UnixMillis};
use roadstead_store::{
    Bounds, Commits, EventLog, HubLog, Partition, Retention, StoreError, StoredEvent, Ticket, event,
};

/// One hub's log without a disk.
#[derive(Debug)]
pub struct MemoryLog {
    partitions: Mutex<Vec<Vec<StoredEvent>>>,
    batch: Mutex<u64>,
    commits: Commits,
    held: AtomicBool,
    refusal: Mutex<Option<StoreError>>,
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
        })
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
        let events = &mut partitions[usize::from(partition)];
        events.push(StoredEvent { offset: events.len() as u64, enqueued_at: now, bytes: bytes.into() });
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
        self.partitions.lock().iter().flatten().map(|event| event.bytes.len() as u64).sum()
    }

    fn bounds(&self, partition: Partition) -> Bounds {
        Bounds { first: 0, next: self.partitions.lock()[usize::from(partition)].len() as u64 }
    }

    async fn read(&self, partition: Partition, from: u64, _: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.partitions.lock()[usize::from(partition)].iter().skip(from as usize).cloned().collect())
    }

    async fn offset_at(&self, partition: Partition, at: UnixMillis) -> Result<u64, StoreError> {
        let partitions = self.partitions.lock();
        Ok(partitions[usize::from(partition)].iter().take_while(|event| event.enqueued_at < at).count() as u64)
    }

    async fn retain(&self, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }

    fn set_retention(&self, _: Retention) {}
}

/// Logs of hubs without a disk: a fresh one for each `open`.
#[derive(Debug, Default)]
pub struct MemoryLogs;

#[async_trait]
impl EventLog for MemoryLogs {
    async fn open(&self, _: HubKey, partitions: u16, _: Retention) -> Result<Arc<dyn HubLog>, StoreError> {
        Ok(MemoryLog::new(partitions))
    }

    async fn remove(&self, _: HubKey) -> Result<(), StoreError> {
        Ok(())
    }

    fn directory(&self) -> Option<PathBuf> {
        None
    }
}
