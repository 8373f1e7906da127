//! Who has which message of a device in hand, and whose turn it is.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use roadstead_model::{Ack, CloudMessage, DeviceId, GenerationId, SystemProperty, UnixMillis};
use tokio::sync::OwnedMutexGuard;

use super::LockToken;
use crate::{limits, mailbox::Mailbox};

/// What it takes to end a message that is in somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) sequence: u64,
    pub(crate) expires: UnixMillis,
    pub(crate) ack: Ack,
    /// Empty when the sender set none.
    pub(crate) message_id: String,
}

impl From<&CloudMessage> for Held {
    fn from(message: &CloudMessage) -> Self {
        let message_id = message.properties.find_system(SystemProperty::MessageId).unwrap_or_default().to_owned();
        Self { sequence: message.sequence, expires: message.expires, ack: message.ack, message_id }
    }
}

/// A message that was received over HTTPS, or by a session that settles with a token.
#[derive(Debug)]
pub(crate) struct Lock {
    token: LockToken,
    /// The session; the lock ends with it.
    holder: Option<Weak<Mailbox>>,
    until: UnixMillis,
    pub(crate) held: Held,
}

/// The messages of one device that somebody has in hand.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Of which device of that id: one that is registered anew has a queue of its own.
    generation: Option<GenerationId>,
    locks: Vec<Lock>,
    /// The session that was sent `in_flight`.
    session: Weak<Mailbox>,
    in_flight: Vec<Held>,
    /// The session was offered everything up to this sequence number.
    offered: u64,
    /// Sent to a session that ended without acknowledging them; they wait again.
    returned: Vec<Held>,
}

impl Desk {
    fn is_empty(&self) -> bool {
        self.locks.is_empty() && self.in_flight.is_empty() && self.returned.is_empty()
    }

    /// Forgets what belongs to an earlier device of this id.
    fn belong_to(&mut self, generation: GenerationId) {
        if self.generation != Some(generation) {
            *self = Self { generation: Some(generation), ..Self::default() };
        }
    }

    /// Takes back what was sent to a session that is not `live` any more, and says whether locks ended.
    fn take_back(&mut self, live: Option<&Arc<Mailbox>>) -> bool {
        let is_live = |holder: &Weak<Mailbox>| live.is_some_and(|live| Weak::ptr_eq(holder, &Arc::downgrade(live)));
        let ended = self.end_locks(|lock| !lock.holder.as_ref().is_none_or(is_live));
        if !live.is_some_and(|live| self.is_session(live)) {
            self.session = Weak::new();
            self.offered = 0;
            self.returned.append(&mut self.in_flight);
        }
        ended
    }

    /// Ends locks that were held for too long, and says whether there were any.
    fn unlock(&mut self, now: UnixMillis) -> bool {
        self.end_locks(|lock| now >= lock.until)
    }

    fn end_locks(&mut self, is_over: impl Fn(&Lock) -> bool) -> bool {
        let before = self.locks.len();
        let offered = &mut self.offered;
        self.locks.retain(|lock| {
            let stays = !is_over(lock);
            if !stays {
                *offered = (*offered).min(lock.held.sequence.saturating_sub(1));
            }
            stays
        });
        self.locks.len() < before
    }

    /// Forgets messages that are long gone: their end was stored, but whoever wanted it did not wait.
    fn tidy(&mut self, now: UnixMillis) {
        self.returned.retain(|held| !is_abandoned(held, now));
    }

    fn is_session(&self, mailbox: &Arc<Mailbox>) -> bool {
        Weak::ptr_eq(&self.session, &Arc::downgrade(mailbox))
    }

    /// Whether nobody else may have the message now.
    pub(crate) fn is_held(&self, sequence: u64) -> bool {
        let locked = self.locks.iter().any(|lock| lock.held.sequence == sequence);
        locked || self.in_flight.iter().any(|held| held.sequence == sequence)
    }

    /// How many messages nobody else may have now.
    pub(crate) fn held_count(&self) -> usize {
        self.locks.len() + self.in_flight.len()
    }

    pub(crate) fn lock(&mut self, token: LockToken, message: &CloudMessage, now: UnixMillis) {
        let until = now.plus_ms(limits::MESSAGE_LOCK_MS);
        self.locks.push(Lock { token, holder: None, until, held: message.into() });
    }

    /// The same, for as long as the session lives.
    pub(crate) fn lock_for(
        &mut self,
        mailbox: &Arc<Mailbox>,
        token: LockToken,
        message: &CloudMessage,
        now: UnixMillis,
    ) {
        let until = now.plus_ms(limits::MESSAGE_LOCK_MS);
        self.locks.push(Lock { token, holder: Some(Arc::downgrade(mailbox)), until, held: message.into() });
    }

