//! Who is connected now: one MQTT session per identity, the newest wins.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_model::{Thumbprint, UnixMillis};

use crate::{limits, mailbox::Mailbox, session::CloseReason};

/// The live sessions of one hub, by the text of their identity.
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

    /// Opens a session for `identity`. An earlier one is told that it was taken over.
    pub(crate) fn open(&self, identity: &Arc<str>, path: Vec<Thumbprint>, now: UnixMillis) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(path, now));
        let earlier = self.shard(identity).lock().insert(identity.clone(), mailbox.clone());
        match earlier {
            Some(earlier) => earlier.close(CloseReason::TakenOver),
            None => {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
        mailbox
    }

    /// Forgets a session that ended; a newer one of the same identity stays.
    pub(crate) fn end(&self, identity: &str, mailbox: &Arc<Mailbox>) {
        let mut shard = self.shard(identity).lock();
        if shard.get(identity).is_some_and(|live| Arc::ptr_eq(live, mailbox)) {
            shard.remove(identity);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_live(&self, identity: &str) -> bool {
        self.find(identity).is_some()
    }

    /// The live session of an identity.
    pub(crate) fn find(&self, identity: &str) -> Option<Arc<Mailbox>> {
        let mailbox = self.shard(identity).lock().get(identity).cloned();
        mailbox.filter(|mailbox| mailbox.reason().is_none())
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self, identity: &str, reason: CloseReason) {
        if let Some(mailbox) = self.shard(identity).lock().get(identity) {
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
            for mailbox in shard.lock().values().filter(|mailbox| applies(mailbox.path())) {
                mailbox.close(reason);
            }
        }
    }

    fn shard(&self, identity: &str) -> &Mutex<HashMap<Arc<str>, Arc<Mailbox>>> {
        &self.shards[self.hasher.hash_one(identity) as usize % limits::SESSION_SHARDS]
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
        let old = sessions.open(&device("a"), vec![], UnixMillis(0));
        let new = sessions.open(&device("a"), vec![], UnixMillis(0));
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
        let under_a = sessions.open(&device("a"), vec![digest("aa"), digest("cc")], UnixMillis(0));
        let under_b = sessions.open(&device("b"), vec![digest("bb")], UnixMillis(0));
        sessions.close_through(&[digest("cc")]);
        assert_eq!(under_a.reason(), Some(CloseReason::TrustRevoked));
        assert_eq!(under_b.reason(), None);
    }

    #[tokio::test]
    async fn the_first_reason_stands() {
        let sessions = Sessions::new();
        let mailbox = sessions.open(&device("a"), vec![], UnixMillis(0));
        sessions.close("a", CloseReason::DeviceDisabled);
        sessions.close_all(CloseReason::ShuttingDown);
        assert_eq!(mailbox.closed().await, CloseReason::DeviceDisabled);
    }
}
