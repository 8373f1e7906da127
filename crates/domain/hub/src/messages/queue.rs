//! A device's queue, as back ends fill and empty it.

use std::slice;

use roadstead_model::{Ack, CloudMessage, CloudToDevice, DeviceId, MessageOutcome, Properties, UnixMillis};
use roadstead_store::{StoreError, Write};

use super::{Turn, desk::Held};
use crate::{error::HubError, hub::Hub, limits, mailbox::Notice, throttle::Operation};

/// A message as a back end sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// As the device gets them.
    pub properties: Properties,
    pub body: Vec<u8>,
    pub ack: Ack,
    /// `None`: after the hub's default time. In the past: the message is dead on arrival, and its sender hears of it.
    pub expiry: Option<UnixMillis>,
}

impl Hub {
    /// Queues a message for a device, durably, and tells the device if it is connected and listens.
    ///
    /// Errors: `Throttled`, `QuotaExceeded`, `DeviceNotFound`, `QueueFull`, `MessageTooLarge`, `InvalidExpiry`, `Full`, `Internal`.
    pub async fn send_message(&self, device: &DeviceId, new: NewMessage) -> Result<(), HubError> {
        self.send_message_to_first(slice::from_ref(device), new).await
    }

    /// As [`Hub::send_message`], for the first of `devices` that exists. Errors: as there; `Invalid` for no device at all.
    pub async fn send_message_to_first(&self, devices: &[DeviceId], new: NewMessage) -> Result<(), HubError> {
        let message = self.decide(new)?;
        self.queue_for_first(devices, &message).await
    }

    /// What is to be queued. Errors: `Throttled`, `MessageTooLarge`, `InvalidExpiry`, `QuotaExceeded`.
    pub(super) fn decide(&self, new: NewMessage) -> Result<CloudMessage, HubError> {
        self.throttle(Operation::MessageSend)?;
        let message = decide_message(new, self.resource().settings.cloud_to_device, self.now())?;
        self.check_quota()?;
        Ok(message)
    }

    pub(super) async fn queue_for_first(&self, devices: &[DeviceId], message: &CloudMessage) -> Result<(), HubError> {
        let mut refused = HubError::Invalid("the message is for no device".to_owned());
        for device in devices {
            match self.queue_message(device, message).await {
                Err(error @ HubError::DeviceNotFound(_)) => refused = error,
                outcome => return outcome,
            }
        }
        Err(refused)
    }

    async fn queue_message(&self, device: &DeviceId, message: &CloudMessage) -> Result<(), HubError> {
        let settings = self.resource().settings.cloud_to_device;
        if !self.enqueue(device, message, settings.depth_max).await? {
            // There is no such device, or its queue is full: perhaps of messages that have expired unnoticed.
            self.expire_queue(device).await?;
            if !self.enqueue(device, message, settings.depth_max).await? {
                return Err(HubError::QueueFull { id: device.clone(), depth_max: settings.depth_max });
            }
        }
        self.charge(|| message.body.len() + message.properties.text_bytes());
        self.tell_messages_wait(device);
        Ok(())
    }

    /// Ends all messages that wait for a device, also those in its hands, and says how many.
    /// Errors: `DeviceNotFound`, `Full`, `Internal`.
    pub async fn purge_messages(&self, device: &DeviceId) -> Result<u32, HubError> {
        let generation = self.find_device(device).await?.generation;
        let mut turn = self.turn(device, generation).await;
        let now = self.now();
        let ended =
            |held: &Held, _| Some(if held.expires <= now { MessageOutcome::Expired } else { MessageOutcome::Purged });
        self.end_waiting(&mut turn, ended).await
    }

    /// Ends what has expired in one device's queue. Errors: `DeviceNotFound`, `Full`, `Internal`.
    async fn expire_queue(&self, device: &DeviceId) -> Result<(), HubError> {
        let generation = self.find_device(device).await?.generation;
        let mut turn = self.turn(device, generation).await;
        let now = self.now();
        let expired = |held: &Held, in_hand: bool| (held.expires <= now && !in_hand).then_some(MessageOutcome::Expired);
        self.end_waiting(&mut turn, expired).await.map(drop)
    }

