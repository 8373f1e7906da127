//! A hub's messages page by page, from any place in its log.

use crate::call::{At, Call, Frame};
use crate::content::Content;
use crate::fault::Fault;
use crate::limits::{LOG_BODY_BYTES_MAX, PAGE_ITEMS};
use crate::moment::Moment;
use crate::reply::{self, Body};
use crate::size;
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::UnixMillis;
use roadstead_service::events::StreamedEvent;
use roadstead_service::{EventLogPage, LogWanted};
use roadstead_wire::percent;
use serde_json::{Map, Value};

struct Row {
    at: Option<Moment>,
    device: String,
    module: String,
    /// The device's page.
    href: String,
    source: String,
    partition: u16,
    number: u64,
    offset: String,
    body: Content,
    /// Of the system, of the hub, and those the device chose.
    properties: Vec<(String, Option<String>)>,
}

#[derive(Template)]
#[template(path = "event-log.html")]
struct Page {
    frame: Frame,
    hub: String,
    here: String,
    live: String,
    device: String,
    time: String,
    number: String,
    /// And whether it is chosen.
    partitions: Vec<(u64, bool)>,
    fault: Option<String>,
    /// The newest first.
    rows: Vec<Row>,
    /// Nothing is older, newer or left out: the log is empty.
    is_whole: bool,
    newest: String,
    oldest: String,
    older: Option<String>,
    newer: Option<String>,
    /// How far was looked, when that was not far enough.
    further: Option<String>,
    body_max: String,
    retention_days: u64,
}

/// What is asked for, as the address says it.
struct Asked<'a> {
    device: &'a str,
    time: &'a str,
    partition: &'a str,
    number: &'a str,
    is_oldest: bool,
    /// What another page gave: `older:12,0`.
    at: &'a str,
}

impl<'a> Asked<'a> {
    fn read(call: &Call<'a>) -> Self {
        let [device, time, partition, number, order, at] =
            ["device", "time", "partition", "number", "order", "at"].map(|name| call.ask.argument(name).trim());
        Self { device, time, partition, number, is_oldest: order == "oldest", at }
    }

    /// Errors: what to type in its place.
    fn wanted(&self) -> Result<LogWanted, String> {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let is_page = !self.at.is_empty();
        let time = some(self.time).filter(|_| !is_page).map(|text| {
            instant(text)
                .ok_or_else(|| format!("{text} is no time: type it as 2026-11-22 14:00 or 2026-11-22T14:00:00Z."))
        });
        let number = some(self.number)
            .filter(|_| !is_page)
            .map(|text| text.parse().map_err(|_| format!("{text} is no sequence number: they count from 0.")));
        let (time, number) = (time.transpose()?, number.transpose()?);
        let partition = some(self.partition).and_then(|text| text.parse().ok());
        if number.is_some() && partition.is_none() {
            return Err("Each partition counts for itself: choose the partition of the sequence number.".to_owned());
        }
        if number.is_some() && time.is_some() {
            return Err("A time and a sequence number are two places to begin: leave one of them empty.".to_owned());
        }
        Ok(LogWanted {
            partition,
            from: number,
            enqueued_time: time,
            device_id: some(self.device).map(str::to_owned),
            is_newest_first: !self.is_oldest && time.is_none() && number.is_none(),
        })
    }

    /// What every further page has in common.
    fn filter(&self) -> String {
        format!("device={}&partition={}", percent::encode(self.device), percent::encode(self.partition))
    }
}

