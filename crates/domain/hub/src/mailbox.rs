//! What a hub has to say to one live session, until its front takes it.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering},
};

use parking_lot::{Mutex, MutexGuard};
use roadstead_auth::Ground;
use roadstead_model::{Thumbprint, UnixMillis};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::{limits, methods::Calls, session::CloseReason};

/// What a device wants to hear of, beside the answers to what it asks. Fronts derive it from subscriptions or links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interests {
    /// Direct methods: without it the device counts as offline for them.
    pub methods: bool,
    /// Changes of desired properties.
    pub desired: bool,
    /// Messages from the cloud.
    pub messages: bool,
}

impl Interests {
    fn bits(self) -> u8 {
        u8::from(self.methods) | u8::from(self.desired) << 1 | u8::from(self.messages) << 2
    }

    fn from_bits(bits: u8) -> Self {
        Self { methods: bits & 1 != 0, desired: bits & 2 != 0, messages: bits & 4 != 0 }
    }
}

/// A direct method on its way to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodCall {
    /// Finds the call again when the device answers; unique within the session.
    pub id: u32,
    pub name: String,
    /// JSON text; `null` when the caller sent none, since not every device reads an empty body as JSON.
    pub payload: String,
}

/// A change of desired properties: the patch (nulls included), or all of them after a replacement.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredChange {
    pub properties: Map<String, Value>,
    /// The section's version after the change.
    pub version: i64,
}

/// Something the hub has for a connected device.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Method(MethodCall),
    DesiredChanged(DesiredChange),
    /// There may be messages to fetch.
    MessagesWaiting,
}

/// What is left for a front.
#[derive(Debug, Default)]
struct Left {
    notices: Vec<Notice>,
    /// Only between a device's reading of its twin and its listening to changes.
    unheard: Option<Unheard>,
}

/// Changes of desired properties that a device has neither read nor been told of.
#[derive(Debug, Default)]
struct Unheard {
    /// The version it has read.
    read: i64,
    changes: Vec<DesiredChange>,
}

/// Speaks to a live session. Kept small: there is one per connected device.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// 0: open; else a [`CloseReason`]'s code.
    reason: AtomicU8,
    closed: Notify,
    /// The credential that the login, or the last renewal of its token, was judged by.
    ground: Mutex<Ground>,
    /// SHA-256 digests of the certificates the login was judged by, leaf first.
    path: Box<[Thumbprint]>,
    /// [`Interests`] as bits.
    interests: AtomicU8,
    /// When the device was last heard of, milliseconds since 1970.
    active: AtomicI64,
    /// The value of `active` that is stored, if any.
    active_stored: AtomicI64,
    /// Since when the identity is connected, milliseconds since 1970: earlier than the session when it took over.
    since: AtomicI64,
    left: Mutex<Left>,
    /// Whether there are notices, so that a busy front looks without a lock.
    waiting: AtomicBool,
    woken: Notify,
    /// Rung beside the two above, for a front that carries many sessions in one task.
    bell: OnceLock<Arc<Notify>>,
    calls: Calls,
}

impl Mailbox {
    pub(crate) fn new(ground: Ground, path: Vec<Thumbprint>, now: UnixMillis) -> Self {
        Self {
            reason: AtomicU8::new(0),
            closed: Notify::new(),
            ground: Mutex::new(ground),
            path: path.into(),
            interests: AtomicU8::new(0),
            active: AtomicI64::new(now.0),
            active_stored: AtomicI64::new(i64::MIN),
            since: AtomicI64::new(now.0),
            left: Mutex::default(),
            waiting: AtomicBool::new(false),
            woken: Notify::new(),
            bell: OnceLock::new(),
            calls: Calls::new(),
        }
    }

