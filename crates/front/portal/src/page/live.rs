//! Messages of a device or of all as they arrive, as server-sent events that the module reads. More than a browser can show is
//! counted.

use crate::call::{At, Call};
use crate::fault::Fault;
use crate::limits::{
    LIVE_BACKLOG_MAX, LIVE_BODY_CHARS_MAX, LIVE_HEARTBEAT, LIVE_LOOK_BACK_MS, LIVE_MESSAGES_MAX, LIVE_TICK,
};
use crate::reply::{self, Body};
use crate::session::Session;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use roadstead_service::{EventFilter, EventStream, StreamItem};
use roadstead_wire::event_json::StreamedEvent;
use serde::Serialize;
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

/// How far back a page may look: a word in its address, its words on the page, milliseconds.
pub(crate) const SPANS: [(&str, &str, i64); 4] = [
    ("minute", "a minute ago", 60_000),
    ("", "10 minutes ago", LIVE_LOOK_BACK_MS),
    ("hour", "an hour ago", 60 * 60_000),
    ("day", "a day ago", 24 * 60 * 60_000),
];

/// One line of the list.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Line {
    at: String,
    device: String,
    pub(crate) source: String,
    pub(crate) body: String,
    properties: String,
}

struct Feed {
    events: EventStream,
    /// When the page was opened, to the second: `2026-11-21T20:02:50`. What was there before is not counted as left out.
    opened: String,
    past: Past,
    session: Arc<Session>,
    silent_since: Instant,
    /// There are only so many of one session.
    _seat: OwnedSemaphorePermit,
}

pub(crate) async fn follow(call: &Call<'_>, at: &At, id: Option<&str>) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let Ok(seat) = call.session.live.clone().try_acquire_owned() else {
        return Ok(reply::text(StatusCode::TOO_MANY_REQUESTS, "Too many pages of this session follow messages.\n"));
    };
    let span =
        SPANS.iter().find(|(word, ..)| *word == call.ask.argument("since")).map_or(LIVE_LOOK_BACK_MS, |span| span.2);
    let since = call.now().plus_ms(-span);
    let filter =
        EventFilter { device_id: id.map(str::to_owned), enqueued_after: Some(since), ..EventFilter::default() };
    let events = call.hub(at).await?.events(filter);
    let opened = call.now().iso().chars().take("2026-11-21T20:02:50".len()).collect();
    let (session, silent_since) = (call.session.clone(), Instant::now());
    let mut feed = Feed { events, opened, past: Past::default(), session, silent_since, _seat: seat };
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    tokio::spawn(async move {
        // The first bytes tell the browser that it is connected.
        let (mut text, mut goes_on) = (": here\n\n".to_owned(), true);
        while sender.send(Ok(Frame::data(Bytes::from(text)))).await.is_ok() && goes_on {
            (text, goes_on) = tokio::select! {
                next = feed.next() => next,
                () = sender.closed() => return,
            };
        }
    });
    let mut response = Response::new(StreamBody::new(ReceiverStream::new(receiver)).boxed());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The newest messages of those that were there before. One partition is read after the other, so that those that came last
/// are not the newest before all have come.
#[derive(Default)]
struct Past(Vec<StreamedEvent>);

impl Past {
    fn add(&mut self, event: StreamedEvent) {
        if self.0.len() == LIVE_BACKLOG_MAX {
            let oldest = self.0.iter().enumerate().min_by(|(_, one), (_, other)| by_time(one, other));
            match oldest {
                Some((at, oldest)) if by_time(oldest, &event).is_lt() => drop(self.0.swap_remove(at)),
                _ => return,
            }
        }
        self.0.push(event);
    }
}

fn by_time(one: &StreamedEvent, other: &StreamedEvent) -> Ordering {
    one.enqueued_time_utc.cmp(&other.enqueued_time_utc)
}

impl Feed {
    /// What the next tick has to say, and whether there is more to come. The browser comes again when a stream ends.
    async fn next(&mut self) -> (String, bool) {
        loop {
            let (mut lines, mut fresh, mut is_catching_up) = (VecDeque::new(), 0, false);
            let tick = Instant::now() + LIVE_TICK;
            loop {
                match timeout_at(tick, self.events.next()).await {
                    Err(_) => break,
                    Ok(Ok(StreamItem::Event(event))) if event.enqueued_time_utc < self.opened => {
                        is_catching_up = true;
                        self.past.add(*event);
                    }
                    Ok(Ok(StreamItem::Event(event))) => {
                        fresh += 1;
                        if fresh > LIVE_MESSAGES_MAX {
                            lines.pop_front();
                        }
                        lines.push_back(*event);
                    }
                    Ok(Ok(StreamItem::Resumed)) => {}
                    Ok(Ok(StreamItem::Interrupted(_)) | Err(_)) => return (self.written(lines, fresh), false),
                }
            }
            if self.session.is_ended() {
                return ("event: over\ndata: signed out\n\n".to_owned(), false);
            }
            let is_past_known = !is_catching_up && !self.past.0.is_empty();
            if !lines.is_empty() || is_past_known {
                self.silent_since = Instant::now();
                return (self.written(lines, fresh), true);
            }
            if self.silent_since.elapsed() >= LIVE_HEARTBEAT {
                self.silent_since = Instant::now();
                return (": still here\n\n".to_owned(), true);
            }
        }
    }

