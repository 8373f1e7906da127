//! How much there is in a hub, and how much of it there may be.

use std::sync::Arc;

use roadstead_hub::{Hub, limits::DEVICES_MAX};
use roadstead_resources::ResourceError;
use roadstead_wire::{
    arm::{List, QuotaMetric},
    hub_service::Statistics,
};

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME},
    refusal::Refusal,
    reply::Reply,
};

/// `GET …/IotHubStats`
pub(crate) async fn devices(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let counts = open_hub(arm, call)?.count_devices().await.map_err(|cause| Refusal::unread(&cause))?;
    Ok(Reply::ok(&Statistics {
        total_device_count: counts.total,
        enabled_device_count: counts.enabled,
        disabled_device_count: counts.disabled,
    }))
}

/// `GET …/quotaMetrics`. Messages are counted by hubs that are throttled like a tier of Azure, and bounded only there.
pub(crate) async fn quota(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let hub = open_hub(arm, call)?;
    let devices = hub.count_devices().await.map_err(|cause| Refusal::unread(&cause))?;
    let metric = |name: &str, current_value, max_value| QuotaMetric { name: name.to_owned(), current_value, max_value };
    let mut value = vec![metric("TotalDeviceCount", devices.total, DEVICES_MAX)];
    if let (Some(today), Some(max)) = (hub.messages_today(), hub.messages_per_day()) {
        value.insert(0, metric("TotalMessages", today, max));
    }
    Ok(Reply::ok(&List { value }))
}

fn open_hub(arm: &Arm, call: &Call) -> Result<Arc<Hub>, Refusal> {
    let resource = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    // Made or deleted at this very moment.
    Ok(arm.hubs.find(resource.key).ok_or(ResourceError::Unavailable)?)
}
