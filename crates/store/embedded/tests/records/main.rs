//! The records engine against its suite, a killed process, curious eyes and wrong keys.
#![expect(clippy::unwrap_used, reason = "test code: a surprise is a failed test")]

mod kill;
mod opening;
mod query_model;
mod secrecy;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use roadstead_store::{Records, suite::samples::Pattern};
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};
use tempfile::TempDir;

struct Temporary(TempDir);

impl Temporary {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl roadstead_store::suite::records::Place for Temporary {
    async fn start(&self) -> Arc<dyn Records> {
        Arc::new(open(self.0.path()))
    }
}

/// As the server opens it.
fn open(path: &Path) -> EmbeddedRecords {
    let directory = DataDirectory::open(path).unwrap();
    let key = directory.seal_key(&Pattern).unwrap();
    EmbeddedRecords::open(directory, &key).unwrap()
}

roadstead_store::records_suite!(Temporary::new());