    /// These, and what is known of the past, in the order of time: each partition has an order of its own.
    fn written(&mut self, lines: VecDeque<StreamedEvent>, fresh: usize) -> String {
        let mut all = std::mem::take(&mut self.past.0);
        all.extend(lines);
        all.sort_by(by_time);
        written(&all, skipped(fresh))
    }
}

/// How many of those that came in one tick are left out.
fn skipped(fresh: usize) -> usize {
    fresh.saturating_sub(LIVE_MESSAGES_MAX)
}

fn written(lines: &[StreamedEvent], skipped: usize) -> String {
    let mut out = String::new();
    if skipped > 0 {
        let _ = write!(out, "event: skipped\ndata: {skipped}\n\n");
    }
    for event in lines {
        let line = serde_json::to_string(&Line::of(event)).unwrap_or_default();
        let _ = write!(out, "data: {line}\n\n");
    }
    out
}

impl Line {
    pub(crate) fn of(event: &StreamedEvent) -> Self {
        let annotation =
            |name: &str| event.annotations.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = match (&event.body, &event.body_base64) {
            (Some(json), _) => json.get().to_owned(),
            (None, Some(encoded)) => shown(encoded),
            (None, None) => String::new(),
        };
        let body = match body.char_indices().nth(LIVE_BODY_CHARS_MAX) {
            None => body,
            Some((at, _)) => format!("{}…", &body[..at]),
        };
        Self {
            at: event.enqueued_time_utc.clone(),
            device: annotation("iothub-connection-device-id"),
            source: annotation("iothub-message-source"),
            body,
            properties: joined(&event.application_properties),
        }
    }
}

/// Text as text, anything else in base64.
fn shown(encoded: &str) -> String {
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let is_printable = |text: &String| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    text.filter(is_printable).unwrap_or_else(|| format!("base64 {encoded}"))
}

fn joined(properties: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        Value::Null => name.clone(),
        other => format!("{name}={other}"),
    };
    properties.iter().map(pair).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(body: Value) -> StreamedEvent {
        let mut event = json!({"partition": 0, "offset": "7", "sequenceNumber": 7, "enqueuedTimeUtc": "2026-11-21T20:02:50Z",
            "annotations": {"iothub-message-source": "Telemetry"}, "applicationProperties": {"a": "1", "b": null}});
        for (name, value) in body.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn bodies_of_every_kind() {
        for (body, shown) in [
            (json!({"body": {"t": 21.5}}), "{\"t\":21.5}"),
            (json!({"bodyBase64": "MjEuNQ=="}), "21.5"),
            (json!({"bodyBase64": "/w=="}), "base64 /w=="),
            (json!({"bodyBase64": "AAA="}), "base64 AAA="),
            (json!({}), ""),
        ] {
            let line = Line::of(&event(body.clone()));
            assert_eq!((line.body.as_str(), line.properties.as_str()), (shown, "a=1 b"), "{body}");
        }
        let long = Line::of(&event(json!({"body": "ü".repeat(9999)})));
        assert_eq!(long.body.chars().count(), LIVE_BODY_CHARS_MAX + 1);
    }

    #[test]
    fn of_the_past_the_newest_are_kept() {
        let mut past = Past::default();
        // Two partitions, one read after the other.
        for second in (0..LIVE_BACKLOG_MAX).chain(30..30 + LIVE_BACKLOG_MAX) {
            let mut event = event(json!({}));
            event.enqueued_time_utc = format!("2026-11-21T20:00:{second:03}Z");
            past.add(event);
        }
        let mut kept: Vec<&str> = past.0.iter().map(|event| event.enqueued_time_utc.as_str()).collect();
        kept.sort_unstable();
        assert_eq!(kept.len(), LIVE_BACKLOG_MAX);
        let last = format!("2026-11-21T20:00:{:03}Z", 30 + LIVE_BACKLOG_MAX - 1);
        assert_eq!((kept[0], kept[LIVE_BACKLOG_MAX - 1]), ("2026-11-21T20:00:040Z", last.as_str()));
    }

    #[test]
    fn no_body_ends_its_event_early() {
        let hostile = event(json!({"bodyBase64": STANDARD.encode("a\n\nevent: over\r\ndata: x")}));
        let text = written(&[hostile], 3);
        assert_eq!(text.matches("\n\n").count(), 2, "{text}");
        assert!(text.starts_with("event: skipped\ndata: 3\n\n") && !text.contains("\nevent: over"));
    }
}
