//! One simulated device, from its certificate to its last message.

use crate::fleet::{Fleet, Identities};
use crate::limits::{CERTIFICATE_LIFETIME_S, DEVICE_IN_FLIGHT, START_TRIES_MAX};
use crate::pace::first_after;
use crate::payload::Composer;
use crate::tally::Tally;
use futures_util::stream::{FuturesUnordered, StreamExt};
use roadstead_device::{
    Backoff, ConnectError, ConnectionState, Credentials, CredentialsError, Device, Provisioning, Receipt,
    RegisterError, Registration, SendError, Trust, derive_device_key,
};
use roadstead_pki::{IssueError, KeyKind, Validity};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

/// What all devices of a run share.
pub(crate) struct Plan {
    pub(crate) fleet: Fleet,
    pub(crate) trust: Trust,
    pub(crate) period: Duration,
    pub(crate) composer: Composer,
    pub(crate) starting: Semaphore,
    pub(crate) tally: Tally,
    pub(crate) stop: CancellationToken,
    /// Unix seconds.
    pub(crate) now_s: i64,
}

/// Why a device did not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("cannot make a certificate: {0}")]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A message on its way.
struct Sent {
    bytes: usize,
    at: Instant,
    outcome: Result<(), SendError>,
    now: Instant,
}

/// The whole life of the `index`th device, from 0.
pub(crate) async fn live(plan: Arc<Plan>, index: u32) {
    let id = plan.fleet.device_id(index);
    // Boxed: what it takes to start is more than what it takes to go on.
    let started = plan.stop.run_until_cancelled(Box::pin(start(&plan, &id))).await;
    match started {
        Some(Some(device)) => talk(&plan, &id, index, device).await,
        Some(None) => plan.tally.on_failed(),
        None => {}
    }
}

/// `None` when the device was refused for good or has no tries left.
async fn start(plan: &Plan, id: &str) -> Option<Device> {
    let mut backoff = Backoff::default();
    let mut registration = None;
    loop {
        let permit = plan.starting.acquire().await.ok()?;
        let error = match try_start(plan, id, &mut registration).await {
            Ok(device) => return Some(device),
            Err(error) => error,
        };
        drop(permit);
        plan.tally.on_error(error.kind(), || error.to_string());
        let wait = backoff.next_wait();
        if !error.is_transient() || backoff.tries() >= START_TRIES_MAX {
            return None;
        }
        sleep(wait).await;
    }
}

async fn try_start(plan: &Plan, id: &str, registration: &mut Option<Registration>) -> Result<Device, StartError> {
    let registration = match registration {
        Some(registration) => registration,
        None => registration.insert(register(plan, id).await?),
    };
    let started = Instant::now();
    let device = Device::connect(registration.device().in_flight(DEVICE_IN_FLIGHT)).await?;
    plan.tally.on_connected(started.elapsed());
    Ok(device)
}

async fn register(plan: &Plan, id: &str) -> Result<Registration, StartError> {
    let credentials = match &plan.fleet.identities {
        Identities::Certificates(authority) => {
            let validity = Validity { now_s: plan.now_s, lifetime_s: CERTIFICATE_LIFETIME_S };
            let credential = authority.device(id, KeyKind::P256, validity)?;
            Credentials::x509_pem(&credential.certificate.to_pem(), &credential.key_pem)?
        }
        Identities::GroupKey(key) => Credentials::SymmetricKey(derive_device_key(key, id)),
    };
    let fleet = &plan.fleet;
    let mut provisioning =
        Provisioning::new(&*fleet.host, &*fleet.id_scope, id, credentials).port(fleet.port).trust(plan.trust.clone());
    if let Some(address) = fleet.connect_to {
        provisioning = provisioning.connect_to(address);
    }
    let started = Instant::now();
    let registration = provisioning.register().await?;
    plan.tally.on_registered(started.elapsed());
    Ok(registration)
}

/// Sends until told to stop, the messages are all sent, or the hub refuses the device.
async fn talk(plan: &Plan, id: &str, index: u32, device: Device) {
    let count_max = plan.fleet.messages_each.unwrap_or(u64::MAX);
    let first = Instant::now() + first_after(plan.period, index, plan.fleet.devices);
    let mut ticks = interval_at(first, plan.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch { state: device.state(), is_online: true, reconnects: 0 };
    let mut on_their_way = FuturesUnordered::new();
    let mut count = 0;
    loop {
        let has_more = count < count_max;
        if !has_more && on_their_way.is_empty() {
            break;
        }
        tokio::select! {
            () = plan.stop.cancelled() => break,
            _ = ticks.tick(), if has_more && on_their_way.len() < DEVICE_IN_FLIGHT => {
                count += 1;
                let message = plan.composer.message(id, count);
                let (bytes, at) = (message.bytes(), Instant::now());
                match device.enqueue(message).await {
                    Ok(receipt) => on_their_way.push(track(receipt, bytes, at)),
                    Err(error) => note_unsent(&plan.tally, &error),
                }
            }
            Some(sent) = on_their_way.next() => note(&plan.tally, &sent),
            changed = watch.state.changed() => if changed.is_err() || !watch.look(&plan.tally) {
                break;
            },
        }
    }
    device.disconnect().await;
    while let Some(sent) = on_their_way.next().await {
        note(&plan.tally, &sent);
    }
    if watch.is_online {
        plan.tally.on_offline();
    }
}

async fn track(receipt: Receipt, bytes: usize, at: Instant) -> Sent {
    let outcome = receipt.await;
    Sent { bytes, at, outcome, now: Instant::now() }
}

fn note(tally: &Tally, sent: &Sent) {
    match &sent.outcome {
        Ok(()) => tally.on_acknowledged(sent.bytes, sent.at, sent.now),
        Err(error) => note_unsent(tally, error),
    }
}

/// Why a device closed is counted once, not for each of its messages.
fn note_unsent(tally: &Tally, error: &SendError) {
    tally.on_unacknowledged();
    if let SendError::Message(error) = error {
        tally.on_error("message not sent".to_owned(), || error.to_string());
    }
}

/// What is counted of a connection's fate.
struct Watch {
    state: watch::Receiver<ConnectionState>,
    is_online: bool,
    reconnects: u64,
}

impl Watch {
    /// False when the device is closed.
    fn look(&mut self, tally: &Tally) -> bool {
        let state = self.state.borrow_and_update().clone();
        match state {
            ConnectionState::Connected { reconnects } => {
                if reconnects > self.reconnects {
                    if self.is_online {
                        tally.on_offline();
                    }
                    tally.on_reconnected(reconnects - self.reconnects);
                    (self.reconnects, self.is_online) = (reconnects, true);
                }
                true
            }
            ConnectionState::Reconnecting { cause, .. } => {
                self.go_offline(tally);
                tally.on_error(cause.kind(), || cause.to_string());
                true
            }
            ConnectionState::Closed { cause } => {
                self.go_offline(tally);
                if let Some(cause) = cause {
                    tally.on_error(cause.kind(), || cause.to_string());
                    tally.on_failed();
                }
                false
            }
        }
    }

    fn go_offline(&mut self, tally: &Tally) {
        if std::mem::take(&mut self.is_online) {
            tally.on_offline();
        }
    }
}

impl StartError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Issue(_) | Self::Credentials(_) => false,
            Self::Register(error) => error.is_transient(),
            Self::Connect(error) => error.is_transient(),
        }
    }

    fn kind(&self) -> String {
        match self {
            Self::Issue(_) | Self::Credentials(_) => "no certificate".to_owned(),
            Self::Register(error) => error.kind(),
            Self::Connect(error) => error.kind(),
        }
    }
}
