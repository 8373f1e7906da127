//! Who is connected now: one MQTT session per device, the newest wins.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_model::Thumbprint;
use tokio::sync::Notify;

use crate::{limits, session::CloseReason};

/// Tells a live session to close. Kept small: there is one per connected device.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// 0: open; else a [`CloseReason`]'s code.
    reason: AtomicU8,
    closed: Notify,
    /// SHA-256 digests of the certificates the login was judged by, leaf first.
    path: Box<[Thumbprint]>,
}

impl Mailbox {
    fn new(path: Vec<Thumbprint>) -> Self {
        Self { reason: AtomicU8::new(0), closed: Notify::new(), path: path.into() }
    }

    /// Closes the session unless it is closed already: the first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        if self.reason.compare_exchange(0, reason.code(), Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.closed.notify_waiters();
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
}

/// The live sessions of one hub, by device id.
#[derive(Debug)]
pub(crate) struct Sessions {
    hasher: RandomState,
    shards: [Mutex<HashMap<Arc<str>, Arc<Mailbox>>>; limits::SESSION_SHARDS],
    count: AtomicUsize,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            count: AtomicUsize::new(0),
        }
    }

    /// Opens a session for `device`. An earlier one is told that it was taken over.
    pub(crate) fn open(&self, device: &Arc<str>, path: Vec<Thumbprint>) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(path));
        let earlier = self.shard(device).lock().insert(device.clone(), mailbox.clone());
        match earlier {
            Some(earlier) => earlier.close(CloseReason::TakenOver),
            None => {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
        mailbox
    }

    /// Forgets a session that ended; a newer one of the same device stays.
    pub(crate) fn end(&self, device: &str, mailbox: &Arc<Mailbox>) {
        let mut shard = self.shard(device).lock();
        if shard.get(device).is_some_and(|live| Arc::ptr_eq(live, mailbox)) {
            shard.remove(device);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_live(&self, device: &str) -> bool {
        self.shard(device).lock().get(device).is_some_and(|mailbox| mailbox.reason().is_none())
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self, device: &str, reason: CloseReason) {
        if let Some(mailbox) = self.shard(device).lock().get(device) {
            mailbox.close(reason);
        }
    }

    pub(crate) fn close_all(&self, reason: CloseReason) {
        self.close_where(reason, |_| true);
    }

    /// Closes every session whose login passed through one of these certificates.
    pub(crate) fn close_through(&self, revoked: &[Thumbprint]) {
        self.close_where(CloseReason::TrustRevoked, |path| path.iter().any(|digest| revoked.contains(digest)));
    }

    fn close_where(&self, reason: CloseReason, applies: impl Fn(&[Thumbprint]) -> bool) {
        for shard in &self.shards {
            for mailbox in shard.lock().values().filter(|mailbox| applies(&mailbox.path)) {
                mailbox.close(reason);
            }
        }
    }

    fn shard(&self, device: &str) -> &Mutex<HashMap<Arc<str>, Arc<Mailbox>>> {
        &self.shards[self.hasher.hash_one(device) as usize % limits::SESSION_SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str) -> Arc<str> {
        id.into()
    }

    #[test]
    fn the_newest_session_wins_and_the_end_of_the_old_one_does_not_touch_it() {
        let sessions = Sessions::new();
        let old = sessions.open(&device("a"), vec![]);
        let new = sessions.open(&device("a"), vec![]);
        assert_eq!(old.reason(), Some(CloseReason::TakenOver));
        sessions.end("a", &old);
        assert!(sessions.is_live("a"));
        assert_eq!(sessions.count(), 1);
        sessions.end("a", &new);
        assert!(!sessions.is_live("a"));
        assert_eq!(sessions.count(), 0);
    }

    #[test]
    fn only_sessions_through_a_revoked_certificate_close() {
        let digest = |hex: &str| Thumbprint::parse(&hex.repeat(32)).unwrap();
        let sessions = Sessions::new();
        let under_a = sessions.open(&device("a"), vec![digest("aa"), digest("cc")]);
        let under_b = sessions.open(&device("b"), vec![digest("bb")]);
        sessions.close_through(&[digest("cc")]);
        assert_eq!(under_a.reason(), Some(CloseReason::TrustRevoked));
        assert_eq!(under_b.reason(), None);
    }

    #[tokio::test]
    async fn the_first_reason_stands() {
        let sessions = Sessions::new();
        let mailbox = sessions.open(&device("a"), vec![]);
        sessions.close("a", CloseReason::DeviceDisabled);
        sessions.close_all(CloseReason::ShuttingDown);
        assert_eq!(mailbox.closed().await, CloseReason::DeviceDisabled);
    }
}
