//! Who is signed in, in which browser. Kept in memory, bounded; a cookie opens a session by its digest only.

use crate::chart::Chart;
use crate::limits::{
    AGENT_CHARS_MAX, LIVE_STREAMS_OF_SESSION_MAX, OVERVIEW_KEPT_MS, SECRET_BYTES, SESSION_IDLE_MS, SESSION_LIFETIME_MS,
    SESSIONS_MAX, SESSIONS_OF_USER_MAX,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use roadstead_model::{Random, UnixMillis};
use roadstead_service::{AccessToken, Api, Credentials};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// SHA-256 of a secret.
pub(crate) type Digest = [u8; 32];

/// A fresh secret that fits into a URL and a cookie: 43 characters.
pub(crate) fn fresh(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    random.fill(&mut *bytes);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
}

pub(crate) fn digest_of(secret: &str) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    out
}

/// What new tokens are asked with.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// Of a user. It is good for once, and comes back as another one.
    Refresh(AccessToken),
    /// Of a service principal.
    Secret(Credentials),
}

/// Who signs in, and from where.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// Of the user or service principal.
    pub(crate) id: String,
    /// For people to read.
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    /// `User-Agent`
    pub(crate) agent: String,
}

/// What the next page says at its top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) is_fault: bool,
}

/// What a session asks the APIs with.
#[derive(Debug)]
pub(crate) struct Purse {
    pub(crate) login: Login,
    /// With the second from which each is not used again.
    pub(crate) tokens: HashMap<Api, (AccessToken, i64)>,
}

/// One browser of one user.
#[derive(Debug)]
pub(crate) struct Session {
    /// For the page of sessions; opens nothing.
    pub(crate) number: u64,
    pub(crate) visitor: Visitor,
    /// What each form of this session carries.
    pub(crate) csrf: String,
    pub(crate) since: UnixMillis,
    seen: Mutex<UnixMillis>,
    note: Mutex<Option<Note>>,
    /// Not a service principal.
    pub(crate) is_user: bool,
    /// Seats of pages that follow messages.
    pub(crate) live: Arc<Semaphore>,
    /// Locked while new tokens are asked for, as each answer takes the place of what it was asked with.
    pub(crate) purse: tokio::sync::Mutex<Purse>,
    /// The overview's lines.
    pub(crate) lines: Kept<Vec<Chart>>,
    /// Whether there is something that who is signed in may create.
    pub(crate) may_create: Kept<bool>,
    ended: AtomicBool,
    /// Why no new tokens are given, once that is so.
    pub(crate) refusal: OnceLock<String>,
}

/// What is dear to find out and changes slowly.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<Option<(UnixMillis, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    /// What was found out so lately that it is as good as new.
    pub(crate) fn get(&self, now: UnixMillis) -> Option<T> {
        let kept = self.0.lock();
        kept.as_ref().filter(|(at, _)| now < at.plus_ms(OVERVIEW_KEPT_MS)).map(|(_, found)| found.clone())
    }

    pub(crate) fn set(&self, found: T, now: UnixMillis) {
        *self.0.lock() = Some((now, found));
    }
}

impl Session {
    pub(crate) fn seen(&self) -> UnixMillis {
        *self.seen.lock()
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn leave_note(&self, note: Note) {
        *self.note.lock() = Some(note);
    }

    pub(crate) fn take_note(&self) -> Option<Note> {
        self.note.lock().take()
    }

    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        let (age, idle) = (now.0.saturating_sub(self.since.0), now.0.saturating_sub(self.seen().0));
        age >= SESSION_LIFETIME_MS || idle >= SESSION_IDLE_MS
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_digest: HashMap<Digest, Arc<Session>>,
    last_number: u64,
}

impl Sessions {
    /// Begins a session; gives back what the cookie holds.
    pub(crate) fn open(
        &mut self,
        mut visitor: Visitor,
        login: Login,
        random: &dyn Random,
        now: UnixMillis,
    ) -> (Zeroizing<String>, Arc<Session>) {
        self.drop_ended(now);
        let of_user = self.of_user(&visitor.id).len();
        if of_user >= SESSIONS_OF_USER_MAX {
            self.end_stalest(Some(&visitor.id));
        }
        if self.by_digest.len() >= SESSIONS_MAX {
            self.end_stalest(None);
        }
        visitor.agent = visitor.agent.chars().take(AGENT_CHARS_MAX).collect();
        let cookie = fresh(random);
        self.last_number += 1;
        let session = Arc::new(Session {
            number: self.last_number,
            visitor,
            csrf: fresh(random).to_string(),
            since: now,
            seen: Mutex::new(now),
            note: Mutex::default(),
            live: Arc::new(Semaphore::new(LIVE_STREAMS_OF_SESSION_MAX)),
            lines: Kept::default(),
            may_create: Kept::default(),
            is_user: matches!(login, Login::Refresh(_)),
            purse: tokio::sync::Mutex::new(Purse { login, tokens: HashMap::new() }),
            ended: AtomicBool::new(false),
            refusal: OnceLock::new(),
        });
        self.by_digest.insert(digest_of(&cookie), session.clone());
        (cookie, session)
    }

    /// The session of a cookie, which is used thereby.
    pub(crate) fn find(&mut self, cookie: &str, now: UnixMillis) -> Option<Arc<Session>> {
        let session = self.look_up(cookie, now)?;
        *session.seen.lock() = now;
        Some(session)
    }

