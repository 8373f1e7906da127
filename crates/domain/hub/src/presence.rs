//! Who came and went: known at once, stored shortly after, told to those who read the hub's events.
//!
//! A change is written down here under the lock of the sessions' table, so that changes of one identity have one order. A
//! task stores what came together; no connect, message or goodbye waits for it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_model::{AuthMethod, DisconnectReason, GenerationId, IdentityId, Origin, Presence, UnixMillis, What};
use roadstead_store::Write;

use crate::{
    error::HubError,
    hub::Hub,
    hub_events::News,
    limits,
    session::{CloseReason, Session},
};

/// What happened to a session, as far as others may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The identity was not connected before.
    New,
    /// It was, and still is.
    TakenOver,
    /// It was, but its session was closed already, for this reason, and this was not told yet.
    Replaced(CloseReason),
}

/// What is not stored yet.
#[derive(Debug, Default)]
pub(crate) struct PresenceBook {
    changes: Mutex<Changes>,
    /// Held by whoever stores.
    turn: tokio::sync::Mutex<()>,
    /// Whether a task will store soon.
    scheduled: AtomicBool,
}

/// By the text of the identity; a later change takes the place of an earlier one.
#[derive(Debug, Default)]
struct Changes {
    waiting: HashMap<Arc<str>, Change>,
    /// Those that are being stored.
    writing: HashMap<Arc<str>, Change>,
}

#[derive(Debug, Clone)]
struct Change {
    id: IdentityId,
    presence: Presence,
}

impl PresenceBook {
    /// What is known of an identity beyond what is stored.
    pub(crate) fn find(&self, key: &str) -> Option<Presence> {
        let changes = self.changes.lock();
        changes.waiting.get(key).or_else(|| changes.writing.get(key)).map(|change| change.presence.clone())
    }

    fn put(&self, key: &Arc<str>, change: Change) {
        let mut changes = self.changes.lock();
        if changes.waiting.len() >= limits::PRESENCE_WAITING_MAX && !changes.waiting.contains_key(key) {
            tracing::warn!(identity = %change.id, "too many changes of connections wait to be stored: one is left out");
            return;
        }
        changes.waiting.insert(key.clone(), change);
    }

    fn waiting(&self) -> usize {
        let changes = self.changes.lock();
        changes.waiting.len() + changes.writing.len()
    }

    /// Begins to store some of what waits.
    fn begin(&self) -> Vec<Change> {
        let mut changes = self.changes.lock();
        let Changes { waiting, writing } = &mut *changes;
        give_back(waiting, writing); // whoever stored last was stopped halfway
        let some: Vec<Arc<str>> = waiting.keys().take(limits::PRESENCE_BATCH_MAX).cloned().collect();
        writing.extend(some.iter().filter_map(|key| waiting.remove_entry(&**key)));
        writing.values().cloned().collect()
    }

    fn finish(&self, is_stored: bool) {
        let mut changes = self.changes.lock();
        let Changes { waiting, writing } = &mut *changes;
        if is_stored {
            writing.clear();
        } else {
            give_back(waiting, writing);
        }
        if waiting.is_empty() {
            *changes = Changes::default(); // a crowd's memory is given back
        }
    }
}

fn give_back(waiting: &mut HashMap<Arc<str>, Change>, writing: &mut HashMap<Arc<str>, Change>) {
    for (key, change) in writing.drain() {
        if let Entry::Vacant(vacant) = waiting.entry(key) {
            vacant.insert(change);
        }
    }
}

/// Who it is that comes or goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor<'a> {
    pub(crate) id: &'a IdentityId,
    /// The text of `id`.
    pub(crate) key: &'a Arc<str>,
    pub(crate) generation: GenerationId,
    pub(crate) model_id: Option<&'a str>,
}

/// How somebody came, as the journal tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    pub(crate) method: AuthMethod,
    pub(crate) origin: Option<Origin>,
}

impl Hub {
    /// Notes that somebody connected, who has been here since `since`.
    pub(crate) fn note_arrival(&self, who: Visitor<'_>, came: Came, arrival: Arrival, since: UnixMillis) {
        let presence = Presence {
            connected: true,
            updated: Some(since),
            last_activity: Some(self.now()),
            reason: None,
            model_id: who.model_id.map(str::to_owned),
        };
        self.presence().put(who.key, Change { id: who.id.clone(), presence });
        let left = match arrival {
            Arrival::New => None,
            Arrival::TakenOver => Some(DisconnectReason::TakenOver),
            Arrival::Replaced(reason) => Some(reason.into()),
        };
        if let Some(reason) = left {
            self.note(who.key, What::Disconnected(reason));
        }
        self.note(who.key, What::Connected { origin: came.origin, method: came.method });
        if let Arrival::Replaced(reason) = arrival {
            self.tell_in_passing(who, News::Disconnected(reason.into()));
        }
        if arrival != Arrival::TakenOver {
            self.tell_in_passing(who, News::Connected);
        }
    }

