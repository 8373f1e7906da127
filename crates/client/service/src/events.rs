//! A hub's events as they arrive, whatever becomes of the connection.

use crate::authority::Authority;
use crate::error::ServiceError;
use crate::event_source::{Arrived, Reader};
use crate::hub::VERSION;
use crate::limits::{ANSWER_TIMEOUT, EVENT_SILENCE_MAX, RECONNECT_FIRST, RECONNECT_MAX};
use crate::refusal::Refusal;
use crate::transport::{Request, Transport};
use reqwest::{Method, Response};
use roadstead_model::UnixMillis;
pub use roadstead_wire::event_json::StreamedEvent;
use roadstead_wire::event_stream::SKIPPED;
pub use roadstead_wire::event_stream::Skipped;
use roadstead_wire::percent;
use std::collections::VecDeque;
use std::time::Duration;

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of one device only.
    pub device_id: Option<String>,
    /// Those enqueued after this instant, and whatever comes; without it only what comes.
    pub enqueued_after: Option<UnixMillis>,
    /// Consumer group; the hub's `$Default` when absent.
    pub consumer_group: Option<String>,
    /// At most so many a second, and the newest few of the past: for people who look on. All when absent, and over AMQP.
    pub sample: Option<u32>,
}

/// What a stream gives.
#[derive(Debug)]
pub enum StreamItem {
    /// An event. Each comes once, in the order of its partition.
    Event(Box<StreamedEvent>),
    /// A sampled stream left events out.
    Skipped(Skipped),
    /// The connection is lost. The stream goes on trying, and will continue where it stood.
    Interrupted(ServiceError),
    /// The connection is there again.
    Resumed,
}

/// Events of one hub. Reconnects by itself after a restart of the server and goes on after the last event it gave.
#[derive(Debug)]
pub struct EventStream {
    transport: Transport,
    host: String,
    authority: Authority,
    filter: EventFilter,
    /// When the first connection was made: where to begin again if not one event came over it.
    since: Option<UnixMillis>,
    last_id: Option<String>,
    open: Option<(Response, Reader)>,
    ready: VecDeque<StreamItem>,
    wait: Option<Duration>,
}

impl EventStream {
    pub(crate) fn new(transport: Transport, host: String, authority: Authority, filter: EventFilter) -> Self {
        Self {
            transport,
            host,
            authority,
            filter,
            since: None,
            last_id: None,
            open: None,
            ready: VecDeque::new(),
            wait: None,
        }
    }

