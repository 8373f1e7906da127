//! Messages on their way to a device with a session.

use roadstead_model::{CloudMessage, MessageOutcome};

use super::{LockToken, Settlement, desk::Held};
use crate::{error::HubError, limits, session::Session};

/// A message to be sent to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub message: CloudMessage,
    /// Whether an earlier session was sent it, and did not acknowledge it.
    pub redelivered: bool,
}

impl Session {
    /// The next messages for the device in order, at most `room`, and no more than [`limits::IN_FLIGHT_MAX`] that wait for their
    /// [`Session::complete`] at a time. Those not completed when the session ends wait again, as if they had never been
    /// sent. Nothing for a module.
    ///
    /// Errors: `Closed`, `Full`, `Internal`.
    pub async fn fetch_messages(&self, room: usize) -> Result<Vec<Delivery>, HubError> {
        let mut deliveries = Vec::new();
        if self.id().module.is_some() {
            return Ok(deliveries);
        }
        let mut turn = self.hub().turn(&self.id().device, self.generation()).await;
        if let Some(reason) = self.mailbox().reason() {
            return Err(HubError::Closed(reason));
        }
        let now = self.hub().now();
        let mut after = turn.desk.attend(self.mailbox());
        let room = room.min(turn.desk.room());
        let mut expired = Vec::new();
        while deliveries.len() < room {
            let limit = (room - deliveries.len()).min(limits::QUEUE_PAGE);
            let page = self.hub().records().list_messages(self.hub().key(), turn.device(), after, limit).await?;
            let is_last = page.len() < limit;
            for message in page {
                after = message.sequence;
                if turn.desk.is_held(after) {
                    continue;
                }
                if message.expires <= now {
                    expired.push((Held::from(&message), MessageOutcome::Expired));
                } else {
                    let redelivered = turn.desk.send(&message);
                    deliveries.push(Delivery { message, redelivered });
                }
            }
            turn.desk.offered(after);
            if is_last {
                break;
            }
        }
        self.hub().conclude(&mut turn, &expired).await?;
        Ok(deliveries)
    }

    /// Ends messages that the device acknowledged, durably and in one commit. Those that are gone already are fine.
    ///
    /// Errors: `Full`, `Internal`.
    pub async fn complete(&self, sequences: &[u64]) -> Result<(), HubError> {
        if sequences.is_empty() {
            return Ok(());
        }
        let mut turn = self.hub().turn(&self.id().device, self.generation()).await;
        let sent = sequences.iter().filter_map(|sequence| turn.desk.find_sent(*sequence).cloned());
        let ended: Vec<_> = sent.map(|held| (held, MessageOutcome::Success)).collect();
        self.hub().conclude(&mut turn, &ended).await.map(drop)
    }

    /// The next messages for the device in order, at most `room`, and no more than [`limits::LOCKS_PER_SESSION_MAX`] at a time:
    /// nobody else gets them for [`limits::MESSAGE_LOCK_MS`], or until the session ends. Nothing for a module.
    ///
    /// Errors: `Closed`, `Full`, `Internal`.
    pub async fn lock_messages(&self, room: usize) -> Result<Vec<(LockToken, CloudMessage)>, HubError> {
        let mut locked = Vec::new();
        if self.id().module.is_some() {
            return Ok(locked);
        }
        let mut turn = self.hub().turn(&self.id().device, self.generation()).await;
        if let Some(reason) = self.mailbox().reason() {
            return Err(HubError::Closed(reason));
        }
        let now = self.hub().now();
        let room = room.min(limits::LOCKS_PER_SESSION_MAX.saturating_sub(turn.desk.held_count()));
        let (mut after, mut expired) = (0, Vec::new());
        while locked.len() < room {
            let page =
                self.hub().records().list_messages(self.hub().key(), turn.device(), after, limits::QUEUE_PAGE).await?;
            let is_last = page.len() < limits::QUEUE_PAGE;
            for message in page {
                after = message.sequence;
                if turn.desk.is_held(after) {
                    continue;
                }
                if message.expires <= now {
                    expired.push((Held::from(&message), MessageOutcome::Expired));
                } else if locked.len() < room {
                    let token = LockToken::fresh(self.hub().random());
                    turn.desk.lock_for(self.mailbox(), token, &message, now);
                    locked.push((token, message));
                }
            }
            if is_last {
                break;
            }
        }
        self.hub().conclude(&mut turn, &expired).await?;
        Ok(locked)
    }

    /// Settles a message that the device got with this token. Durable on return.
    ///
    /// Errors: `LockLost`, `Full`, `Internal`.
    pub async fn settle_message(&self, token: LockToken, settlement: Settlement) -> Result<(), HubError> {
        let mut turn = self.hub().turn(&self.id().device, self.generation()).await;
        self.hub().settle_locked(&mut turn, token, settlement).await
    }

    /// Puts messages back that the device has not settled, as if they had never been sent.
    pub async fn release_messages(&self, tokens: &[LockToken]) {
        if tokens.is_empty() {
            return;
        }
        let mut turn = self.hub().turn(&self.id().device, self.generation()).await;
        for token in tokens {
            if let Some(sequence) = turn.desk.find_lock(*token).map(|lock| lock.held.sequence) {
                turn.desk.release(sequence);
            }
        }
        drop(turn);
        self.hub().tell_messages_wait(&self.id().device);
    }
}
