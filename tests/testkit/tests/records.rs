//! The records in memory against the suite that every engine must pass: what stands on them stands on a store.

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_store::{Records, suite::records::Place};
use roadstead_testkit::MemoryRecords;

/// What is stored outlives the engine.
#[derive(Default)]
struct Kept(Arc<MemoryRecords>);

#[async_trait]
impl Place for Kept {
    async fn start(&self) -> Arc<dyn Records> {
        self.0.restart();
        self.0.clone()
    }
}

roadstead_store::records_suite!(Kept::default());
