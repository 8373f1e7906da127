//! Twins of a hub, one or all. The query language comes later: every device, in the order of ids, is what is answered now.

use roadstead_auth::Segment::{AnyCase, Exact};
use roadstead_hub::{Hub, HubError};
use roadstead_model::{DeviceId, Right};
use roadstead_wire::{
    HubCode,
    hub_service::Twin,
    query::{CONTINUATION_HEADER, ITEM_TYPE_HEADER, ItemType, QuerySpecification},
};

use crate::{
    call::Call,
    op::{authorize, hub_code, hub_devices::activity, hub_refusal},
    reply::Reply,
    serve::Parts,
};

/// `POST /devices/query` with `select * from devices`.
pub(crate) async fn query(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let path = [AnyCase("devices"), AnyCase("query")];
    if let Err(refusal) = authorize(parts, hub, call, &path, Right::ServiceConnect) {
        return *refusal;
    }
    let asked = match QuerySpecification::parse(&call.body) {
        Ok(QuerySpecification { query }) => query,
        Err(error) => return hub_code(parts, call, HubCode::IotHubFormatError, &format!("the body: {error}")),
    };
    if !is_everything(&asked) {
        let message = "this query is not supported yet; `select * from devices` is";
        return hub_code(parts, call, HubCode::IotHubFormatError, message);
    }
    match hub.list_identities(call.header(CONTINUATION_HEADER), call.page_items()).await {
        Ok(page) => {
            let rows: Vec<_> =
                page.items.iter().map(|found| Twin::row(&found.device, &found.twin, &activity(found))).collect();
            let reply = Reply::ok(&rows).header(ITEM_TYPE_HEADER, ItemType::Twin.as_str());
            // On the last page the header must be absent: Node asks on as long as it is there.
            match page.next {
                Some(next) => reply.header(CONTINUATION_HEADER, &next),
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
        Ok(id) => hub.find_identity(&id.into()).await,
        Err(error) => Err(HubError::from(error)),
    };
    match found {
        Ok(found) => {
            let shown = Twin::of(&found.device, &found.twin, &activity(&found));
            Reply::ok(&shown).header("etag", &format!("\"{}\"", found.twin.etag))
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

fn is_everything(query: &str) -> bool {
    let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
    words == ["select", "*", "from", "devices"]
}
