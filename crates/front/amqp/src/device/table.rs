//! The devices of a connection, and what came for or from each.

use std::collections::VecDeque;

use roadstead_amqp_proto::{
    AmqpError, DeliveryState, condition,
    connection::{Delivery, LinkId},
};
use roadstead_hub::{CloseReason, Hub, HubError, Notice, Session};
use roadstead_model::{DisconnectReason, Properties, RefusalCause, UnixMillis};

use super::{
    Channel, Device, DeviceLink, Part, Wire,
    fault::{self, Doom},
    methods,
    requests::{Origin, Requests},
    telemetry::Unsettled,
    twin,
};
use crate::{
    counters::Counters,
    limits,
    link::Link,
    noted::{self, Refusal},
    refusal,
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    /// A free seat is taken by the next device.
    pub(super) seats: Vec<Option<Box<Device>>>,
    /// Seats to look at.
    due: VecDeque<u32>,
    unsettled: Unsettled,
    pub(super) requests: Requests,
    /// Numbers the devices.
    seated: u64,
    pub(super) dooms: Vec<Doom>,
    /// Working memory, used for one message after the other.
    properties: Properties,
    /// When the first token of a session is past its grace; `None` when none expires.
    pub(super) next_expiry: Option<UnixMillis>,
}

impl Devices {
    pub(crate) fn is_empty(&self) -> bool {
        self.seats.iter().all(Option::is_none)
    }

    /// Gives a session a seat; it is looked at once.
    pub(super) fn seat(&mut self, session: Session) -> u32 {
        let at = self.seats.iter().position(Option::is_none).unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        if let Some(place) = self.seats.get_mut(at) {
            self.seated += 1;
            *place = Some(Box::new(Device::new(session, self.seated)));
        }
        let seat = u32::try_from(at).unwrap_or(u32::MAX);
        self.mark(seat);
        self.note_expiry();
        seat
    }

    /// Notes what the connection detached a link for by itself: a message that was too long.
    pub(crate) fn note_detached(&mut self, link: DeviceLink, error: AmqpError) {
        let sends = matches!(link.part, Part::Telemetry | Part::TwinRequests | Part::MethodAnswers);
        if let Some(device) = self.at(link.seat)
            && sends
            && &*error.condition == condition::MESSAGE_SIZE_EXCEEDED
        {
            noted::refused_to(&device.session, &Refusal { error, cause: RefusalCause::TooLarge });
        }
    }

    pub(super) fn at(&mut self, seat: u32) -> Option<&mut Device> {
        self.seats.get_mut(seat as usize)?.as_deref_mut()
    }

    /// The device is to be looked at.
    pub(super) fn mark(&mut self, seat: u32) {
        let Some(device) = self.at(seat) else { return };
        if !std::mem::replace(&mut device.is_due, true) {
            self.due.push_back(seat);
        }
    }

    /// The bell rang, or a session's window opened: whoever has a word is looked at; all are when `all` says so.
    pub(crate) fn mark_those_with_a_word(&mut self, all: bool) {
        for (seat, device) in (0..).zip(&mut self.seats) {
            let Some(device) = device.as_mut().filter(|device| all || device.session.has_word()) else { continue };
            if !std::mem::replace(&mut device.is_due, true) {
                self.due.push_back(seat);
            }
        }
    }

    /// The device gave credit on a link to it.
    pub(crate) fn note_credit(&mut self, DeviceLink { seat, part }: DeviceLink, drain: bool, wire: &mut Wire<'_>) {
        self.mark(seat);
        let Some(device) = self.at(seat) else { return };
        match part {
            Part::Messages => {
                if let Some(link) = &mut device.messages {
                    link.drain |= drain;
                }
            }
            Part::TwinAnswers | Part::MethodCalls => {
                let channel = if part == Part::TwinAnswers { &mut device.twin } else { &mut device.methods };
                if let Some(channel) = channel {
                    channel.send(wire);
                    if drain {
                        channel.drain(wire);
                    }
                }
            }
            Part::Telemetry | Part::TwinRequests | Part::MethodAnswers | Part::Inputs => {}
        }
    }