    pub(crate) fn find_lock(&self, token: LockToken) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.token == token)
    }

    /// Puts a locked message back.
    pub(crate) fn release(&mut self, sequence: u64) {
        self.locks.retain(|lock| lock.held.sequence != sequence);
        self.offered = self.offered.min(sequence.saturating_sub(1));
    }

    /// Makes `mailbox` the session that messages are sent to, and tells up to where it was offered them.
    pub(crate) fn attend(&mut self, mailbox: &Arc<Mailbox>) -> u64 {
        if !self.is_session(mailbox) {
            self.session = Arc::downgrade(mailbox);
        }
        self.offered
    }

    /// How many more messages the session may be sent.
    pub(crate) fn room(&self) -> usize {
        limits::IN_FLIGHT_MAX.saturating_sub(self.in_flight.len())
    }

    /// Everything up to `sequence` was offered to the session.
    pub(crate) fn offered(&mut self, sequence: u64) {
        self.offered = sequence;
    }

    /// Sends a message to the session, and says whether an earlier one was sent it, too.
    pub(crate) fn send(&mut self, message: &CloudMessage) -> bool {
        let before = self.returned.len();
        self.returned.retain(|held| held.sequence != message.sequence);
        self.in_flight.push(message.into());
        self.returned.len() < before
    }

    /// A message that a session was sent and that waits for its acknowledgement.
    pub(crate) fn find_sent(&self, sequence: u64) -> Option<&Held> {
        self.in_flight.iter().chain(&self.returned).find(|held| held.sequence == sequence)
    }

    /// The message is gone.
    pub(crate) fn forget(&mut self, sequence: u64) {
        self.locks.retain(|lock| lock.held.sequence != sequence);
        self.in_flight.retain(|held| held.sequence != sequence);
        self.returned.retain(|held| held.sequence != sequence);
    }
}

/// Whether a message that somebody has in hand is not waited for any longer: whoever took it in time has the time of a lock to
/// settle it.
pub(crate) fn is_abandoned(held: &Held, now: UnixMillis) -> bool {
    now >= held.expires.plus_ms(limits::MESSAGE_LOCK_MS)
}

type Shared = Arc<tokio::sync::Mutex<Desk>>;

/// The desks of a hub's devices. Holds one only as long as something is on it or somebody has or awaits a turn.
#[derive(Debug, Default)]
pub(crate) struct Desks(Mutex<HashMap<DeviceId, Shared>>);

/// One device's turn: nobody else changes its queue meanwhile, but for senders. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) desk: OwnedMutexGuard<Desk>,
    pub(crate) generation: GenerationId,
    ticket: Ticket<'a>,
}

#[derive(Debug)]
struct Ticket<'a> {
    desks: &'a Desks,
    device: DeviceId,
    desk: Shared,
}

impl Desks {
    /// Waits for the device's turn, then brings its desk up to date: `live` finds its live session.
    /// Says beside it whether locks ended.
    pub(crate) async fn take(
        &self,
        device: &DeviceId,
        generation: GenerationId,
        now: UnixMillis,
        live: impl FnOnce() -> Option<Arc<Mailbox>>,
    ) -> (Turn<'_>, bool) {
        let desk = self.0.lock().entry(device.clone()).or_default().clone();
        let ticket = Ticket { desks: self, device: device.clone(), desk };
        let mut desk = ticket.desk.clone().lock_owned().await;
        desk.belong_to(generation);
        let given_up = desk.take_back(live().as_ref());
        desk.tidy(now);
        let unlocked = desk.unlock(now) || given_up;
        (Turn { desk, generation, ticket }, unlocked)
    }

    /// The devices, with their generation, that have locks to end at `now`, or messages to forget.
    pub(crate) fn list_due(&self, now: UnixMillis) -> Vec<(DeviceId, GenerationId)> {
        let due = |desk: &Desk| {
            desk.locks.iter().any(|lock| now >= lock.until) || desk.returned.iter().any(|held| is_abandoned(held, now))
        };
        let desks = self.0.lock();
        desks
            .iter()
            .filter_map(|(device, desk)| {
                // Whoever has the turn brought the desk up to date.
                let desk = desk.try_lock().ok()?;
                Some((device.clone(), desk.generation.filter(|_| due(&desk))?))
            })
            .collect()
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.lock().len()
    }
}

