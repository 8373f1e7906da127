//! What the resource provider is, may be asked to do, and has room for.

use std::collections::BTreeMap;

use roadstead_resources::limits::{DPS_MAX, HUBS_MAX};
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

pub(crate) fn list(arm: &Arm) -> Reply {
    Reply::ok(&List { value: vec![provider(arm)] })
}

/// Shows the provider, and answers those who register it: it always is.
pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked = call.segment(NAMESPACE);
    if asked.eq_ignore_ascii_case(arm::NAMESPACE) {
        Ok(Reply::ok(&provider(arm)))
    } else {
        Err(Refusal::no_provider(asked))
    }
}

fn provider(arm: &Arm) -> serde_json::Value {
    let places = places(arm);
    let names: Vec<&str> = places.values().map(String::as_str).collect();
    arm::provider(&subscription::id(arm), &names)
}

/// Any text is a location, so these are the ones that are in use.
pub(crate) fn locations(arm: &Arm) -> Reply {
    let subscription = subscription::id(arm);
    let shape = |(name, shown): (&String, &String)| arm::location(&subscription, name, shown);
    Reply::ok(&List { value: places(arm).iter().map(shape).collect() })
}

/// Locations by their names without blanks, in lower case.
fn places(arm: &Arm) -> BTreeMap<String, String> {
    let directory = arm.resources.directory();
    let groups = directory.groups().map(|group| &group.location);
    let hubs = directory.hubs().map(|hub| &hub.location);
    let instances = directory.dps().map(|dps| &dps.location);
    let squeezed = |text: &String| text.replace(' ', "").to_lowercase();
    groups.chain(hubs).chain(instances).map(|location| (squeezed(location), location.clone())).collect()
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
