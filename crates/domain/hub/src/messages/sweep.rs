//! What time does to messages and to what back ends are told, whether or not anybody asks for them.

use std::collections::BTreeMap;

use roadstead_model::{CloudMessage, DeviceId, MessageOutcome, UnixMillis};

use super::desk::{Held, is_abandoned};
use crate::{error::HubError, hub::Hub, limits};

impl Hub {
    /// Ends messages, feedback and notifications of files that have expired, and locks that were held for too long. To be
    /// called now and then.
    ///
    /// A message that a device has in hand is left to it for the time of a lock. Errors: `Full`, `Internal`.
    pub async fn sweep_messages(&self) -> Result<(), HubError> {
        let now = self.now();
        for (device, generation) in self.messages().desks.list_due(now) {
            self.turn(&device, generation).await;
        }
        // What is left stays before the rest.
        let mut left = 0;
        for _ in 0..limits::SWEEP_PAGES_MAX {
            let page = self.records().list_expired_messages(self.key(), now, left, limits::SWEEP_PAGE).await?;
            let found = page.len();
            left += found - self.end_expired(page, now).await?;
            if found < limits::SWEEP_PAGE {
                break;
            }
        }
        self.sweep_feedback(now).await?;
        self.sweep_file_notifications(now).await
    }

    /// Says how many it ended; others somebody has in hand.
    async fn end_expired(&self, page: Vec<(DeviceId, CloudMessage)>, now: UnixMillis) -> Result<usize, HubError> {
        let mut by_device: BTreeMap<DeviceId, Vec<Held>> = BTreeMap::new();
        for (device, message) in &page {
            by_device.entry(device.clone()).or_default().push(message.into());
        }
        let mut ended = 0;
        for (device, expired) in by_device {
            // A device deleted meanwhile took its messages with it.
            let Some(found) = self.records().find_device(self.key(), &device).await? else { continue };
            let mut turn = self.turn(&device, found.generation).await;
            let is_over = |held: &Held| !turn.desk.is_held(held.sequence) || is_abandoned(held, now);
            let over: Vec<_> =
                expired.into_iter().filter(is_over).map(|held| (held, MessageOutcome::Expired)).collect();
            ended += self.conclude(&mut turn, &over).await?.len();
        }
        Ok(ended)
    }
}