    /// Notes that somebody is gone, and why.
    pub(crate) fn note_departure(&self, who: Visitor<'_>, last_activity: UnixMillis, why: DisconnectReason) {
        let presence = Presence {
            connected: false,
            updated: Some(self.now()),
            last_activity: Some(last_activity),
            reason: Some(why),
            model_id: who.model_id.map(str::to_owned),
        };
        self.presence().put(who.key, Change { id: who.id.clone(), presence });
        self.note(who.key, What::Disconnected(why));
        self.tell_in_passing(who, News::Disconnected(why));
    }

    /// Nobody waits until these events are durable.
    fn tell_in_passing(&self, who: Visitor<'_>, news: News<'_>) {
        drop(self.tell(who.id, who.generation, news));
    }

    /// Sees to it that what was noted is stored soon.
    pub(crate) fn store_presence_soon(self: &Arc<Self>) {
        // Without a runtime the process is about to end, and has flushed or will be asked to.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.presence().scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let hub = Arc::downgrade(self);
        runtime.spawn(async move {
            let mut delay = limits::PRESENCE_DELAY;
            loop {
                tokio::time::sleep(delay).await;
                let Some(hub) = hub.upgrade() else { return };
                hub.presence().scheduled.store(false, Ordering::Release);
                let Err(error) = hub.flush_presence().await else { return };
                tracing::warn!("who is connected could not be stored, it will be tried again: {error}");
                if hub.presence().scheduled.swap(true, Ordering::AcqRel) {
                    return;
                }
                delay = limits::PRESENCE_RETRY;
            }
        });
    }

    /// Before many identities are read: so that none of them is missed whose connection changed shortly before. What cannot be
    /// stored is seen as far as each identity by itself goes.
    pub(crate) async fn presence_stored(&self) {
        if let Err(error) = self.flush_presence().await {
            tracing::warn!("who is connected could not be stored: {error}");
        }
    }

    /// Stores what is known of connections up to now. Errors: `Full`, `Internal`; nothing is forgotten then.
    pub async fn flush_presence(&self) -> Result<(), HubError> {
        let book = self.presence();
        if book.waiting() == 0 {
            return Ok(());
        }
        let _turn = book.turn.lock().await;
        // What comes while this is stored is for the next time, so that it ends.
        for _ in 0..book.waiting().div_ceil(limits::PRESENCE_BATCH_MAX) {
            let batch: Vec<Write> = book.begin().into_iter().map(|change| self.presence_write(change)).collect();
            let stored = self.records().commit(batch).await;
            book.finish(stored.is_ok());
            stored?;
        }
        Ok(())
    }

    /// What a device did since it came must not be taken back by the news that it came.
    fn presence_write(&self, Change { id, mut presence }: Change) -> Write {
        if presence.connected
            && let Some(session) = self.sessions().find(&id.to_string())
        {
            presence.last_activity = Some(session.last_activity());
        }
        Write::PutPresence(self.key(), id, presence)
    }

    /// Before identities are asked when they were heard of last: stores that of all who are connected, as far as it changed since
    /// it was stored. Measured (`query_rates`, debug build): 0.3 s after all of 100,000 devices did something. What cannot be
    /// stored is seen as far as each identity by itself goes.
    pub(crate) async fn activity_stored(&self) {
        if let Err(error) = self.flush_activity().await {
            tracing::warn!("when devices were heard of last could not be stored: {error}");
        }
    }

    async fn flush_activity(&self) -> Result<(), HubError> {
        // Nobody's going is stored meanwhile: what is stored here would be older.
        let _turn = self.presence().turn.lock().await;
        let heard = self.sessions().activity_to_store();
        for some in heard.chunks(limits::ACTIVITY_BATCH_MAX) {
            let identity = |key: &Arc<str>| IdentityId::from_text(key).expect("the text of an identity that logged in");
            let times = some.iter().map(|(key, _, at)| (identity(key), *at)).collect();
            self.records().commit(vec![Write::PutActivity(self.key(), times)]).await?;
            for (_, mailbox, at) in some {
                mailbox.activity_stored(*at);
            }
        }
        Ok(())
    }
}

impl Session {
    /// Ends the session, and says why: for back ends that ask why a device is not connected. Dropping it says that the
    /// connection was lost. What the hub itself ended has the hub's reason.
    pub fn end(self, why: DisconnectReason) {
        self.leave(why);
    }

    pub(crate) fn leave(&self, why: DisconnectReason) {
        let mailbox = self.mailbox();
        let why = mailbox.reason().map_or(why, DisconnectReason::from);
        let is_gone = self.hub().sessions().end(self.key(), mailbox, || {
            self.hub().note_departure(self.visitor(), mailbox.last_activity(), why);
        });
        mailbox.calls().hang_up();
        if is_gone {
            self.hub().store_presence_soon();
        }
    }
}
