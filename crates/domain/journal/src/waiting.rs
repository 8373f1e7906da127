//! What is not stored yet, in parts with a lock each.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    mem,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use roadstead_model::{Happening, JournalOwner, Origin, RefusalCause, RefusalEntry, UnixMillis, What};

use crate::limits;

/// Refusals with the same are one entry.
type Likeness = (JournalOwner, String, RefusalCause, Origin);

#[derive(Debug, Default)]
struct Shard {
    refusals: HashMap<Likeness, Happening>,
    room: Room,
    others: Vec<Happening>,
}

/// How many more kinds of refusals are taken now: [`limits::REFUSALS_PER_S`], and what was not used, up to
/// [`limits::REFUSALS_WAITING_MAX`].
#[derive(Debug)]
struct Room {
    left: usize,
    /// Up to when it was reckoned.
    at: UnixMillis,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: limits::REFUSALS_WAITING_MAX, at: UnixMillis(i64::MIN) }
    }
}

impl Room {
    /// Takes one at `now`, if there is any.
    fn take(&mut self, now: UnixMillis) -> bool {
        let seconds = now.0.saturating_sub(self.at.0) / 1000;
        // A clock that was set back begins anew.
        if seconds != 0 {
            let more = usize::try_from(seconds).unwrap_or(0).saturating_mul(limits::REFUSALS_PER_S);
            self.left = self.left.saturating_add(more).min(limits::REFUSALS_WAITING_MAX);
            self.at = now;
        }
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        true
    }
}

/// See the module. Entries of one id are in one part, in order.
#[derive(Debug)]
pub(crate) struct Waiting {
    hasher: RandomState,
    shards: [Mutex<Shard>; limits::SHARDS],
    left_out: AtomicU64,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            left_out: AtomicU64::new(0),
        }
    }

    pub(crate) fn put(&self, happening: Happening) {
        let mut shard = self.shards[self.hasher.hash_one(&happening.id) as usize % limits::SHARDS].lock();
        let Shard { refusals, room, others } = &mut *shard;
        if let What::Refused(refusal) = &happening.what {
            put_refusal(refusals, room, likeness(&happening, refusal), happening);
        } else if others.len() < limits::OTHERS_WAITING_MAX {
            others.push(happening);
        } else {
            drop(shard);
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes all that waits, in the order of its times.
    pub(crate) fn take(&self) -> Vec<Happening> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            let (refusals, others) = {
                let mut shard = shard.lock();
                (mem::take(&mut shard.refusals), mem::take(&mut shard.others))
            };
            taken.extend(refusals.into_values());
            taken.extend(others);
        }
        taken.sort_by_key(|happening| happening.at);
        taken
    }

    /// How many entries found no room since this was asked last.
    pub(crate) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

fn likeness(happening: &Happening, refusal: &RefusalEntry) -> Likeness {
    let Happening { owner, id, .. } = happening;
    (owner.clone(), owner.key_of(id), refusal.cause, refusal.origin)
}

/// Adds a refusal to those that are like it. Where there is no room for another kind, those of all ids and addresses are alike.
fn put_refusal(
    refusals: &mut HashMap<Likeness, Happening>,
    room: &mut Room,
    likeness: Likeness,
    mut happening: Happening,
) {
    let is_full = refusals.len() >= limits::REFUSALS_WAITING_MAX;
    match refusals.entry(likeness) {
        Entry::Occupied(mut known) => add(known.get_mut(), happening),
        Entry::Vacant(vacant) if !is_full && room.take(happening.at) => drop(vacant.insert(happening)),
        Entry::Vacant(vacant) => {
            let (owner, _, cause, origin) = vacant.into_key();
            let origin = Origin { address: None, ..origin };
            if let What::Refused(refusal) = &mut happening.what {
                refusal.origin = origin;
                refusal.target = String::new();
                "too many different clients were refused at once: these were only counted"
                    .clone_into(&mut refusal.message);
            }
            happening.id = String::new();
            match refusals.entry((owner, String::new(), cause, origin)) {
                Entry::Occupied(mut known) => add(known.get_mut(), happening),
                // As many as there are owners, causes and protocols.
                Entry::Vacant(vacant) => drop(vacant.insert(happening)),
            }
        }
    }
}

/// The later one speaks for both.
fn add(known: &mut Happening, mut later: Happening) {
    if let (What::Refused(before), What::Refused(refusal)) = (&known.what, &mut later.what) {
        refusal.count = refusal.count.saturating_add(before.count);
        refusal.since = refusal.since.min(before.since);
    }
    *known = later;
}