    /// The same for a page that asks by itself, which is no use.
    pub(crate) fn look_up(&mut self, cookie: &str, now: UnixMillis) -> Option<Arc<Session>> {
        let digest = digest_of(cookie);
        let session = self.by_digest.get(&digest)?.clone();
        if session.is_over(now) {
            self.remove(&digest);
            return None;
        }
        Some(session)
    }

    /// Those of one user, the newest first.
    pub(crate) fn of_user(&self, id: &str) -> Vec<Arc<Session>> {
        let mut found: Vec<_> = self.by_digest.values().filter(|session| session.visitor.id == id).cloned().collect();
        found.sort_by_key(|session| std::cmp::Reverse(session.number));
        found
    }

    /// Ends one of a user's sessions by its number.
    pub(crate) fn end(&mut self, user: &str, number: u64) {
        self.end_where(|session| session.visitor.id == user && session.number == number);
    }

    /// Ends all of a user's sessions.
    pub(crate) fn end_all(&mut self, user: &str) {
        self.end_where(|session| session.visitor.id == user);
    }

    fn drop_ended(&mut self, now: UnixMillis) {
        self.end_where(|session| session.is_over(now));
    }

    fn end_stalest(&mut self, user: Option<&str>) {
        let candidates = self.by_digest.iter().filter(|(_, session)| user.is_none_or(|id| session.visitor.id == id));
        if let Some(digest) = candidates.min_by_key(|(_, session)| session.seen()).map(|(digest, _)| *digest) {
            self.remove(&digest);
        }
    }

    fn end_where(&mut self, ends: impl Fn(&Session) -> bool) {
        self.by_digest.retain(|_, session| {
            let ends = ends(session);
            if ends {
                session.ended.store(true, Ordering::Release);
            }
            !ends
        });
    }

    fn remove(&mut self, digest: &Digest) {
        if let Some(session) = self.by_digest.remove(digest) {
            session.ended.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;
    use std::sync::atomic::AtomicU8;

    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(1) {
                chunk[0] = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(37);
            }
        }
    }

    fn visitor(id: &str) -> Visitor {
        Visitor { id: id.to_owned(), name: id.to_owned(), address: [127, 0, 0, 1].into(), agent: "x".repeat(999) }
    }

    fn login() -> Login {
        Login::Refresh(AccessToken(Zeroizing::new("r".to_owned())))
    }

    const START: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn a_cookie_opens_its_session_until_it_ends() {
        let (mut sessions, random) = (Sessions::default(), Counting::default());
        let (cookie, session) = sessions.open(visitor("alice"), login(), &random, START);
        assert_eq!((cookie.len(), session.visitor.agent.len()), (43, AGENT_CHARS_MAX));
        assert_ne!(*cookie, session.csrf);
        assert!(sessions.by_digest.keys().all(|digest| digest.as_slice() != cookie.as_bytes()));
        assert_eq!(sessions.find(&cookie, START).unwrap().number, session.number);
        for wrong in ["", "x", &cookie[1..], &session.csrf] {
            assert!(sessions.find(wrong, START).is_none(), "{wrong}");
        }
        sessions.end("bob", session.number);
        assert!(sessions.find(&cookie, START).is_some(), "another user's number");
        sessions.end("alice", session.number);
        assert!(sessions.find(&cookie, START).is_none() && session.is_ended());
    }

    #[test]
    fn time_ends_it_by_age_or_without_use() {
        for (uses, last, is_there) in [
            (vec![], SESSION_IDLE_MS - 1, true),
            (vec![], SESSION_IDLE_MS, false),
            (vec![SESSION_IDLE_MS - 1], 2 * (SESSION_IDLE_MS - 1), true),
            ((1..12 * 2).map(|half| half * SESSION_IDLE_MS / 2).collect(), SESSION_LIFETIME_MS - 1, true),
            ((1..12 * 2).map(|half| half * SESSION_IDLE_MS / 2).collect(), SESSION_LIFETIME_MS, false),
        ] {
            let (mut sessions, random) = (Sessions::default(), Numbered::default());
            let (cookie, session) = sessions.open(visitor("alice"), login(), &random, START);
            for used in uses {
                assert!(sessions.find(&cookie, UnixMillis(START.0 + used)).is_some(), "{used}");
            }
            assert_eq!(sessions.find(&cookie, UnixMillis(START.0 + last)).is_some(), is_there, "{last}");
            assert_eq!(session.is_ended(), !is_there);
        }
    }

    #[test]
    fn there_are_never_more_than_may_be() {
        let (mut sessions, random) = (Sessions::default(), Numbered::default());
        let (first, _) = sessions.open(visitor("alice"), login(), &random, START);
        let mut now = START;
        for _ in 0..SESSIONS_OF_USER_MAX {
            now = now.plus_ms(1);
            sessions.open(visitor("alice"), login(), &random, now);
        }
        assert_eq!(sessions.of_user("alice").len(), SESSIONS_OF_USER_MAX);
        assert!(sessions.find(&first, START).is_none(), "the one unused longest went");
        for at in 0..SESSIONS_MAX {
            sessions.open(visitor(&format!("user-{at}")), login(), &random, UnixMillis(START.0 + 100));
        }
        assert_eq!(sessions.by_digest.len(), SESSIONS_MAX);
        sessions.end_all("user-999");
        assert_eq!(sessions.by_digest.len(), SESSIONS_MAX - 1);
    }

    #[test]
    fn a_note_is_said_once() {
        let (_, session) = Sessions::default().open(visitor("alice"), login(), &Numbered::default(), START);
        let note = Note { text: "done".to_owned(), is_fault: false };
        session.leave_note(note.clone());
        assert_eq!((session.take_note(), session.take_note()), (Some(note), None));
    }
}
