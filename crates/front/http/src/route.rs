//! Which operation a request is. Fixed segments are compared without case, ids with it.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use roadstead_hub::Hub;

use crate::{
    call::Call,
    op::{self, device_send, hub_devices, hub_events, hub_query, operations},
    reply::{Body, Reply},
    serve::Parts,
};

/// A path with its fixed words in lower case beside the original, so that both can be matched at once.
struct Route<'a> {
    words: Vec<String>,
    path: Vec<&'a str>,
}

pub(crate) async fn answer(parts: &Parts, call: Call) -> Response<Body> {
    let path = call.path();
    let route = Route { words: path.iter().map(|segment| segment.to_ascii_lowercase()).collect(), path };
    let words: Vec<&str> = route.words.iter().map(String::as_str).collect();
    match (&call.method, words.as_slice()) {
        (&Method::GET, ["healthz"]) => operations::health().into_response(),
        (&Method::GET, ["readyz"]) => operations::ready(parts).into_response(),
        (&Method::GET, ["metrics"]) => operations::metrics(parts).into_response(),
        (_, ["devices" | "twins" | "messages" | "statistics", ..]) => match parts.hubs.by_host(&call.host) {
            Some(hub) => hub_route(parts, &hub, &call, &words, &route.path).await,
            None => op::no_such_hub(parts, &call).into_response(),
        },
        _ => Reply::text(StatusCode::NOT_FOUND, "there is nothing at this path\n").into_response(),
    }
}

async fn hub_route(parts: &Parts, hub: &Arc<Hub>, call: &Call, words: &[&str], path: &[&str]) -> Response<Body> {
    let reply = match (&call.method, words) {
        (&Method::POST, ["devices", _, "messages", "events"]) => device_send::send(parts, hub, call, path[1], None).await,
        (&Method::POST, ["devices", _, "modules", _, "messages", "events"]) => {
            device_send::send(parts, hub, call, path[1], Some(path[3])).await
        }
        (&Method::GET, ["messages", "events"]) => return hub_events::follow(parts, hub, call).await,
        (&Method::POST, ["devices", "query"]) => hub_query::query(parts, hub, call).await,
        (&Method::GET, ["statistics", "devices"]) => hub_devices::statistics(parts, hub, call).await,
        (&Method::GET, ["statistics", "service"]) => hub_devices::connected(parts, hub, call),
        (&Method::GET, ["devices"]) => hub_devices::list(parts, hub, call).await,
        (&Method::GET, ["devices", _]) => hub_devices::show(parts, hub, call, path[1]).await,
        (&Method::PUT, ["devices", _]) => hub_devices::put(parts, hub, call, path[1]).await,
        (&Method::DELETE, ["devices", _]) => hub_devices::delete(parts, hub, call, path[1]).await,
        (&Method::GET, ["twins", _]) => hub_query::show_twin(parts, hub, call, path[1]).await,
        _ => op::not_implemented(parts, call),
    };
    reply.into_response()
}
