//! How much is in a hub, in a DPS instance or in a resource group: ours, Azure tells nobody.

use serde::{Deserialize, Serialize};

/// With which header a `DELETE` says what it destroyed: [`Contents`] as JSON.
pub const DESTROYED_HEADER: &str = "x-roadstead-destroyed";

/// Shape: `{"hubs":1,"devices":3,"connected":1,"events":500,"eventBytes":81920,"fileBytes":4096,"provisioningServices":0,
/// "enrollments":0,"enrollmentGroups":0,"registrations":0}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contents {
    pub hubs: u64,
    pub devices: u64,
    /// Devices and modules that are connected.
    pub connected: u64,
    pub events: u64,
    pub event_bytes: u64,
    pub file_bytes: u64,
    pub provisioning_services: u64,
    pub enrollments: u64,
    pub enrollment_groups: u64,
    pub registrations: u64,
}
