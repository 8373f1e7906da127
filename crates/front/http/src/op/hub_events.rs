//! `GET /messages/events`: a hub's events as they arrive, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Response, body::Frame, header::HeaderValue};
use roadstead_hub::{EventPosition, EventReader, Hub, HubError, StoredEvent};
use roadstead_model::UnixMillis;
use roadstead_wire::{
    event_json::{Origin, StreamedEvent},
    event_stream::{self, LAST_EVENT_ID_HEADER},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    call::Call,
    limits,
    op::{hub_events_sample, hub_refusal},
    reply::Body,
    serve::Parts,
};

/// Into the answer's body.
pub(super) type Sender = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

/// Follows all partitions, from `Last-Event-ID`, else from `enqueuedTime` (Unix milliseconds), else from now on.
/// With `deviceId`, only that device's events are sent; with `sample`, at most so many a second, see [`hub_events_sample`].
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
    let device = call.argument("deviceId").map(str::to_owned);
    let goes_on = call.header(LAST_EVENT_ID_HEADER).is_some();
    let opened = match hub_events_sample::per_second(call) {
        Err(why) => Err(HubError::Invalid(why)),
        Ok(None) => {
            let ahead = limits::EVENTS_AHEAD_MAX;
            hub.read_events(from)
                .await
                .map(|reader| stream(call, ahead, revoked, |sender| feed(reader, device, sender)))
        }
        Ok(Some(per_second)) => hub.sample_events(device, from).await.map(|sample| {
            let feed = |sender| hub_events_sample::feed(sample, per_second, goes_on, sender);
            stream(call, limits::SAMPLES_AHEAD_MAX, revoked, feed)
        }),
    };
    opened.unwrap_or_else(|refused| hub_refusal(parts, call, &refused).into_response())
}

fn position(call: &Call) -> Result<EventPosition, String> {
    if let Some(id) = call.header(LAST_EVENT_ID_HEADER) {
        return event_stream::parse_position(id)
            .map(EventPosition::Offsets)
            .ok_or_else(|| format!("{LAST_EVENT_ID_HEADER} `{id}` is not the id of an event of this stream"));
    }
    let time = enqueued_time(call.argument("enqueuedTime").filter(|text| !text.is_empty()))?;
    Ok(time.map_or(EventPosition::Latest, EventPosition::EnqueuedAt))
}

/// Reads the argument of that name.
pub(crate) fn enqueued_time(text: Option<&str>) -> Result<Option<UnixMillis>, String> {
    let parse = |text: &str| {
        let fault = |_| format!("enqueuedTime `{text}` is not a number of milliseconds since 1970");
        text.parse().map(UnixMillis).map_err(fault)
    };
    text.map(parse).transpose()
}

/// A task reads the log and waits when the client does not keep up; it ends with the client's connection, with its bearer token,
/// or when the server drains: the client comes back with the position it has. `ahead`: pieces that wait.
fn stream<F>(
    call: &Call,
    ahead: usize,
    revoked: impl Future<Output = ()> + Send + 'static,
    feed: impl FnOnce(Sender) -> F,
) -> Response<Body>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ahead);
    let (mut draining, gone, feeding) = (call.draining.clone(), sender.clone(), feed(sender));
    tokio::spawn(async move {
        tokio::select! {
            () = feeding => {}
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

async fn feed(mut reader: EventReader, device: Option<String>, sender: Sender) {
    // The first bytes tell the client that the position is taken: what is sent from now on will be seen.
    let mut out = Vec::new();
    event_stream::write_id(&event_stream::write_position(&reader.positions()), &mut out);
    loop {
        if sender.send(Ok(Frame::data(Bytes::from(std::mem::take(&mut out))))).await.is_err() {
            return;
        }
        let Ok(next) = next_matching(&mut reader, device.as_deref(), limits::EVENTS_HEARTBEAT).await else {
            return log_unread();
        };
        match next {
            Some((partition, event)) => write(&reader.positions(), partition, &event, &mut out),
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

pub(super) fn log_unread() {
    tracing::error!("a stream of events ended: its log could not be read");
}

pub(super) fn write(positions: &[u64], partition: u16, event: &StoredEvent, out: &mut Vec<u8>) {
    let Some(streamed) = streamed(partition, event) else {
        tracing::warn!(partition, offset = event.offset, "an event cannot be read and was passed over");
        return;
    };
    event_stream::write(&event_stream::write_position(positions), &streamed, out);
}

/// An event as back ends see it; `None` when it cannot be read.
pub(crate) fn streamed(partition: u16, event: &StoredEvent) -> Option<StreamedEvent> {
    let view = event.view()?;
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
    Some(StreamedEvent::of(&origin, view.properties, view.body))
}
