//! What a program sees of it: one item after the other.

use super::endpoint::EventHub;
use super::reader::{Place, Reader};
use crate::error::ServiceError;
use crate::events::{EventFilter, StreamItem};
use crate::limits::{AMQP_CLOSE_TIMEOUT, EVENTS_AHEAD_MAX};
use crate::policy::Policy;
use crate::transport::Transport;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Events of one hub. Reconnects by itself and goes on behind the last event of each partition: none is skipped, none comes
/// twice.
#[derive(Debug)]
pub struct AmqpEvents {
    /// Until the first [`AmqpEvents::next`].
    reader: Option<Reader>,
    /// From then on.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    items: mpsc::Receiver<Result<StreamItem, ServiceError>>,
    task: JoinHandle<()>,
}

impl AmqpEvents {
    pub(crate) fn of_hub(transport: Transport, host: String, port: u16, policy: Policy, filter: EventFilter) -> Self {
        Self::of(transport, Place::Hub { host, port, policy }, filter)
    }

    /// Events of an Event Hub, or of a built-in endpoint whose connection string is known. `filter.device_id` is for the
    /// latter.
    pub fn of_event_hub(transport: Transport, hub: EventHub, filter: EventFilter) -> Self {
        Self::of(transport, Place::EventHub(hub), filter)
    }

    fn of(transport: Transport, place: Place, filter: EventFilter) -> Self {
        Self { reader: Some(Reader::new(transport, place, filter)), running: None }
    }

    /// The next item; waits for it without end. Cancelling it loses nothing. Nothing is sent before the first call.
    ///
    /// Errors: what trying again cannot cure: a refusal, a certificate that is not trusted, an answer that is no event; and
    /// at the very first connection anything. Nothing comes after an error.
    pub async fn next(&mut self) -> Result<StreamItem, ServiceError> {
        if let Some(reader) = self.reader.take() {
            let (sender, items) = mpsc::channel(EVENTS_AHEAD_MAX);
            self.running = Some(Running { items, task: tokio::spawn(reader.run(sender)) });
        }
        match &mut self.running {
            Some(running) => match running.items.recv().await {
                Some(item) => item,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Takes leave of the server, which else would see a connection that breaks.
    pub async fn close(self) {
        if let Some(Running { items, task }) = self.running {
            drop(items);
            let _ = tokio::time::timeout(AMQP_CLOSE_TIMEOUT, task).await;
        }
    }
}
