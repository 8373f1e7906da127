//! Resource groups.

use std::sync::Arc;

use hyper::StatusCode;
use roadstead_model::ResourceGroup;
use roadstead_resources::{Caller, GroupSpec, Place, ResourceError};
use roadstead_wire::arm::{GroupProperties, Kind, List, Resource, ResourceId, SUCCEEDED, TagsUpdate};
use serde_json::Map;

use crate::{
    arm::Arm,
    call::Call,
    op::{
        GROUP, contents,
        filter::{Item, Wanted},
        subscription,
    },
    refusal::Refusal,
    reply::Reply,
};

/// Those in which the caller may see anything.
pub(crate) fn list(arm: &Arm, call: &Call, caller: &Caller) -> Result<Reply, Refusal> {
    let wanted = Wanted::of(call)?;
    let directory = arm.resources.directory();
    let fits = |group: &&Arc<ResourceGroup>| {
        wanted.takes(&Item {
            group: group.name.as_str(),
            name: group.name.as_str(),
            kind: Kind::Group.type_name(),
            location: &group.location,
            tags: &group.tags,
        })
    };
    let is_seen = |group: &&Arc<ResourceGroup>| caller.sees(&directory, Place::Group(group.name.as_str()));
    let found = directory.groups().filter(is_seen).filter(fits).take(wanted.top);
    Ok(Reply::ok(&List { value: found.map(|group| shape(arm, group)).collect() }))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let name = call.segment(GROUP);
    match arm.resources.directory().find_group(name) {
        Some(group) => Ok(Reply::ok(&shape(arm, group))),
        None => Err(ResourceError::GroupNotFound { group: name.to_owned() }.into()),
    }
}

/// `HEAD`: 204 or 404.
pub(crate) fn exists(arm: &Arm, call: &Call) -> Reply {
    let found = arm.resources.directory().find_group(call.segment(GROUP)).is_some();
    Reply::empty(if found { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

pub(crate) async fn put(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: Resource<GroupProperties> = call.json()?;
    let location = asked.location.ok_or_else(Refusal::no_location)?;
    let spec = GroupSpec { location, tags: asked.tags.unwrap_or_default() };
    let put = arm.resources.put_group(call.segment(GROUP), spec).await?;
    Ok(Reply::put(put.created, &shape(arm, &put.record)))
}

/// `PATCH`: new tags, and nothing else that is known here.
pub(crate) async fn patch(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: TagsUpdate = call.json()?;
    let group = arm.resources.tag_group(call.segment(GROUP), asked.tags).await?;
    Ok(Reply::ok(&shape(arm, &group)))
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let held = contents::known(contents::of_group(arm, call).await);
    arm.resources.delete_group(call.segment(GROUP)).await?;
    Ok(Reply::empty(StatusCode::OK).destroyed(held))
}

fn shape(arm: &Arm, group: &ResourceGroup) -> Resource<GroupProperties> {
    let subscription = subscription::id(arm);
    let kind = Kind::Group;
    Resource {
        id: ResourceId { subscription: &subscription, group: group.name.as_str(), kind }.to_string(),
        name: group.name.to_string(),
        kind: kind.type_name().to_owned(),
        location: Some(group.location.clone()),
        tags: Some(group.tags.clone()),
        etag: None,
        resourcegroup: None,
        subscriptionid: None,
        sku: None,
        properties: GroupProperties { provisioning_state: Some(SUCCEEDED.to_owned()) },
        other: Map::new(),
    }
}
