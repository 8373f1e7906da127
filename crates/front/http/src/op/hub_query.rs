//! Twins of a hub, one or all. The query language comes later: every device, in the order of ids, is what is answered now.

use hyper::StatusCode;
use roadstead_auth::Segment::{AnyCase, Exact};
use roadstead_hub::{Hub, HubError};
use roadstead_model::{DeviceId, Right};
use roadstead_wire::{HubCode, hub_service::Twin};
use serde::Deserialize;

use crate::{
    call::Call,
    op::{
        authorize, hub_code,
        hub_devices::{activity, to_json},
        hub_refusal,
    },
    reply::Reply,
    serve::Parts,
};

#[derive(Deserialize)]
struct Query {
    query: String,
}

/// `POST /devices/query` with `select * from devices`.
pub(crate) async fn query(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let path = [AnyCase("devices"), AnyCase("query")];
    if let Err(refusal) = authorize(parts, hub, call, &path, Right::RegistryRead) {
        return *refusal;
    }
    let asked = match serde_json::from_slice::<Query>(&call.body) {
        Ok(Query { query }) => query,
        Err(error) => return hub_code(parts, call, HubCode::IotHubFormatError, &format!("the body: {error}")),
    };
    if !is_everything(&asked) {
        let message = "this query is not supported yet; `select * from devices` is";
        return hub_code(parts, call, HubCode::IotHubFormatError, message);
    }
    match hub.list_twins(call.header("x-ms-continuation"), call.page_items()).await {
        Ok(page) => {
            let twins: Vec<_> =
                page.items.iter().map(|(device, twin)| Twin::of(device, twin, &activity(hub, &device.id))).collect();
            let reply = Reply::json(StatusCode::OK, to_json(&twins)).header("x-ms-item-type", "Twin");
            // On the last page the header must be absent: Node asks on as long as it is there.
            match page.next {
                Some(next) => reply.header("x-ms-continuation", &next),
                None => reply,
            }
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /twins/{id}`
pub(crate) async fn show_twin(parts: &Parts, hub: &Hub, call: &Call, id: &str) -> Reply {
    if let Err(refusal) = authorize(parts, hub, call, &[AnyCase("twins"), Exact(id)], Right::ServiceConnect) {
        return *refusal;
    }
    let found = match DeviceId::parse(id) {
        Ok(id) => hub.find_twin(&id).await,
        Err(error) => Err(HubError::from(error)),
    };
    match found {
        Ok((device, twin)) => {
            let body = to_json(&Twin::of(&device, &twin, &activity(hub, &device.id)));
            Reply::json(StatusCode::OK, body).header("etag", &format!("\"{}\"", twin.etag))
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

fn is_everything(query: &str) -> bool {
    let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
    words == ["select", "*", "from", "devices"]
}