    /// Takes telemetry, to be settled by [`Devices::settle_telemetry`].
    pub(crate) fn take_telemetry(
        &mut self,
        seat: u32,
        delivery: &Delivery<'_>,
        wire: &mut Wire<'_>,
        counters: &Counters,
    ) {
        let Some(device) = self.seats.get(seat as usize).and_then(Option::as_deref) else { return };
        if let Some(asked) = fault::asked_for(&device.session, delivery) {
            let (at, id) = (delivery.link.session(), delivery.delivery_id);
            let state = match self.doom(seat, at, asked) {
                Ok(()) => DeliveryState::Accepted,
                Err(refused) => DeliveryState::Rejected(Some(Box::new(refusal::error(&refused)))),
            };
            if !delivery.settled {
                wire.proto.settle(at, id, id, state, wire.out);
            }
            return;
        }
        self.unsettled.take(&device.session, delivery, &mut self.properties, wire, counters);
    }

    /// Takes what else a device sent, and settles it: a request to a twin once it is answered, see [`Devices::answered`].
    pub(crate) async fn deliver(
        &mut self,
        DeviceLink { seat, part }: DeviceLink,
        delivery: &Delivery<'_>,
        now: UnixMillis,
        wire: &mut Wire<'_>,
    ) {
        match part {
            Part::TwinRequests => self.ask(seat, delivery, now),
            Part::MethodAnswers => {
                let Some(device) = self.at(seat) else { return };
                let done = methods::take(&device.session, &delivery.payload);
                self.conclude(seat, Origin::new(delivery), done, wire).await;
            }
            Part::Telemetry | Part::Inputs | Part::Messages | Part::TwinAnswers | Part::MethodCalls => {}
        }
    }

    /// Whether there is anything to do: asked at every wake-up of every connection.
    pub(crate) fn has_work(&self) -> bool {
        !self.due.is_empty() || !self.unsettled.is_empty()
    }

    pub(crate) fn has_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Waits until the telemetry that came is durable, and settles it.
    pub(crate) async fn settle_telemetry(&mut self, hub: &Hub, wire: &mut Wire<'_>) {
        if !self.unsettled.is_empty() {
            self.unsettled.settle(hub, wire).await;
        }
    }

    /// What a device made of a message. `Some` is the answer, should it want one.
    pub(crate) async fn settle(
        &mut self,
        DeviceLink { seat, part }: DeviceLink,
        key: u64,
        state: Option<&DeliveryState>,
    ) -> Option<DeliveryState> {
        self.mark(seat);
        let device = self.at(seat)?;
        if part != Part::Messages {
            return state.filter(|state| state.is_outcome()).map(|_| DeliveryState::Accepted);
        }
        device.messages.as_mut()?.settle(&device.session, key, state).await
    }

    /// A link is gone, whoever detached it: its device goes with the last, for that reason.
    pub(crate) async fn forget(&mut self, id: LinkId, gone: Option<Link>, why: DisconnectReason) {
        let Some(Link::Device(DeviceLink { seat, part })) = gone else { return };
        let Some(device) = self.at(seat) else { return };
        device.links = device.links.saturating_sub(1);
        match part {
            Part::Messages => {
                if let Some(link) = device.messages.take_if(|link| link.id == id) {
                    device.session.release_messages(&link.into_held()).await;
                }
            }
            Part::TwinRequests | Part::TwinAnswers => {
                if Channel::remove(&mut device.twin, id) && device.twin.is_none() {
                    device.watches = false;
                }
            }
            Part::MethodAnswers | Part::MethodCalls => {
                Channel::remove(&mut device.methods, id);
            }
            Part::Telemetry | Part::Inputs => {}
        }
        if device.links > 0 {
            device.attend();
        } else if let Some(device) = self.seats.get_mut(seat as usize).and_then(Option::take) {
            self.do_unanswered(&device.session.own_twin(), device.asked);
            device.session.end(why);
            self.note_expiry();
        }
    }

