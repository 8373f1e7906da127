//! Messages from back ends to a device.

use crate::inbox::{Delivery, Request};
use crate::request_error::RequestError;
use bytes::Bytes;
use roadstead_model::{Properties, Property, SystemProperty};
use roadstead_wire::telemetry_topic;
use tokio::sync::mpsc;

/// Messages from back ends as they come. Made by [`Device::messages`](crate::Device::messages).
#[derive(Debug)]
pub struct ReceivedMessages {
    pub(crate) feed: mpsc::Receiver<ReceivedMessage>,
}

impl ReceivedMessages {
    /// The next message; `None` when the connection is closed for good. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<ReceivedMessage> {
        self.feed.recv().await
    }
}

/// A message from a back end. The hub keeps it until it is [completed](Self::complete), and sends it again on the next
/// connection if it never is.
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
