//! Where the disk is waited for: a few blocking threads, and no more.

use std::sync::Arc;

use roadstead_store::{BlobError, StoreError};
use tokio::sync::Semaphore;

use super::limits::BLOCKING_MAX;

/// Runs jobs that block.
#[derive(Debug, Clone)]
pub(crate) struct Pool(Arc<Semaphore>);

impl Pool {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BLOCKING_MAX)))
    }

    /// Runs a job to its end, even if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let permit = self.0.clone().acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let done = job();
            drop(permit);
            done
        });
        let ended = |error| StoreError::Unavailable(format!("the server is shutting down: {error}"));
        done.await.unwrap_or_else(|error| Err(ended(error).into()))
    }
}
