//! How a hub behaves. A hub stored before there were settings has the defaults.

use roadstead_model::{CloudToDevice, EventSwitches, HubSettings, ThrottleProfile, Tier};
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
}

mirror!(TierV1 of Tier: S1, S2, S3);

impl Default for HubSettingsV1 {
    fn default() -> Self {
        HubSettings::default().into()
    }
}

impl From<HubSettings> for HubSettingsV1 {
    fn from(settings: HubSettings) -> Self {
        let HubSettings { cloud_to_device, events, throttle, fault_injection, file_notifications } = settings;
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
            file_notifications,
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
            file_notifications: stored.file_notifications,
        }
    }
}
