//! The background task that owns a device's connection.

use crate::backoff::Backoff;
use crate::connect_error::{ConnectError, LineFault};
use crate::dialer::{Connected, Dialer};
use crate::inbox::{Inbox, Request};
use crate::limits::{DRAIN_TIMEOUT, OUT_BYTES_MAX, STEADY_AFTER};
use crate::line::Line;
use crate::liveness::{Due, Liveness};
use crate::request_error::RequestError;
use crate::send_error::SendError;
use crate::state::ConnectionState;
use crate::window::{Outgoing, Window};
use roadstead_mqtt_proto::{Packet, decode, encode};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) struct Session {
    pub(crate) dialer: Arc<Dialer>,
    /// What is to be sent. Closed and empty: the device is gone.
    pub(crate) queue: mpsc::Receiver<Outgoing>,
    /// What is asked of the hub, or answered.
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) inbox: Inbox,
    /// Ends when the device goes, however full the queue is.
    pub(crate) device: oneshot::Receiver<Infallible>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) window: Window,
    pub(crate) backoff: Backoff,
    pub(crate) reconnects: u64,
    /// The device is gone: when to stop waiting for acknowledgements.
    pub(crate) drain_by: Option<Instant>,
}

/// How a connection ended.
enum End {
    /// The device is gone, and nothing more to be done for it.
    Done,
    /// A new token is needed.
    Renewal,
    Lost(ConnectError),
}

impl Session {
    /// Serves the device until it is gone or refused for good.
    pub(crate) async fn run(mut self, mut connected: Connected) {
        let cause = loop {
            let since = Instant::now();
            let end = self.serve(&mut connected).await;
            if since.elapsed() >= STEADY_AFTER {
                self.backoff.reset();
            }
            let is_done = matches!(end, End::Done);
            let lost = match end {
                End::Lost(cause) => Some(cause),
                End::Done | End::Renewal => {
                    encode::disconnect(connected.line.out());
                    connected.line.finish().await;
                    None
                }
            };
            if is_done {
                break None;
            }
            connected = match self.reconnect(lost).await {
                Ok(next) => next,
                Err(cause) => break cause,
            };
        };
        self.close(cause.map(Arc::new));
    }

    async fn serve(&mut self, Connected { line, renew_at }: &mut Connected) -> End {
        let mut live = Liveness::new(Instant::now());
        for packet in self.window.resend(Instant::now()) {
            line.out().extend_from_slice(packet);
        }
        self.inbox.resume(line.out());
        let mut alarm = pin!(sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            if let Err(fault) = self.receive(line, &mut live, now) {
                return End::Lost(ConnectError::of_line(self.dialer.host(), fault));
            }
            let is_over =
                self.drain_by.is_some_and(|by| by <= now || (self.window.is_empty() && self.has_nothing_to_send()));
            if is_over {
                return End::Done;
            }
            let is_renewing = renew_at.is_some_and(|at| at <= now);
            if is_renewing && self.window.is_empty() {
                return End::Renewal;
            }
            let due = match live.due(self.window.oldest_sent(), now) {
                Due::At(at) => at,
                Due::Ping => {
                    encode::pingreq(line.out());
                    live.on_pinged(now);
                    continue;
                }
                Due::Dead(step, after) => {
                    let host = self.dialer.host().to_owned();
                    return End::Lost(ConnectError::Timeout { host, step, after });
                }
            };
            let due = renew_at.filter(|_| !is_renewing).into_iter().chain(self.drain_by).fold(due, Instant::min);
            // An alarm that is early only looks around once more: most of them never ring.
            if due < alarm.deadline() || alarm.is_elapsed() {
                alarm.as_mut().reset(due);
            }
            let has_space = !is_renewing && line.waiting_bytes() < OUT_BYTES_MAX;
            let may_take = has_space && self.window.has_room();
            tokio::select! {
                turned = line.turn() => if let Err(error) = turned {
                    return End::Lost(ConnectError::of_line(self.dialer.host(), error.into()));
                },
                Some(message) = self.queue.recv(), if may_take => {
                    let now = Instant::now();
                    line.out().extend_from_slice(self.window.push(message, now));
                    live.on_sent(now);
                }
                Some(request) = self.requests.recv(), if has_space && self.inbox.has_room() => {
                    self.inbox.take(request, line.out());
                    live.on_sent(Instant::now());
                }
                () = &mut alarm => {}
                _ = &mut self.device, if self.drain_by.is_none() => self.drain_by = Some(Instant::now() + DRAIN_TIMEOUT),
            }
        }
    }

