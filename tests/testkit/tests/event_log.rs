//! The log in memory against the suite that every engine must pass: what stands on it stands on a log.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_model::HubKey;
use roadstead_store::{EventLog, HubLog, Retention, StoreError, limits::PARTITIONS_MAX, suite::event_log::Place};
use roadstead_testkit::MemoryLog;

/// One log for each hub, which outlives the engine.
#[derive(Default)]
struct Kept(Arc<Logs>);

#[derive(Default)]
struct Logs(Mutex<HashMap<HubKey, Arc<MemoryLog>>>);

#[async_trait]
impl Place for Kept {
    async fn start(&self) -> Arc<dyn EventLog> {
        self.0.clone()
    }
}

#[async_trait]
impl EventLog for Logs {
    async fn open(&self, hub: HubKey, partitions: u16, _: Retention) -> Result<Arc<dyn HubLog>, StoreError> {
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            return Err(StoreError::Unreadable(format!("a log has 1 to {PARTITIONS_MAX} partitions")));
        }
        Ok(self.0.lock().entry(hub).or_insert_with(|| MemoryLog::new(partitions)).clone())
    }

    async fn remove(&self, hub: HubKey) -> Result<(), StoreError> {
        if let Some(log) = self.0.lock().remove(&hub) {
            log.refuse(Some(StoreError::Unavailable("the hub's log was removed".to_owned())));
            for partition in 0..log.partitions() {
                log.drop_before(partition, log.bounds(partition).next);
            }
        }
        Ok(())
    }

    fn directory(&self) -> Option<PathBuf> {
        None
    }
}

roadstead_store::event_log_suite!(Kept::default());
