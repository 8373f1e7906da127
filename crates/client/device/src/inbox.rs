//! What a device has asked of its hub and wants to hear from it, kept across connections.

use crate::connect_error::LineFault;
use crate::desired::DesiredChange;
use crate::limits::{BUSY_STATUS, REQUESTS_PENDING_MAX};
use crate::method::MethodCall;
use crate::received::{Arrivals, ReceivedMessage};
use crate::request_error::RequestError;
use bytes::Bytes;
use roadstead_mqtt_proto::{PacketId, Publish, QoS, Suback, SubackCode, encode};
use roadstead_wire::{
    DesiredPatch, DeviceboundTopic, MethodRequest, MethodResponse, TwinRequest, TwinResponse, devicebound_topic,
    hub_error, method_topic, twin_topic,
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Whoever waits for an answer.
pub(crate) type Done<T> = oneshot::Sender<Result<T, RequestError>>;

/// What the device's side asks of the session.
#[derive(Debug)]
pub(crate) enum Request {
    GetTwin { done: Done<Bytes> },
    Report { patch: Vec<u8>, done: Done<i64> },
    Listen { feed: Feed, done: Done<()> },
    Reply { status: i32, rid: String, body: Vec<u8> },
    Complete { delivery: Delivery },
}

/// Where what comes unasked goes.
#[derive(Debug, Clone)]
pub(crate) enum Feed {
    Desired(mpsc::Sender<DesiredChange>),
    Methods(mpsc::Sender<MethodCall>),
    /// To the [`Arrivals`].
    Messages,
}

/// One arrival of a message: its packet id means nothing on any other connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    connection: u64,
    id: PacketId,
}

#[derive(Debug)]
enum Waiting {
    Twin(Done<Bytes>),
    Version(Done<i64>),
}

#[derive(Debug)]
struct Pending {
    rid: u64,
    topic: String,
    payload: Vec<u8>,
    waiting: Waiting,
}

/// A wish of this device. Its packet id is its own for good: SUBACKs are told apart without a list.
#[derive(Debug)]
struct Subscription {
    feed: Option<Feed>,
    done: Option<Done<()>>,
}

/// Ids of SUBSCRIBEs: above all that messages use.
pub(crate) const FIRST_SUBSCRIBE_ID: u16 = u16::MAX - 3;

const TWIN_ANSWERS: usize = 0;
const DESIRED: usize = 1;
const METHODS: usize = 2;
const MESSAGES: usize = 3;

#[derive(Debug)]
pub(crate) struct Inbox {
    device_id: String,
    requests: mpsc::WeakSender<Request>,
    connection: u64,
    next_rid: u64,
    pending: Vec<Pending>,
    subscriptions: [Option<Subscription>; 4],
    arrivals: Inflow,
}

/// Arrivals come to an end with it.
#[derive(Debug)]
struct Inflow(Arc<Arrivals>);

