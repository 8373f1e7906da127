//! A hub's messages page by page, from any place in its log.

use crate::call::{At, Call, Frame};
use crate::fault::Fault;
use crate::limits::{LOG_BODY_BYTES_MAX, LOG_BODY_CHARS_SHORT, PAGE_ITEMS};
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
use std::fmt::Write;

/// A message's body as a page shows it.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    /// `JSON`, `text` or `binary`
    kind: &'static str,
    size: String,
    /// Its beginning, on one line.
    short: String,
    /// JSON on lines of its own, text as it is, anything else as hex.
    whole: String,
    is_cut: bool,
}

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

impl Content {
    fn of(event: &StreamedEvent) -> Self {
        let bytes = event.body_bytes();
        let is_printable = |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
        let text = std::str::from_utf8(&bytes).ok().filter(is_printable);
        let (kind, whole) = match text {
            Some(text) if event.body.is_some() => ("JSON", indented(text)),
            Some(text) => ("text", text.to_owned()),
            None => ("binary", hex(&bytes[..bytes.len().min(LOG_BODY_BYTES_MAX)])),
        };
        let short = match text {
            Some(text) => cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LOG_BODY_CHARS_SHORT),
            None => cut(&plain_hex(&bytes[..bytes.len().min(LOG_BODY_CHARS_SHORT)]), LOG_BODY_CHARS_SHORT),
        };
        let is_cut = bytes.len() > LOG_BODY_BYTES_MAX;
        let whole = if is_cut && text.is_some() { beginning(text.unwrap_or_default()).to_owned() } else { whole };
        Self { kind, size: size::words(bytes.len() as u64), short, whole, is_cut }
    }
}

/// The first bytes of a text, whole characters.
fn beginning(text: &str) -> &str {
    let end = (0..=LOG_BODY_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// JSON on lines of its own; what is too deep for that stays as it is.
fn indented(text: &str) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(text);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// `00000000  01 02 ff …  |..ÿ|`, sixteen bytes a line.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let text: String =
            bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(out, "{:08x}  {:<47}  |{text}|", line * 16, plain_hex(bytes));
    }
    out
}

/// `01 02 ff`
fn plain_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    fn content(body: &Value) -> Content {
        let mut event =
            json!({"partition": 0, "offset": "7", "sequenceNumber": 7, "enqueuedTimeUtc": "2026-11-21T20:02:50Z"});
        event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        Content::of(&serde_json::from_value(event).unwrap())
    }

    fn raw(bytes: &[u8]) -> Content {
        content(&json!({"bodyBase64": STANDARD.encode(bytes)}))
    }

    #[test]
    fn bodies_of_every_kind() {
        for (content, kind, size, short, whole) in [
            (content(&json!({"body": {"t": 1}})), "JSON", "7 B", r#"{"t":1}"#, "{\n  \"t\": 1\n}"),
            (raw(b"21.5"), "text", "4 B", "21.5", "21.5"),
            (raw(b"a\n  b"), "text", "5 B", "a b", "a\n  b"),
            (raw(b""), "text", "0 B", "", ""),
            (raw(b"\x00A\xff"), "binary", "3 B", "00 41 ff", &*format!("00000000  {:<47}  |.A.|\n", "00 41 ff")),
        ] {
            assert_eq!((content.kind, &*content.size, &*content.short, &*content.whole), (kind, size, short, whole));
            assert!(!content.is_cut);
        }
    }

    #[test]
    fn of_long_bodies_the_beginning_is_shown() {
        let text = raw("ü".repeat(LOG_BODY_BYTES_MAX).as_bytes());
        assert_eq!(
            (text.whole.len(), text.short.chars().count(), text.is_cut),
            (LOG_BODY_BYTES_MAX, LOG_BODY_CHARS_SHORT + 1, true)
        );
        let binary = raw(&vec![0; LOG_BODY_BYTES_MAX + 1]);
        assert_eq!((binary.whole.lines().count(), binary.is_cut), (LOG_BODY_BYTES_MAX / 16, true));
    }

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