impl Turn<'_> {
    pub(crate) fn device(&self) -> &DeviceId {
        &self.ticket.device
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut desks = self.desks.0.lock();
        // The map's count and this ticket's: nobody else knows the desk, and nobody can learn of it while the map is held.
        let is_last = Arc::strong_count(&self.desk) == 2;
        if is_last && self.desk.try_lock().is_ok_and(|desk| desk.is_empty()) {
            desks.remove(&self.device);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use roadstead_model::Properties;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn message(sequence: u64) -> CloudMessage {
        CloudMessage {
            sequence,
            enqueued: NOW,
            expires: NOW.plus_ms(1000),
            delivery_count: 0,
            ack: Ack::Full,
            properties: Properties::new(),
            body: Vec::new(),
        }
    }

    fn token(byte: u8) -> LockToken {
        LockToken::parse(&format!("{byte:02x}").repeat(16)).unwrap()
    }

    fn device() -> DeviceId {
        DeviceId::parse("dev1").unwrap()
    }

    async fn turn(desks: &Desks, generation: u64, now: UnixMillis) -> Turn<'_> {
        desks.take(&device(), GenerationId(generation), now, || None).await.0
    }

    #[tokio::test]
    async fn one_turn_at_a_time_and_no_empty_desk_is_kept() {
        let desks = Desks::default();
        let first = turn(&desks, 1, NOW).await;
        assert!(turn(&desks, 1, NOW).now_or_never().is_none());
        drop(first);
        assert_eq!(desks.count(), 0);
        let mut second = turn(&desks, 1, NOW).await;
        second.desk.lock(token(1), &message(1), NOW);
        drop(second);
        assert_eq!(desks.count(), 1);
        assert!(desks.list_due(NOW).is_empty());
        let later = NOW.plus_ms(limits::MESSAGE_LOCK_MS);
        assert_eq!(desks.list_due(later), [(device(), GenerationId(1))]);
        drop(turn(&desks, 1, later).await);
        assert_eq!(desks.count(), 0, "the lock ended");
    }

    #[tokio::test]
    async fn a_device_registered_anew_has_a_desk_of_its_own() {
        let desks = Desks::default();
        turn(&desks, 1, NOW).await.desk.lock(token(1), &message(1), NOW);
        assert!(turn(&desks, 1, NOW).await.desk.find_lock(token(1)).is_some());
        assert!(turn(&desks, 2, NOW).await.desk.find_lock(token(1)).is_none());
    }

    #[test]
    fn what_a_session_leaves_behind_is_sent_again_as_such() {
        let (first, second) =
            [(); 2].map(|()| Arc::new(Mailbox::new(roadstead_auth::Ground::Policy, Vec::new(), NOW))).into();
        let mut desk = Desk::default();
        assert_eq!(desk.attend(&first), 0);
        assert!(!desk.send(&message(1)) && !desk.send(&message(2)));
        desk.offered(2);
        assert!(desk.is_held(1) && desk.is_held(2));
        desk.take_back(Some(&first));
        assert_eq!((desk.room(), desk.attend(&first)), (limits::IN_FLIGHT_MAX - 2, 2));
        desk.forget(1);
        desk.take_back(Some(&second));
        assert!(!desk.is_held(2));
        assert_eq!(desk.attend(&second), 0);
        assert!(desk.send(&message(2)) && !desk.send(&message(3)));
    }

    #[test]
    fn what_is_put_back_is_offered_again() {
        let session = Arc::new(Mailbox::new(roadstead_auth::Ground::Policy, Vec::new(), NOW));
        let mut desk = Desk::default();
        desk.attend(&session);
        desk.lock(token(1), &message(3), NOW);
        desk.lock(token(2), &message(5), NOW);
        desk.offered(9);
        desk.release(5);
        assert_eq!(desk.attend(&session), 4);
        desk.offered(9);
        assert!(!desk.unlock(NOW.plus_ms(limits::MESSAGE_LOCK_MS - 1)));
        assert!(desk.unlock(NOW.plus_ms(limits::MESSAGE_LOCK_MS)));
        assert_eq!((desk.attend(&session), desk.held_count()), (2, 0));
    }

    #[test]
    fn the_locks_of_a_session_end_with_it() {
        let [first, second] = [(); 2].map(|()| Arc::new(Mailbox::new(roadstead_auth::Ground::Policy, Vec::new(), NOW)));
        let mut desk = Desk::default();
        desk.lock(token(1), &message(1), NOW);
        desk.lock_for(&first, token(2), &message(2), NOW);
        assert!(!desk.take_back(Some(&first)) && desk.is_held(2));
        assert!(desk.take_back(Some(&second)) && !desk.is_held(2) && desk.is_held(1));
        desk.lock_for(&second, token(3), &message(2), NOW);
        assert!(desk.take_back(None) && desk.find_lock(token(3)).is_none() && desk.held_count() == 1);
    }

    #[test]
    fn messages_long_gone_are_forgotten() {
        let mut desk = Desk { returned: vec![Held::from(&message(1))], ..Desk::default() };
        desk.tidy(NOW.plus_ms(1000 + limits::MESSAGE_LOCK_MS - 1));
        assert!(!desk.is_empty());
        desk.tidy(NOW.plus_ms(1000 + limits::MESSAGE_LOCK_MS));
        assert!(desk.is_empty());
    }
}
