//! Messages from the cloud to a device, and what became of them.

use crate::{
    clock::UnixMillis,
    id::{DeviceId, GenerationId},
    properties::Properties,
};

/// When the sender of a message wants to hear what became of it: the property `iothub-ack`. The code is stored: never
/// renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Ack {
    #[default]
    None = 0,
    /// When it was completed.
    Positive = 1,
    /// When it was not.
    Negative = 2,
    Full = 3,
}

impl Ack {
    /// The policy with this stored code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::None, Self::Positive, Self::Negative, Self::Full].get(usize::from(code)).copied()
    }

    /// Whether the sender wants to hear of this outcome.
    pub fn wants(self, outcome: MessageOutcome) -> bool {
        match outcome {
            MessageOutcome::Success => matches!(self, Self::Positive | Self::Full),
            _ => matches!(self, Self::Negative | Self::Full),
        }
    }
}

/// A message in a device's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudMessage {
    /// Orders the messages of one device; never used twice. Given by the store.
    pub sequence: u64,
    pub enqueued: UnixMillis,
    /// From when on it is not delivered any more.
    pub expires: UnixMillis,
    /// How often it was abandoned.
    pub delivery_count: u32,
    pub ack: Ack,
    /// Message id, `to` and the like, and the sender's own.
    pub properties: Properties,
    pub body: Vec<u8>,
}

/// What became of a message. The code is stored: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageOutcome {
    Success = 0,
    Expired = 1,
    DeliveryCountExceeded = 2,
    Rejected = 3,
    Purged = 4,
}

impl MessageOutcome {
    /// The outcome with this stored code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Success, Self::Expired, Self::DeliveryCountExceeded, Self::Rejected, Self::Purged]
            .get(usize::from(code))
            .copied()
    }
}

/// Tells the sender of a message what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// The message's id as its sender set it; empty when it set none.
    pub message_id: String,
    pub device: DeviceId,
    pub generation: GenerationId,
    pub outcome: MessageOutcome,
    /// When that happened.
    pub at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_choose_outcomes() {
        use MessageOutcome::{Expired, Purged, Success};
        for (ack, success, failure) in [
            (Ack::None, false, false),
            (Ack::Positive, true, false),
            (Ack::Negative, false, true),
            (Ack::Full, true, true),
        ] {
            assert_eq!((ack.wants(Success), ack.wants(Expired), ack.wants(Purged)), (success, failure, failure));
            assert_eq!(Ack::from_code(ack as u8), Some(ack));
        }
        assert_eq!((Ack::from_code(4), MessageOutcome::from_code(5)), (None, None));
    }
}