    /// Sends what there is for those that are to be looked at, as far as the client takes it.
    pub(crate) async fn tend(&mut self, wire: &mut Wire<'_>) {
        while wire.out.len() < limits::EVENT_BYTES_AHEAD_MAX {
            let Some(seat) = self.due.pop_front() else { return };
            let Some(device) = self.at(seat) else { continue };
            device.is_due = false;
            let done = match device.session.reason() {
                Some(reason) => Err(HubError::Closed(reason)),
                None => tend(device, wire).await,
            };
            match done {
                Ok(()) => {}
                Err(HubError::Closed(reason)) => self.shut(seat, closed(reason), reason.into(), wire),
                Err(refused) => {
                    let id = device.messages.as_ref().map(|link| link.id);
                    if let Some(id) = id {
                        let gone = wire.detach(id, refusal::error(&refused));
                        self.forget(id, gone, DisconnectReason::ServerError).await;
                    }
                }
            }
        }
    }

    /// Detaches all links of a device and ends its session.
    pub(super) fn shut(&mut self, seat: u32, error: AmqpError, why: DisconnectReason, wire: &mut Wire<'_>) {
        for id in wire.links.list_of_device(seat) {
            wire.detach(id, error.clone());
        }
        if let Some(device) = self.seats.get_mut(seat as usize).and_then(Option::take) {
            tracing::info!(device = %device.session.id(), "the device's amqp links were detached: {error}");
            device.session.end(why);
        }
        self.note_expiry();
    }

    /// The connection ended.
    pub(crate) fn end(self, why: DisconnectReason) {
        for device in self.seats.into_iter().flatten() {
            device.session.end(why);
        }
    }
}

async fn tend(device: &mut Device, wire: &mut Wire<'_>) -> Result<(), HubError> {
    for channel in [&mut device.twin, &mut device.methods].into_iter().flatten() {
        channel.send(wire);
    }
    // The hub's mailbox is bounded, and so is what is taken out of it: nothing more while something of it waits.
    // Nor while a request is under way: what changed since the twin was read is told behind the answer.
    let waits =
        device.is_busy || [&device.twin, &device.methods].into_iter().flatten().any(|channel| channel.waiting() > 0);
    if !waits {
        for notice in device.session.take_notices() {
            match (notice, &mut device.methods, &mut device.twin) {
                (Notice::Method(call), Some(channel), _) => channel.say(methods::call(&call), wire),
                (Notice::Method(call), None, _) => device.session.decline_method(call.id),
                (Notice::DesiredChanged(change), _, Some(channel)) if device.watches => {
                    channel.say(twin::change(&change), wire);
                }
                (Notice::DesiredChanged(_), ..) => {}
                (Notice::MessagesWaiting, ..) => {
                    if let Some(link) = &mut device.messages {
                        link.look();
                    }
                }
            }
        }
    }
    match device.messages.as_deref_mut() {
        Some(link) => link.send(&device.session, wire).await,
        None => Ok(()),
    }
}

/// Sends the answer to a request. Errors: the device leaves too many of them unread.
pub(super) fn say(channel: Option<&mut Channel>, answer: Vec<u8>, wire: &mut Wire<'_>) -> Result<(), AmqpError> {
    let Some(channel) = channel else { return Ok(()) };
    if channel.waiting() >= limits::REPLIES_WAITING_MAX {
        let why = "too many answers wait: give the receiver's link more credit";
        return Err(AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why));
    }
    channel.say(answer, wire);
    Ok(())
}

/// What a device is told whose session the hub ended.
fn closed(reason: CloseReason) -> AmqpError {
    let condition = match reason {
        CloseReason::TakenOver => condition::STOLEN,
        CloseReason::DeviceDisabled => condition::NOT_ALLOWED,
        CloseReason::DeviceDeleted => condition::NOT_FOUND,
        CloseReason::CredentialsChanged | CloseReason::TrustRevoked => condition::UNAUTHORIZED_ACCESS,
        CloseReason::NotReading => condition::RESOURCE_LIMIT_EXCEEDED,
        CloseReason::HubDeleted | CloseReason::ShuttingDown => condition::DETACH_FORCED,
    };
    AmqpError::new(condition, &reason.to_string())
}
