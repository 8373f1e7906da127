//! How far a device came: registered, connected, heard.

use crate::call::{At, Call, text};
use crate::fault::Fault;
use crate::limits::{CONNECT_LISTEN, CONNECT_LOOK_BACK_MS, LIVE_PER_S};
use crate::moment::Moment;
use crate::page::live::Line;
use crate::resources::{list, resource};
use roadstead_service::{EventFilter, Kind, StreamItem};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// What is there of the three steps; connected may be left out.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) registered: Option<Registered>,
    /// DPS refused it: its words.
    pub(crate) refusal: String,
    /// Why no more can be seen than that it registered.
    pub(crate) blind: String,
    /// Why its messages cannot be seen.
    pub(crate) deaf: String,
    /// When it was last seen at its hub, if ever.
    pub(crate) connected: Option<Moment>,
    /// Its first message of late.
    pub(crate) message: Option<Line>,
}

/// What a registration gave.
pub(crate) struct Registered {
    pub(crate) device: String,
    pub(crate) hub: String,
    pub(crate) at: Option<Moment>,
    /// The device's page, where it can be seen.
    pub(crate) href: Option<String>,
}

impl Steps {
    pub(crate) fn is_over(&self) -> bool {
        self.message.is_some()
    }
}

pub(crate) async fn of(call: &Call<'_>, enrollment: &Value) -> Result<Steps, Fault> {
    let mut steps = Steps::default();
    let state = &enrollment["registrationState"];
    match text(state, "/status") {
        "assigned" => {}
        "failed" | "disabled" => {
            let words = text(state, "/errorMessage");
            steps.refusal = if words.is_empty() { "DPS refused it.".to_owned() } else { words.to_owned() };
            return Ok(steps);
        }
        _ => return Ok(steps),
    }
    let (host, device) = (text(state, "/assignedHub"), text(state, "/deviceId"));
    let registered = steps.registered.insert(Registered {
        device: device.to_owned(),
        hub: host.to_owned(),
        at: Moment::parse(text(state, "/lastUpdatedDateTimeUtc")),
        href: None,
    });
    let hubs = list(&call.management().await?, Kind::Hub).await?;
    let Some(hub) = hubs.iter().find(|hub| text(hub, "/properties/hostName").eq_ignore_ascii_case(host)) else {
        steps.blind = format!("Your roles do not let you see the hub {host}.");
        return Ok(steps);
    };
    let hub = resource(Kind::Hub, hub);
    let at = call.at(Kind::Hub, &hub.group, &hub.name).await?;
    if let Err(fault) = call.require_data(&at, false) {
        steps.blind = fault.sentences();
        return Ok(steps);
    }
    registered.href = Some(at.href(&["devices", device]));
    let Some(found) = call.hub(&at).await?.find_device::<Value>(device).await? else {
        steps.blind = format!("The device {device} was deleted from its hub.");
        return Ok(steps);
    };
    // A program that sends and ends is gone when the page looks.
    let is_connected = text(&found, "/connectionState") == "Connected";
    let active = Moment::parse(text(&found, "/lastActivityTime"));
    let since = || Moment::parse(text(&found, "/connectionStateUpdatedTime"));
    steps.connected = if is_connected { since().or(active) } else { active.or_else(since) };
    // HTTPS keeps no connection: its messages come without one.
    match first_message(call, &at, device).await {
        Ok(message) => steps.message = message,
        Err(Fault::SignedOut) => return Err(Fault::SignedOut),
        Err(fault) => steps.deaf = fault.sentences(),
    }
    Ok(steps)
}

/// Its first message within the time that is looked at. Waits for none that is not there yet.
async fn first_message(call: &Call<'_>, at: &At, device: &str) -> Result<Option<Line>, Fault> {
    let since = call.now().plus_ms(-CONNECT_LOOK_BACK_MS);
    let filter = EventFilter {
        device_id: Some(device.to_owned()),
        enqueued_after: Some(since),
        sample: Some(LIVE_PER_S),
        ..EventFilter::default()
    };
    let mut events = call.hub(at).await?.events(filter);
    let until = Instant::now() + CONNECT_LISTEN;
    loop {
        match timeout_at(until, events.next()).await {
            Ok(Ok(StreamItem::Event(event))) => {
                let line = Line::of(&event);
                if line.source == "Telemetry" {
                    return Ok(Some(line));
                }
            }
            Ok(Ok(StreamItem::Resumed | StreamItem::Skipped(_))) => {}
            Err(_) | Ok(Ok(StreamItem::Interrupted(_))) => return Ok(None),
            Ok(Err(error)) => return Err(error.into()),
        }
    }
}