    fn receive(&mut self, line: &mut Line, live: &mut Liveness, now: Instant) -> Result<(), LineFault> {
        while let Some(packet) = line.take()? {
            live.on_received(now);
            match decode(&packet)? {
                Packet::Puback(id) => self.window.acknowledge(id),
                Packet::Pingresp => {}
                // A session kept by the hub may bring messages for another SDK's subscriptions: unless taken, they stay there.
                Packet::Publish(publish) => self.inbox.on_publish(&publish, line.out())?,
                Packet::Suback(suback) if self.inbox.on_suback(&suback) => {}
                other => tracing::debug!(packet = ?std::mem::discriminant(&other), "packet passed over"),
            }
        }
        Ok(())
    }

    /// Connects anew, at once after no loss, else after a wait. Errors: what ends the device, or nothing if it is gone.
    async fn reconnect(&mut self, mut lost: Option<ConnectError>) -> Result<Connected, Option<ConnectError>> {
        let mut is_renewal = true;
        loop {
            if let Some(cause) = lost.take() {
                if cause.is_final() {
                    return Err(Some(cause));
                }
                is_renewal = false;
                let wait = self.backoff.next_wait();
                let attempt = self.backoff.tries();
                tracing::debug!(host = self.dialer.host(), attempt, ?wait, %cause, "reconnecting");
                self.state.send_replace(ConnectionState::Reconnecting { attempt, cause: Arc::new(cause) });
                self.unless_gone(sleep(wait)).await.ok_or(None)?;
            }
            let dialer = Arc::clone(&self.dialer);
            match self.unless_gone(async move { dialer.connect().await }).await.ok_or(None)? {
                Ok(connected) => {
                    if !is_renewal {
                        self.reconnects += 1;
                    }
                    self.state.send_replace(ConnectionState::Connected { reconnects: self.reconnects });
                    return Ok(connected);
                }
                Err(cause) => lost = Some(cause),
            }
        }
    }

    fn has_nothing_to_send(&self) -> bool {
        self.queue.is_empty() && self.requests.is_empty()
    }

    /// `None` when the device is gone and nothing is left to send, or there is no more time for it.
    async fn unless_gone<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            if self.drain_by.is_some() && self.window.is_empty() && self.has_nothing_to_send() {
                return None;
            }
            let drain_by = self.drain_by;
            tokio::select! {
                done = &mut work => return Some(done),
                _ = &mut self.device, if drain_by.is_none() => self.drain_by = Some(Instant::now() + DRAIN_TIMEOUT),
                () = sleep_until(drain_by.unwrap_or_else(Instant::now)), if drain_by.is_some() => return None,
            }
        }
    }

    fn close(mut self, cause: Option<Arc<ConnectError>>) {
        self.queue.close();
        self.requests.close();
        let refused = RequestError::Closed { cause: cause.clone() };
        let error = SendError::Closed { cause: cause.clone() };
        self.state.send_replace(ConnectionState::Closed { cause });
        self.window.fail(&error);
        while let Ok(message) = self.queue.try_recv() {
            // The sender may have stopped waiting.
            let _ = message.done.send(Err(error.clone()));
        }
        while let Ok(request) = self.requests.try_recv() {
            request.fail(&refused);
        }
        self.inbox.fail(&refused);
    }
}
