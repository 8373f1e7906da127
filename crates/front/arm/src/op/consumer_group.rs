//! Consumer groups of a hub's events.

use hyper::StatusCode;
use roadstead_model::{ConsumerGroup, Hub};
use roadstead_resources::consumer_group::{consumer_groups, require_consumer_group};
use roadstead_wire::arm::{Kind, List, Resource, ResourceId, http_date};
use serde_json::{Map, Value, json};

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// Where the name stands in `…/IotHubs/H/eventHubEndpoints/events/ConsumerGroups/C`.
const CONSUMER_GROUP: usize = 11;

pub(crate) fn list(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    let value = consumer_groups(&hub).iter().map(|one| shape(arm, &hub, one)).collect();
    Ok(Reply::ok(&List { value }))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    Ok(Reply::ok(&shape(arm, &hub, &require_consumer_group(&hub, call.segment(CONSUMER_GROUP))?)))
}

/// The body repeats the name, and nothing else.
pub(crate) async fn put(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let (group, hub) = (call.segment(GROUP), call.segment(NAME));
    let made = arm.resources.put_consumer_group(group, hub, call.segment(CONSUMER_GROUP)).await?;
    Ok(Reply::ok(&shape(arm, &*arm.resources.hub(group, hub)?, &made)))
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let name = call.segment(CONSUMER_GROUP);
    arm.resources.delete_consumer_group(call.segment(GROUP), call.segment(NAME), name).await?;
    Ok(Reply::empty(StatusCode::OK))
}

/// Shape of the properties: `{"created":"Sat, 21 Nov 2026 21:09:03 GMT"}`. Source: REST reference, `EventHubConsumerGroupInfo`
fn shape(arm: &Arm, hub: &Hub, group: &ConsumerGroup) -> Resource<Value> {
    let kind = Kind::ConsumerGroup { hub: hub.name.as_str(), name: group.name.as_str() };
    Resource {
        id: ResourceId { subscription: &subscription::id(arm), group: hub.group.as_str(), kind }.to_string(),
        name: group.name.to_string(),
        kind: kind.type_name().to_owned(),
        location: None,
        tags: None,
        etag: None,
        resourcegroup: None,
        subscriptionid: None,
        sku: None,
        properties: json!({ "created": http_date(group.created) }),
        other: Map::new(),
    }
}
