//! A connected device.

use crate::backoff::Backoff;
use crate::connect_error::ConnectError;
use crate::desired::DesiredChanges;
use crate::dialer::Dialer;
use crate::inbox::{Done, Feed, Inbox, Request};
use crate::limits::{CALLS_MAX, CHANGES_MAX, QUEUE_MESSAGES, REQUEST_TIMEOUT};
use crate::message::Message;
use crate::method::MethodCalls;
use crate::options::DeviceOptions;
use crate::received::{Arrivals, ReceivedMessages};
use crate::request_error::RequestError;
use crate::send_error::SendError;
use crate::session::Session;
use crate::state::ConnectionState;
use crate::twin::Twin;
use crate::window::{Outgoing, Window};
use serde::Serialize;
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
    requests: mpsc::Sender<Request>,
    arrivals: Arc<Arrivals>,
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
        let (requests, requested) = mpsc::channel(QUEUE_MESSAGES);
        let arrivals = Arc::new(Arrivals::default());
        let inbox = Inbox::new(&id, requests.downgrade(), Arc::clone(&arrivals));
        let (presence, present) = oneshot::channel();
        let (state_writer, state) = watch::channel(ConnectionState::Connected { reconnects: 0 });
        let session = Session {
            dialer,
            queue: queued,
            requests: requested,
            inbox,
            device: present,
            state: state_writer,
            window: Window::new(in_flight),
            backoff: Backoff::default(),
            reconnects: 0,
            drain_by: None,
        };
        let session = tokio::spawn(session.run(connected));
        Ok(Self { id, in_flight, queue, requests, arrivals, state, presence, session })
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

    /// The device's twin as it is now.
    ///
    /// Errors: [`RequestError`].
    pub async fn twin(&self) -> Result<Twin, RequestError> {
        let body = self.ask(|done| Request::GetTwin { done }).await?;
        serde_json::from_slice(&body).map_err(|error| RequestError::Odd { cause: error.to_string() })
    }

    /// Merges what the device says of itself into its reported properties; `null` deletes. Gives back their new version. A
    /// patch that was on its way when a connection broke is sent again.
    ///
    /// Errors: [`RequestError`].
    pub async fn report(&self, patch: &(impl Serialize + ?Sized)) -> Result<i64, RequestError> {
        let patch = serde_json::to_vec(patch).map_err(|error| RequestError::Json { cause: error.to_string() })?;
        self.ask(|done| Request::Report { patch, done }).await
    }

    /// Hears of changes of desired properties from now on, across reconnects. Who asks again takes the place of who asked
    /// before.
    ///
    /// Errors: [`RequestError`].
    pub async fn desired(&self) -> Result<DesiredChanges, RequestError> {
        let (sender, feed) = mpsc::channel(CHANGES_MAX);
        self.ask(|done| Request::Listen { feed: Feed::Desired(sender), done }).await?;
        Ok(DesiredChanges { feed })
    }

    /// Answers direct methods from now on, likewise.
    ///
    /// Errors: [`RequestError`].
    pub async fn methods(&self) -> Result<MethodCalls, RequestError> {
        let (sender, feed) = mpsc::channel(CALLS_MAX);
        self.ask(|done| Request::Listen { feed: Feed::Methods(sender), done }).await?;
        Ok(MethodCalls { feed })
    }

    /// Takes messages from back ends from now on, likewise. Those that the one before did not take are among them.
    ///
    /// Errors: [`RequestError`].
    pub async fn messages(&self) -> Result<ReceivedMessages, RequestError> {
        self.ask(|done| Request::Listen { feed: Feed::Messages, done }).await?;
        Ok(self.arrivals.listen())
    }

    async fn ask<T>(&self, request: impl FnOnce(Done<T>) -> Request) -> Result<T, RequestError> {
        let (done, answer) = oneshot::channel();
        let closed = || RequestError::Closed { cause: self.closed_cause() };
        let asked = async {
            self.requests.send(request(done)).await.map_err(|_| closed())?;
            answer.await.unwrap_or_else(|_| Err(closed()))
        };
        tokio::time::timeout(REQUEST_TIMEOUT, asked).await.unwrap_or(Err(RequestError::Timeout))
    }

    /// Disconnects, after what was accepted has been acknowledged or five seconds have passed.
    pub async fn disconnect(self) {
        let Self { queue, requests, presence, session, .. } = self;
        drop((queue, requests, presence));
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
