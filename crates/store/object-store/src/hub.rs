//! One hub: what it takes of the quota, and who commits.

use std::sync::atomic::{AtomicU64, Ordering};

use object_store::path::Path;
use roadstead_store::{BlobError, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use crate::limits::STRIPES;

/// A hub's objects.
#[derive(Debug)]
pub(crate) struct HubObjects {
    bytes_max: u64,
    used: AtomicU64,
    commits: Box<[Mutex<()>]>,
}

impl HubObjects {
    pub(crate) fn new(bytes_max: u64, used: u64) -> Self {
        let commits = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { bytes_max, used: AtomicU64::new(used), commits }
    }

    /// One committer at a time of this object.
    pub(crate) async fn lock(&self, name: &Path) -> MutexGuard<'_, ()> {
        self.commits[crc32fast::hash(name.as_ref().as_bytes()) as usize % STRIPES].lock().await
    }

    /// Takes `bytes` of the quota. Errors: `Full`, and nothing is taken.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), BlobError> {
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.map(|_| ()).map_err(|_| {
            let text = format!(
                "the hub's uploaded files may take {} bytes (`blobs.hub_mib_max`); {bytes} more do not fit",
                self.bytes_max
            );
            StoreError::Full(text).into()
        })
    }

    /// Takes `bytes`, over the quota if it must be: others are given back in a moment.
    pub(crate) fn retake(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Gives back.
    pub(crate) fn give(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // A closure that always answers does not fail.
        let _ = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }
}
