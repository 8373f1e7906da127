//! `GET /messages/events`: a hub's events as they arrive, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Response, body::Frame, header::HeaderValue};
use roadstead_front_transport::DrainWatch;
use roadstead_hub::{EventPosition, EventReader, Hub, HubError, StoredEvent};
use roadstead_model::UnixMillis;
use roadstead_wire::{
    event_json::{Origin, StreamedEvent},
    event_stream::{self, LAST_EVENT_ID_HEADER},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::{call::Call, limits, op::hub_refusal, reply::Body, serve::Parts};

/// Follows all partitions, from `Last-Event-ID`, else from `enqueuedTime` (Unix milliseconds), else from now on.
/// With `deviceId`, only that device's events are sent.
/// Ends when `revoked` resolves.
pub(crate) async fn follow(
    parts: &Parts,
    hub: &Arc<Hub>,
    call: &Call,
    revoked: impl Future<Output = ()> + Send + 'static,
) -> Response<Body> {
    let from = match position(call) {
        Ok(from) => from,
        Err(why) => return hub_refusal(parts, call, &HubError::Invalid(why)).into_response(),
    };
    match hub.read_events(from).await {
        Ok(reader) => {
            let device = call.argument("deviceId").map(str::to_owned);
            stream(reader, device, call.draining.clone(), revoked)
        }
        Err(refused) => hub_refusal(parts, call, &refused).into_response(),
    }
}

fn position(call: &Call) -> Result<EventPosition, String> {
    if let Some(id) = call.header(LAST_EVENT_ID_HEADER) {
        return event_stream::parse_position(id)
            .map(EventPosition::Offsets)
            .ok_or_else(|| format!("{LAST_EVENT_ID_HEADER} `{id}` is not the id of an event of this stream"));
    }
    match call.argument("enqueuedTime").filter(|text| !text.is_empty()) {
        None => Ok(EventPosition::Latest),
        Some(text) => text
            .parse()
            .map(|ms| EventPosition::EnqueuedAt(UnixMillis(ms)))
            .map_err(|_| format!("enqueuedTime `{text}` is not a number of milliseconds since 1970")),
    }
}

/// A task reads the log and waits when the client does not keep up; it ends with the client's connection, with its bearer token,
/// or when the server drains: the client comes back with the position it has.
fn stream(
    reader: EventReader,
    device: Option<String>,
    draining: DrainWatch,
    revoked: impl Future<Output = ()> + Send + 'static,
) -> Response<Body> {
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(limits::EVENTS_AHEAD_MAX);
    tokio::spawn(async move {
        let (mut draining, gone) = (draining, sender.clone());
        tokio::select! {
            () = feed(reader, device, sender) => {}
            () = draining.started() => {}
            () = gone.closed() => {}
            () = revoked => {}
        }
    });
    let mut response = Response::new(StreamBody::new(ReceiverStream::new(receiver)).boxed());
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static(event_stream::CONTENT_TYPE));
    headers.insert(hyper::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn feed(mut reader: EventReader, device: Option<String>, sender: mpsc::Sender<Result<Frame<Bytes>, Infallible>>) {
    // The first bytes tell the client that the position is taken: what is sent from now on will be seen.
    let mut out = Vec::new();
    event_stream::write_start(&event_stream::write_position(&reader.positions()), &mut out);
    loop {
        if sender.send(Ok(Frame::data(Bytes::from(std::mem::take(&mut out))))).await.is_err() {
            return;
        }
        let Ok(next) = next_matching(&mut reader, device.as_deref(), limits::EVENTS_HEARTBEAT).await else {
            tracing::error!("a stream of events ended: its log could not be read");
            return;
        };
        match next {
            Some((partition, event)) => write(&reader, partition, &event, &mut out),
            None => out.extend_from_slice(event_stream::KEEP_ALIVE),
        }
    }
}

/// The next event that is wanted; `None` when there was none for a while.
async fn next_matching(
    reader: &mut EventReader,
    device: Option<&str>,
    patience: Duration,
) -> Result<Option<(u16, StoredEvent)>, HubError> {
    let wanted = async {
        loop {
            let (partition, event) = reader.next().await?;
            if device.is_none_or(|device| event.view().is_some_and(|view| view.device_id == device)) {
                return Ok((partition, event));
            }
        }
    };
    match timeout(patience, wanted).await {
        Ok(found) => found.map(Some),
        Err(_) => Ok(None),
    }
}

fn write(reader: &EventReader, partition: u16, event: &StoredEvent, out: &mut Vec<u8>) {
    let Some(view) = event.view() else {
        tracing::warn!(partition, offset = event.offset, "an event cannot be read and was passed over");
        return;
    };
    let origin = Origin {
        partition,
        offset: event.offset,
        enqueued: event.enqueued_at,
        source: view.source,
        auth: view.auth,
        device_id: view.device_id,
        module_id: view.module_id,
        generation: view.generation,
    };
    let streamed = StreamedEvent::of(&origin, view.properties, view.body);
    event_stream::write(&event_stream::write_position(&reader.positions()), &streamed, out);
}
