//! Twins of devices and modules, as back ends read and write them. Source: `reference/hub-service.md` 1.7

use std::sync::Arc;

use roadstead_hub::{Hub, HubError, IdentityRecord, IfMatch, SectionChange, TwinChange, TwinWrite};
use roadstead_model::{Actor, IdentityId};
use roadstead_wire::{
    hub_service::{self as wire, Twin, TwinChanges},
    object_body,
    query::CONTINUATION_HEADER,
    twin_history::TwinVersion,
};

use crate::{
    call::Call,
    op::{
        hub_devices::{activity, if_match},
        hub_refusal, journal,
    },
    reply::Reply,
    serve::Parts,
};

/// `GET`, `PATCH` (merges) and `PUT` (replaces) of `/twins/{id}` and `/twins/{id}/modules/{module}`.
pub(crate) async fn answer(
    parts: &Parts,
    hub: &Arc<Hub>,
    call: &Call,
    device: &str,
    module: Option<&str>,
    write: Option<(TwinWrite, Actor)>,
) -> Reply {
    match find_or_write(hub, call, device, module, write).await {
        Ok(found) => Reply::ok(&worded(&found)).header("etag", &format!("\"{}\"", found.twin.etag)),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /twins/{id}/history` and `GET /twins/{id}/modules/{module}/history`: what back ends made of it, newest first. Ours.
pub(crate) async fn history(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: Option<&str>) -> Reply {
    let limit = call.page_items();
    let found = async {
        let before = journal::before(call).map_err(HubError::Invalid)?;
        hub.twin_history(&IdentityId::parse(device, module)?, before, limit).await
    };
    let found = match found.await {
        Ok(found) => found,
        Err(refused) => return hub_refusal(parts, call, &refused),
    };
    let next = found.last().filter(|_| found.len() >= limit).map(|(number, _)| number.to_string());
    let reply = Reply::ok(&found.into_iter().map(|(_, revision)| TwinVersion::from(revision)).collect::<Vec<_>>());
    match next {
        Some(next) => reply.header(CONTINUATION_HEADER, &next),
        None => reply,
    }
}

async fn find_or_write(
    hub: &Arc<Hub>,
    call: &Call,
    device: &str,
    module: Option<&str>,
    write: Option<(TwinWrite, Actor)>,
) -> Result<IdentityRecord, HubError> {
    let id = IdentityId::parse(device, module)?;
    let Some((write, actor)) = write else { return hub.read_twin(&id).await };
    let changes: TwinChanges =
        object_body::parse(&call.body).map_err(|error| HubError::Invalid(format!("the body: {error}")))?;
    let change = TwinChange {
        tags: section(changes.tags),
        desired: section(changes.properties.map(|properties| properties.desired).unwrap_or_default()),
        reported: SectionChange::Keep,
        by: Some(actor),
    };
    hub.update_twin(&id, change, write, if_match(call).unwrap_or(IfMatch::Any)).await
}

pub(super) fn section(change: wire::SectionChange) -> SectionChange {
    match change {
        wire::SectionChange::Absent => SectionChange::Keep,
        wire::SectionChange::Null => SectionChange::Clear,
        wire::SectionChange::Members(members) => SectionChange::Write(members),
    }
}

fn worded(found: &IdentityRecord) -> Twin {
    match &found.module {
        Some(module) => Twin::of_module(&found.device, module, &found.twin, &activity(found)),
        None => Twin::of(&found.device, &found.twin, &activity(found)),
    }
}
