//! The logs of all hubs, in one directory.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use roadstead_model::HubKey;
use roadstead_store::{EventLog, HubLog, Retention, StoreError, limits::PARTITIONS_MAX};
use tokio::sync::Mutex;

use crate::{directory::DataDirectory, error::unusable};

use super::{
    disk::{Disk, MachineDisk},
    hub::SegmentedLog,
    recovery,
    shared::Tuning,
};

const REMOVED: &str = "removed";

/// All hubs' logs: `events/<hub key>/<segment>.events` in the data directory.
pub struct EmbeddedEventLog {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
    tuning: Tuning,
    data: Arc<DataDirectory>,
    hubs: Mutex<HashMap<HubKey, Arc<SegmentedLog>>>,
}

impl EmbeddedEventLog {
    /// Makes a directory `events` in the data directory, if there is none, and finishes removals that were cut short.
    /// Errors: the directory cannot be used.
    pub fn open(directory: Arc<DataDirectory>) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(MachineDisk), directory, Tuning::default())
    }

    pub(crate) fn open_on(disk: Arc<dyn Disk>, data: Arc<DataDirectory>, tuning: Tuning) -> Result<Self, StoreError> {
        let directory = data.path().join("events");
        let unusable = |error| unusable(&directory, &error);
        disk.create_dir(&directory).map_err(unusable)?;
        for name in disk.list(&directory).map_err(unusable)? {
            if Path::new(&name).extension().is_some_and(|extension| extension == REMOVED) {
                disk.remove_dir(&directory.join(name)).map_err(unusable)?;
            }
        }
        Ok(Self { directory, disk, tuning, data, hubs: Mutex::default() })
    }
}

#[async_trait]
impl EventLog for EmbeddedEventLog {
    /// A log keeps the partitions it has: opened with fewer, it still has them all.
    async fn open(&self, hub: HubKey, partitions: u16, retention: Retention) -> Result<Arc<dyn HubLog>, StoreError> {
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            let text = format!("a hub has 1 to {PARTITIONS_MAX} partitions, not {partitions}");
            return Err(StoreError::Unavailable(text));
        }
        let mut hubs = self.hubs.lock().await;
        if let Some(log) = hubs.get(&hub) {
            log.set_retention(retention);
            return Ok(log.clone());
        }
        let directory = self.directory.join(hub.to_string());
        let (disk, tuning, data) = (self.disk.clone(), self.tuning, self.data.clone());
        let opened = blocking(move || {
            let recovered = recovery::recover(&*disk, &directory, partitions, &tuning);
            let recovered = recovered.map_err(|error| unusable(&directory, &error))?;
            Ok(SegmentedLog::new(disk, directory, recovered, retention, tuning, data))
        });
        let log = Arc::new(opened.await?);
        hubs.insert(hub, log.clone());
        Ok(log)
    }

    async fn remove(&self, hub: HubKey) -> Result<(), StoreError> {
        let mut hubs = self.hubs.lock().await;
        let log = hubs.remove(&hub);
        let (disk, parent) = (self.disk.clone(), self.directory.clone());
        blocking(move || {
            if let Some(log) = log {
                log.remove();
            }
            let directory = parent.join(hub.to_string());
            remove_dir(&*disk, &parent, &directory).map_err(|error| unusable(&directory, &error))
        })
        .await
    }

    fn directory(&self) -> Option<PathBuf> {
        Some(self.directory.clone())
    }
}

/// Renames first, so that half a directory is never taken for a log, then removes.
fn remove_dir(disk: &dyn Disk, parent: &Path, directory: &Path) -> io::Result<()> {
    let removed = directory.with_extension(REMOVED);
    match disk.rename(directory, &removed) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    disk.sync_dir(parent)?;
    disk.remove_dir(&removed)
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(job).await;
    done.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("the log is shutting down: {error}"))))
}
