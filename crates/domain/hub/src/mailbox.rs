//! What a hub has to say to one live session, until its front takes it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use parking_lot::Mutex;
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

/// Speaks to a live session. Kept small: there is one per connected device.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// 0: open; else a [`CloseReason`]'s code.
    reason: AtomicU8,
    closed: Notify,
    /// The credential that the login was judged by.
    ground: Ground,
    /// SHA-256 digests of the certificates the login was judged by, leaf first.
    path: Box<[Thumbprint]>,
    /// [`Interests`] as bits.
    interests: AtomicU8,
    /// When the device was last heard of, milliseconds since 1970.
    active: AtomicI64,
    /// Since when the identity is connected, milliseconds since 1970: earlier than the session when it took over.
    since: AtomicI64,
    notices: Mutex<Vec<Notice>>,
    /// Whether there are any, so that a busy front looks without a lock.
    waiting: AtomicBool,
    woken: Notify,
    calls: Calls,
}

impl Mailbox {
    pub(crate) fn new(ground: Ground, path: Vec<Thumbprint>, now: UnixMillis) -> Self {
        Self {
            reason: AtomicU8::new(0),
            closed: Notify::new(),
            ground,
            path: path.into(),
            interests: AtomicU8::new(0),
            active: AtomicI64::new(now.0),
            since: AtomicI64::new(now.0),
            notices: Mutex::default(),
            waiting: AtomicBool::new(false),
            woken: Notify::new(),
            calls: Calls::new(),
        }
    }

    /// Closes the session unless it is closed already: the first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        if self.reason.compare_exchange(0, reason.code(), Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.closed.notify_waiters();
            self.calls.hang_up();
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
        self.ground
    }

    pub(crate) fn path(&self) -> &[Thumbprint] {
        &self.path
    }

    pub(crate) fn interests(&self) -> Interests {
        Interests::from_bits(self.interests.load(Ordering::Acquire))
    }

    pub(crate) fn attend(&self, interests: Interests) {
        self.interests.store(interests.bits(), Ordering::Release);
    }

    pub(crate) fn heard(&self, now: UnixMillis) {
        self.active.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn last_activity(&self) -> UnixMillis {
        UnixMillis(self.active.load(Ordering::Relaxed))
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
        let mut notices = self.notices.lock();
        if notice == Notice::MessagesWaiting && notices.contains(&notice) {
            return;
        }
        if notices.len() >= limits::NOTICES_MAX {
            drop(notices);
            return self.close(CloseReason::NotReading);
        }
        notices.push(notice);
        self.waiting.store(true, Ordering::Release);
        drop(notices);
        self.woken.notify_one();
    }

    /// All notices left so far, in order. Costs next to nothing when there are none.
    pub(crate) fn take(&self) -> Vec<Notice> {
        if !self.waiting.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut notices = self.notices.lock();
        self.waiting.store(false, Ordering::Release);
        std::mem::take(&mut *notices)
    }

    /// Takes back a call that was not taken yet.
    pub(crate) fn withdraw(&self, id: u32) {
        self.notices.lock().retain(|notice| !matches!(notice, Notice::Method(call) if call.id == id));
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
        let change = |version| Notice::DesiredChanged(DesiredChange { properties: Map::new(), version });
        for version in (0..).take(limits::NOTICES_MAX) {
            mailbox.post(change(version));
        }
        assert_eq!(mailbox.reason(), None);
        mailbox.post(change(-1));
        assert_eq!(mailbox.reason(), Some(CloseReason::NotReading));
    }
}
