//! What happened to a device, module or registration, newest first.

use crate::call::{At, Call, Frame};
use crate::fault::Fault;
use crate::happening::{self, Happening};
use crate::limits::{PAGE_ITEMS, REFUSALS_LOOKED_THROUGH_MAX, TIMELINE_SHOWN_MAX};
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Entry, RefusalsWanted};
use roadstead_wire::percent;

/// The part of a page that tells it: `timeline.html`.
pub(crate) struct Timeline {
    /// Whose: `thermo-7`.
    pub(crate) id: String,
    pub(crate) happenings: Vec<Happening>,
    /// The address of all of it, or of the next page.
    pub(crate) more: Option<String>,
    /// The address of refusals of this id, at whatever name it came to.
    pub(crate) refusals: String,
}

impl Timeline {
    fn new(at: &At, id: &str, entries: Vec<Entry>, more: Option<String>) -> Self {
        let refusals = refusals_of(at, id);
        Self { id: id.to_owned(), happenings: happening::timeline(entries), more, refusals }
    }
}

fn refusals_of(at: &At, id: &str) -> String {
    format!("{}?q={}", at.href(&["refusals"]), percent::encode(id))
}

/// The newest of what happened to a device.
pub(crate) async fn newest_of_device(call: &Call<'_>, at: &At, id: &str) -> Result<Timeline, Fault> {
    let (entries, next) = call.hub(at).await?.timeline_page(id, None, TIMELINE_SHOWN_MAX, None).await?;
    Ok(Timeline::new(at, id, entries, next.map(|_| at.href(&["devices", id, "timeline"]))))
}

/// The newest of what happened under a registration id.
pub(crate) async fn newest_of_registration(call: &Call<'_>, at: &At, id: &str) -> Result<Timeline, Fault> {
    let (entries, next) = call.dps(at).await?.timeline_page(id, TIMELINE_SHOWN_MAX, None).await?;
    Ok(Timeline::new(at, id, entries, next.map(|_| at.href(&["registrations", id]))))
}

/// A page of what happened under a registration id, and the address of the first page if this is another one.
pub(crate) async fn of_registration(call: &Call<'_>, at: &At, id: &str) -> Result<(Timeline, Option<String>), Fault> {
    let after = call.ask.argument("after");
    let asked = Some(after).filter(|after| !after.is_empty());
    let here = at.href(&["registrations", id]);
    let (entries, next) = call.dps(at).await?.timeline_page(id, PAGE_ITEMS, asked).await?;
    let timeline = Timeline::new(at, id, entries, next.map(|next| format!("{here}?after={}", percent::encode(&next))));
    Ok((timeline, asked.map(|_| here)))
}

#[derive(Template)]
#[template(path = "timeline-page.html")]
struct Page {
    frame: Frame,
    timeline: Timeline,
    /// The address of the first page, on another one.
    first: Option<String>,
}

/// All of what happened to a device or module, in pages.
pub(crate) async fn of_device(
    call: &Call<'_>,
    at: &At,
    device: &str,
    module: Option<&str>,
) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let after = call.ask.argument("after");
    let asked = Some(after).filter(|after| !after.is_empty());
    let (entries, next) = call.hub(at).await?.timeline_page(device, module, PAGE_ITEMS, asked).await?;
    let (id, here) = match module {
        Some(module) => (format!("{device}/{module}"), at.href(&["devices", device, "modules", module, "timeline"])),
        None => (device.to_owned(), at.href(&["devices", device, "timeline"])),
    };
    let mut above = above(at);
    above.push((device.to_owned(), at.href(&["devices", device])));
    let more = next.map(|next| format!("{here}?after={}", percent::encode(&next)));
    let page = Page {
        frame: call.frame(&format!("Timeline of {id}"), "hubs", above),
        timeline: Timeline::new(at, &id, entries, more),
        first: asked.map(|_| here),
    };
    Ok(reply::page(StatusCode::OK, &page))
}

fn above(at: &At) -> Vec<(String, String)> {
    vec![(at.resource.name.clone(), at.href(&[])), ("Devices".to_owned(), at.href(&["devices"]))]
}

#[derive(Template)]
#[template(path = "absent-device.html")]
struct AbsentPage {
    frame: Frame,
    timeline: Timeline,
    hub: String,
    /// Where devices are added.
    devices: String,
    may_write: bool,
}

/// Of a device that is in no registry: what happened to it here, or at a host name that no hub has.
///
/// Errors: `Absent` when nothing did.
pub(crate) async fn of_absent(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let mut timeline = newest_of_device(call, at, id).await?;
    if timeline.happenings.is_empty() {
        let wanted = RefusalsWanted { id_prefix: Some(id.to_owned()), ..RefusalsWanted::default() };
        let (mut entries, _) =
            call.hub(at).await?.refusals_page::<Entry>(&wanted, REFUSALS_LOOKED_THROUGH_MAX, None).await?;
        entries.retain(|entry| entry.id.as_deref() == Some(id));
        entries.truncate(TIMELINE_SHOWN_MAX);
        timeline = Timeline::new(at, id, entries, None);
    }
    if timeline.happenings.is_empty() {
        return Err(Fault::Absent { what: "device", name: id.to_owned() });
    }
    let page = AbsentPage {
        frame: call.frame(id, "hubs", above(at)),
        timeline,
        hub: at.resource.name.clone(),
        devices: at.href(&["devices"]),
        may_write: at.rights.data_write,
    };
    Ok(reply::page(StatusCode::OK, &page))
}
