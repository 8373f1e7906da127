//! How a hub behaves, as its administrator set it.

use serde::{Deserialize, Serialize};

/// The settings of a hub, with Azure's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HubSettings {
    pub cloud_to_device: CloudToDevice,
    pub events: EventSwitches,
    /// Answer as an Azure hub of this tier would when there is too much to do; `None`: never refuse for that.
    pub throttle: Option<ThrottleProfile>,
    /// Whether messages with the vendor's fault properties make the hub misbehave.
    pub fault_injection: bool,
    pub files: FileUploads,
}

/// Messages from the cloud to devices. Source: docs, "Configure IoT Hub" (`cloudToDevice`)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloudToDevice {
    /// Messages that may wait for one device.
    pub depth_max: u32,
    /// How often a message may be abandoned before it is dead-lettered: 1 to 100.
    pub delivery_count_max: u32,
    /// How long a message lives that brings no expiry, in seconds: one minute to two days.
    pub default_ttl_s: u32,
    /// How long feedback waits to be read, in seconds: one minute to two days.
    pub feedback_ttl_s: u32,
    /// How long a back end may hold feedback before it is offered again, in seconds: 5 to 300.
    pub feedback_lock_s: u32,
    /// How often feedback may be abandoned before it is dropped: 1 to 100.
    pub feedback_delivery_count_max: u32,
}

impl Default for CloudToDevice {
    fn default() -> Self {
        Self {
            depth_max: 50,
            delivery_count_max: 10,
            default_ttl_s: 3600,
            feedback_ttl_s: 3600,
            feedback_lock_s: 60,
            feedback_delivery_count_max: 10,
        }
    }
}

/// Files that devices upload. Source: docs, "Configure IoT Hub file uploads"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileUploads {
    /// How long a device may take for an upload, in seconds: one minute to a day.
    pub lifetime_s: u32,
    /// Whether finished uploads leave a notification for back ends.
    pub notifications: bool,
    /// How long a notification waits to be read, in seconds: one minute to two days.
    pub notification_ttl_s: u32,
    /// How long a back end may hold a notification before it is offered again, in seconds: 5 to 300.
    pub notification_lock_s: u32,
    /// How often a notification may be abandoned before it is dropped: 1 to 100.
    pub notification_delivery_count_max: u32,
}

impl Default for FileUploads {
    fn default() -> Self {
        Self {
            lifetime_s: 3600,
            notifications: false,
            notification_ttl_s: 3600,
            notification_lock_s: 5,
            notification_delivery_count_max: 10,
        }
    }
}

/// Which events beside telemetry go into the hub's log. All off, as in an Azure hub without routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventSwitches {
    pub twin_changes: bool,
    pub device_lifecycle: bool,
    pub connection_state: bool,
}

/// An Azure tier to be as slow as, and how many units of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleProfile {
    pub tier: Tier,
    /// At least 1.
    pub units: u32,
}

/// Azure's tiers that differ in their quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    S1,
    S2,
    S3,
}
