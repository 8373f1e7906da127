//! The port's own suite, on the log as it is and on one with tiny segments.

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_store::{EventLog, suite::event_log::Place};
use tempfile::TempDir;

use super::{MachineDisk, SMALL, Tuning, logs_on};

struct TemporaryPlace {
    directory: TempDir,
    tuning: Tuning,
}

impl TemporaryPlace {
    fn new(tuning: Tuning) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), tuning }
    }
}

#[async_trait]
impl Place for TemporaryPlace {
    async fn start(&self) -> Arc<dyn EventLog> {
        Arc::new(logs_on(Arc::new(MachineDisk), self.directory.path(), self.tuning))
    }
}

mod as_it_is {
    use super::*;
    roadstead_store::event_log_suite!(TemporaryPlace::new(Tuning::default()));
}

mod in_tiny_segments {
    use super::*;
    roadstead_store::event_log_suite!(TemporaryPlace::new(SMALL));
}
