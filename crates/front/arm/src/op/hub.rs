//! Hubs.

use hyper::StatusCode;
use roadstead_auth::{Permission, Target};
use roadstead_model::Hub;
use roadstead_resources::{Caller, HubSpec, PolicySpec};
use roadstead_wire::arm::{
    AccessKey, HubProperties, Kind, List, Location, Resource, ResourceId, SUCCEEDED, TagsUpdate,
};
use serde_json::{Map, Value, json};

use crate::{
    arm::Arm,
    call::Call,
    op::{
        GROUP, NAME, contents, hub_settings as settings,
        kept::{Kept, kept, unpack},
        subscription,
    },
    refusal::Refusal,
    reply::Reply,
};

/// Those that the caller may see.
pub(crate) fn list(arm: &Arm, caller: &Caller, group: Option<&str>) -> Result<Reply, Refusal> {
    let found = arm.resources.list_hubs(group)?;
    let seen = found.iter().filter(|hub| caller.may(Permission::Read, Target::Hub(hub.group.as_str(), hub.key)));
    Ok(Reply::ok(&List { value: seen.map(|hub| shape(arm, hub)).collect() }))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&shape(arm, &hub)))
}

pub(crate) async fn put(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let mut asked: Resource<HubProperties> = call.json()?;
    let etag = call.if_match().or(asked.etag.as_deref()).map(str::to_owned);
    let settings = settings::read(&asked.properties)?;
    let events = asked.properties.event_hub_endpoints.as_ref().and_then(|endpoints| endpoints.events.as_ref());
    let spec = HubSpec {
        location: asked.location,
        partition_count: events.and_then(|events| events.partition_count),
        retention_days: events.and_then(|events| events.retention_time_in_days),
        policies: asked.properties.authorization_policies.take().map(policies),
        host_names: None,
        settings,
        tags: asked.tags.unwrap_or_default(),
        properties: kept(settings::written(asked.properties), asked.sku, asked.other),
    };
    let put = arm.resources.put_hub(call.segment(GROUP), call.segment(NAME), spec, etag.as_deref()).await?;
    Ok(Reply::put(put.created, &shape(arm, &put.record)))
}

/// `PATCH`: new tags, and nothing else. Source: REST reference, `IotHubResource_Update`
pub(crate) async fn patch(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: TagsUpdate = call.json()?;
    let (group, name) = (call.segment(GROUP), call.segment(NAME));
    let hub = arm.resources.tag_hub(group, name, asked.tags, call.if_match()).await?;
    Ok(Reply::ok(&shape(arm, &hub)))
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let held = contents::known(contents::of_named_hub(arm, call).await);
    arm.resources.delete_hub(call.segment(GROUP), call.segment(NAME), call.if_match()).await?;
    Ok(Reply::empty(StatusCode::OK).destroyed(held))
}

pub(crate) fn shape(arm: &Arm, hub: &Hub) -> Resource<HubProperties> {
    let subscription = subscription::id(arm);
    let kind = Kind::Hub { name: hub.name.as_str() };
    let Kept { mut properties, sku, beside } = unpack(&hub.properties);
    let routing = settings::take_routing(&mut properties, hub.settings.events);
    let storage = settings::take_storage(&mut properties, &hub.settings.files);
    let messaging = settings::take_messaging(&mut properties, &hub.settings.files);
    let cloud_to_device = settings::take_cloud_to_device(&mut properties, &hub.settings.cloud_to_device);
    let event_hubs = settings::take_event_hubs(&mut properties, hub);
    Resource {
        id: ResourceId { subscription: &subscription, group: hub.group.as_str(), kind }.to_string(),
        name: hub.name.to_string(),
        kind: kind.type_name().to_owned(),
        location: Some(hub.location.clone()),
        tags: Some(hub.tags.clone()),
        etag: Some(hub.etag.to_string()),
        resourcegroup: Some(hub.group.to_string()),
        subscriptionid: Some(subscription),
        sku: Some(sku),
        properties: HubProperties {
            state: Some("Active".to_owned()),
            provisioning_state: Some(SUCCEEDED.to_owned()),
            host_name: Some(hub.host_name.clone()),
            event_hub_endpoints: Some(event_hubs),
            authorization_policies: None,
            locations: Some(vec![Location { location: hub.location.clone(), role: "primary".to_owned() }]),
            cloud_to_device: Some(cloud_to_device),
            enable_file_upload_notifications: Some(hub.settings.files.notifications),
            storage_endpoints: Some(storage),
            messaging_endpoints: Some(messaging),
            routing: Some(routing),
            roadstead: Some(settings::roadstead(&hub.settings)),
            other: with_defaults(properties),
        },
        other: with_identity(beside),
    }
}

/// What every hub shows, over which goes what its maker wrote: `az iot hub update` sets members of these and fails where
/// they are absent. Source: `reference/arm-and-az.md` 3 (create body) and 5
fn with_defaults(kept: Map<String, Value>) -> Map<String, Value> {
    let defaults = json!({
        "ipFilterRules": [],
        "features": "None",
    });
    let Value::Object(mut shown) = defaults else { return kept };
    shown.extend(kept.into_iter().filter(|(_, value)| !value.is_null()));
    shown
}

/// Policies as they were sent.
pub(crate) fn policies(keys: Vec<AccessKey>) -> Vec<PolicySpec> {
    let spec = |key: AccessKey| PolicySpec {
        key_name: key.key_name,
        primary: key.primary_key,
        secondary: key.secondary_key,
        rights: key.rights,
    };
    keys.into_iter().map(spec).collect()
}

/// A hub without an identity says so: `az iot hub identity assign` reads its type.
fn with_identity(mut beside: Map<String, Value>) -> Map<String, Value> {
    beside.entry("identity").or_insert_with(|| json!({"type": "None"}));
    beside
}
