//! `transfer`: a delivery, or a part of one; its payload stands behind it in the frame. Source: 2.7.5

use super::attach::ReceiverSettleMode;
use super::delivery_state::DeliveryState;
use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::limits::DELIVERY_TAG_BYTES_MAX;
use crate::types::{Fields, Reader, write_fields};

/// Transfers in a row on one link with `more` set, and the one behind them, make one delivery.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transfer<'a> {
    /// The link, by its sender's number.
    pub handle: u32,
    /// Number of the delivery in its session; must be there in its first transfer.
    pub delivery_id: Option<u32>,
    /// Its sender's own name for it, of 32 bytes at most; must be there in its first transfer.
    pub delivery_tag: Option<&'a [u8]>,
    /// How to read the payload; 0 is that of [`crate::message`].
    pub message_format: Option<u32>,
    /// Nobody answers the delivery.
    pub settled: Option<bool>,
    /// Another transfer of this delivery follows.
    pub more: bool,
    /// For this delivery alone.
    pub rcv_settle_mode: Option<ReceiverSettleMode>,
    /// Of the delivery at its sender.
    pub state: Option<DeliveryState>,
    /// The delivery began on another link.
    pub resume: bool,
    /// The delivery is void; this payload and those before it mean nothing.
    pub aborted: bool,
    /// The answer may wait for others.
    pub batchable: bool,
}

impl<'a> Transfer<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "transfer", 11)?;
        let handle = fields.uint()?;
        let handle = fields.require(handle)?;
        let delivery_id = fields.uint()?;
        let delivery_tag = fields.binary()?;
        if let Some(tag) = delivery_tag
            && tag.len() > DELIVERY_TAG_BYTES_MAX
        {
            return Err(fields.fail(Fault::OutOfRange { value: tag.len() as u64 }));
        }
        let transfer = Self {
            handle,
            delivery_id,
            delivery_tag,
            message_format: fields.uint()?,
            settled: fields.boolean()?,
            more: fields.boolean()?.unwrap_or(false),
            rcv_settle_mode: ReceiverSettleMode::read(&mut fields)?,
            state: fields.nested(DeliveryState::read)?,
            resume: fields.boolean()?.unwrap_or(false),
            aborted: fields.boolean()?.unwrap_or(false),
            batchable: fields.boolean()?.unwrap_or(false),
        };
        fields.finish()?;
        Ok(transfer)
    }

    /// All eleven fields; the payload is the caller's to append.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::TRANSFER, |fields| {
            fields.uint(self.handle).uint(self.delivery_id).binary(self.delivery_tag).uint(self.message_format);
            fields.boolean(self.settled).boolean(self.more).ubyte(self.rcv_settle_mode.map(|mode| mode as u8));
            fields.put(self.state.as_ref(), |out, state| state.encode(out));
            fields.boolean(self.resume).boolean(self.aborted).boolean(self.batchable);
        });
    }
}
