//! Messages to devices, and the feedback on them.

use roadstead_model::{Ack, CloudMessage, DeviceId, Feedback, GenerationId, MessageOutcome, Properties, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, base64_text, mirror, write};
use crate::error::StoreError;

/// `properties` in their flat form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageV1 {
    v: V1,
    sequence: u64,
    enqueued: UnixMillis,
    expires: UnixMillis,
    delivery_count: u32,
    ack: AckV1,
    #[serde(with = "base64_text")]
    properties: Vec<u8>,
    #[serde(with = "base64_text")]
    body: Vec<u8>,
}

mirror!(AckV1 of Ack: None, Positive, Negative, Full);

impl Stored for CloudMessage {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&MessageV1 {
            v: V1,
            sequence: self.sequence,
            enqueued: self.enqueued,
            expires: self.expires,
            delivery_count: self.delivery_count,
            ack: self.ack.into(),
            properties: self.properties.as_bytes().to_vec(),
            body: self.body.clone(),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: MessageV1 = vault.read(text)?;
        Ok(Self {
            sequence: stored.sequence,
            enqueued: stored.enqueued,
            expires: stored.expires,
            delivery_count: stored.delivery_count,
            ack: stored.ack.into(),
            properties: Properties::from_stored(&stored.properties),
            body: stored.body,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FeedbackV1 {
    v: V1,
    message_id: String,
    device: DeviceId,
    generation: GenerationId,
    outcome: OutcomeV1,
    at: UnixMillis,
}

mirror!(OutcomeV1 of MessageOutcome: Success, Expired, DeliveryCountExceeded, Rejected, Purged);

impl Stored for Feedback {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&FeedbackV1 {
            v: V1,
            message_id: self.message_id.clone(),
            device: self.device.clone(),
            generation: self.generation,
            outcome: self.outcome.into(),
            at: self.at,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let FeedbackV1 { v: V1, message_id, device, generation, outcome, at } = vault.read(text)?;
        Ok(Self { message_id, device, generation, outcome: outcome.into(), at })
    }
}