/// `2026-11-22 14:00`, `2026-11-22T14:00:05`, with `Z` or an offset at will; UTC when none is said.
fn instant(text: &str) -> Option<UnixMillis> {
    let text = text.replacen(' ', "T", 1);
    let zoned = |text: &str| UnixMillis::parse_iso(text).or_else(|| UnixMillis::parse_iso(&format!("{text}Z")));
    zoned(&text).or_else(|| zoned(&format!("{text}:00")))
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let asked = Asked::read(call);
    let (page, fault, is_back) = match asked.wanted() {
        Err(fault) => (None, Some(fault), true),
        Ok(wanted) => {
            let continuation = Some(asked.at).filter(|at| !at.is_empty());
            let is_back = continuation.map_or(wanted.is_newest_first, |at| at.starts_with("older"));
            match call.hub(at).await?.event_log_page(&wanted, PAGE_ITEMS, continuation).await {
                Ok(page) => (Some(page), None, is_back),
                // A partition that there is not, or a place that no page gave.
                Err(error) if error.status() == Some(400) => (None, Some(Fault::from(error).text()), is_back),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let is_whole = page.as_ref().is_some_and(|page| page.examined == 0 && page.older.is_none() && page.newer.is_none());
    let here = at.href(&["events", "log"]);
    let way =
        |place: Option<&String>| place.map(|place| format!("{here}?{}&at={}", asked.filter(), percent::encode(place)));
    let events = &at.shown["properties"]["eventHubEndpoints"]["events"];
    let partition = |number: u64| (number, asked.partition == number.to_string());
    let page = Page {
        frame: call
            .frame("Messages", "hubs", vec![(at.resource.name.clone(), at.href(&[]))])
            .with_tabs(at.tabs("events")),
        hub: at.resource.name.clone(),
        live: format!("{}?device={}", at.href(&["events"]), percent::encode(asked.device)),
        device: asked.device.to_owned(),
        time: asked.time.to_owned(),
        number: asked.number.to_owned(),
        partitions: (0..events["partitionCount"].as_u64().unwrap_or_default()).map(partition).collect(),
        fault,
        is_whole: is_whole && asked.device.is_empty(),
        newest: format!("{here}?{}", asked.filter()),
        oldest: format!("{here}?{}&order=oldest", asked.filter()),
        older: way(page.as_ref().and_then(|page| page.older.as_ref())),
        newer: way(page.as_ref().and_then(|page| page.newer.as_ref())),
        further: page.as_ref().and_then(|page| further(page, is_back)),
        rows: page.iter().flat_map(|page| page.events.iter().rev()).map(|event| Row::of(at, event)).collect(),
        body_max: size::words(LOG_BODY_BYTES_MAX as u64),
        retention_days: events["retentionTimeInDays"].as_u64().unwrap_or_default(),
        here,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// A page that is not full though there is more to look at: only so much is looked at for one.
fn further(page: &EventLogPage, is_back: bool) -> Option<String> {
    let (more, button, direction) =
        if is_back { (&page.older, "Older", "back to") } else { (&page.newer, "Newer", "up to") };
    if page.events.len() >= PAGE_ITEMS || page.examined <= page.events.len() || more.is_none() {
        return None;
    }
    let to = page.examined_to.as_deref().and_then(Moment::parse).map(|to| to.shown).unwrap_or_default();
    Some(format!("{} messages were looked at, {direction} {to}. {button} looks further.", page.examined))
}

impl Row {
    fn of(at: &At, event: &StreamedEvent) -> Self {
        let annotation = |name| event.find_annotation(name).unwrap_or_default().to_owned();
        let device = annotation("iothub-connection-device-id");
        let own = ["iothub-connection-device-id", "iothub-connection-module-id", "iothub-message-source"];
        let stamped = event.annotations.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        let all = pairs(&event.system_properties).chain(stamped.map(pair)).chain(pairs(&event.application_properties));
        Self {
            at: Moment::parse(&event.enqueued_time_utc),
            href: at.href(&["devices", &device]),
            device,
            module: annotation("iothub-connection-module-id"),
            source: annotation("iothub-message-source"),
            partition: event.partition,
            number: event.sequence_number,
            offset: event.offset.clone(),
            body: Content::of(event),
            properties: all.collect(),
        }
    }
}

fn pairs(members: &Map<String, Value>) -> impl Iterator<Item = (String, Option<String>)> {
    members.iter().map(pair)
}

fn pair((name, value): (&String, &Value)) -> (String, Option<String>) {
    let text = match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    (name.clone(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_as_people_type_them() {
        let expected = Some(UnixMillis(1_800_000_000_000));
        for text in [
            "2027-01-15 08:00",
            "2027-01-15T08:00",
            "2027-01-15T08:00:00",
            "2027-01-15T08:00:00Z",
            "2027-01-15 08:00:00.000Z",
            "2027-01-15T09:00:00+01:00",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        for text in ["", "yesterday", "08:00", "2027-01-15", "1800000000000"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn who_looks_in_vain_is_told_how_far() {
        let page = |events: usize, examined, older: Option<&str>| EventLogPage {
            events: vec![
                serde_json::from_value(
                    json!({"partition": 0, "offset": "7", "sequenceNumber": 7, "enqueuedTimeUtc": "t"})
                )
                .unwrap();
                events
            ],
            older: older.map(str::to_owned),
            newer: None,
            examined,
            examined_to: Some("2026-11-21T20:02:50.0000000Z".to_owned()),
        };
        let words = "20000 messages were looked at, back to 2026-11-21 20:02:50 UTC. Older looks further.";
        for (page, is_back, expected) in [
            (page(0, 20_000, Some("older:1")), true, Some(words)),
            (page(3, 20_000, Some("older:1")), true, Some(words)),
            (page(0, 20_000, None), true, None),
            (page(0, 20_000, Some("older:1")), false, None),
            (page(PAGE_ITEMS, 20_000, Some("older:1")), true, None),
            (page(3, 3, Some("older:1")), true, None),
        ] {
            assert_eq!(further(&page, is_back).as_deref(), expected);
        }
    }
}
