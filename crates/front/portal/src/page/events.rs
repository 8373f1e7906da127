//! The messages of all devices of a hub, or of one, as they arrive.

use crate::call::{At, Call, Frame};
use crate::fault::Fault;
use crate::page::live::SPANS;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_wire::percent;

#[derive(Template)]
#[template(path = "events.html")]
struct Page {
    frame: Frame,
    hub: String,
    here: String,
    /// The same from the log, page by page.
    log: String,
    /// Where the module asks for messages.
    live: String,
    /// Below this is each device's page.
    devices: String,
    device: String,
    /// Words in the address, on the page, and whether it is chosen.
    spans: Vec<(&'static str, &'static str, bool)>,
}

pub(crate) fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let (device, since) = (call.ask.argument("device"), call.ask.argument("since"));
    let live = match device {
        "" => at.href(&["live"]),
        id => at.href(&["devices", id, "live"]),
    };
    let page = Page {
        frame: call
            .frame("Messages", "hubs", vec![(at.resource.name.clone(), at.href(&[]))])
            .with_tabs(at.tabs("events")),
        hub: at.resource.name.clone(),
        here: at.href(&["events"]),
        log: format!("{}?device={}", at.href(&["events", "log"]), percent::encode(device)),
        live: format!("{live}?since={}", percent::encode(since)),
        devices: at.href(&["devices"]),
        device: device.to_owned(),
        spans: SPANS.iter().map(|span| (span.0, span.1, span.0 == since)).collect(),
    };
    Ok(reply::page(StatusCode::OK, &page))
}
