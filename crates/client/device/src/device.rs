//! A connected device.

use crate::backoff::Backoff;
use crate::connect_error::ConnectError;
use crate::dialer::Dialer;
use crate::limits::QUEUE_MESSAGES;
use crate::message::Message;
use crate::options::DeviceOptions;
use crate::send_error::SendError;
use crate::session::Session;
use crate::state::ConnectionState;
use crate::window::{Outgoing, Window};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// A device that is connected to its hub, and stays so: a background task reconnects after any loss, sends again what was not
/// acknowledged, and renews SAS tokens in time. It ends with the device.
///
/// All methods but [`disconnect`](Self::disconnect) take `&self`: share a device among tasks in an `Arc`. Dropped, it takes a few
/// seconds at most in the background to deliver what was accepted, and disconnects.
#[derive(Debug)]
pub struct Device {
    id: String,
    in_flight: usize,
    queue: mpsc::Sender<Outgoing>,
    state: watch::Receiver<ConnectionState>,
    /// Its end tells the session that the device is gone.
    presence: oneshot::Sender<Infallible>,
    session: JoinHandle<()>,
}

/// The acknowledgement of a message to come. Dropped, the message is sent nevertheless.
#[derive(Debug)]
#[must_use = "only an awaited receipt says whether the hub has the message"]
pub struct Receipt {
    done: oneshot::Receiver<Result<(), SendError>>,
}

impl Device {
    /// Connects: once, so that the caller learns of a refusal. [`ConnectError::is_transient`] says whether to try again.
    ///
    /// Errors: [`ConnectError`].
    pub async fn connect(options: impl Into<DeviceOptions>) -> Result<Self, ConnectError> {
        let options = options.into();
        let (id, in_flight) = (options.device_id.clone(), options.in_flight);
        let dialer = Arc::new(Dialer::new(options)?);
        let connected = dialer.connect().await?;
        let (queue, queued) = mpsc::channel(QUEUE_MESSAGES);
        let (presence, present) = oneshot::channel();
        let (state_writer, state) = watch::channel(ConnectionState::Connected { reconnects: 0 });
        let session = Session {
            dialer,
            queue: queued,
            device: present,
            state: state_writer,
            window: Window::new(in_flight),
            backoff: Backoff::default(),
            reconnects: 0,
            drain_by: None,
        };
        let session = tokio::spawn(session.run(connected));
        Ok(Self { id, in_flight, queue, state, presence, session })
    }

    /// Connects by a device's connection string. For more choices: [`DeviceOptions::from_connection_string`].
    ///
    /// Errors: [`ConnectError`].
    pub async fn from_connection_string(text: &str) -> Result<Self, ConnectError> {
        Self::connect(DeviceOptions::from_connection_string(text)?).await
    }

    /// The device's id.
    pub fn device_id(&self) -> &str {
        &self.id
    }

    /// How the connection fares, now and later: `borrow` it, or wait for `changed`.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Sends a message and waits until the hub has it: a Roadstead hub has then written it to disk. Waits through reconnects.
    ///
    /// Errors: [`SendError`].
    pub async fn send(&self, message: Message) -> Result<(), SendError> {
        self.enqueue(message).await?.await
    }

    /// Gives a message away and comes back as soon as it is next to be sent, without waiting for the hub: many can be on their way
    /// at once, in order. Waits while as many as [`DeviceOptions::in_flight`] are unacknowledged.
    ///
    /// Errors: [`SendError`].
    pub async fn enqueue(&self, message: Message) -> Result<Receipt, SendError> {
        let packet = message.to_packet(&self.id)?;
        let (done, receipt) = oneshot::channel();
        match self.queue.send(Outgoing { packet, done }).await {
            Ok(()) => Ok(Receipt { done: receipt }),
            Err(_) => Err(SendError::Closed { cause: self.closed_cause() }),
        }
    }

    /// Sends messages in order, many on their way at once, and waits until the hub has them all.
    ///
    /// Errors: the first [`SendError`]; messages before and after it may have arrived.
    pub async fn send_many(&self, messages: impl IntoIterator<Item = Message>) -> Result<(), SendError> {
        let mut receipts = VecDeque::<Receipt>::new();
        for message in messages {
            if receipts.len() >= self.in_flight
                && let Some(oldest) = receipts.pop_front()
            {
                oldest.await?;
            }
            receipts.push_back(self.enqueue(message).await?);
        }
        for receipt in receipts {
            receipt.await?;
        }
        Ok(())
    }

    /// Disconnects, after what was accepted has been acknowledged or five seconds have passed.
    pub async fn disconnect(self) {
        let Self { queue, presence, session, .. } = self;
        drop((queue, presence));
        if let Err(error) = session.await {
            tracing::warn!(%error, "the task of a device's connection failed");
        }
    }

    fn closed_cause(&self) -> Option<Arc<ConnectError>> {
        match &*self.state.borrow() {
            ConnectionState::Closed { cause } => cause.clone(),
            ConnectionState::Connected { .. } | ConnectionState::Reconnecting { .. } => None,
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Without an answer only if the runtime ended under the session.
        Pin::new(&mut self.done).poll(context).map(|done| done.unwrap_or(Err(SendError::Closed { cause: None })))
    }
}
