//! Files that devices upload.

use crate::{clock::UnixMillis, id::DeviceId};

/// Tells back ends that a device uploaded a file. Source: `reference/hub-service.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNotification {
    pub device: DeviceId,
    /// Where the file is: `https://plant.example/uploads/thermo-7/logs/1.txt`.
    pub blob_uri: String,
    /// In the container: `thermo-7/logs/1.txt`.
    pub blob_name: String,
    /// When the file was put.
    pub last_updated: UnixMillis,
    /// Bytes of the file.
    pub blob_bytes: u64,
    /// When the device told that it was done.
    pub enqueued: UnixMillis,
}