    /// Closes the session unless it is closed already: the first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        if self.reason.compare_exchange(0, reason.code(), Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.closed.notify_waiters();
            self.calls.hang_up();
            self.ring();
        }
    }

    pub(crate) fn reason(&self) -> Option<CloseReason> {
        CloseReason::from_code(self.reason.load(Ordering::Acquire))
    }

    pub(crate) async fn closed(&self) -> CloseReason {
        loop {
            let mut notified = std::pin::pin!(self.closed.notified());
            notified.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            notified.await;
        }
    }

    pub(crate) fn ground(&self) -> Ground {
        *self.ground.lock()
    }

    /// The session rests on another credential from now on.
    pub(crate) fn rest_on(&self, ground: Ground) {
        *self.ground.lock() = ground;
    }

    pub(crate) fn path(&self) -> &[Thumbprint] {
        &self.path
    }

    pub(crate) fn interests(&self) -> Interests {
        Interests::from_bits(self.interests.load(Ordering::Acquire))
    }

    /// Who begins to listen to changes of desired properties is told first of those since it read its twin.
    pub(crate) fn attend(&self, interests: Interests) {
        let mut left = self.left.lock();
        self.interests.store(interests.bits(), Ordering::Release);
        if interests.desired
            && let Some(unheard) = left.unheard.take()
        {
            for change in unheard.changes {
                self.leave(&mut left, Notice::DesiredChanged(change));
            }
        }
    }

    /// The device is about to read its twin: changes from now on are kept for it until it listens to them.
    pub(crate) fn begin_reading(&self) {
        let mut left = self.left.lock();
        if !self.interests().desired {
            left.unheard.get_or_insert_default();
        }
    }

    /// The device has read its desired properties as of `version`.
    pub(crate) fn has_read(&self, version: i64) {
        if let Some(unheard) = &mut self.left.lock().unheard {
            unheard.read = version;
            unheard.changes.retain(|change| change.version > version);
        }
    }

    /// Desired properties changed to `version`: tells a device that listens, and keeps the change for one that has read its
    /// twin and may be about to. Who lets more than [`limits::DESIRED_UNHEARD_MAX`] pass does not seem to be.
    pub(crate) fn desired_changed(&self, version: i64, properties: impl FnOnce() -> Map<String, Value>) {
        let mut left = self.left.lock();
        if self.interests().desired {
            self.leave(&mut left, Notice::DesiredChanged(DesiredChange { properties: properties(), version }));
            return;
        }
        match &mut left.unheard {
            Some(unheard) if unheard.changes.len() >= limits::DESIRED_UNHEARD_MAX => left.unheard = None,
            Some(unheard) if version > unheard.read => {
                unheard.changes.push(DesiredChange { properties: properties(), version });
            }
            Some(_) | None => {}
        }
    }

    pub(crate) fn heard(&self, now: UnixMillis) {
        self.active.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn last_activity(&self) -> UnixMillis {
        UnixMillis(self.active.load(Ordering::Relaxed))
    }

    /// When the device was heard of last, if that is not stored.
    pub(crate) fn activity_to_store(&self) -> Option<UnixMillis> {
        let active = self.last_activity();
        (active.0 != self.active_stored.load(Ordering::Relaxed)).then_some(active)
    }

    pub(crate) fn activity_stored(&self, at: UnixMillis) {
        self.active_stored.store(at.0, Ordering::Relaxed);
    }

    /// Takes over from an earlier session of the identity, which has not been gone in between.
    pub(crate) fn continues(&self, earlier: &Self) {
        self.since.store(earlier.since().0, Ordering::Relaxed);
    }

    pub(crate) fn since(&self) -> UnixMillis {
        UnixMillis(self.since.load(Ordering::Relaxed))
    }

    /// Leaves a notice for the front. A session that takes none is closed: what it missed cannot be told later.
    pub(crate) fn post(&self, notice: Notice) {
        self.leave(&mut self.left.lock(), notice);
    }

    fn leave(&self, left: &mut MutexGuard<'_, Left>, notice: Notice) {
        if notice == Notice::MessagesWaiting && left.notices.contains(&notice) {
            return;
        }
        if left.notices.len() >= limits::NOTICES_MAX {
            return MutexGuard::unlocked(left, || self.close(CloseReason::NotReading));
        }
        left.notices.push(notice);
        self.waiting.store(true, Ordering::Release);
        self.woken.notify_one();
        self.ring();
    }

    /// Rings this bell, too, from now on; the first one stays.
    pub(crate) fn put_bell(&self, bell: Arc<Notify>) {
        let _ = self.bell.set(bell);
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell.notify_one();
        }
    }

    /// Whether there is something to take, or the session was closed.
    pub(crate) fn has_word(&self) -> bool {
        self.waiting.load(Ordering::Acquire) || self.reason().is_some()
    }

    /// All notices left so far, in order. Costs next to nothing when there are none.
    pub(crate) fn take(&self) -> Vec<Notice> {
        if !self.waiting.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut left = self.left.lock();
        self.waiting.store(false, Ordering::Release);
        std::mem::take(&mut left.notices)
    }

    /// Takes back a call that was not taken yet.
    pub(crate) fn withdraw(&self, id: u32) {
        self.left.lock().notices.retain(|notice| !matches!(notice, Notice::Method(call) if call.id == id));
    }

    /// What the session has still to answer.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Waits until a notice was left since the last wait.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn interests_survive_their_bits() {
        for bits in 0..8 {
            assert_eq!(Interests::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn notices_wake_once_and_are_bounded() {
        let mailbox = Mailbox::new(Ground::Policy, Vec::new(), UnixMillis(0));
        assert!(mailbox.woken().now_or_never().is_none());
        mailbox.post(Notice::MessagesWaiting);
        mailbox.post(Notice::MessagesWaiting);
        assert!(mailbox.woken().now_or_never().is_some());
        assert_eq!(mailbox.take(), [Notice::MessagesWaiting]);
        for version in (0..).take(limits::NOTICES_MAX) {
            mailbox.post(Notice::DesiredChanged(change(version)));
        }
        assert_eq!(mailbox.reason(), None);
        mailbox.post(Notice::DesiredChanged(change(-1)));
        assert_eq!(mailbox.reason(), Some(CloseReason::NotReading));
    }
    fn change(version: i64) -> DesiredChange {
        DesiredChange { properties: Map::new(), version }
    }

    const LISTENING: Interests = Interests { methods: false, desired: true, messages: false };

    /// What a device that begins to listen now is told first, by version.
    fn told_at_last(mailbox: &Mailbox) -> Vec<i64> {
        mailbox.attend(LISTENING);
        let version = |notice| match notice {
            Notice::DesiredChanged(change) => change.version,
            other => panic!("{other:?}"),
        };
        mailbox.take().into_iter().map(version).collect()
    }

    #[test]
    fn changes_between_reading_and_listening_are_kept() {
        let mailbox = Mailbox::new(Ground::Policy, Vec::new(), UnixMillis(0));
        let tell =
            |versions: std::ops::Range<i64>| versions.for_each(|version| mailbox.desired_changed(version, Map::new));
        tell(2..4);
        assert_eq!(told_at_last(&mailbox), [0; 0], "it did not read");
        mailbox.begin_reading();
        tell(4..5);
        assert_eq!(mailbox.take(), [Notice::DesiredChanged(change(4))], "it listens all the time");

        mailbox.attend(Interests::default());
        tell(5..6);
        mailbox.begin_reading();
        tell(6..8);
        mailbox.has_read(7);
        // The writer of version 7 gets here after its reader, too.
        tell(7..10);
        assert_eq!(mailbox.take(), []);
        assert_eq!(told_at_last(&mailbox), [8, 9]);

        mailbox.attend(Interests::default());
        mailbox.begin_reading();
        mailbox.has_read(9);
        let most = i64::try_from(limits::DESIRED_UNHEARD_MAX).unwrap();
        tell(10..10 + most);
        assert_eq!(told_at_last(&mailbox).len(), limits::DESIRED_UNHEARD_MAX);
        mailbox.attend(Interests::default());
        mailbox.begin_reading();
        mailbox.has_read(9);
        tell(10..11 + most);
        assert_eq!(told_at_last(&mailbox), [0; 0], "all or nothing");
    }

    #[test]
    fn a_bell_rings_for_notices_and_for_the_end() {
        let (mailbox, bell) = (Mailbox::new(Ground::Policy, Vec::new(), UnixMillis(0)), Arc::new(Notify::new()));
        mailbox.put_bell(bell.clone());
        assert!(bell.notified().now_or_never().is_none() && !mailbox.has_word());
        mailbox.post(Notice::MessagesWaiting);
        assert!(bell.notified().now_or_never().is_some() && mailbox.has_word());
        mailbox.take();
        assert!(!mailbox.has_word());
        mailbox.close(CloseReason::TakenOver);
        assert!(bell.notified().now_or_never().is_some() && mailbox.has_word());
    }
}
