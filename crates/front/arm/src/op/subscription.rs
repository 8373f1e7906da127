//! The one subscription and its tenant.

use roadstead_wire::arm::{List, Subscription, Tenant};

use crate::{arm::Arm, refusal::Refusal, reply::Reply};

const DISPLAY_NAME: &str = "Roadstead";

/// The subscription's id as it stands in resource ids.
pub(crate) fn id(arm: &Arm) -> String {
    arm.administrators.installation().subscription_id.to_string()
}

/// Errors: 404 when a path names another subscription.
pub(crate) fn require(arm: &Arm, asked: &str) -> Result<(), Refusal> {
    if asked.eq_ignore_ascii_case(&id(arm)) { Ok(()) } else { Err(Refusal::no_subscription(asked)) }
}

pub(crate) fn list(arm: &Arm) -> Reply {
    Reply::ok(&List { value: vec![shape(arm)] })
}

pub(crate) fn show(arm: &Arm) -> Reply {
    Reply::ok(&shape(arm))
}

pub(crate) fn list_tenants(arm: &Arm) -> Reply {
    let tenant_id = arm.administrators.installation().tenant_id.to_string();
    let tenant = Tenant { id: format!("/tenants/{tenant_id}"), tenant_id, display_name: DISPLAY_NAME.to_owned() };
    Reply::ok(&List { value: vec![tenant] })
}

fn shape(arm: &Arm) -> Subscription {
    let subscription_id = id(arm);
    Subscription {
        id: format!("/subscriptions/{subscription_id}"),
        subscription_id,
        display_name: DISPLAY_NAME.to_owned(),
        state: "Enabled".to_owned(),
        tenant_id: arm.administrators.installation().tenant_id.to_string(),
    }
}
