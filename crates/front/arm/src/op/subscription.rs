//! The one subscription and its tenant.

use roadstead_resources::{Caller, Place};
use roadstead_wire::arm::{Kind, List, ResourceId, Subscription, Tenant};

use crate::{arm::Arm, refusal::Refusal, reply::Reply};

const DISPLAY_NAME: &str = "Roadstead";

/// The subscription's id as it stands in resource ids.
pub(crate) fn id(arm: &Arm) -> String {
    arm.access.installation().subscription_id.to_string()
}

/// Errors: 404 when a path names another subscription.
pub(crate) fn require(arm: &Arm, asked: &str) -> Result<(), Refusal> {
    if asked.eq_ignore_ascii_case(&id(arm)) { Ok(()) } else { Err(Refusal::no_subscription(asked)) }
}

/// A place as a resource's id. Names as they are given.
pub(crate) fn scope_id(arm: &Arm, place: Place<'_>) -> String {
    let subscription = id(arm);
    let (group, kind) = match place {
        Place::Subscription => return format!("/subscriptions/{subscription}"),
        Place::Group(group) => (group, Kind::Group),
        Place::Hub(group, name) => (group, Kind::Hub { name }),
        Place::Dps(group, name) => (group, Kind::Dps { name }),
    };
    ResourceId { subscription: &subscription, group, kind }.to_string()
}

/// Empty for whom there is nothing to be seen in it: `az login` then says so.
pub(crate) fn list(arm: &Arm, caller: &Caller) -> Reply {
    let is_seen = caller.sees(&arm.resources.directory(), Place::Subscription);
    Reply::ok(&List { value: is_seen.then(|| shape(arm)).into_iter().collect() })
}

pub(crate) fn show(arm: &Arm) -> Reply {
    Reply::ok(&shape(arm))
}

pub(crate) fn list_tenants(arm: &Arm) -> Reply {
    let tenant_id = arm.access.installation().tenant_id.to_string();
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
        tenant_id: arm.access.installation().tenant_id.to_string(),
    }
}
