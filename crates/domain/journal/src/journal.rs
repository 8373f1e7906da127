//! The journal of an installation: of all its hubs and DPS instances.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use roadstead_model::{Clock, Happening, JournalOwner, Origin, RefusalCause, RefusalEntry, What};
use roadstead_store::{Records, RefusalFilter, StoreError, Write};
use tracing::warn;

use crate::{limits, waiting::Waiting};

/// A refusal as a front words it.
#[derive(Debug, Clone)]
pub struct Refused<'a> {
    /// Whose device it is or claims to be.
    pub owner: JournalOwner,
    /// As claimed: `thermo-7`, `thermo-7/filter`, a registration id, `policy/service`; empty when nothing was.
    pub id: &'a str,
    /// From where.
    pub origin: Origin,
    /// The host name or ID scope that the client named; empty when it named none.
    pub target: &'a str,
    /// Why, in one word.
    pub cause: RefusalCause,
    /// As the protocol says it: `CONNACK 5`, `401002`.
    pub code: String,
    /// The sentence of the log. Never with a token or key.
    pub message: String,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries {
    /// The entries.
    pub items: Vec<Happening>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<u64>,
}

/// Notes what happens, stores it within a second, and tells of it.
pub struct Journal {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    waiting: Waiting,
    /// Refusals of each hub and DPS instance since the program began.
    refusals: Mutex<HashMap<JournalOwner, u64>>,
    /// Held by whoever stores, so that entries are stored in their order.
    turn: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Journal")
    }
}

impl Journal {
    /// A journal kept in `records`. Somebody must call [`Journal::keep`].
    pub fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (refusals, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { records, clock, waiting: Waiting::new(), refusals, turn })
    }

    /// Notes that something happened to `id` just now. Takes a short lock of one of many, and never waits for the store.
    pub fn note(&self, owner: JournalOwner, id: &str, what: What) {
        self.waiting.put(Happening { owner, id: cut(id, limits::NAME_CHARS_MAX), at: self.clock.now(), what });
    }

    /// Notes a refusal. A hundred thousand of them in a second cost a hundred thousand short locks, and some thousand entries.
    pub fn refused(&self, refused: Refused<'_>) {
        let Refused { owner, id, origin, target, cause, code, message } = refused;
        let entry = RefusalEntry {
            origin,
            target: cut(target, limits::NAME_CHARS_MAX),
            cause,
            code: cut(&code, limits::NAME_CHARS_MAX),
            message: cut(&message, limits::MESSAGE_CHARS_MAX),
            count: 1,
            since: self.clock.now(),
        };
        *self.refusals.lock().entry(owner.clone()).or_default() += 1;
        self.note(owner, id, What::Refused(entry));
    }

    /// How many refusals were noted since the program began, those that are left out of the entries, too.
    pub fn count_refusals(&self, owner: &JournalOwner) -> u64 {
        self.refusals.lock().get(owner).copied().unwrap_or_default()
    }

    /// Forgets the counts of those that are gone.
    pub fn keep_counts(&self, is_there: impl Fn(&JournalOwner) -> bool) {
        self.refusals.lock().retain(|owner, _| is_there(owner));
    }

    /// Stores what was noted, every second, for ever.
    pub async fn keep(&self) {
        loop {
            tokio::time::sleep(limits::STORE_EVERY).await;
            if let Err(error) = self.flush().await {
                warn!(%error, "what happened to devices in the last second could not be stored, and is left out");
            }
        }
    }

    /// Stores what was noted up to now. Errors: those of the store; what could not be stored is left out, so that a store that
    /// fails costs no memory.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let left_out = self.waiting.take_left_out();
        if left_out > 0 {
            warn!(left_out, "too much happened to devices at once: the journal leaves out what has no room");
        }
        let mut taken = self.waiting.take().into_iter();
        loop {
            let batch: Vec<Happening> = taken.by_ref().take(limits::BATCH_MAX).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.records.commit(vec![Write::AddHappenings(batch, limits::bounds(self.clock.now()))]).await?;
        }
    }

    /// What happened to one id: the entries before `before` (`None`: from the last), at most `limit` and
    /// [`limits::PAGE_ENTRIES_MAX`]. Errors: those of the store.
    pub async fn timeline(
        &self,
        owner: &JournalOwner,
        id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Entries, StoreError> {
        self.stored().await;
        let limit = limit.clamp(1, limits::PAGE_ENTRIES_MAX);
        Ok(Entries::of(self.records.list_happenings(owner, id, before, limit).await?, limit))
    }

    /// Who was refused by `owner`, or named a host or ID scope that nobody here has: likewise.
    pub async fn refusals(
        &self,
        owner: &JournalOwner,
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Entries, StoreError> {
        self.stored().await;
        let limit = limit.clamp(1, limits::PAGE_ENTRIES_MAX);
        let owners = with_nobodys(owner);
        Ok(Entries::of(self.records.list_refusals(&owners, filter, before, limit).await?, limit))
    }

    /// The last refusal of each of these ids, at most [`limits::LAST_REFUSALS_MAX`], where there is one: newest first. As
    /// [`Journal::refusals`], also at a host or ID scope that nobody here has. Errors: those of the store.
    pub async fn last_refusals(&self, owner: &JournalOwner, ids: &[String]) -> Result<Entries, StoreError> {
        self.stored().await;
        let mut found = self.records.list_last_refusals(&with_nobodys(owner), ids).await?;
        found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(Entries { items: found.into_iter().map(|(_, happening)| happening).collect(), next: None })
    }

    /// Before anything is read: so that what happened just now is seen. What cannot be stored is not.
    async fn stored(&self) {
        if let Err(error) = self.flush().await {
            warn!(%error, "what happened to devices just now could not be stored, and is left out");
        }
    }
}

/// The journal of `owner`, and that of what came to nobody. Of back ends there is none.
fn with_nobodys(owner: &JournalOwner) -> Vec<JournalOwner> {
    let nobodys = match owner {
        JournalOwner::Hub(_) | JournalOwner::NoHub => JournalOwner::NoHub,
        JournalOwner::Dps(_) | JournalOwner::NoDps => JournalOwner::NoDps,
        JournalOwner::HubServices(_) | JournalOwner::DpsServices(_) => return vec![owner.clone()],
    };
    vec![owner.clone(), nobodys]
}

impl Entries {
    fn of(found: Vec<(u64, Happening)>, limit: usize) -> Self {
        let next = found.last().filter(|_| found.len() >= limit).map(|(number, _)| *number);
        Self { items: found.into_iter().map(|(_, happening)| happening).collect(), next }
    }
}

/// At most so many characters, on one line, without what a client put in the wrong place.
fn cut(text: &str, chars_max: usize) -> String {
    let printed = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let bounded: String = text.chars().take(chars_max).map(printed).collect();
    without_secrets(bounded)
}

/// What is secret in tokens and connection strings, which some put where a name belongs.
const SECRET_MEMBERS: [&str; 4] = ["sig=", "sharedaccesskey=", "accountkey=", "bearer "];

/// From the first secret member on, nothing: `SharedAccessSignature sr=a&sig=…`
fn without_secrets(mut text: String) -> String {
    let lower = text.to_ascii_lowercase();
    // "The bearer token expired" are words of ours.
    let is_secret = |end: &usize| !lower[*end..].starts_with("token ");
    let ends = |member: &&str| lower.match_indices(*member).map(|(at, _)| at + member.len()).find(is_secret);
    let found = SECRET_MEMBERS.iter().filter_map(ends).min();
    if let Some(end) = found {
        text.truncate(end);
        text.push('…');
    }
    text
}
