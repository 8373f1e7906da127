//! The end of messages, with the feedback that their senders want.

use roadstead_model::{DeviceId, Feedback, GenerationId, MessageOutcome};
use roadstead_store::{StoreError, Write};

use super::{Turn, desk::Held};
use crate::{error::HubError, hub::Hub};

impl Hub {
    /// Waits for a device's turn. A session that waits for messages is told when locks ended meanwhile.
    pub(crate) async fn turn(&self, device: &DeviceId, generation: GenerationId) -> Turn<'_> {
        let live = || self.sessions().find(device.as_str());
        let (turn, unlocked) = self.messages().desks.take(device, generation, self.now(), live).await;
        if unlocked {
            self.tell_messages_wait(device);
        }
        turn
    }

    /// Ends messages in one commit, those that are gone already excepted, and says which it ended.
    pub(crate) async fn conclude(
        &self,
        turn: &mut Turn<'_>,
        ended: &[(Held, MessageOutcome)],
    ) -> Result<Vec<u64>, HubError> {
        let mut concluded = Vec::with_capacity(ended.len());
        if self.commit_ends(turn, ended).await? {
            concluded.extend(ended.iter().map(|(held, _)| held.sequence));
        } else {
            // At least one is gone: the device was deleted, or somebody who ended it did not wait for the commit.
            for one in ended.chunks(1) {
                if self.commit_ends(turn, one).await? {
                    concluded.extend(one.iter().map(|(held, _)| held.sequence));
                }
            }
        }
        for (held, _) in ended {
            turn.desk.forget(held.sequence);
        }
        Ok(concluded)
    }

    /// Whether all of them waited; then they are gone.
    async fn commit_ends(&self, turn: &Turn<'_>, ended: &[(Held, MessageOutcome)]) -> Result<bool, HubError> {
        if ended.is_empty() {
            return Ok(true);
        }
        let at = self.now();
        let mut batch = Vec::with_capacity(2 * ended.len());
        let mut wanted = 0;
        for (held, outcome) in ended {
            batch.push(Write::DeleteMessage(self.key(), turn.device().clone(), held.sequence));
            if held.ack.wants(*outcome) && self.messages().feedback.has_room(wanted) {
                wanted += 1;
                let feedback = Feedback {
                    message_id: held.message_id.clone(),
                    device: turn.device().clone(),
                    generation: turn.generation,
                    outcome: *outcome,
                    at,
                };
                batch.push(Write::AddFeedback(self.key(), feedback));
            }
        }
        match self.records().commit(batch).await {
            Ok(()) => {
                self.messages().feedback.added(wanted);
                Ok(true)
            }
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
