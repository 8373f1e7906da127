//! Twins of devices and modules, as back ends read and write them. Source: `reference/hub-service.md` 1.7

use std::sync::Arc;

use roadstead_hub::{Hub, HubError, IdentityRecord, IfMatch, SectionChange, TwinChange, TwinWrite};
use roadstead_model::IdentityId;
use roadstead_wire::{
    hub_service::{self as wire, Twin, TwinChanges},
    object_body,
};

use crate::{
    call::Call,
    op::{
        hub_devices::{activity, if_match},
        hub_refusal,
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
    write: Option<TwinWrite>,
) -> Reply {
    match find_or_write(hub, call, device, module, write).await {
        Ok(found) => Reply::ok(&worded(&found)).header("etag", &format!("\"{}\"", found.twin.etag)),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

async fn find_or_write(
    hub: &Arc<Hub>,
    call: &Call,
    device: &str,
    module: Option<&str>,
    write: Option<TwinWrite>,
) -> Result<IdentityRecord, HubError> {
    let id = IdentityId::parse(device, module)?;
    let Some(write) = write else { return hub.read_twin(&id).await };
    let changes: TwinChanges =
        object_body::parse(&call.body).map_err(|error| HubError::Invalid(format!("the body: {error}")))?;
    let change = TwinChange {
        tags: section(changes.tags),
        desired: section(changes.properties.map(|properties| properties.desired).unwrap_or_default()),
        reported: SectionChange::Keep,
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
