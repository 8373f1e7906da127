//! One hub's log, as the port has it.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use parking_lot::{Condvar, Mutex, RwLock};
use roadstead_model::{Event, UnixMillis};
use roadstead_store::{Bounds, Commits, HubLog, Partition, Retention, StoreError, StoredEvent, Ticket};
use tracing::warn;

use crate::directory::DataDirectory;

use super::{
    disk::Disk,
    limits,
    recovery::Recovered,
    shared::{Shared, Tuning},
    view::{Located, View},
    writer::Filling,
};

/// A hub's log in a directory of its own. Dropping it writes what has been appended and waits for that.
pub(crate) struct SegmentedLog {
    shared: Arc<Shared>,
    /// Keeps other processes out for as long as this log is written to.
    _data: Arc<DataDirectory>,
}

impl SegmentedLog {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: PathBuf,
        recovered: Recovered,
        retention: Retention,
        tuning: Tuning,
        data: Arc<DataDirectory>,
    ) -> Self {
        let Recovered { view, tail, gap } = recovered;
        let shared = Shared {
            disk,
            directory,
            tuning,
            filling: Filling::new(view.heads.clone()),
            wake: Condvar::new(),
            tail: Mutex::new(tail),
            view: RwLock::new(view),
            commits: Commits::new(),
            retention: Mutex::new(retention),
            warned: 0.into(),
        };
        if gap && let Err(error) = shared.tail.lock().begin(&shared) {
            let directory = shared.directory.display();
            warn!(%directory, %error, "cannot begin a segment behind lost events; their offsets may come again after a restart");
        }
        Self { shared: Arc::new(shared), _data: data }
    }

    /// Ends the log for good: nothing is appended nor read any more. Blocks on the disk.
    pub(crate) fn remove(&self) {
        self.shared.close("the hub's log was removed");
        self.shared.tail.lock().open = None;
        let mut view = self.shared.view.write();
        let heads = view.heads.clone();
        *view = View { sealed: [].into(), active: None, heads };
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || job(&shared)).await;
        done.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("the log is shutting down: {error}"))))
    }
}

impl Drop for SegmentedLog {
    fn drop(&mut self) {
        self.shared.close("the log is closed");
    }
}

#[async_trait]
impl HubLog for SegmentedLog {
    fn append(&self, partition: Partition, event: &Event<'_>, now: UnixMillis) -> Result<Ticket, StoreError> {
        self.shared.append(partition, event, now)
    }

    fn refusal(&self) -> Option<StoreError> {
        self.shared.refusal()
    }

    fn commits(&self) -> &Commits {
        &self.shared.commits
    }

    fn partitions(&self) -> u16 {
        self.shared.view.read().heads.len() as u16
    }

    fn bytes(&self) -> u64 {
        self.shared.view.read().bytes()
    }

    fn bounds(&self, partition: Partition) -> Bounds {
        self.shared.view.read().bounds(usize::from(partition))
    }

    async fn read(&self, partition: Partition, from: u64, bytes_max: usize) -> Result<Vec<StoredEvent>, StoreError> {
        match self.shared.locate(partition, from, bytes_max) {
            None => return Ok(Vec::new()),
            Some(Located::Active(plan)) if plan.warm && plan.bytes() <= limits::READ_INLINE_BYTES_MAX => {
                let events = self.shared.fetch(&plan).events;
                if !events.is_empty() {
                    return Ok(events);
                }
            }
            Some(_) => {}
        }
        self.on_disk(move |shared| shared.read(partition, from, bytes_max)).await
    }

    async fn offset_at(&self, partition: Partition, at: UnixMillis) -> Result<u64, StoreError> {
        self.on_disk(move |shared| shared.offset_at(partition, at)).await
    }

    async fn retain(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.on_disk(move |shared| shared.retain(now)).await
    }

    fn set_retention(&self, retention: Retention) {
        *self.shared.retention.lock() = retention;
    }
}
