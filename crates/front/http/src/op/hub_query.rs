//! Queries over the twins of a hub.

use roadstead_hub::{Hub, QueryRow, RowKind};
use roadstead_wire::{
    HubCode,
    hub_service::Twin,
    query::{CONTINUATION_HEADER, ITEM_TYPE_HEADER, ItemType, QuerySpecification},
};

use serde::Serialize;
use serde_json::Value;

use crate::{
    call::Call,
    op::{hub_code, hub_devices::activity, hub_refusal},
    reply::Reply,
    serve::Parts,
};

/// `POST /devices/query`
pub(crate) async fn query(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let asked = match QuerySpecification::parse(&call.body) {
        Ok(QuerySpecification { query }) => query,
        Err(error) => return hub_code(parts, call, HubCode::IotHubFormatError, &format!("the body: {error}")),
    };
    match hub.query(&asked, call.header(CONTINUATION_HEADER), call.page_items()).await {
        Ok(page) => {
            let rows: Vec<Row<'_>> = page.rows.iter().map(row).collect();
            let item_type = match page.kind {
                RowKind::Twins => ItemType::Twin,
                RowKind::Values => ItemType::Raw,
                RowKind::Jobs => ItemType::DeviceJob,
            };
            let reply = Reply::ok(&rows).header(ITEM_TYPE_HEADER, item_type.as_str());
            // On the last page the header must be absent: Node asks on as long as it is there.
            match page.next {
                Some(next) => reply.header(CONTINUATION_HEADER, &next),
                None => reply,
            }
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Twin(Box<Twin>),
    Values(&'a Value),
}

fn row(row: &QueryRow) -> Row<'_> {
    match row {
        QueryRow::Values(values) => Row::Values(values),
        QueryRow::Identity(found) => Row::Twin(Box::new(match &found.module {
            Some(module) => Twin::row_of_module(&found.device, module, &found.twin, &activity(found)),
            None => Twin::row(&found.device, &found.twin, &activity(found)),
        })),
    }
}
