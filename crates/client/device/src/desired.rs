//! Changes of what is desired of a device.

use serde_json::{Map, Value};
use tokio::sync::mpsc;

/// A change of desired properties: what became different, `null` for what is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredChange {
    /// Version of the desired properties after it. One that is not the next says that changes were missed, as happens
    /// while a connection is lost: read the twin again.
    pub version: i64,
    /// `{"hz":5,"$version":4}`
    pub patch: Map<String, Value>,
}

/// Changes of desired properties as they come. Made by [`Device::desired`](crate::Device::desired).
#[derive(Debug)]
pub struct DesiredChanges {
    pub(crate) feed: mpsc::Receiver<DesiredChange>,
}

impl DesiredChanges {
    /// The next change; `None` when the connection is closed for good. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<DesiredChange> {
        self.feed.recv().await
    }
}
