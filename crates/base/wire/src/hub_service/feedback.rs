//! What back ends hear of the messages they sent to devices.

use roadstead_model::{Feedback, MessageOutcome};
use serde::{Deserialize, Serialize};

use crate::word::Word;

/// The content type of a batch of records.
pub const FEEDBACK_CONTENT_TYPE: &str = "application/vnd.microsoft.iothub.feedback.json";

/// One element of a batch, which is a JSON array of at most [`crate::limits::FEEDBACK_RECORDS_MAX`].
///
/// Shape: `{"originalMessageId":"m1","description":"Success","deviceGenerationId":"638994563210123456","deviceId":"dev1",
/// "enqueuedTimeUtc":"2026-11-21T20:00:00.0000000Z","statusCode":"Success"}`. Source: `reference/hub-service.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackRecord {
    pub original_message_id: String,
    /// The status once more.
    pub description: String,
    pub device_generation_id: String,
    pub device_id: String,
    /// When the outcome happened.
    pub enqueued_time_utc: String,
    pub status_code: Word<MessageOutcome>,
}

impl From<&Feedback> for FeedbackRecord {
    fn from(feedback: &Feedback) -> Self {
        let status_code = Word(feedback.outcome);
        Self {
            original_message_id: feedback.message_id.clone(),
            description: status_code.to_string(),
            device_generation_id: feedback.generation.to_string(),
            device_id: feedback.device.as_str().to_owned(),
            enqueued_time_utc: feedback.at.iso(),
            status_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{DeviceId, GenerationId, UnixMillis};

    #[test]
    fn as_node_and_az_took_it() {
        let feedback = Feedback {
            message_id: "m1".to_owned(),
            device: DeviceId::parse("dev1").unwrap(),
            generation: GenerationId(638_994_563_210_123_456),
            outcome: MessageOutcome::Success,
            at: UnixMillis(1_795_291_200_000),
        };
        let records = [FeedbackRecord::from(&feedback)];
        let json = r#"[{"originalMessageId":"m1","description":"Success","deviceGenerationId":"638994563210123456","deviceId":"dev1","enqueuedTimeUtc":"2026-11-21T20:00:00.0000000Z","statusCode":"Success"}]"#;
        assert_eq!(serde_json::to_string(&records).unwrap(), json);
        assert_eq!(serde_json::from_str::<Vec<FeedbackRecord>>(json).unwrap(), records);
        let late = Feedback { outcome: MessageOutcome::DeliveryCountExceeded, ..feedback };
        assert_eq!(FeedbackRecord::from(&late).description, "DeliveryCountExceeded");
    }
}
