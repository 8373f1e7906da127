//! How a hub behaves. A hub stored before there were settings has the defaults.

use roadstead_model::{CloudToDevice, EventSwitches, FileUploads, HubSettings, ThrottleProfile, Tier};
use serde::{Deserialize, Serialize};

use super::mirror;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HubSettingsV1 {
    depth_max: u32,
    delivery_count_max: u32,
    default_ttl_s: u32,
    feedback_ttl_s: u32,
    feedback_lock_s: u32,
    feedback_delivery_count_max: u32,
    twin_changes: bool,
    device_lifecycle: bool,
    connection_state: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttle: Option<(TierV1, u32)>,
    fault_injection: bool,
    file_notifications: bool,
    #[serde(default)]
    uploads: UploadsV1,
}

/// Beside `file_notifications`, which is older.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UploadsV1 {
    lifetime_s: u32,
    notification_ttl_s: u32,
    notification_lock_s: u32,
    notification_delivery_count_max: u32,
}

mirror!(TierV1 of Tier: S1, S2, S3);

impl Default for HubSettingsV1 {
    fn default() -> Self {
        HubSettings::default().into()
    }
}

impl Default for UploadsV1 {
    fn default() -> Self {
        FileUploads::default().into()
    }
}

impl From<FileUploads> for UploadsV1 {
    fn from(files: FileUploads) -> Self {
        let FileUploads {
            lifetime_s,
            notifications: _,
            notification_ttl_s,
            notification_lock_s,
            notification_delivery_count_max,
        } = files;
        Self { lifetime_s, notification_ttl_s, notification_lock_s, notification_delivery_count_max }
    }
}

impl From<HubSettings> for HubSettingsV1 {
    fn from(settings: HubSettings) -> Self {
        let HubSettings { cloud_to_device, events, throttle, fault_injection, files } = settings;
        Self {
            depth_max: cloud_to_device.depth_max,
            delivery_count_max: cloud_to_device.delivery_count_max,
            default_ttl_s: cloud_to_device.default_ttl_s,
            feedback_ttl_s: cloud_to_device.feedback_ttl_s,
            feedback_lock_s: cloud_to_device.feedback_lock_s,
            feedback_delivery_count_max: cloud_to_device.feedback_delivery_count_max,
            twin_changes: events.twin_changes,
            device_lifecycle: events.device_lifecycle,
            connection_state: events.connection_state,
            throttle: throttle.map(|profile| (profile.tier.into(), profile.units)),
            fault_injection,
            file_notifications: files.notifications,
            uploads: files.into(),
        }
    }
}

impl From<HubSettingsV1> for HubSettings {
    fn from(stored: HubSettingsV1) -> Self {
        Self {
            cloud_to_device: CloudToDevice {
                depth_max: stored.depth_max,
                delivery_count_max: stored.delivery_count_max,
                default_ttl_s: stored.default_ttl_s,
                feedback_ttl_s: stored.feedback_ttl_s,
                feedback_lock_s: stored.feedback_lock_s,
                feedback_delivery_count_max: stored.feedback_delivery_count_max,
            },
            events: EventSwitches {
                twin_changes: stored.twin_changes,
                device_lifecycle: stored.device_lifecycle,
                connection_state: stored.connection_state,
            },
            throttle: stored.throttle.map(|(tier, units)| ThrottleProfile { tier: tier.into(), units }),
            fault_injection: stored.fault_injection,
            files: FileUploads {
                lifetime_s: stored.uploads.lifetime_s,
                notifications: stored.file_notifications,
                notification_ttl_s: stored.uploads.notification_ttl_s,
                notification_lock_s: stored.uploads.notification_lock_s,
                notification_delivery_count_max: stored.uploads.notification_delivery_count_max,
            },
        }
    }
}
