//! Messages from the cloud on their way to a device, each settled with a word of its own. Source: `reference/hub-device.md` 3.5

use std::borrow::Cow;

use roadstead_amqp_proto::{
    Attach, DeliveryState, SenderSettleMode,
    connection::{LinkId, SendError, Sending, Settling},
    message::{Header, MessageId, MessageWriter, Properties},
};
use roadstead_hub::{HubError, LockToken, Session, Settlement};
use roadstead_model::{CloudMessage, Property, SystemProperty, UnixMillis};
use roadstead_wire::{
    amqp::annotation as event_hub,
    annotation,
    system_property::{Place, spelling},
};

use super::Wire;
use crate::{limits, refusal};

/// The link on which a device gets its messages.
#[derive(Debug)]
pub(super) struct MessageLink {
    pub(super) id: LinkId,
    settled: bool,
    /// There may be messages to fetch.
    is_waiting: bool,
    /// The device wants what is left of its credit back when there is nothing to send.
    pub(super) drain: bool,
    /// What it has in hand, by the engine's key.
    held: Vec<(u64, LockToken)>,
    next_key: u64,
}

impl MessageLink {
    pub(super) fn new(id: LinkId, attach: &Attach) -> Self {
        let settled = attach.snd_settle_mode == SenderSettleMode::Settled;
        Self { id, settled, is_waiting: true, drain: false, held: Vec::new(), next_key: 0 }
    }

    /// There may be messages to fetch.
    pub(super) fn look(&mut self) {
        self.is_waiting = true;
    }

    /// What the device has in hand, when the link is gone.
    pub(super) fn into_held(self) -> Vec<LockToken> {
        self.held.into_iter().map(|(_, token)| token).collect()
    }

    /// Sends what waits, as far as the device takes it. Errors: `Closed`, `Full`, `Internal`.
    pub(super) async fn send(&mut self, session: &Session, wire: &mut Wire<'_>) -> Result<(), HubError> {
        while self.is_waiting && wire.proto.can_send(self.id) && wire.out.len() < limits::EVENT_BYTES_AHEAD_MAX {
            let room = (wire.proto.credit(self.id) as usize).min(limits::MESSAGES_AT_ONCE);
            let locked = session.lock_messages(room).await?;
            self.is_waiting = locked.len() == room;
            let mut back = Vec::new();
            for (token, message) in locked {
                match self.send_one(session, token, &message, wire) {
                    Ok(()) if self.settled => session.settle_message(token, Settlement::Complete).await?,
                    Ok(()) => {}
                    // Whoever sent it hears that it was not taken; offered again it would not be, either.
                    Err(why @ SendError::TooLong { .. }) => {
                        tracing::info!(device = %session.id(), "a message to a device is rejected: {why}");
                        session.settle_message(token, Settlement::Reject).await?;
                    }
                    Err(_) => back.push(token),
                }
            }
            if !back.is_empty() {
                session.release_messages(&back).await;
                self.is_waiting = true;
                break;
            }
        }
        if std::mem::take(&mut self.drain) {
            wire.proto.drained(self.id, wire.out);
        }
        Ok(())
    }

    fn send_one(
        &mut self,
        session: &Session,
        token: LockToken,
        message: &CloudMessage,
        wire: &mut Wire<'_>,
    ) -> Result<(), SendError> {
        self.next_key += 1;
        let tag = token.bytes();
        let settling = if self.settled { Settling::Before } else { Settling::Watched };
        let sending = Sending { tag: &tag, message_format: 0, settling, key: self.next_key };
        wire.proto.send(self.id, &sending, wire.out, |out| {
            write(session.id().device.as_str(), token, message, out);
        })?;
        if !self.settled {
            self.held.push((self.next_key, token));
        }
        Ok(())
    }

    /// Does what the device made of a delivery. `Some` is what it is answered, unless it has settled the delivery itself:
    /// `accepted` for every outcome, or the C# SDK throws.
    pub(super) async fn settle(
        &mut self,
        session: &Session,
        key: u64,
        state: Option<&DeliveryState>,
    ) -> Option<DeliveryState> {
        let settlement = match state {
            Some(DeliveryState::Received { .. } | DeliveryState::Other(_)) => return None,
            Some(DeliveryState::Accepted) => Settlement::Complete,
            Some(DeliveryState::Rejected(_)) => Settlement::Reject,
            Some(DeliveryState::Released | DeliveryState::Modified(_)) | None => Settlement::Abandon,
        };
        let at = self.held.iter().position(|(held, _)| *held == key)?;
        let (_, token) = self.held.swap_remove(at);
        session.heard();
        let done = session.settle_message(token, settlement).await;
        // There is room for another one, and what was given back may be sent again.
        self.is_waiting = true;
        Some(match done {
            Ok(()) => DeliveryState::Accepted,
            Err(refused) => {
                tracing::info!(device = %session.id(), "a message was not settled: {refused}");
                DeliveryState::Rejected(Some(Box::new(refusal::error(&refused))))
            }
        })
    }
}

/// Appends the message. Clients read the annotations only in these very types.
fn write(device: &str, token: LockToken, message: &CloudMessage, out: &mut Vec<u8>) {
    let system = |property| message.properties.find_system(property);
    let to = system(SystemProperty::To);
    let to = to.map_or_else(|| format!("/devices/{device}/messages/deviceBound").into(), Cow::Borrowed);
    let count = message.delivery_count;
    let mut writer = MessageWriter::new(out);
    writer.header(&Header { delivery_count: count, ..Header::default() });
    writer.message_annotations(|map| {
        map.timestamp(annotation::ENQUEUED_TIME, message.enqueued.0);
        map.ubyte(event_hub::DELIVERY_COUNT, u8::try_from(count).unwrap_or(u8::MAX));
        map.ulong(event_hub::SEQUENCE_NUMBER, message.sequence);
        map.string(event_hub::LOCK_TOKEN, &token.to_string());
    });
    writer.properties(&Properties {
        message_id: system(SystemProperty::MessageId).map(MessageId::String),
        user_id: system(SystemProperty::UserId).map(str::as_bytes),
        to: Some(&to),
        correlation_id: system(SystemProperty::CorrelationId).map(MessageId::String),
        content_type: system(SystemProperty::ContentType),
        content_encoding: system(SystemProperty::ContentEncoding),
        absolute_expiry_time: system(SystemProperty::AbsoluteExpiryTime).and_then(UnixMillis::parse_iso).map(|at| at.0),
        ..Properties::default()
    });
    if message.properties.iter().any(|property| application(property).is_some()) {
        writer.application_properties(|map| {
            for (name, value) in message.properties.iter().filter_map(application) {
                map.string(name, value);
            }
        });
    }
    writer.data(&message.body);
}

/// Name and value of what goes among the application properties, all of them text: `guess (?)` for a name without a value.
fn application(property: Property<'_>) -> Option<(&str, &str)> {
    match property {
        Property::Application(name, value) => Some((name, value.unwrap_or_default())),
        Property::System(property, value) => match spelling(property).event {
            (Place::Application, name) => Some((name, value)),
            _ => None,
        },
    }
}
