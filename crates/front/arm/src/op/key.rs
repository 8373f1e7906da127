//! Keys of shared access policies.

use roadstead_model::AccessPolicy;
use roadstead_resources::hub::require_policy;
use roadstead_wire::arm::{AccessKey, List};

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, INNER_NAME, NAME},
    refusal::Refusal,
    reply::Reply,
};

pub(crate) fn list_of_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(list(&arm.resources.hub(call.segment(GROUP), call.segment(NAME))?.policies))
}

pub(crate) fn list_of_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(list(&arm.resources.dps(call.segment(GROUP), call.segment(NAME))?.policies))
}

pub(crate) fn show_of_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    show(call, &arm.resources.hub(call.segment(GROUP), call.segment(NAME))?.policies)
}

pub(crate) fn show_of_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    show(call, &arm.resources.dps(call.segment(GROUP), call.segment(NAME))?.policies)
}

fn list(policies: &[AccessPolicy]) -> Reply {
    Reply::ok(&List { value: policies.iter().map(AccessKey::from).collect() })
}

fn show(call: &Call, policies: &[AccessPolicy]) -> Result<Reply, Refusal> {
    let policy = require_policy(policies, call.segment(INNER_NAME), call.segment(NAME))?;
    Ok(Reply::ok(&AccessKey::from(policy)))
}
