//! How much an installation holds, and how much room is left: ours, Azure has no disk to tell of.

use serde::{Deserialize, Serialize};

/// What `GET …/providers/Roadstead/disk` tells.
///
/// Shape: `{"databaseBytes":1048576,"eventBytes":81920,"fileBytes":4096,"freeBytes":36000000000,"totalBytes":80000000000}`.
/// What nobody knows is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Disk {
    /// Identities, twins, enrollments and all else but events and files.
    pub database_bytes: u64,
    /// Events of all hubs, about.
    pub event_bytes: u64,
    /// Uploaded files of all hubs; absent where they are kept elsewhere, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// What the server may still write to the file system of its data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// The size of that file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

impl Disk {
    /// All that the installation holds there.
    pub fn used_bytes(&self) -> u64 {
        self.database_bytes.saturating_add(self.event_bytes).saturating_add(self.file_bytes.unwrap_or_default())
    }
}
