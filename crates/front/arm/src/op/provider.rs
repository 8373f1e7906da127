//! What the resource provider is, may be asked to do, and has room for.

use std::collections::BTreeMap;

use roadstead_auth::{Permission, Target};
use roadstead_resources::{
    Caller, Place,
    limits::{DPS_MAX, HUBS_MAX},
};
use roadstead_wire::arm::{self, List};
use serde_json::json;

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// Where the namespace stands in `/subscriptions/S/providers/Microsoft.Devices`.
const NAMESPACE: usize = 3;

pub(crate) fn operations() -> Reply {
    Reply::ok(&List { value: arm::operations() })
}

pub(crate) fn list(arm: &Arm, caller: &Caller) -> Reply {
    Reply::ok(&List { value: vec![provider(arm, caller)] })
}

/// Shows the provider, and answers those who register it: it always is.
pub(crate) fn show(arm: &Arm, call: &Call, caller: &Caller) -> Result<Reply, Refusal> {
    let asked = call.segment(NAMESPACE);
    if asked.eq_ignore_ascii_case(arm::NAMESPACE) {
        Ok(Reply::ok(&provider(arm, caller)))
    } else {
        Err(Refusal::no_provider(asked))
    }
}

fn provider(arm: &Arm, caller: &Caller) -> serde_json::Value {
    let places = places(arm, caller);
    let names: Vec<&str> = places.values().map(String::as_str).collect();
    arm::provider(&subscription::id(arm), &names)
}

/// Any text is a location, so these are the ones that are in use where the caller may look.
pub(crate) fn locations(arm: &Arm, caller: &Caller) -> Reply {
    let subscription = subscription::id(arm);
    let shape = |(name, shown): (&String, &String)| arm::location(&subscription, name, shown);
    Reply::ok(&List { value: places(arm, caller).iter().map(shape).collect() })
}

/// Locations of what the caller may see, by their names without blanks, in lower case.
fn places(arm: &Arm, caller: &Caller) -> BTreeMap<String, String> {
    let directory = arm.resources.directory();
    let may_read = |target| caller.may(Permission::Read, target);
    let groups = directory.groups().filter(|group| caller.sees(&directory, Place::Group(group.name.as_str())));
    let hubs = directory.hubs().filter(|hub| may_read(Target::Hub(hub.group.as_str(), hub.key)));
    let instances = directory.dps().filter(|dps| may_read(Target::Dps(dps.group.as_str(), &dps.id_scope)));
    let groups = groups.map(|group| &group.location);
    let all = groups.chain(hubs.map(|hub| &hub.location)).chain(instances.map(|dps| &dps.location));
    let squeezed = |text: &String| text.replace(' ', "").to_lowercase();
    all.map(|location| (squeezed(location), location.clone())).collect()
}

pub(crate) fn usages(arm: &Arm) -> Reply {
    let directory = arm.resources.directory();
    let subscription = subscription::id(arm);
    let hubs = arm::usage(&subscription, "IotHubs", directory.hubs().len(), HUBS_MAX);
    let instances = arm::usage(&subscription, "ProvisioningServices", directory.dps().len(), DPS_MAX);
    Reply::ok(&List { value: vec![hubs, instances] })
}

pub(crate) fn hub_tiers(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&List { value: arm::hub_tiers() }))
}

pub(crate) fn dps_tiers(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    arm.resources.dps(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&List { value: arm::dps_tiers() }))
}

/// The built-in endpoint, which is well as long as it can be asked; others are not kept yet.
pub(crate) fn endpoint_health(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&json!({"value": [{"endpointId": "events", "healthStatus": "healthy"}]})))
}
