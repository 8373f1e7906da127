//! What devices ask of their twins: those of one device go one after the other, those of different devices side by side.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use roadstead_amqp_proto::{
    AmqpError, DeliveryState,
    connection::{Delivery, LinkId},
};
use roadstead_hub::OwnTwin;
use roadstead_model::{DisconnectReason, UnixMillis};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Devices, Wire, table::say, twin};
use crate::limits;

/// A request that came and is not answered yet.
#[derive(Debug)]
pub(super) struct Request {
    from: Origin,
    payload: Vec<u8>,
    now: UnixMillis,
    /// Its part of what the requests of the connection may hold.
    _room: OwnedSemaphorePermit,
}

/// The delivery that brought something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) link: LinkId,
    delivery_id: u32,
    settled: bool,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) struct Answered {
    seat: u32,
    serial: u64,
    from: Origin,
    answer: Result<Vec<u8>, AmqpError>,
}

/// Requests under way; `None` comes of those whose device went away before they were answered.
type UnderWay = FuturesUnordered<Pin<Box<dyn Future<Output = Option<Answered>> + Send>>>;

/// The requests of a connection.
#[derive(Debug)]
pub(super) struct Requests {
    under_way: UnderWay,
    room: Arc<Semaphore>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { under_way: UnderWay::new(), room: Arc::new(Semaphore::new(limits::TWIN_REQUESTS_MAX as usize)) }
    }
}

impl Origin {
    pub(super) fn new(delivery: &Delivery<'_>) -> Self {
        Self { link: delivery.link, delivery_id: delivery.delivery_id, settled: delivery.settled }
    }
}

impl Devices {
    /// Whether another request may be taken. When none may, some are under way.
    pub(crate) fn takes_requests(&self) -> bool {
        self.requests.room.available_permits() > 0
    }

    /// Whether [`Devices::answered`] has something to wait for.
    pub(crate) fn has_requests(&self) -> bool {
        !self.requests.under_way.is_empty()
    }

    /// Waits for the next answers, which are for [`Devices::tell`]. Safe to drop while pending.
    pub(crate) async fn answered(&mut self) -> Vec<Answered> {
        let under_way = &mut self.requests.under_way;
        let mut answered = Vec::new();
        answered.extend(under_way.next().await.flatten());
        while let Some(Some(next)) = under_way.next().now_or_never() {
            answered.extend(next);
        }
        answered
    }

    /// Takes a request to a twin.
    pub(super) fn ask(&mut self, seat: u32, delivery: &Delivery<'_>, now: UnixMillis) {
        let parts = delivery.payload.len().div_ceil(limits::TWIN_REQUEST_BYTES).max(1);
        let parts = parts.min(self.requests.room.available_permits());
        let room = self.requests.room.clone().try_acquire_many_owned(u32::try_from(parts).unwrap_or(u32::MAX));
        let (Some(device), Ok(room)) = (self.at(seat), room) else { return };
        let payload = delivery.payload.to_vec();
        device.asked.push_back(Request { from: Origin::new(delivery), payload, now, _room: room });
        self.begin(seat);
    }

    /// Sets the device's next request under way, unless one is.
    fn begin(&mut self, seat: u32) {
        let Some(device) = self.at(seat).filter(|device| !device.is_busy) else { return };
        let Some(request) = device.asked.pop_front() else { return };
        device.is_busy = true;
        if let Some(watches) = twin::watches(&request.payload) {
            device.watches = watches;
            device.attend();
            device.session.heard();
        }
        let (serial, own) = (device.serial, device.session.own_twin());
        self.requests.under_way.push(Box::pin(async move {
            let answer = twin::answer(&own, &request.payload, request.now).await;
            Some(Answered { seat, serial, from: request.from, answer })
        }));
    }

    /// Does what a device asked before it went away, as if it had waited. All of it gets in line for the twin at once, so that
    /// nothing that the device asks when it is back comes between.
    pub(super) fn do_unanswered(&mut self, own: &OwnTwin, asked: VecDeque<Request>) {
        for request in asked {
            let own = own.clone();
            self.requests.under_way.push(Box::pin(async move {
                let _ = twin::answer(&own, &request.payload, request.now).await;
                None
            }));
        }
    }

    /// Tells devices what their requests came to, and sets their next ones under way.
    pub(crate) async fn tell(&mut self, answered: Vec<Answered>, wire: &mut Wire<'_>) {
        for Answered { seat, serial, from, answer } in answered {
            let Some(device) = self.at(seat).filter(|device| device.serial == serial) else { continue };
            device.is_busy = false;
            if wire.links.find_device(from.link).is_some() {
                let done = answer.and_then(|answer| say(device.twin.as_deref_mut(), answer, wire));
                self.conclude(seat, from, done, wire).await;
            }
            // What the hub has for the device stood behind the answer.
            self.mark(seat);
            self.begin(seat);
        }
    }

    /// The connection ends: does what was asked before.
    pub(crate) async fn finish(&mut self, wire: &mut Wire<'_>) {
        while self.has_requests() {
            let answered = self.answered().await;
            self.tell(answered, wire).await;
        }
    }

    /// Settles what a device sent, unless it came settled.
    pub(super) async fn conclude(&mut self, seat: u32, from: Origin, done: Result<(), AmqpError>, wire: &mut Wire<'_>) {
        let (at, id) = (from.link.session(), from.delivery_id);
        match (done, from.settled) {
            (Ok(()), true) => {}
            (Ok(()), false) => wire.proto.settle(at, id, id, DeliveryState::Accepted, wire.out),
            (Err(error), false) => {
                wire.proto.settle(at, id, id, DeliveryState::Rejected(Some(Box::new(error))), wire.out);
            }
            // Nobody waits for a word on it: the link is the only place to say that something is wrong.
            (Err(error), true) => {
                if let Some(device) = self.at(seat) {
                    tracing::info!(device = %device.session.id(), "an amqp link of the device is detached: {error}");
                }
                let gone = wire.detach(from.link, error);
                self.forget(from.link, gone, DisconnectReason::ProtocolError).await;
            }
        }
    }
}
