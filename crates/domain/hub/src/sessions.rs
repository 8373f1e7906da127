//! Who is connected now: one MQTT session per identity, the newest wins.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_auth::DeviceGrant;
use roadstead_model::{DeviceAuth, Thumbprint, UnixMillis};

use crate::{limits, mailbox::Mailbox, presence::Arrival, session::CloseReason};

/// The live sessions of one hub, by the text of their identity. Those of a device and its modules share a part, in which
/// they are in order.
#[derive(Debug)]
pub(crate) struct Sessions {
    hasher: RandomState,
    shards: [Mutex<BTreeMap<Arc<str>, Arc<Mailbox>>>; limits::SESSION_SHARDS],
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

    /// Opens a session for `identity`. An earlier one is told that it was taken over. `note` is told of the arrival, and since
    /// when the identity is connected, before any later arrival or departure of it.
    pub(crate) fn open(
        &self,
        identity: &Arc<str>,
        grant: DeviceGrant,
        now: UnixMillis,
        note: impl FnOnce(Arrival, UnixMillis),
    ) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(grant.ground, grant.path, now));
        let mut shard = self.shard(identity).lock();
        let earlier = shard.insert(identity.clone(), mailbox.clone());
        let arrival = match &earlier {
            None => Arrival::New,
            Some(earlier) => match earlier.reason() {
                None => {
                    mailbox.continues(earlier);
                    Arrival::TakenOver
                }
                Some(reason) => Arrival::Replaced(reason),
            },
        };
        note(arrival, mailbox.since());
        drop(shard);
        match earlier {
            Some(earlier) => earlier.close(CloseReason::TakenOver),
            None => {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
        mailbox
    }

    /// Forgets a session that ended, and says whether its identity is gone: a newer session of it stays. `note` is told when it
    /// is, before any later arrival.
    pub(crate) fn end(&self, identity: &str, mailbox: &Arc<Mailbox>, note: impl FnOnce()) -> bool {
        let mut shard = self.shard(identity).lock();
        let is_gone = shard.get(identity).is_some_and(|live| Arc::ptr_eq(live, mailbox));
        if is_gone {
            shard.remove(identity);
            self.count.fetch_sub(1, Ordering::Relaxed);
            note();
        }
        is_gone
    }

    pub(crate) fn is_live(&self, identity: &str) -> bool {
        self.find(identity).is_some()
    }

    /// The live session of an identity.
    pub(crate) fn find(&self, identity: &str) -> Option<Arc<Mailbox>> {
        self.last(identity).filter(|mailbox| mailbox.reason().is_none())
    }

    /// The session of an identity, which may be closed already while its front has not noticed.
    pub(crate) fn last(&self, identity: &str) -> Option<Arc<Mailbox>> {
        self.shard(identity).lock().get(identity).cloned()
    }

    /// When identities were heard of last, where that is not stored.
    pub(crate) fn activity_to_store(&self) -> Vec<(Arc<str>, Arc<Mailbox>, UnixMillis)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let heard = shard.iter().filter_map(|(key, mailbox)| Some((key, mailbox, mailbox.activity_to_store()?)));
            found.extend(heard.map(|(key, mailbox, at)| (key.clone(), mailbox.clone(), at)));
        }
        found
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self, identity: &str, reason: CloseReason) {
        if let Some(mailbox) = self.shard(identity).lock().get(identity) {
            mailbox.close(reason);
        }
    }

    /// Closes the sessions of a device and of all its modules.
    pub(crate) fn close_device(&self, device: &str, reason: CloseReason) {
        let shard = self.shard(device).lock();
        let modules = format!("{device}/");
        if let Some(mailbox) = shard.get(device) {
            mailbox.close(reason);
        }
        let from = (Bound::Included(modules.as_str()), Bound::Unbounded);
        for (_, mailbox) in shard.range::<str, _>(from).take_while(|(identity, _)| identity.starts_with(&modules)) {
            mailbox.close(reason);
        }
    }

    /// Closes the session of an identity if it rests on what is no longer among its credentials.
    pub(crate) fn close_groundless(&self, identity: &str, auth: &DeviceAuth) {
        if let Some(mailbox) = self.shard(identity).lock().get(identity).filter(|live| !live.ground().stands(auth)) {
            mailbox.close(CloseReason::CredentialsChanged);
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

    fn shard(&self, identity: &str) -> &Mutex<BTreeMap<Arc<str>, Arc<Mailbox>>> {
        let device = identity.split_once('/').map_or(identity, |(device, _)| device);
        &self.shards[self.hasher.hash_one(device) as usize % limits::SESSION_SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_auth::Ground;
    use roadstead_model::{AuthMethod, Secret};

    fn device(id: &str) -> Arc<str> {
        id.into()
    }

    fn grant(path: Vec<Thumbprint>) -> DeviceGrant {
        DeviceGrant { method: AuthMethod::X509, ground: Ground::Policy, expires_at: None, path }
    }

    #[test]
    fn the_newest_session_wins_and_the_end_of_the_old_one_does_not_touch_it() {
        let sessions = Sessions::new();
        let old = sessions.open(&device("a"), grant(vec![]), UnixMillis(0), |_, _| {});
        let new = sessions.open(&device("a"), grant(vec![]), UnixMillis(0), |_, _| {});
        assert_eq!(old.reason(), Some(CloseReason::TakenOver));
        sessions.end("a", &old, || {});
        assert!(sessions.is_live("a"));
        assert_eq!(sessions.count(), 1);
        sessions.end("a", &new, || {});
        assert!(!sessions.is_live("a"));
        assert_eq!(sessions.count(), 0);
    }

    #[test]
    fn only_sessions_through_a_revoked_certificate_close() {
        let digest = |hex: &str| Thumbprint::parse(&hex.repeat(32)).unwrap();
        let sessions = Sessions::new();
        let under_a = sessions.open(&device("a"), grant(vec![digest("aa"), digest("cc")]), UnixMillis(0), |_, _| {});
        let under_b = sessions.open(&device("b"), grant(vec![digest("bb")]), UnixMillis(0), |_, _| {});
        sessions.close_through(&[digest("cc")]);
        assert_eq!(under_a.reason(), Some(CloseReason::TrustRevoked));
        assert_eq!(under_b.reason(), None);
    }

    #[test]
    fn a_device_takes_its_modules_along_and_nobody_elses() {
        let sessions = Sessions::new();
        let open = |id: &str| sessions.open(&device(id), grant(vec![]), UnixMillis(0), |_, _| {});
        let shut = ["a", "a/$edgeHub", "a/m", "a/~"].map(open);
        let left = ["A/m", "a!", "a-b", "a-b/m", "a0", "aa/m", "b"].map(open);
        sessions.close_device("a", CloseReason::DeviceDeleted);
        assert!(shut.iter().all(|mailbox| mailbox.reason() == Some(CloseReason::DeviceDeleted)));
        assert!(left.iter().all(|mailbox| mailbox.reason().is_none()));
    }

    #[test]
    fn only_a_session_without_ground_closes() {
        let sessions = Sessions::new();
        let key = Secret::new;
        let auth = |primary, secondary| DeviceAuth::Sas { primary: key(primary), secondary: key(secondary) };
        let by_key = DeviceGrant { ground: Ground::of_key(&key("k1")), ..grant(vec![]) };
        let mailbox = sessions.open(&device("a"), by_key, UnixMillis(0), |_, _| {});
        for auth in [auth("k1", "k3"), auth("k3", "k1")] {
            sessions.close_groundless("a", &auth);
            assert_eq!(mailbox.reason(), None);
        }
        sessions.close_groundless("a", &auth("k3", "k2"));
        assert_eq!(mailbox.reason(), Some(CloseReason::CredentialsChanged));
    }

    #[tokio::test]
    async fn the_first_reason_stands() {
        let sessions = Sessions::new();
        let mailbox = sessions.open(&device("a"), grant(vec![]), UnixMillis(0), |_, _| {});
        sessions.close("a", CloseReason::DeviceDisabled);
        sessions.close_all(CloseReason::ShuttingDown);
        assert_eq!(mailbox.closed().await, CloseReason::DeviceDisabled);
    }
}