impl Drop for Inflow {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Inbox {
    pub(crate) fn new(device_id: &str, requests: mpsc::WeakSender<Request>, arrivals: Arc<Arrivals>) -> Self {
        Self {
            arrivals: Inflow(arrivals),
            device_id: device_id.to_owned(),
            requests,
            connection: 0,
            next_rid: 1,
            pending: Vec::new(),
            subscriptions: [const { None }; 4],
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.pending.len() < REQUESTS_PENDING_MAX
    }

    /// On a new connection: everything is asked for once more.
    pub(crate) fn resume(&mut self, out: &mut Vec<u8>) {
        self.connection += 1;
        self.arrivals.0.resume();
        for at in 0..self.subscriptions.len() {
            if self.subscriptions[at].is_some() {
                self.subscribe(at, out);
            }
        }
        self.pending.retain(|pending| !pending.is_given_up());
        for pending in &self.pending {
            publish(&pending.topic, &pending.payload, out);
        }
    }

    /// Does what was asked, or begins it.
    pub(crate) fn take(&mut self, request: Request, out: &mut Vec<u8>) {
        match request {
            Request::GetTwin { done } => {
                let rid = self.next_rid();
                let topic = TwinRequest::Get { rid: &rid.to_string() }.to_string();
                self.ask(Pending { rid, topic, payload: b" ".to_vec(), waiting: Waiting::Twin(done) }, out);
            }
            Request::Report { patch, done } => {
                let rid = self.next_rid();
                let topic = TwinRequest::PatchReported { rid: &rid.to_string(), version: None }.to_string();
                self.ask(Pending { rid, topic, payload: patch, waiting: Waiting::Version(done) }, out);
            }
            Request::Listen { feed, done } => {
                let at = feed.place();
                self.subscriptions[at] = Some(Subscription { feed: Some(feed), done: Some(done) });
                self.subscribe(at, out);
            }
            Request::Reply { status, rid, body } => {
                publish(&MethodResponse { status, rid: &rid }.to_string(), &body, out);
            }
            Request::Complete { delivery } if delivery.connection == self.connection => {
                encode::puback(out, delivery.id);
            }
            // The hub sends it again on this connection.
            Request::Complete { .. } => {}
        }
    }

    fn next_rid(&mut self) -> u64 {
        let rid = self.next_rid;
        self.next_rid += 1;
        rid
    }

    fn ask(&mut self, pending: Pending, out: &mut Vec<u8>) {
        if self.subscriptions[TWIN_ANSWERS].is_none() {
            self.subscriptions[TWIN_ANSWERS] = Some(Subscription { feed: None, done: None });
            self.subscribe(TWIN_ANSWERS, out);
        }
        self.pending.retain(|pending| !pending.is_given_up());
        publish(&pending.topic, &pending.payload, out);
        self.pending.push(pending);
    }

    fn subscribe(&self, at: usize, out: &mut Vec<u8>) {
        let (filter, qos) = match at {
            TWIN_ANSWERS => (twin_topic::RESPONSE_FILTER.to_owned(), QoS::AtMostOnce),
            DESIRED => (twin_topic::DESIRED_FILTER.to_owned(), QoS::AtMostOnce),
            METHODS => (method_topic::REQUEST_FILTER.to_owned(), QoS::AtMostOnce),
            _ => (devicebound_topic::filter(&self.device_id, None), QoS::AtLeastOnce),
        };
        let id = u16::try_from(at).ok().and_then(|at| PacketId::new(FIRST_SUBSCRIBE_ID + at));
        let written = id.map(|id| encode::subscribe(out, id, [(filter.as_str(), qos)]));
        debug_assert!(matches!(written, Some(Ok(()))), "an id of at most 128 characters fits into a filter");
    }

    /// `false` for an answer to nothing of ours.
    pub(crate) fn on_suback(&mut self, suback: &Suback<'_>) -> bool {
        let at = usize::from(suback.packet_id.value().saturating_sub(FIRST_SUBSCRIBE_ID));
        let is_ours = suback.packet_id.value() >= FIRST_SUBSCRIBE_ID;
        let Some(place) = self.subscriptions.get_mut(at).filter(|_| is_ours) else { return false };
        let is_granted = suback.codes.clone().all(|code| matches!(code, SubackCode::Granted(_)));
        if let Some(done) = place.as_mut().and_then(|subscription| subscription.done.take()) {
            let _ = done.send(if is_granted { Ok(()) } else { Err(RequestError::NotGranted) });
        }
        if !is_granted {
            *place = None;
            if at == TWIN_ANSWERS {
                self.pending.drain(..).for_each(|pending| pending.waiting.fail(RequestError::NotGranted));
            }
        }
        true
    }

    /// Errors: `Unacknowledged`.
    pub(crate) fn on_publish(&mut self, publish: &Publish<'_>, out: &mut Vec<u8>) -> Result<(), LineFault> {
        if let Some(topic) = DeviceboundTopic::parse(publish.topic) {
            return self.on_message(&topic, publish);
        }
        if let Some(id) = publish.packet_id {
            encode::puback(out, id);
        }
        if let Some(answer) = TwinResponse::parse(publish.topic) {
            self.on_twin_answer(&answer, publish.payload);
        } else if let Some(patch) = DesiredPatch::parse(publish.topic) {
            self.on_desired(patch.version, publish.payload);
        } else if let Some(call) = MethodRequest::parse(publish.topic) {
            self.on_method(&call, publish.payload, out);
        } else {
            tracing::debug!(topic = publish.topic, "message passed over");
        }
        Ok(())
    }

    fn feed(&self, at: usize) -> Option<&Feed> {
        self.subscriptions.get(at)?.as_ref()?.feed.as_ref()
    }

    /// A message waits for whoever takes it, be it the one who listens next. What nobody takes stays unacknowledged, and with
    /// the hub.
    fn on_message(&self, topic: &DeviceboundTopic<'_>, publish: &Publish<'_>) -> Result<(), LineFault> {
        let delivery = publish.packet_id.map(|id| Delivery { connection: self.connection, id });
        let message = ReceivedMessage::read(topic.bag, publish.payload, delivery, self.requests.clone());
        if self.arrivals.0.offer(message) {
            return Ok(());
        }
        if delivery.is_some() {
            return Err(LineFault::Unacknowledged);
        }
        tracing::warn!("message to the device lost: nobody takes it, and the hub wants no acknowledgement");
        Ok(())
    }

    fn on_desired(&self, version: i64, payload: &[u8]) {
        let Some(Feed::Desired(feed)) = self.feed(DESIRED) else { return };
        match serde_json::from_slice(payload) {
            Ok(patch) => {
                if let Err(error) = feed.try_send(DesiredChange { version, patch }) {
                    tracing::warn!(%error, version, "change of desired properties lost: nobody takes it");
                }
            }
            Err(error) => tracing::warn!(%error, version, "change of desired properties is no JSON object"),
        }
    }

    fn on_method(&self, call: &MethodRequest<'_>, payload: &[u8], out: &mut Vec<u8>) {
        let offered = match self.feed(METHODS) {
            Some(Feed::Methods(feed)) => feed.try_send(MethodCall::new(call, payload, self.requests.clone())).is_ok(),
            _ => false,
        };
        if !offered {
            publish(&MethodResponse { status: BUSY_STATUS, rid: call.rid }.to_string(), b"null", out);
        }
    }

    fn on_twin_answer(&mut self, answer: &TwinResponse<'_>, payload: &[u8]) {
        let rid = answer.rid.parse().unwrap_or(0);
        let Some(at) = self.pending.iter().position(|pending| pending.rid == rid) else { return };
        let pending = self.pending.remove(at);
        match (answer.status, pending.waiting) {
            (200..=299, Waiting::Twin(done)) => drop(done.send(Ok(Bytes::copy_from_slice(payload)))),
            (200..=299, Waiting::Version(done)) => drop(done.send(Ok(answer.version.unwrap_or_default()))),
            (status, waiting) => {
                let said = hub_error::HubError::parse(payload).map(|error| error.message);
                let message = said.unwrap_or_else(|| String::from_utf8_lossy(payload).into_owned());
                waiting.fail(RequestError::Refused { status, message });
            }
        }
    }

    /// Nothing will be answered any more; streams end.
    pub(crate) fn fail(self, error: &RequestError) {
        for pending in self.pending {
            pending.waiting.fail(error.clone());
        }
        for done in self.subscriptions.into_iter().flatten().filter_map(|subscription| subscription.done) {
            let _ = done.send(Err(error.clone()));
        }
    }
}

impl Feed {
    fn place(&self) -> usize {
        match self {
            Self::Desired(_) => DESIRED,
            Self::Methods(_) => METHODS,
            Self::Messages => MESSAGES,
        }
    }
}

impl Request {
    /// Tells whoever waits that it will not be done.
    pub(crate) fn fail(self, error: &RequestError) {
        match self {
            Self::GetTwin { done } => drop(done.send(Err(error.clone()))),
            Self::Report { done, .. } => drop(done.send(Err(error.clone()))),
            Self::Listen { done, .. } => drop(done.send(Err(error.clone()))),
            Self::Reply { .. } | Self::Complete { .. } => {}
        }
    }
}

impl Pending {
    fn is_given_up(&self) -> bool {
        match &self.waiting {
            Waiting::Twin(done) => done.is_closed(),
            Waiting::Version(done) => done.is_closed(),
        }
    }
}

impl Waiting {
    fn fail(self, error: RequestError) {
        match self {
            Self::Twin(done) => drop(done.send(Err(error))),
            Self::Version(done) => drop(done.send(Err(error))),
        }
    }
}

fn publish(topic: &str, payload: &[u8], out: &mut Vec<u8>) {
    let message = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic, packet_id: None, payload };
    if let Err(error) = encode::publish(out, &message) {
        tracing::warn!(%error, topic, "cannot be sent");
    }
}
