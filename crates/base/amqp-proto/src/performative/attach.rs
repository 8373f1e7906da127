//! `attach`: a link, one way for messages. Source: 2.7.3

use super::terminus::{Source, Target};
use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::types::{Fields, Map, Reader, write_fields};

/// Which end of a link its sender is. Source: 2.8.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `false` on the wire.
    Sender,
    /// `true` on the wire.
    Receiver,
}

/// Whether deliveries are sent settled, so that nobody answers them. Source: 2.8.2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as the modes they are")]
pub enum SenderSettleMode {
    Unsettled = 0,
    Settled = 1,
    #[default]
    Mixed = 2,
}

/// Whether the receiver settles at once, or only when the sender did. Source: 2.8.3
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as the modes they are")]
pub enum ReceiverSettleMode {
    #[default]
    First = 0,
    Second = 1,
}

/// Attaches a link, or answers that.
#[derive(Debug, Clone, PartialEq)]
pub struct Attach {
    /// Names the link among those of one direction.
    pub name: Box<str>,
    /// The number it has in its sender's frames, free again after `detach`.
    pub handle: u32,
    /// Which end the sender of this is.
    pub role: Role,
    /// Wanted or agreed.
    pub snd_settle_mode: SenderSettleMode,
    /// Wanted or agreed.
    pub rcv_settle_mode: ReceiverSettleMode,
    /// Where messages come from; none in an answer says no.
    pub source: Option<Source>,
    /// Where they go to; none in an answer says no.
    pub target: Option<Target>,
    /// The target is a coordinator of transactions; `target` is none then.
    pub coordinator: bool,
    /// Of a link that is taken up again.
    pub unsettled: Map,
    /// `unsettled` is not all.
    pub incomplete_unsettled: bool,
    /// Of a sender: the number before its first delivery.
    pub initial_delivery_count: Option<u32>,
    /// Bytes of the longest message it takes; 0 and none are no bound.
    pub max_message_size: Option<u64>,
    /// What it can.
    pub offered_capabilities: Vec<Box<str>>,
    /// What it would like of the other side.
    pub desired_capabilities: Vec<Box<str>>,
    /// Keys are symbols.
    pub properties: Map,
}

impl Role {
    /// The other end.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }

    pub(crate) fn from_wire(receiver: bool) -> Self {
        if receiver { Self::Receiver } else { Self::Sender }
    }

    pub(crate) fn to_wire(self) -> bool {
        self == Self::Receiver
    }
}

impl SenderSettleMode {
    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        match fields.ubyte()? {
            Some(0) => Ok(Self::Unsettled),
            Some(1) => Ok(Self::Settled),
            Some(2) | None => Ok(Self::Mixed),
            Some(value) => Err(fields.fail(Fault::OutOfRange { value: value.into() })),
        }
    }
}

impl ReceiverSettleMode {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Option<Self>, DecodeError> {
        match fields.ubyte()? {
            None => Ok(None),
            Some(0) => Ok(Some(Self::First)),
            Some(1) => Ok(Some(Self::Second)),
            Some(value) => Err(fields.fail(Fault::OutOfRange { value: value.into() })),
        }
    }
}

impl Attach {
    /// With nothing said that need not be.
    pub fn new(name: &str, handle: u32, role: Role) -> Self {
        Self {
            name: name.into(),
            handle,
            role,
            snd_settle_mode: SenderSettleMode::default(),
            rcv_settle_mode: ReceiverSettleMode::default(),
            source: None,
            target: None,
            coordinator: false,
            unsettled: Map::default(),
            incomplete_unsettled: false,
            initial_delivery_count: (role == Role::Sender).then_some(0),
            max_message_size: None,
            offered_capabilities: Vec::new(),
            desired_capabilities: Vec::new(),
            properties: Map::default(),
        }
    }

    /// Errors: a sender without an initial delivery count is none of them: it counts as 0.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = Fields::open(reader, "attach", 14)?;
        let name = fields.owned_text()?;
        let name = fields.require(name)?;
        let handle = fields.uint()?;
        let handle = fields.require(handle)?;
        let role = fields.boolean()?;
        let role = Role::from_wire(fields.require(role)?);
        let snd_settle_mode = SenderSettleMode::read(&mut fields)?;
        let rcv_settle_mode = ReceiverSettleMode::read(&mut fields)?.unwrap_or_default();
        let source = fields.nested(Source::read)?;
        let target = fields.nested(Target::read)?;
        let attach = Self {
            name,
            handle,
            role,
            snd_settle_mode,
            rcv_settle_mode,
            source,
            coordinator: matches!(target, Some(None)),
            target: target.flatten(),
            unsettled: fields.map()?,
            incomplete_unsettled: fields.boolean()?.unwrap_or(false),
            initial_delivery_count: fields.uint()?,
            max_message_size: fields.ulong()?,
            offered_capabilities: fields.symbols()?,
            desired_capabilities: fields.symbols()?,
            properties: fields.map()?,
        };
        fields.finish()?;
        Ok(attach)
    }

    /// All fourteen fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::ATTACH, |fields| {
            fields.string(&*self.name).uint(self.handle).boolean(self.role.to_wire());
            fields.ubyte(self.snd_settle_mode as u8).ubyte(self.rcv_settle_mode as u8);
            fields.put(self.source.as_ref(), |out, source| source.encode(out));
            if self.coordinator {
                fields.put(Some(()), |out, ()| Target::encode_coordinator(out));
            } else {
                fields.put(self.target.as_ref(), |out, target| target.encode(out));
            }
            fields.map(&self.unsettled).boolean(self.incomplete_unsettled);
            fields.uint(self.initial_delivery_count).ulong(self.max_message_size);
            fields.symbols(&self.offered_capabilities).symbols(&self.desired_capabilities).map(&self.properties);
        });
    }
}
