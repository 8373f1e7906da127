//! Messages to devices, feedback, and what is told of uploads.

use roadstead_model::{CloudMessage, DeviceId, Feedback, FileNotification, HubKey, UnixMillis};
use roadstead_store::Expect;

use super::tables::{Tables, on_hub, write};

impl Tables {
    /// Whether there is such a device with room in its queue.
    pub(super) fn enqueue(&mut self, hub: HubKey, device: &DeviceId, message: CloudMessage, depth_max: u32) -> bool {
        let queue = self.messages.entry(on_hub(hub, device)).or_default();
        let room = self.devices.contains_key(&on_hub(hub, device)) && queue.len() < depth_max as usize;
        if room {
            self.sequence += 1;
            queue.push(CloudMessage { sequence: self.sequence, ..message });
        }
        room
    }

    /// Whether the message still waited.
    pub(super) fn put_message(&mut self, hub: HubKey, device: &DeviceId, message: CloudMessage) -> bool {
        let queue = self.messages.entry(on_hub(hub, device)).or_default();
        let waiting = queue.iter_mut().find(|waiting| waiting.sequence == message.sequence);
        waiting.map(|waiting| *waiting = message).is_some()
    }

    /// Whether the message still waited.
    pub(super) fn delete_message(&mut self, hub: HubKey, device: &DeviceId, sequence: u64) -> bool {
        let queue = self.messages.entry(on_hub(hub, device)).or_default();
        let before = queue.len();
        queue.retain(|waiting| waiting.sequence != sequence);
        queue.len() < before
    }

    /// Behind what is kept.
    pub(super) fn add_feedback(&mut self, hub: HubKey, feedback: Feedback) -> bool {
        self.sequence += 1;
        self.feedback.insert(self.sequence, (hub, feedback)).is_none()
    }

    /// Unknown numbers are fine.
    pub(super) fn delete_feedback(&mut self, hub: HubKey, numbers: &[u64]) -> bool {
        self.feedback.retain(|number, (of, _)| *of != hub || !numbers.contains(number));
        true
    }

    /// Whether the upload was not remembered yet.
    pub(super) fn remember_upload(&mut self, hub: HubKey, upload: String, until: UnixMillis, now: UnixMillis) -> bool {
        self.ended_uploads.retain(|(of, _), until| *of != hub || *until > now);
        write(&mut self.ended_uploads, (hub, upload), Some(until), &Expect::Absent, |_| None)
    }

    /// Behind what is kept.
    pub(super) fn add_file_notification(&mut self, hub: HubKey, notification: FileNotification) -> bool {
        self.sequence += 1;
        self.file_notifications.insert(self.sequence, (hub, notification)).is_none()
    }

    /// Unknown numbers are fine.
    pub(super) fn delete_file_notifications(&mut self, hub: HubKey, numbers: &[u64]) -> bool {
        self.file_notifications.retain(|number, (of, _)| *of != hub || !numbers.contains(number));
        true
    }
}
