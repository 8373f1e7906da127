//! DPS instances and their linked hubs.

use hyper::StatusCode;
use roadstead_auth::{Permission, Target};
use roadstead_model::{AllocationPolicy, Dps, LinkedHub, Secret};
use roadstead_resources::{Caller, DpsSpec, LinkSpec, ResourceError};
use roadstead_wire::{
    Words,
    arm::{DpsProperties, IotHubLink, Kind, List, Resource, ResourceId, SUCCEEDED, TagsUpdate, mask_connection_string},
};

use crate::{
    arm::Arm,
    call::Call,
    op::{
        GROUP, NAME, contents,
        hub::policies,
        kept::{Kept, kept, unpack},
        subscription,
    },
    refusal::Refusal,
    reply::Reply,
};

/// Those that the caller may see.
pub(crate) fn list(arm: &Arm, caller: &Caller, group: Option<&str>) -> Result<Reply, Refusal> {
    let found = arm.resources.list_dps(group)?;
    let seen = found.iter().filter(|dps| caller.may(Permission::Read, Target::Dps(dps.group.as_str(), &dps.id_scope)));
    Ok(Reply::ok(&List { value: seen.map(|dps| shape(arm, dps)).collect() }))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let dps = arm.resources.dps(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&shape(arm, &dps)))
}

pub(crate) async fn put(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: Resource<DpsProperties> = call.json()?;
    let etag = call.if_match().or(asked.etag.as_deref()).map(str::to_owned);
    let spec = DpsSpec {
        location: asked.location,
        allocation_policy: asked.properties.allocation_policy.as_deref().map(allocation_policy).transpose()?,
        linked_hubs: asked.properties.iot_hubs.map(|links| links.into_iter().map(link).collect()),
        policies: asked.properties.authorization_policies.map(policies),
        host_name: None,
        tags: asked.tags.unwrap_or_default(),
        properties: kept(asked.properties.other, asked.sku, asked.other),
    };
    let put = arm.resources.put_dps(call.segment(GROUP), call.segment(NAME), spec, etag.as_deref()).await?;
    Ok(Reply::put(put.created, &shape(arm, &put.record)))
}

/// `PATCH`: new tags, and nothing else. Source: REST reference, `IotDpsResource_Update`
pub(crate) async fn patch(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: TagsUpdate = call.json()?;
    let (group, name) = (call.segment(GROUP), call.segment(NAME));
    let dps = arm.resources.tag_dps(group, name, asked.tags, call.if_match()).await?;
    Ok(Reply::ok(&shape(arm, &dps)))
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let held = contents::known(contents::of_named_dps(arm, call).await);
    arm.resources.delete_dps(call.segment(GROUP), call.segment(NAME), call.if_match()).await?;
    Ok(Reply::empty(StatusCode::OK).destroyed(held))
}

fn allocation_policy(word: &str) -> Result<AllocationPolicy, ResourceError> {
    AllocationPolicy::parse_word(word).ok_or_else(|| ResourceError::Value {
        member: "allocationPolicy",
        given: word.chars().take(64).collect(),
        allowed: "Hashed, GeoLatency or Static".to_owned(),
    })
}

fn link(link: IotHubLink) -> LinkSpec {
    LinkSpec {
        connection_string: link.connection_string,
        location: Some(link.location).filter(|location| !location.is_empty()),
        apply_allocation_policy: link.apply_allocation_policy,
        allocation_weight: link.allocation_weight,
        properties: link.other,
    }
}

pub(crate) fn shape(arm: &Arm, dps: &Dps) -> Resource<DpsProperties> {
    let subscription = subscription::id(arm);
    let kind = Kind::Dps { name: dps.name.as_str() };
    let Kept { properties: other, sku, beside } = unpack(&dps.properties);
    Resource {
        id: ResourceId { subscription: &subscription, group: dps.group.as_str(), kind }.to_string(),
        name: dps.name.to_string(),
        kind: kind.type_name().to_owned(),
        location: Some(dps.location.clone()),
        tags: Some(dps.tags.clone()),
        etag: Some(dps.etag.to_string()),
        resourcegroup: Some(dps.group.to_string()),
        subscriptionid: Some(subscription),
        sku: Some(sku),
        properties: DpsProperties {
            state: Some("Active".to_owned()),
            provisioning_state: Some(SUCCEEDED.to_owned()),
            iot_hubs: Some(dps.linked_hubs.iter().map(shown_link).collect()),
            allocation_policy: Some(shown_policy(dps.allocation_policy).to_owned()),
            service_operations_host_name: Some(dps.host_name.clone()),
            device_provisioning_host_name: Some(dps.host_name.clone()),
            id_scope: Some(dps.id_scope.to_string()),
            authorization_policies: None,
            other,
        },
        other: beside,
    }
}

fn shown_link(link: &LinkedHub) -> IotHubLink {
    IotHubLink {
        name: Some(link.host_name.clone()),
        connection_string: Secret::new(mask_connection_string(link.connection_string.expose())),
        location: link.location.clone(),
        apply_allocation_policy: Some(link.apply_allocation_policy),
        allocation_weight: link.allocation_weight,
        other: link.properties.clone(),
    }
}

/// Capitalised, unlike in enrollments. Source: `reference/arm-and-az.md` 5
fn shown_policy(policy: AllocationPolicy) -> &'static str {
    match policy {
        AllocationPolicy::Hashed => "Hashed",
        AllocationPolicy::GeoLatency => "GeoLatency",
        AllocationPolicy::Static => "Static",
        AllocationPolicy::Custom => "Custom",
    }
}