    /// Ends the messages for which `outcome` finds one, and says how many were purged. It is told whether somebody has the
    /// message in hand.
    async fn end_waiting(
        &self,
        turn: &mut Turn<'_>,
        outcome: impl Fn(&Held, bool) -> Option<MessageOutcome>,
    ) -> Result<u32, HubError> {
        let (mut after, mut purged) = (0, 0);
        let pages = self.resource().settings.cloud_to_device.depth_max as usize / limits::QUEUE_PAGE + 1;
        // Senders may go on meanwhile: what is not on these pages came later.
        for _ in 0..pages {
            let page = self.records().list_messages(self.key(), turn.device(), after, limits::QUEUE_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let held = page.iter().map(Held::from);
            let ended: Vec<_> = held
                .filter_map(|held| outcome(&held, turn.desk.is_held(held.sequence)).map(|outcome| (held, outcome)))
                .collect();
            let concluded = self.conclude(turn, &ended).await?;
            let is_purged = |(held, outcome): &&(Held, MessageOutcome)| {
                *outcome == MessageOutcome::Purged && concluded.contains(&held.sequence)
            };
            purged += ended.iter().filter(is_purged).count() as u32;
        }
        Ok(purged)
    }

    /// Whether there is such a device with room in its queue; then the message is in it.
    async fn enqueue(&self, device: &DeviceId, message: &CloudMessage, depth_max: u32) -> Result<bool, HubError> {
        let (device, message) = (device.clone(), message.clone());
        let write = Write::EnqueueMessage { hub: self.key(), device, message, depth_max };
        match self.records().commit(vec![write]).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Wakes a device that is connected and listens for messages.
    pub(crate) fn tell_messages_wait(&self, device: &DeviceId) {
        if let Some(live) = self.sessions().find(device.as_str())
            && live.interests().messages
        {
            live.post(Notice::MessagesWaiting);
        }
    }
}

fn decide_message(new: NewMessage, settings: CloudToDevice, now: UnixMillis) -> Result<CloudMessage, HubError> {
    let NewMessage { properties, body, ack, expiry } = new;
    for (bytes, bytes_max) in [
        (body.len() + properties.text_bytes(), limits::CLOUD_MESSAGE_BYTES_MAX),
        (properties.text_bytes(), limits::CLOUD_PROPERTY_BYTES_MAX),
    ] {
        if bytes > bytes_max {
            return Err(HubError::MessageTooLarge { bytes, bytes_max });
        }
    }
    let expires = expiry.unwrap_or_else(|| now.plus_ms(i64::from(settings.default_ttl_s) * 1000));
    if expires > now.plus_ms(limits::MESSAGE_LIFE_MS_MAX) {
        return Err(HubError::InvalidExpiry { days_max: limits::MESSAGE_LIFE_MS_MAX / limits::DAY_MS });
    }
    Ok(CloudMessage { sequence: 0, enqueued: now, expires, delivery_count: 0, ack, properties, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn new(body_bytes: usize, name_bytes: usize, expiry_ms: Option<i64>) -> NewMessage {
        let mut properties = Properties::new();
        properties.push_application(&"n".repeat(name_bytes), None);
        let expiry = expiry_ms.map(|ms| NOW.plus_ms(ms));
        NewMessage { properties, body: vec![0; body_bytes], ack: Ack::None, expiry }
    }

    #[test]
    fn messages_are_bounded_in_size_and_life() {
        let settings = CloudToDevice::default();
        let days_2 = 2 * 24 * 3600 * 1000;
        for (message, expires_ms) in [
            (new(65_536 - 10, 10, None), 3_600_000),
            (new(0, 12 * 1024, Some(days_2)), days_2),
            (new(0, 0, Some(-1)), -1),
        ] {
            assert_eq!(decide_message(message, settings, NOW).unwrap().expires, NOW.plus_ms(expires_ms));
        }
        for (message, bytes, bytes_max) in
            [(new(65_536 - 9, 10, None), 65_537, 65_536), (new(0, 12 * 1024 + 1, None), 12_289, 12_288)]
        {
            let refused = decide_message(message, settings, NOW).unwrap_err();
            assert!(
                matches!(refused, HubError::MessageTooLarge { bytes: b, bytes_max: m } if (b, m) == (bytes, bytes_max)),
                "{refused:?}"
            );
        }
        let refused = decide_message(new(0, 0, Some(days_2 + 1)), settings, NOW).unwrap_err();
        assert!(matches!(refused, HubError::InvalidExpiry { days_max: 2 }), "{refused:?}");
    }
}
