//! Messages to devices that a back end sent together.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use roadstead_model::{CloudMessage, DeviceId};
use roadstead_store::{StoreError, Write};

use super::NewMessage;
use crate::{error::HubError, hub::Hub};

/// A message that may be queued.
struct Passed {
    /// Its place among the outcomes.
    at: usize,
    devices: Vec<DeviceId>,
    message: CloudMessage,
}

type Outcome = Result<(), HubError>;

impl Hub {
    /// Queues messages, each for the first of its devices that exists, durably: in one commit if all of them can be queued, else
    /// device by device, side by side. Those for one device are queued in the order in which they stand here.
    ///
    /// The outcomes stand in that order, too. Errors: of each, as [`Hub::send_message_to_first`].
    pub async fn send_messages(&self, messages: Vec<(Vec<DeviceId>, NewMessage)>) -> Vec<Outcome> {
        let (mut passed, mut outcomes) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        for (at, (devices, new)) in messages.into_iter().enumerate() {
            outcomes.push(self.decide(new).map(|message| passed.push(Passed { at, devices, message })));
        }
        let queued: Vec<(usize, Outcome)> = match self.queue_all(&passed).await {
            Ok(true) => Vec::new(),
            Ok(false) => self.queue_by_device(&passed).await,
            Err(error) => passed.iter().map(|one| (one.at, Err(error.clone().into()))).collect(),
        };
        for (at, outcome) in queued {
            outcomes[at] = outcome;
        }
        outcomes
    }

    /// Whether all of them are queued; else none is. One alone is not tried here: whatever speaks against it is found out only
    /// where it is tried by itself.
    async fn queue_all(&self, passed: &[Passed]) -> Result<bool, StoreError> {
        if passed.len() < 2 || passed.iter().any(|one| one.devices.is_empty()) {
            return Ok(false);
        }
        let depth_max = self.resource().settings.cloud_to_device.depth_max;
        let writes = passed.iter().filter_map(|Passed { devices, message, .. }| {
            let (device, message) = (devices.first()?.clone(), message.clone());
            Some(Write::EnqueueMessage { hub: self.key(), device, message, depth_max })
        });
        match self.records().commit(writes.collect()).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        let mut told = None;
        for Passed { devices, message, .. } in passed {
            self.charge(|| message.body.len() + message.properties.text_bytes());
            if told != devices.first() {
                told = devices.first();
                if let Some(device) = told {
                    self.tell_messages_wait(device);
                }
            }
        }
        Ok(true)
    }

    async fn queue_by_device(&self, passed: &[Passed]) -> Vec<(usize, Outcome)> {
        // Fronts read an address in several ways, and the last of them is the same for all spellings of one id.
        let mut lanes: BTreeMap<Option<&DeviceId>, Vec<&Passed>> = BTreeMap::new();
        for one in passed {
            lanes.entry(one.devices.last()).or_default().push(one);
        }
        let lanes = lanes.into_values().map(|lane| self.queue_one_by_one(lane));
        join_all(lanes).await.into_iter().flatten().collect()
    }

    async fn queue_one_by_one(&self, lane: Vec<&Passed>) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::with_capacity(lane.len());
        for Passed { at, devices, message } in lane {
            outcomes.push((*at, self.queue_for_first(devices, message).await));
        }
        outcomes
    }
}
