//! Messages from back ends to a device.

use crate::inbox::{Delivery, Request};
use crate::limits::RECEIVED_MAX;
use crate::request_error::RequestError;
use bytes::Bytes;
use roadstead_model::{Properties, Property, SystemProperty};
use roadstead_wire::telemetry_topic;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Messages from back ends as they come. Made by [`Device::messages`](crate::Device::messages).
#[derive(Debug)]
pub struct ReceivedMessages {
    arrivals: Arc<Arrivals>,
    listener: u64,
}

impl ReceivedMessages {
    /// The next message; `None` when the connection is closed for good, or somebody else listens. May be dropped and called
    /// again at any time.
    pub async fn next(&mut self) -> Option<ReceivedMessage> {
        loop {
            let mut changed = pin!(self.arrivals.changed.notified());
            changed.as_mut().enable();
            match self.arrivals.take(self.listener) {
                Taken::Message(message) => return Some(message),
                Taken::Over => return None,
                Taken::NotYet => changed.await,
            }
        }
    }
}

/// Messages that nobody has taken yet. They outlive who listens: the hub sends no message twice on one connection, and only so
/// many that it has no acknowledgement of, so that one that was passed over would be in the way of others.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<ReceivedMessage>,
    /// Who listens: the latest.
    listener: u64,
    is_over: bool,
}

enum Taken {
    Message(ReceivedMessage),
    NotYet,
    Over,
}

impl Arrivals {
    /// Gives messages to nobody else from now on.
    pub(crate) fn listen(self: &Arc<Self>) -> ReceivedMessages {
        let listener = {
            let mut state = self.state();
            state.listener += 1;
            state.listener
        };
        self.changed.notify_waiters();
        ReceivedMessages { arrivals: Arc::clone(self), listener }
    }

    /// `false` when there is no room.
    pub(crate) fn offer(&self, message: ReceivedMessage) -> bool {
        let mut state = self.state();
        let has_room = state.waiting.len() < RECEIVED_MAX;
        if has_room {
            state.waiting.push_back(message);
            drop(state);
            self.changed.notify_waiters();
        }
        has_room
    }

    /// On a new connection: what can no longer be acknowledged comes again.
    pub(crate) fn resume(&self) {
        self.state().waiting.retain(|message| message.delivery.is_none());
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_waiters();
    }

    fn take(&self, listener: u64) -> Taken {
        let mut state = self.state();
        if state.listener != listener {
            return Taken::Over;
        }
        match state.waiting.pop_front() {
            Some(message) => Taken::Message(message),
            None if state.is_over => Taken::Over,
            None => Taken::NotYet,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message from a back end. The hub keeps it until it is [completed](Self::complete), and sends it again on the next
/// connection if it never is; until then it counts among the few (Roadstead: 16) that the hub sends ahead.
#[derive(Debug)]
pub struct ReceivedMessage {
    body: Bytes,
    properties: Properties,
    delivery: Option<Delivery>,
    requests: mpsc::WeakSender<Request>,
}

impl ReceivedMessage {
    pub(crate) fn read(
        bag: &str,
        body: &[u8],
        delivery: Option<Delivery>,
        requests: mpsc::WeakSender<Request>,
    ) -> Self {
        let mut properties = Properties::new();
        telemetry_topic::fill(bag, &mut String::new(), &mut properties);
        Self { body: Bytes::copy_from_slice(body), properties, delivery, requests }
    }

    /// The message itself.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// A property of the application.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// All properties of the application, in order.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties.iter().filter_map(|property| match property {
            Property::Application(name, value) => Some((name, value.unwrap_or_default())),
            Property::System(..) => None,
        })
    }

    /// The id that the back end gave it.
    pub fn message_id(&self) -> Option<&str> {
        self.properties.find_system(SystemProperty::MessageId)
    }

    /// The id of what it answers.
    pub fn correlation_id(&self) -> Option<&str> {
        self.properties.find_system(SystemProperty::CorrelationId)
    }

    /// What the body is: `text/plain`
    pub fn content_type(&self) -> Option<&str> {
        self.properties.find_system(SystemProperty::ContentType)
    }

    /// Tells the hub that the message has been dealt with. If the connection on which it came is lost by then, it comes again.
    ///
    /// Errors: [`RequestError::Closed`].
    pub async fn complete(self) -> Result<(), RequestError> {
        let Some(delivery) = self.delivery else { return Ok(()) };
        let requests = self.requests.upgrade().ok_or(RequestError::Closed { cause: None })?;
        requests.send(Request::Complete { delivery }).await.map_err(|_| RequestError::Closed { cause: None })
    }
}
