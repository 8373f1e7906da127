//! Messages taken one by one by a device that keeps no session (HTTPS).

use roadstead_model::{CloudMessage, MessageOutcome};
use roadstead_store::{StoreError, Write};

use super::{LockToken, Turn, desk::Held};
use crate::{
    error::HubError,
    hub::{Hub, Login},
    limits,
    throttle::Operation,
};

/// What a device does with a message it has in hand. Source: `reference/hub-device.md` 2 (rows 4 to 6)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    Complete,
    Reject,
    /// Back into the queue, to be delivered again, unless that was asked for too often.
    Abandon,
}

impl Hub {
    /// The next message for a device, which nobody else gets for [`limits::MESSAGE_LOCK_MS`]; `None` when none waits.
    ///
    /// Errors: as [`Hub::connect`], and `Full`.
    pub async fn receive_message(&self, login: Login<'_>) -> Result<Option<(LockToken, CloudMessage)>, HubError> {
        let mut turn = self.turn_of(login).await?;
        self.throttle(Operation::MessageReceive)?;
        let now = self.now();
        let mut after = 0;
        loop {
            let limit = (turn.desk.held_count() + 1).min(limits::QUEUE_PAGE);
            let page = self.records().list_messages(self.key(), turn.device(), after, limit).await?;
            let is_last = page.len() < limit;
            let mut expired = Vec::new();
            let mut found = None;
            for message in page {
                after = message.sequence;
                if turn.desk.is_held(after) {
                    continue;
                }
                if now < message.expires {
                    found = Some(message);
                    break;
                }
                expired.push((Held::from(&message), MessageOutcome::Expired));
            }
            self.conclude(&mut turn, &expired).await?;
            match found {
                Some(message) => {
                    let token = LockToken::fresh(self.random());
                    turn.desk.lock(token, &message, now);
                    return Ok(Some((token, message)));
                }
                None if is_last => return Ok(None),
                None => {}
            }
        }
    }

    /// Settles a message that the device received with this token. Durable on return.
    ///
    /// Errors: as [`Hub::connect`], and `LockLost`, `Full`.
    pub async fn settle_message(
        &self,
        login: Login<'_>,
        token: LockToken,
        settlement: Settlement,
    ) -> Result<(), HubError> {
        let mut turn = self.turn_of(login).await?;
        self.settle_locked(&mut turn, token, settlement).await
    }

    /// Settles a message in the device's turn. Errors: `LockLost`, `Full`, `Internal`.
    pub(crate) async fn settle_locked(
        &self,
        turn: &mut Turn<'_>,
        token: LockToken,
        settlement: Settlement,
    ) -> Result<(), HubError> {
        let held = turn.desk.find_lock(token).ok_or(HubError::LockLost)?.held.clone();
        let outcome = match settlement {
            Settlement::Complete => MessageOutcome::Success,
            Settlement::Reject => MessageOutcome::Rejected,
            Settlement::Abandon => return self.abandon(turn, held).await,
        };
        self.end_held(turn, held, outcome).await
    }

    async fn abandon(&self, turn: &mut Turn<'_>, held: Held) -> Result<(), HubError> {
        let before = held.sequence.saturating_sub(1);
        let found = self.records().list_messages(self.key(), turn.device(), before, 1).await?;
        let Some(mut message) = found.into_iter().find(|message| message.sequence == held.sequence) else {
            turn.desk.forget(held.sequence);
            return Err(HubError::LockLost);
        };
        message.delivery_count = message.delivery_count.saturating_add(1);
        if message.delivery_count >= self.resource().settings.cloud_to_device.delivery_count_max {
            return self.end_held(turn, held, MessageOutcome::DeliveryCountExceeded).await;
        }
        match self.records().commit(vec![Write::PutMessage(self.key(), turn.device().clone(), message)]).await {
            Ok(()) => {
                turn.desk.release(held.sequence);
                self.tell_messages_wait(turn.device());
                Ok(())
            }
            Err(StoreError::Conflict { .. }) => {
                turn.desk.forget(held.sequence);
                Err(HubError::LockLost)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn end_held(&self, turn: &mut Turn<'_>, held: Held, outcome: MessageOutcome) -> Result<(), HubError> {
        match self.conclude(turn, &[(held, outcome)]).await?.as_slice() {
            [] => Err(HubError::LockLost),
            _ => Ok(()),
        }
    }

    async fn turn_of(&self, login: Login<'_>) -> Result<Turn<'_>, HubError> {
        let (id, generation) = self.identify(login).await?;
        Ok(self.turn(&id.device, generation).await)
    }
}
