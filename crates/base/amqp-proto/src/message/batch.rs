//! Many messages in one delivery, as clients of one vendor send them.

use super::{Body, Message};
use crate::error::{DecodeError, Fault};
use crate::limits::BATCH_MESSAGES_MAX;

/// The message format of a batch: each data section is a whole message; the sections around them say nothing.
///
/// Source: C SDK iothubtransport_amqp_telemetry_messenger.c and C# SDK AmqpConstants.AmqpBatchedMessageFormat
pub const BATCH_FORMAT: u32 = 0x8001_3700;

/// The messages of a batch, in order and still encoded, for [`Message::decode`].
///
/// Errors: a body of another kind, or more than [`BATCH_MESSAGES_MAX`] messages.
pub fn read_batch(payload: &[u8]) -> Result<impl Iterator<Item = &[u8]>, DecodeError> {
    let fail = |fault| Err(DecodeError { fault, at: payload.len(), what: "batch", field: 0 });
    match Message::decode(payload)?.body {
        Body::Data(sections) if sections.count() > BATCH_MESSAGES_MAX => fail(Fault::TooMany),
        Body::Data(sections) => Ok(sections.pieces()),
        Body::Empty => fail(Fault::Missing),
        Body::Sequence(_) | Body::Value(_) => fail(Fault::RepeatedSection),
    }
}
