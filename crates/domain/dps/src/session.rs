//! Devices that are connected to DPS now, and how they are sent away.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_auth::Evidence;
use roadstead_model::{OperationStatus, Origin, RegistrationId, RegistrationState, Thumbprint};
use tokio::sync::watch;

use crate::{
    attestation::{Admission, Source},
    error::DpsError,
    instance::Instance,
    registration::{self, RegistrationRequest, TpmKeys},
    tpm::Challenge,
};

/// A device's connection to DPS. A front holds one for as long as the connection lasts, drops it with the connection, and
/// closes the connection when [`DpsSession::closed`] says so. Every call judges the evidence anew.
#[derive(Debug)]
pub struct DpsSession {
    instance: Arc<Instance>,
    registration_id: RegistrationId,
    number: u64,
    close: watch::Receiver<Option<&'static str>>,
    /// `None`: not told.
    pub(crate) origin: Option<Origin>,
}

impl DpsSession {
    pub(crate) fn open(instance: Arc<Instance>, registration_id: RegistrationId) -> Self {
        let (number, close) = instance.sessions.open();
        Self { instance, registration_id, number, close, origin: None }
    }

    /// Says from where the device speaks, for the journal.
    #[must_use]
    pub fn seen_from(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Who is connected.
    pub fn registration_id(&self) -> &RegistrationId {
        &self.registration_id
    }

    /// Registers the device. Answers `assigned`, `failed` or `disabled` at once; with custom allocation, or when a hub on
    /// another server takes its time, `assigning` (no state).
    ///
    /// Registering again with nothing changed costs reads only and gives the same answer. Two registers of one device at once
    /// never lead to two hubs.
    ///
    /// Errors: `TpmChallenge` to a TPM's first request; `Unauthorized` and its kin; `Invalid` for another registration id in the body; `Concurrent`, `Throttled`,
    /// `HubUnavailable`, `Internal`: try again. Source: `reference/dps.md` section 3
    pub async fn register(
        &self,
        evidence: &Evidence<'_>,
        request: RegistrationRequest,
    ) -> Result<OperationStatus, DpsError> {
        let answered = registration::register(self, evidence, request).await;
        self.note_answer(answered.as_ref().ok());
        answered
    }

    /// Where an operation stands; `operation_id` as [`OperationStatus`] gave it. Any well-formed operation id of the instance
    /// tells how the authenticated device stands, so ids survive a restart.
    ///
    /// Errors: `Unauthorized` and its kin; `OperationNotFound`; `Internal`. Source: `reference/dps.md` 3.1
    pub async fn operation_status(
        &self,
        evidence: &Evidence<'_>,
        operation_id: &str,
    ) -> Result<OperationStatus, DpsError> {
        let answered = registration::operation_status(self, evidence, operation_id).await;
        self.note_answer(answered.as_ref().ok());
        answered
    }

    /// What is known of the device, without registering it.
    ///
    /// Errors: `Unauthorized` and its kin; `RegistrationNotFound`; `Internal`. Source: `reference/dps.md` 1.1
    pub async fn registration_status(&self, evidence: &Evidence<'_>) -> Result<RegistrationState, DpsError> {
        registration::registration_status(self, evidence).await.inspect(|state| self.note_state(state, false))
    }

    /// Judges who is connected, and does nothing else: for protocols that refuse a connection before there is a request.
    ///
    /// Errors: `Unauthorized` and its kin; `Internal`. Source: `reference/dps.md` 1.4
    pub async fn authenticate(&self, evidence: &Evidence<'_>) -> Result<(), DpsError> {
        registration::authenticate(self, evidence).await
    }

    /// What a TPM must take in to sign a token, for protocols that challenge it before there is a request. A stranger is
    /// challenged, too, and learns from the challenge neither that it is one nor why.
    ///
    /// Errors: `Invalid` for keys that no challenge can be made for. Source: `reference/dps.md` 1.4, 2.5
    pub async fn challenge(&self, tpm: &TpmKeys) -> Result<Challenge, DpsError> {
        registration::challenge(self, tpm).await
    }

    /// Waits until the device must be sent away, and says why: `enrollment disabled`.
    pub async fn closed(&self) -> &'static str {
        let mut close = self.close.clone();
        let reason = close.wait_for(Option::is_some).await.map(|reason| *reason);
        reason.ok().flatten().unwrap_or("instance deleted")
    }

    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// Notes on what the connection's standing rests.
    pub(crate) fn rests_on(&self, admission: &Admission) {
        self.instance.sessions.note(self.number, Standing::of(admission));
    }
}

impl Drop for DpsSession {
    fn drop(&mut self) {
        self.instance.sessions.live.lock().remove(&self.number);
    }
}

/// An enrollment of either kind, by its lower-case id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnrollmentKey {
    Individual(String),
    Group(String),
}

#[derive(Debug)]
struct Standing {
    enrollment: EnrollmentKey,
    path: Vec<Thumbprint>,
}

impl Standing {
    fn of(admission: &Admission) -> Self {
        let enrollment = match &admission.source {
            Source::Individual(enrollment) => EnrollmentKey::Individual(enrollment.registration_id.key()),
            Source::Group(group) => EnrollmentKey::Group(group.id.key()),
        };
        Self { enrollment, path: admission.path.clone() }
    }
}

/// The live connections of one instance. As many as the transport admits.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    next: AtomicU64,
    live: Mutex<HashMap<u64, Live>>,
}

#[derive(Debug)]
struct Live {
    standing: Option<Standing>,
    close: watch::Sender<Option<&'static str>>,
}

impl Sessions {
    fn open(&self) -> (u64, watch::Receiver<Option<&'static str>>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (close, closed) = watch::channel(None);
        self.live.lock().insert(number, Live { standing: None, close });
        (number, closed)
    }

    fn note(&self, number: u64, standing: Standing) {
        if let Some(live) = self.live.lock().get_mut(&number) {
            live.standing = Some(standing);
        }
    }

    /// Sends away all devices that came by this enrollment.
    pub(crate) fn close_enrollment(&self, enrollment: &EnrollmentKey, reason: &'static str) {
        self.close_where(reason, |standing| standing.is_some_and(|standing| standing.enrollment == *enrollment));
    }

    /// Sends away all devices whose path passes one of these certificates (SHA-256).
    pub(crate) fn close_paths(&self, revoked: &[Thumbprint], reason: &'static str) {
        self.close_where(reason, |standing| {
            standing.is_some_and(|standing| standing.path.iter().any(|print| revoked.contains(print)))
        });
    }

    /// Sends all devices away.
    pub(crate) fn close_all(&self, reason: &'static str) {
        self.close_where(reason, |_| true);
    }

    fn close_where(&self, reason: &'static str, is_meant: impl Fn(Option<&Standing>) -> bool) {
        for live in self.live.lock().values().filter(|live| is_meant(live.standing.as_ref())) {
            live.close.send_replace(Some(reason));
        }
    }
}
