//! How much is in a hub, in a DPS instance or in a resource group: asked for before a deletion, and told by it.

use roadstead_model::{Dps, Hub};
use roadstead_wire::arm::Contents;
use tracing::warn;

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME},
    refusal::Refusal,
    reply::Reply,
};

pub(crate) async fn show_group(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&of_group(arm, call).await?))
}

pub(crate) async fn show_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&of_named_hub(arm, call).await?))
}

pub(crate) async fn show_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&of_named_dps(arm, call).await?))
}

/// All that is in the resource group that the path names.
pub(crate) async fn of_group(arm: &Arm, call: &Call) -> Result<Contents, Refusal> {
    let (group, mut sum) = (call.segment(GROUP), Contents::default());
    for hub in arm.resources.list_hubs(Some(group))? {
        add_hub(arm, &hub, &mut sum).await?;
    }
    for dps in arm.resources.list_dps(Some(group))? {
        add_dps(arm, &dps, &mut sum).await?;
    }
    Ok(sum)
}

pub(crate) async fn of_named_hub(arm: &Arm, call: &Call) -> Result<Contents, Refusal> {
    let (hub, mut sum) = (arm.resources.hub(call.segment(GROUP), call.segment(NAME))?, Contents::default());
    add_hub(arm, &hub, &mut sum).await?;
    Ok(sum)
}

pub(crate) async fn of_named_dps(arm: &Arm, call: &Call) -> Result<Contents, Refusal> {
    let (dps, mut sum) = (arm.resources.dps(call.segment(GROUP), call.segment(NAME))?, Contents::default());
    add_dps(arm, &dps, &mut sum).await?;
    Ok(sum)
}

/// What a deletion is about to destroy. Nobody is kept from deleting what cannot be counted.
pub(crate) fn known(counted: Result<Contents, Refusal>) -> Option<Contents> {
    counted.inspect_err(|refusal| warn!(?refusal, "what is about to be deleted could not be counted")).ok()
}

/// A hub that is not open, made or deleted at this very moment, holds nothing yet, or nothing any more.
async fn add_hub(arm: &Arm, resource: &Hub, sum: &mut Contents) -> Result<(), Refusal> {
    sum.hubs += 1;
    if let Some(hub) = arm.hubs.find(resource.key) {
        let holds = hub.contents().await.map_err(|cause| Refusal::unread(&cause))?;
        sum.devices += holds.devices;
        sum.connected += holds.connected;
        sum.events += holds.events;
        sum.event_bytes += holds.event_bytes;
        sum.file_bytes += holds.file_bytes;
    }
    Ok(())
}

async fn add_dps(arm: &Arm, dps: &Dps, sum: &mut Contents) -> Result<(), Refusal> {
    let holds = arm.resources.count_enrollments(&dps.id_scope).await?;
    sum.provisioning_services += 1;
    sum.enrollments += holds.individual;
    sum.enrollment_groups += holds.groups;
    sum.registrations += holds.registrations;
    Ok(())
}
