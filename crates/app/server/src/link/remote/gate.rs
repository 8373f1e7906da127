//! How many calls a hub elsewhere may take up, and for how long it is left alone when it is away.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_dps::LinkError;
use roadstead_model::{Clock, UnixMillis};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::faults::Fault;
use crate::limits::{LINK_AWAY_MS, LINK_CALL, LINK_CALLS_MAX, LINK_GATES_MAX, LINK_WAITING_MAX};

/// The gates to all hubs elsewhere, by their host names.
pub(super) struct Gates {
    clock: Arc<dyn Clock>,
    by_host: Mutex<HashMap<String, Arc<Gate>>>,
}

/// What is set apart for one hub.
struct Gate {
    calls: Arc<Semaphore>,
    waiting: AtomicUsize,
    away: Mutex<Option<Away>>,
}

#[derive(Clone)]
struct Away {
    until: UnixMillis,
    cause: String,
}

/// One call under way; its place is free when it is dropped.
pub(super) struct Passage {
    host: String,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    _place: OwnedSemaphorePermit,
}

impl Gates {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, by_host: Mutex::default() }
    }

    /// Waits for a place.
    ///
    /// Errors: `Unreachable` when the hub was away a moment ago, or too many wait already.
    pub(super) async fn pass(&self, host: &str) -> Result<Passage, LinkError> {
        let gate = self.gate(host);
        gate.check(self.clock.now())?;
        let place = {
            let _waiting = Waiting::begin(&gate)?;
            gate.calls.clone().acquire_owned().await.expect("the semaphore is never closed")
        };
        // What became known while it waited.
        gate.check(self.clock.now())?;
        Ok(Passage { host: host.to_owned(), gate, clock: self.clock.clone(), _place: place })
    }

    fn gate(&self, host: &str) -> Arc<Gate> {
        let mut gates = self.by_host.lock();
        if gates.len() >= LINK_GATES_MAX {
            // Hubs that are linked no longer; nobody uses their gates.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        gates.entry(host.to_owned()).or_default().clone()
    }
}

impl Default for Gate {
    fn default() -> Self {
        let calls = Arc::new(Semaphore::new(LINK_CALLS_MAX));
        Self { calls, waiting: AtomicUsize::default(), away: Mutex::default() }
    }
}

impl Gate {
    fn check(&self, now: UnixMillis) -> Result<(), LinkError> {
        let away = self.away.lock().clone();
        away.filter(|away| now < away.until).map_or(Ok(()), |away| Err(LinkError::Unreachable(away.cause)))
    }
}

/// One that waits for a place.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn begin(gate: &'a Gate) -> Result<Self, LinkError> {
        let waiting = Self(gate);
        if gate.waiting.fetch_add(1, Ordering::Relaxed) >= LINK_WAITING_MAX {
            let text = format!("{LINK_WAITING_MAX} registrations wait for it already");
            return Err(LinkError::Unreachable(text));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passage {
    /// Does the work in the time there is for it, and takes note when the hub is away.
    pub(super) async fn through<T>(self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, LinkError> {
        let (error, is_silence) = match tokio::time::timeout(LINK_CALL, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(fault)) => {
                let is_silence = fault.is_silence();
                (LinkError::from(fault), is_silence)
            }
            Err(_) => (LinkError::Unreachable(format!("no answer within {} s", LINK_CALL.as_secs())), true),
        };
        if let (LinkError::Unreachable(cause), true) = (&error, is_silence) {
            tracing::warn!(hub = self.host, cause, "a linked hub on another server cannot be reached");
            let until = self.clock.now().plus_ms(LINK_AWAY_MS);
            *self.gate.away.lock() = Some(Away { until, cause: cause.clone() });
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use roadstead_service::ServiceError;

    use super::*;
    use crate::system::SystemClock;

    fn silence() -> Fault {
        let (origin, cause) = ("https://far.example".to_owned(), "connection refused".to_owned());
        Fault::Service(ServiceError::Unreachable { origin, cause })
    }

    struct At(Mutex<UnixMillis>);

    impl Clock for At {
        fn now(&self) -> UnixMillis {
            *self.0.lock()
        }
    }

    #[tokio::test]
    async fn a_hub_that_is_away_is_left_alone_for_a_moment() {
        let clock = Arc::new(At(Mutex::new(UnixMillis(1_000_000))));
        let gates = Gates::new(clock.clone());
        let away = Err(LinkError::Unreachable("connection refused".to_owned()));
        let passage = gates.pass("far.example").await.unwrap();
        assert_eq!(passage.through(async { Err::<(), _>(silence()) }).await, away);
        assert_eq!(gates.pass("far.example").await.map(|_| ()), away);
        assert!(gates.pass("other.example").await.is_ok(), "others are not concerned");
        *clock.0.lock() = UnixMillis(1_000_000).plus_ms(LINK_AWAY_MS);
        assert!(gates.pass("far.example").await.is_ok());
    }

    #[tokio::test]
    async fn a_refusal_is_no_silence() {
        let gates = Gates::new(Arc::new(SystemClock));
        let busy = gates.pass("far.example").await.unwrap().through(async { Err::<(), _>(Fault::Busy) }).await;
        assert!(matches!(busy, Err(LinkError::Unreachable(_))));
        assert!(gates.pass("far.example").await.is_ok());
    }

    #[tokio::test]
    async fn so_many_calls_and_so_many_waiting() {
        let gates = Arc::new(Gates::new(Arc::new(SystemClock)));
        let mut places = Vec::new();
        for _ in 0..LINK_CALLS_MAX {
            places.push(gates.pass("far.example").await.unwrap());
        }
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..LINK_WAITING_MAX {
            let gates = gates.clone();
            waiting.spawn(async move { gates.pass("far.example").await.map(drop) });
        }
        let gate = gates.gate("far.example");
        while gate.waiting.load(Ordering::Relaxed) < LINK_WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert!(
            matches!(gates.pass("far.example").await, Err(LinkError::Unreachable(cause)) if cause.contains("wait for it already"))
        );
        assert!(gates.pass("other.example").await.is_ok(), "others are not concerned");
        drop(places);
        while let Some(passed) = waiting.join_next().await {
            passed.unwrap().unwrap();
        }
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }
}
