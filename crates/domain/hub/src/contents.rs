//! How much a hub holds: what is gone when it is deleted.

use crate::{error::HubError, hub::Hub, upload::blob_failure};

/// What a hub holds now. What comes and goes meanwhile may be counted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    pub devices: u64,
    /// Devices and modules that are connected.
    pub connected: u64,
    /// Events in all partitions.
    pub events: u64,
    /// What the events take, in bytes.
    pub event_bytes: u64,
    /// What uploaded files take, in bytes.
    pub file_bytes: u64,
}

impl Hub {
    /// Errors: `Internal` when storage cannot be read.
    pub async fn contents(&self) -> Result<Contents, HubError> {
        let file_bytes = self.file_bytes().await?;
        Ok(Contents {
            devices: self.count_devices().await?.total,
            connected: self.connected_count() as u64,
            events: self.event_count(),
            event_bytes: self.event_bytes(),
            file_bytes,
        })
    }

    fn event_count(&self) -> u64 {
        let bounds = (0..self.partition_count()).map(|partition| self.log().bounds(partition));
        bounds.map(|bounds| bounds.next - bounds.first).sum()
    }

    /// What the events take, in bytes, about.
    pub fn event_bytes(&self) -> u64 {
        self.log().bytes()
    }

    /// The same of one of them; at least 1.
    pub(crate) fn mean_event_bytes(&self) -> u64 {
        (self.event_bytes() / self.event_count().max(1)).max(1)
    }

    /// What uploaded files take, in bytes. Errors: `Internal` when storage cannot be read.
    pub async fn file_bytes(&self) -> Result<u64, HubError> {
        match self.upload_parts() {
            Ok(parts) => parts.blobs.bytes(self.key()).await.map_err(blob_failure),
            Err(_) => Ok(0),
        }
    }
}
