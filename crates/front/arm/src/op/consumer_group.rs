//! Consumer groups of a hub's events.

use hyper::{Method, StatusCode};
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

/// `words` is what follows `ConsumerGroups`.
pub(crate) async fn route(arm: &Arm, call: &Call, method: &Method, words: &[&str]) -> Result<Reply, Refusal> {
    let (group, hub, name) = (call.segment(GROUP), call.segment(NAME), call.segment(CONSUMER_GROUP));
    match (method, words) {
        (&Method::GET, []) => {
            let hub = arm.resources.hub(group, hub)?;
            let value = consumer_groups(&hub).iter().map(|one| shape(arm, &hub, one)).collect();
            Ok(Reply::ok(&List { value }))
        }
        (&Method::GET, [_]) => {
            let hub = arm.resources.hub(group, hub)?;
            Ok(Reply::ok(&shape(arm, &hub, &require_consumer_group(&hub, name)?)))
        }
        // The body repeats the name, and nothing else.
        (&Method::PUT, [_]) => {
            let made = arm.resources.put_consumer_group(group, hub, name).await?;
            Ok(Reply::ok(&shape(arm, &*arm.resources.hub(group, hub)?, &made)))
        }
        (&Method::DELETE, [_]) => {
            arm.resources.delete_consumer_group(group, hub, name).await?;
            Ok(Reply::empty(StatusCode::OK))
        }
        _ => Err(Refusal::no_route(call)),
    }
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
