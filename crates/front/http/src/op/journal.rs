//! What happened to devices, and who was refused. Ours: Azure has no such API. See `docs/design/002-refusals.md`

use std::net::IpAddr;

use roadstead_dps::{DpsError, Instance};
use roadstead_hub::{Hub, HubError};
use roadstead_journal::{Entries, Mend, Named, RefusalFilter, limits::LAST_REFUSALS_MAX, mend};
use roadstead_model::{Happening, JournalOwner, RefusalCause, What};
use roadstead_wire::{journal as wire, query::CONTINUATION_HEADER};

use crate::{
    call::Call,
    op::{hub_refusal, service::invalid},
    reply::Reply,
    serve::Parts,
};

/// `GET /devices/{id}/timeline`, `GET /devices/{id}/modules/{module}/timeline`
pub(crate) async fn of_device(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: Option<&str>) -> Reply {
    let id = module.map_or_else(|| device.to_owned(), |module| format!("{device}/{module}"));
    let found = async {
        let before = before(call).map_err(HubError::Invalid)?;
        Ok(hub.journal().timeline(&hub.journal_owner(), &id, before, call.page_items()).await?)
    };
    of_hub(parts, hub, call, found.await)
}

/// `GET /refusals/devices`
pub(crate) async fn of_devices(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    refusals_of_hub(parts, hub, call, &hub.journal_owner()).await
}

/// `GET /refusals/services`
pub(crate) async fn of_hub_services(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    refusals_of_hub(parts, hub, call, &hub.services_owner()).await
}

async fn refusals_of_hub(parts: &Parts, hub: &Hub, call: &Call, owner: &JournalOwner) -> Reply {
    let found = async {
        let ids = last_of(call).map_err(HubError::Invalid)?;
        if !ids.is_empty() {
            return Ok(hub.journal().last_refusals(owner, &ids).await?);
        }
        let (filter, before) = (filter(call).map_err(HubError::Invalid)?, before(call).map_err(HubError::Invalid)?);
        Ok(hub.journal().refusals(owner, &filter, before, call.page_items()).await?)
    };
    of_hub(parts, hub, call, found.await)
}

fn of_hub(parts: &Parts, hub: &Hub, call: &Call, found: Result<Entries, HubError>) -> Reply {
    match found {
        Ok(entries) => listing(&entries, hub.resource().name.as_str()),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /registrations/{id}/timeline`
pub(crate) async fn of_registration(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let before = before(call).map_err(|fault| invalid(CONTINUATION_HEADER, fault))?;
    let found = dps.journal().timeline(&dps.journal_owner(), id, before, call.page_items()).await?;
    Ok(listing(&found, &dps.name()))
}

/// `GET /refusals/registrations`
pub(crate) async fn of_registrations(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    refusals_of_dps(dps, call, &dps.journal_owner()).await
}

/// `GET /refusals/dpsServices`
pub(crate) async fn of_dps_services(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    refusals_of_dps(dps, call, &dps.services_owner()).await
}

async fn refusals_of_dps(dps: &Instance, call: &Call, owner: &JournalOwner) -> Result<Reply, DpsError> {
    let ids = last_of(call).map_err(|fault| invalid("query", fault))?;
    if !ids.is_empty() {
        return Ok(listing(&dps.journal().last_refusals(owner, &ids).await?, &dps.name()));
    }
    let filter = filter(call).map_err(|fault| invalid("query", fault))?;
    let before = before(call).map_err(|fault| invalid(CONTINUATION_HEADER, fault))?;
    let found = dps.journal().refusals(owner, &filter, before, call.page_items()).await?;
    Ok(listing(&found, &dps.name()))
}

/// `name`: of the hub or DPS instance.
fn listing(entries: &Entries, name: &str) -> Reply {
    let items: Vec<wire::Entry> = entries.items.iter().map(|happening| shown(happening, name)).collect();
    let reply = Reply::ok(&items);
    match entries.next {
        Some(next) => reply.header(CONTINUATION_HEADER, &next.to_string()),
        None => reply,
    }
}

fn shown(happening: &Happening, name: &str) -> wire::Entry {
    let Happening { owner, id, what, .. } = happening;
    let mended = match what {
        What::Refused(refusal) => Some(mend::mend(refusal, Named { owner, name, id })),
        _ => None,
    };
    wire::Entry::new(happening, mended.map(|Mend { text, command }| wire::Mend { text, command }))
}

/// Where a page begins that goes backwards by numbers.
pub(super) fn before(call: &Call) -> Result<Option<u64>, String> {
    let text = call.header(CONTINUATION_HEADER).filter(|text| !text.is_empty());
    let fault = || format!("{CONTINUATION_HEADER} is not a continuation that this service gave");
    text.map(|text| text.parse().map_err(|_| fault())).transpose()
}

/// The ids whose last refusals are asked for: `lastOf=a&lastOf=b`.
fn last_of(call: &Call) -> Result<Vec<String>, String> {
    let named = call.query.iter().filter(|(name, id)| name.eq_ignore_ascii_case("lastOf") && !id.is_empty());
    let ids: Vec<String> = named.map(|(_, id)| id.clone()).collect();
    let others = ["idPrefix", "cause", "address", "since"];
    if ids.len() > LAST_REFUSALS_MAX {
        return Err(format!("lastOf is there {} times, at most {LAST_REFUSALS_MAX} are allowed", ids.len()));
    }
    match others.into_iter().find(|name| !ids.is_empty() && call.argument(name).is_some()) {
        Some(other) => Err(format!("lastOf and {other} do not go together")),
        None => Ok(ids),
    }
}

fn filter(call: &Call) -> Result<RefusalFilter, String> {
    let argument = |name| call.argument(name).filter(|value| !value.is_empty());
    let cause = argument("cause").map(|word| {
        RefusalCause::from_word(word).ok_or_else(|| {
            let words: Vec<&str> = RefusalCause::ALL.iter().map(|cause| cause.as_str()).collect();
            format!("cause is none of {}", words.join(", "))
        })
    });
    let address = argument("address")
        .map(|text| text.parse::<IpAddr>().map_err(|_| "address is no IP address: 192.0.2.7".to_owned()));
    let since = argument("since").map(|text| {
        wire::parse_time(text).ok_or_else(|| "since is no time in ISO 8601: 2026-11-22T14:00:00Z".to_owned())
    });
    Ok(RefusalFilter {
        id_prefix: argument("idPrefix").map(str::to_owned),
        cause: cause.transpose()?,
        address: address.transpose()?,
        since: since.transpose()?,
    })
}
