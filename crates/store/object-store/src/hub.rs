//! One hub: what it takes of the quota, and who commits.

use object_store::path::Path;
use roadstead_store::Quota;
use tokio::sync::{Mutex, MutexGuard};

use crate::limits::STRIPES;

/// A hub's objects.
#[derive(Debug)]
pub(crate) struct HubObjects {
    pub(crate) quota: Quota,
    commits: Box<[Mutex<()>]>,
}

impl HubObjects {
    pub(crate) fn new(bytes_max: u64, used: u64) -> Self {
        let commits = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { quota: Quota::new(bytes_max, used), commits }
    }

    /// One committer at a time of this object.
    pub(crate) async fn lock(&self, name: &Path) -> MutexGuard<'_, ()> {
        self.commits[crc32fast::hash(name.as_ref().as_bytes()) as usize % STRIPES].lock().await
    }
}
