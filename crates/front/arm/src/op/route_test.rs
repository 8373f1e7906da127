//! Which routes a message would take, before one is sent.

use roadstead_wire::{
    Words,
    arm::{Route, RouteSource, Routing},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME, hub_settings as settings, kept::unpack},
    refusal::Refusal,
    reply::Reply,
};

/// Of what is sent only this counts: no route asks what is in a message. Source: REST reference, `TestAllRoutesInput`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllRoutes {
    #[serde(default)]
    routing_source: Option<String>,
}

/// Source: REST reference, `TestRouteInput`
#[derive(Deserialize)]
struct NewRoute {
    route: Route,
}

/// `POST …/routing/routes/$testall`: the routes that events of a source take, or the fallback route.
/// Shape: `{"routes":[{"properties":{"name":…,"source":…,"condition":…,"endpointNames":["events"],"isEnabled":true}}]}`.
pub(crate) fn all(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: AllRoutes = call.json()?;
    let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    let mut kept = unpack(&hub.properties).properties;
    let routing = settings::take_routing(&mut kept, hub.settings.events);
    let taken = taken(&routing, asked.routing_source.as_deref());
    let shown: Vec<Value> = taken.into_iter().map(|route| json!({ "properties": route })).collect();
    Ok(Reply::ok(&json!({ "routes": shown })))
}

/// No source stands for all of them, but for the fallback route only telemetry counts.
fn taken<'a>(routing: &'a Routing, source: Option<&str>) -> Vec<&'a Route> {
    let enabled = |route: &&Route| route.is_enabled.unwrap_or(true);
    let asked = |route: &&Route| source.is_none_or(|source| route.source.eq_ignore_ascii_case(source));
    let routes = routing.routes.iter().flatten().filter(enabled).filter(asked);
    let mut taken: Vec<&Route> = routes.collect();
    if taken.is_empty()
        && source.is_none_or(|source| RouteSource::parse_word(source) == Some(RouteSource::DeviceMessages))
    {
        taken.extend(routing.fallback_route.iter().filter(enabled));
    }
    taken
}

/// `POST …/routing/routes/$testnew`: whether a message takes this route, which need not be there yet.
/// Shape: `{"result":"true","details":{"compilationErrors":[]}}`.
pub(crate) fn new(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NewRoute = call.json()?;
    arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
    settings::route(&asked.route).checked()?;
    let result = if asked.route.is_enabled.unwrap_or(true) { "true" } else { "false" };
    Ok(Reply::ok(&json!({"result": result, "details": {"compilationErrors": []}})))
}
