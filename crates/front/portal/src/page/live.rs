//! Messages of a device or of all as they arrive, as server-sent events that the module reads. The hub's API leaves out what is
//! more than somebody can look at, and counts it.

use crate::call::{At, Call};
use crate::content::{cut, plain_hex, printable};
use crate::fault::Fault;
use crate::limits::{LIVE_BODY_CHARS_MAX, LIVE_HEARTBEAT, LIVE_LOOK_BACK_MS, LIVE_PER_S, LIVE_TICK};
use crate::reply::{self, Body};
use crate::session::Session;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use roadstead_model::Clock;
use roadstead_service::{EventFilter, EventStream, Skipped, StreamItem};
use roadstead_wire::event_json::StreamedEvent;
use serde::Serialize;
use serde_json::{Map, Value};
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
    session: Arc<Session>,
    clock: Arc<dyn Clock>,
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
    let filter = EventFilter {
        device_id: id.map(str::to_owned),
        enqueued_after: Some(since),
        sample: Some(LIVE_PER_S),
        ..EventFilter::default()
    };
    let events = call.hub(at).await?.events(filter);
    let (session, clock) = (call.session.clone(), call.portal.clock.clone());
    let mut feed = Feed { events, session, clock, silent_since: Instant::now(), _seat: seat };
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

impl Feed {
    /// What the next tick has to say, and whether there is more to come. The browser comes again when a stream ends.
    async fn next(&mut self) -> (String, bool) {
        loop {
            let mut out = String::new();
            let tick = Instant::now() + LIVE_TICK;
            loop {
                match timeout_at(tick, self.events.next()).await {
                    Err(_) => break,
                    Ok(Ok(StreamItem::Event(event))) => write_line(&event, &mut out),
                    Ok(Ok(StreamItem::Skipped(left_out))) => write_skipped(left_out, &mut out),
                    Ok(Ok(StreamItem::Resumed)) => {}
                    Ok(Ok(StreamItem::Interrupted(_)) | Err(_)) => return (out, false),
                }
            }
            // Its time may be over without anybody having asked for it since.
            if self.session.is_ended() || self.session.is_over(self.clock.now()) {
                return ("event: over\ndata: signed out\n\n".to_owned(), false);
            }
            if !out.is_empty() {
                self.silent_since = Instant::now();
                return (out, true);
            }
            if self.silent_since.elapsed() >= LIVE_HEARTBEAT {
                self.silent_since = Instant::now();
                return (": still here\n\n".to_owned(), true);
            }
        }
    }
}

fn write_line(event: &StreamedEvent, out: &mut String) {
    let line = serde_json::to_string(&Line::of(event)).unwrap_or_default();
    let _ = write!(out, "data: {line}\n\n");
}

fn write_skipped(Skipped { skipped, unseen }: Skipped, out: &mut String) {
    let _ = write!(out, "event: skipped\ndata: {{\"skipped\":{skipped},\"unseen\":{unseen}}}\n\n");
}

impl Line {
    pub(crate) fn of(event: &StreamedEvent) -> Self {
        let annotation =
            |name: &str| event.annotations.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let bytes = event.body_bytes();
        let body = match printable(&bytes) {
            Some(text) => cut(text, LIVE_BODY_CHARS_MAX),
            None => {
                cut(&format!("hex {}", plain_hex(&bytes[..bytes.len().min(LIVE_BODY_CHARS_MAX)])), LIVE_BODY_CHARS_MAX)
            }
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
    use base64::{Engine, engine::general_purpose::STANDARD};
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
            (json!({"bodyBase64": "/w=="}), "hex ff"),
            (json!({"bodyBase64": "AAA="}), "hex 00 00"),
            (json!({}), ""),
        ] {
            let line = Line::of(&event(body.clone()));
            assert_eq!((line.body.as_str(), line.properties.as_str()), (shown, "a=1 b"), "{body}");
        }
        let long = Line::of(&event(json!({"body": "ü".repeat(9999)})));
        assert_eq!(long.body.chars().count(), LIVE_BODY_CHARS_MAX + 1);
    }

    #[test]
    fn no_body_ends_its_event_early() {
        let hostile = event(json!({"bodyBase64": STANDARD.encode("a\n\nevent: over\r\ndata: x")}));
        let mut text = String::new();
        write_line(&hostile, &mut text);
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
        assert!(!text.contains("\nevent: over"));
    }
}