    /// The next item; waits for it without end. Cancelling it loses nothing.
    ///
    /// Errors: what trying again cannot cure: a refusal, a certificate that is not trusted, an answer that is no stream;
    /// and at the very first connection anything.
    pub async fn next(&mut self) -> Result<StreamItem, ServiceError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            if self.open.is_none() {
                self.connect().await?;
            } else if let Err(fault) = self.read().await {
                self.open = None;
                if !is_passing(&fault) {
                    return Err(fault);
                }
                self.wait = Some(self.wait.unwrap_or(RECONNECT_FIRST));
                return Ok(StreamItem::Interrupted(fault));
            }
        }
    }

    /// Connects, or fails once and lets the caller come again.
    async fn connect(&mut self) -> Result<(), ServiceError> {
        let is_first = self.since.is_none();
        if let Some(wait) = self.wait {
            tokio::time::sleep(wait).await;
        }
        let now = self.transport.now();
        match self.open_stream().await {
            Ok(response) => {
                self.since.get_or_insert(now);
                self.open = Some((response, Reader::default()));
                if self.wait.take().is_some() {
                    self.ready.push_back(StreamItem::Resumed);
                }
                Ok(())
            }
            Err(fault) if is_first || !is_passing(&fault) => Err(fault),
            Err(_) => {
                self.wait = Some(self.wait.map_or(RECONNECT_FIRST, |wait| wait * 2).min(RECONNECT_MAX));
                Ok(())
            }
        }
    }

    async fn open_stream(&self) -> Result<Response, ServiceError> {
        let mut headers = vec![("accept", "text/event-stream".to_owned())];
        headers.extend(self.last_id.clone().map(|id| ("last-event-id", id)));
        let request = Request::new(Method::GET, self.url())
            .authorized(self.authority.header(&self.host, self.transport.now()))
            .headers(headers);
        let origin = self.transport.origin(&self.host);
        let opened = tokio::time::timeout(ANSWER_TIMEOUT, self.transport.open(&request, None)).await;
        let mut response = opened.map_err(|_| silent(&origin))??;
        let status = response.status().as_u16();
        if status != 200 {
            let body = response.chunk().await.ok().flatten().unwrap_or_default();
            return Err(ServiceError::Refused(Refusal::decode(status, &body)));
        }
        let media_type =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media_type.starts_with("text/event-stream") {
            Ok(response)
        } else {
            Err(ServiceError::Odd { origin, cause: format!("`{media_type}` in place of a stream of events") })
        }
    }

    fn url(&self) -> String {
        let EventFilter { device_id, enqueued_after, consumer_group, sample } = &self.filter;
        let mut url = format!("{}/messages/events?api-version={VERSION}", self.transport.origin(&self.host));
        let mut add = |name: &str, value: &str| {
            url.extend(["&", name, "=", &percent::encode(value)]);
        };
        if let Some(id) = device_id {
            add("deviceId", id);
        }
        if let Some(after) = enqueued_after.or(self.since) {
            add("enqueuedTime", &after.0.to_string());
        }
        if let Some(group) = consumer_group {
            add("consumerGroup", group);
        }
        if let Some(per_second) = sample {
            add("sample", &per_second.to_string());
        }
        url
    }

    /// Takes what arrives next.
    async fn read(&mut self) -> Result<(), ServiceError> {
        let Some((response, reader)) = &mut self.open else { return Ok(()) };
        let origin = self.transport.origin(&self.host);
        let cut = || ServiceError::Broken { origin: origin.clone(), cause: "the connection was cut".to_owned() };
        let arrived = tokio::time::timeout(EVENT_SILENCE_MAX, response.chunk()).await.map_err(|_| silent(&origin))?;
        let bytes = arrived.map_err(|error| self.transport.fault(&origin, &error))?.ok_or_else(cut)?;
        let odd = |cause: String| ServiceError::Odd { origin: origin.clone(), cause };
        for Arrived { kind, data } in reader.push(&bytes).map_err(|_| odd("an event beyond all bounds".to_owned()))? {
            let unread = |error: serde_json::Error| odd(error.to_string());
            self.ready.push_back(if kind == SKIPPED.as_bytes() {
                StreamItem::Skipped(serde_json::from_slice(&data).map_err(unread)?)
            } else {
                StreamItem::Event(Box::new(serde_json::from_slice(&data).map_err(unread)?))
            });
        }
        if let Some(id) = reader.id() {
            self.last_id = Some(id.to_owned());
        }
        Ok(())
    }
}

fn silent(origin: &str) -> ServiceError {
    ServiceError::Broken { origin: origin.to_owned(), cause: "it takes too long".to_owned() }
}

/// Whether trying again may help. After a server's restart an unknown policy stays unknown, a refused port does not.
pub(crate) fn is_passing(fault: &ServiceError) -> bool {
    match fault {
        ServiceError::Unreachable { .. } | ServiceError::Broken { .. } => true,
        ServiceError::Refused(refusal) => matches!(refusal.status, 408 | 429 | 500..),
        ServiceError::Untrusted { .. }
        | ServiceError::Odd { .. }
        | ServiceError::Unseen { .. }
        | ServiceError::SignIn { .. }
        | ServiceError::Unsendable { .. }
        | ServiceError::CaFile { .. }
        | ServiceError::NoTrust { .. } => false,
    }
}
