//! Who was refused by a hub or DPS instance, and why: devices, or back ends.

use crate::call::{At, Call, Frame};
use crate::cause;
use crate::fault::Fault;
use crate::happening::Happening;
use crate::limits::PAGE_ITEMS;
use crate::page::enrollments;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Entry, Kind, RefusalsWanted, RefusedWho};
use roadstead_wire::percent;

/// The argument `who`, when it is not devices that are asked for.
const SERVICES: &str = "services";

struct Row {
    /// As claimed; empty when nothing was, or too many were refused at once.
    id: String,
    /// Its page; a back end has none.
    href: Option<String>,
    told: Happening,
}

#[derive(Template)]
#[template(path = "refusals.html")]
struct Page {
    frame: Frame,
    is_dps: bool,
    /// Whose refusals these are: back ends', not devices'.
    of_services: bool,
    here: String,
    prefix: String,
    address: String,
    /// Word, words and whether it is chosen.
    causes: Vec<(&'static str, &'static str, bool)>,
    /// Something is searched for.
    is_search: bool,
    fault: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
    /// The address of the first page, on another one.
    first: Option<String>,
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let [who, prefix, cause, address, after] =
        ["who", "q", "cause", "address", "after"].map(|name| call.ask.argument(name));
    let of_services = who == SERVICES;
    let whose = if of_services { RefusedWho::Services } else { RefusedWho::Devices };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let wanted =
        RefusalsWanted { who: whose, id_prefix: some(prefix), cause: some(cause), address: some(address), since: None };
    let asked = Some(after).filter(|after| !after.is_empty());
    let is_dps = at.resource.kind == Kind::Dps;
    let found = if is_dps {
        call.dps(at).await?.refusals_page(&wanted, PAGE_ITEMS, asked).await
    } else {
        call.hub(at).await?.refusals_page(&wanted, PAGE_ITEMS, asked).await
    };
    let (entries, next, fault) = match found {
        Ok((entries, next)) => (entries, next, None),
        // What was typed is no address.
        Err(error) if error.status() == Some(400) => (Vec::new(), None, Some(Fault::from(error).text())),
        Err(error) => return Err(error.into()),
    };
    let here = at.href(&["refusals"]);
    let [q, of_cause, from] = [prefix, cause, address].map(percent::encode);
    let who = if of_services { "who=services&" } else { "" };
    let searched = format!("{here}?{who}q={q}&cause={of_cause}&address={from}");
    let (section, above) = if is_dps {
        ("dps", enrollments::above(at, None))
    } else {
        ("hubs", vec![(at.resource.name.clone(), at.href(&[]))])
    };
    let causes = if of_services { cause::OF_SERVICES.to_vec() } else { cause::of(at.resource.kind) };
    let page = Page {
        frame: call.frame("Refusals", section, above).with_tabs(at.tabs("refusals")),
        is_dps,
        prefix: prefix.to_owned(),
        address: address.to_owned(),
        of_services,
        causes: causes.iter().map(|one| (one.as_str(), cause::in_words(*one), one.as_str() == cause)).collect(),
        is_search: !(prefix.is_empty() && cause.is_empty() && address.is_empty()),
        fault,
        rows: entries.into_iter().map(|entry| row(at, of_services, entry)).collect(),
        next: next.map(|token| format!("{searched}&after={}", percent::encode(&token))),
        first: asked.map(|_| searched),
        here,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

fn row(at: &At, of_services: bool, entry: Entry) -> Row {
    let id = entry.id.clone().unwrap_or_default();
    let href = match (at.resource.kind, id.split_once('/')) {
        _ if of_services || id.is_empty() => None,
        (Kind::Dps, _) => Some(at.href(&["registrations", &id])),
        (Kind::Hub, Some((device, module))) => Some(at.href(&["devices", device, "modules", module, "timeline"])),
        (Kind::Hub, None) => Some(at.href(&["devices", &id])),
    };
    Row { id, href, told: Happening::tell(entry) }
}
