//! One connection, from the first byte to the last: what comes is handled, what there is for the client is sent.

use std::{pin::pin, sync::Arc, time::Duration};

use roadstead_amqp_proto::{
    AmqpError, Attach, Connection, DeliveryState, Map, Open, SenderSettleMode, condition,
    connection::{Answer, Delivery, Event, LinkId, Settings, Step},
    sasl::{SaslCode, SaslInit},
};
use roadstead_hub::{CloseReason, Hub};
use roadstead_model::DisconnectReason;
use roadstead_wire::amqp::LinkAddress;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    AmqpFront, Caller,
    attach::{self, Opening, Place},
    device::{DeviceLink, Devices, Ending, Part, Wire},
    devicebound,
    dps_login::Greeting,
    dps_session,
    end::End,
    grants::Grants,
    limits,
    link::{Link, Links},
    login, refusal, request, sending,
    stream::ByteStream,
};

/// Which hub a client speaks to, and by what name it called it.
pub(crate) struct Opened {
    pub(crate) hub: Arc<Hub>,
    host: Box<str>,
}

/// What is known of a connection.
pub(crate) struct Conversation<'f> {
    pub(crate) front: &'f AmqpFront,
    caller: &'f Caller,
    pub(crate) proto: Connection,
    started: Instant,
    /// Since when nothing speaks for the client: neither a token nor a device that was let in.
    unknown_since: Option<Instant>,
    pub(crate) opened: Option<Opened>,
    grants: Grants,
    pub(crate) links: Links,
    devices: Devices,
    /// Woken when a partition is lost, or the hub has a word for a device.
    wake: Arc<Notify>,
    /// The client wants DPS.
    dps: Option<Box<Greeting>>,
}

pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    front: &AmqpFront,
    stream: &mut ByteStream<S>,
    caller: &Caller,
) -> End {
    let mut conversation = Conversation {
        front,
        caller,
        proto: Connection::new(settings(), 0),
        started: Instant::now(),
        unknown_since: Some(Instant::now()),
        opened: None,
        grants: Grants::default(),
        links: Links::default(),
        devices: Devices::default(),
        wake: Arc::default(),
        dps: None,
    };
    let end = match conversation.converse(stream).await {
        Ok(greeting) => {
            let Conversation { proto, started, .. } = conversation;
            return Box::pin(dps_session::run(front, caller, stream, (proto, started), *greeting)).await;
        }
        Err(end) => end,
    };
    if let End::ClosedByHub(reason) = end {
        let Conversation { proto, links, devices, .. } = &mut conversation;
        devices.shut_all(reason, &mut Wire { proto, links, out: stream.out() });
        let why = format!("the hub closed the connection: {reason}; connect again");
        conversation.proto.close(Some(AmqpError::new(condition::CONNECTION_FORCED, &why)), stream.out());
    }
    std::mem::take(&mut conversation.devices).end(end.disconnect_reason());
    if conversation.opened.is_none() {
        front.counters.refused.increment(1);
    }
    if !matches!(end, End::Lost(_) | End::NotReading) {
        let _ = timeout(limits::CLOSE_WAIT, stream.flush()).await;
    }
    end
}

fn settings() -> Settings {
    Settings {
        mechanisms: login::MECHANISMS,
        max_frame_size: limits::FRAME_BYTES_MAX,
        channel_max: limits::CHANNEL_MAX,
        links_max: limits::LINKS_MAX,
        idle_time_out_ms: limits::IDLE_TIME_OUT_MS,
        partial_bytes_max: limits::PARTIAL_BYTES_MAX,
        ..Settings::default()
    }
}

impl Conversation<'_> {
    /// Speaks as a hub does, until the client turns out to want DPS.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut ByteStream<S>,
    ) -> Result<Box<Greeting>, End> {
        let mut alarm = pin!(sleep_until(self.started));
        // When the client last took something, or there was nothing for it to take.
        let mut taken = self.started;
        loop {
            self.take(stream).await?;
            if let Some(greeting) = self.dps.take() {
                return Ok(greeting);
            }
            if self.devices.has_work() {
                Box::pin(self.tend_devices(stream.out())).await;
            }
            let opened = self.opened.as_ref().map(|opened| opened.hub.clone());
            let seen = opened.as_ref().map(|hub| hub.events_stored());
            let is_hungry = self.pump(stream).await?;
            if self.proto.is_over() {
                return Err(End::Closed);
            }
            let now = Instant::now();
            if stream.waiting() == 0 {
                taken = now;
            }
            self.unknown_since = if self.is_known() { None } else { self.unknown_since.or(Some(now)) };
            alarm.as_mut().reset(self.next_look(taken + limits::WRITE_WAIT));
            let reads = stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX;
            tokio::select! {
                biased;
                reason = closed(opened.as_deref()) => return Err(End::ClosedByHub(reason)),
                () = self.wake.notified() => self.devices.mark_those_with_a_word(false),
                () = &mut alarm => {
                    if stream.waiting() > 0 && taken.elapsed() >= limits::WRITE_WAIT {
                        return Err(End::NotReading);
                    }
                    Box::pin(self.look(stream.out())).await?;
                }
                moved = stream.turn(reads) => {
                    let moved = moved?;
                    if moved.wrote {
                        taken = Instant::now();
                    }
                    if moved.closed {
                        return Err(End::HungUp);
                    }
                }
                () = stored_after(opened.as_deref().zip(seen).filter(|_| is_hungry)) => {}
            }
        }
    }

    /// Milliseconds since the connection began.
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn is_known(&self) -> bool {
        !(self.grants.is_empty() && self.devices.is_empty())
    }

    /// How long the connection may stay as it is; `None` when somebody is known on it.
    fn unknown_until(&self) -> Option<Instant> {
        let has_certificate = !self.caller.certificates.is_empty();
        Some(self.unknown_since? + if has_certificate { limits::CERTIFICATE_WAIT } else { limits::TOKEN_WAIT })
    }

    /// Handles what came, as long as the client takes the answers.
    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut ByteStream<S>) -> Result<(), End> {
        while stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX && self.dps.is_none() {
            let now_ms = self.now_ms();
            let (input, out) = stream.parts();
            let Step { consumed, event } = self.proto.read(input, now_ms, out)?;
            let Some(event) = event else {
                stream.consume(consumed);
                break;
            };
            self.handle(event, out).await?;
            stream.consume(consumed);
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        if let Event::Delivery(delivery) = &event
            && let Some(DeviceLink { seat, part: Part::Telemetry }) = self.links.find_device(delivery.link)
        {
            self.take_telemetry(seat, delivery, out);
            return Ok(());
        }
        // What follows may wait for a later batch than that of the telemetry before it, which would then speak for both.
        if self.devices.has_unsettled() {
            Box::pin(self.settle_telemetry(out)).await;
        }
        match event {
            Event::SaslInit(init) => {
                self.dps = Greeting::by_sasl(&init).map(Box::new);
                if self.dps.is_some() { Ok(()) } else { Box::pin(self.judge_sasl(&init, out)).await }
            }
            Event::SaslResponse(_) => {
                self.proto.sasl_outcome(SaslCode::Auth, out);
                Err(End::Refused("a SASL response to no challenge".to_owned()))
            }
            Event::Opened(open) => {
                let has_certificate = !self.caller.certificates.is_empty();
                let dps = Greeting::by_open(&self.front.hubs, &self.front.dps, &open, has_certificate);
                self.dps = dps.map(Box::new);
                if self.dps.is_some() { Ok(()) } else { self.open(&open, out) }
            }
            Event::Attach { link, attach } => {
                if self.links.all.is_empty() {
                    self.dps = Greeting::by_attach(link, &attach).map(Box::new);
                }
                if self.dps.is_some() {
                    return Ok(());
                }
                Box::pin(self.attach(link, attach, out)).await;
                Ok(())
            }
            Event::Delivery(delivery) => {
                Box::pin(self.deliver(delivery, out)).await;
                Ok(())
            }
            Event::Credit { link, drain, .. } => {
                self.note_credit(link, drain, out);
                Ok(())
            }
            Event::WindowOpened(_) => {
                self.devices.mark_those_with_a_word(true);
                Ok(())
            }
            Event::Outcome { link, delivery_id, key, state, settled } => {
                let answer = Box::pin(self.settle(link, key, state.as_ref())).await;
                if let Some(answer) = answer.filter(|_| !settled) {
                    self.proto.settle_sent(link, delivery_id, answer, out);
                }
                Ok(())
            }
            Event::Detached { link, .. } => {
                let gone = self.links.remove(link);
                Box::pin(self.devices.forget(link, gone, DisconnectReason::ClientClosed)).await;
                Ok(())
            }
            Event::Ended { session, .. } => {
                for (link, gone) in self.links.end(session) {
                    Box::pin(self.devices.forget(link, Some(gone), DisconnectReason::ClientClosed)).await;
                }
                Ok(())
            }
            Event::Closed { error: None } => Err(End::Closed),
            Event::Closed { error: Some(error) } => Err(End::GivenUp(error)),
        }
    }

    async fn judge_sasl(&mut self, init: &SaslInit<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match login::judge_sasl(&self.front.hubs, init, &mut self.grants).await {
            Ok(()) => {
                self.proto.sasl_outcome(SaslCode::Ok, out);
                Ok(())
            }
            Err((code, why)) => {
                self.proto.sasl_outcome(code, out);
                Err(End::Refused(why))
            }
        }
    }

    fn open(&mut self, open: &Open, out: &mut Vec<u8>) -> Result<(), End> {
        match login::find_opened(&self.front.hubs, open) {
            Ok(hub) => {
                self.proto.open(&hub.resource().host_name, Map::default(), out);
                let name = open.hostname.as_deref().unwrap_or_default();
                // The port, if the client wrote one, is the one redirects name anyway.
                let host = name.rsplit_once(':').map_or(name, |(host, _)| host).into();
                self.opened = Some(Opened { hub, host });
                self.front.counters.accepted.increment(1);
                Ok(())
            }
            Err(error) => {
                let why = error.to_string();
                self.proto.open("roadstead", Map::default(), out);
                self.proto.close(Some(error), out);
                Err(End::Refused(why))
            }
        }
    }

    async fn attach(&mut self, id: LinkId, mut attach: Box<Attach>, out: &mut Vec<u8>) {
        let Some(Opened { hub, host }) = &self.opened else { return };
        let Self { front, caller, grants, wake, .. } = self;
        let certificates = &caller.certificates;
        let place = Place { hub, grants, certificates, wake, host, port: front.port };
        let (address, _) = attach::end_of(&attach);
        match LinkAddress::parse(address) {
            Some(LinkAddress::Device { path }) => {
                let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
                return self.devices.attach(&place, id, (path, &attach), &mut wire).await;
            }
            Some(LinkAddress::Cbs | LinkAddress::Management { .. })
                if self.links.count_of_nodes() >= limits::NODE_LINKS_MAX =>
            {
                let why = "the connection has too many links to this node already: use those it has";
                let error = AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why);
                return self.proto.refuse(id, &attach, error, out);
            }
            _ => {}
        }
        match attach::open(&place, &attach).await {
            Ok(Opening { link, credit, message_bytes_max }) => {
                let answer = Answer { max_message_size: message_bytes_max, ..Answer::default() };
                if let Some(settled) = link.is_settled() {
                    attach.snd_settle_mode =
                        if settled { SenderSettleMode::Settled } else { SenderSettleMode::Unsettled };
                }
                if self.proto.accept(id, &attach, answer, out) {
                    if credit > 0 {
                        self.proto.grant(id, credit, out);
                    }
                    self.links.put(id, link);
                }
            }
            Err(error) => {
                tracing::info!(hub = %hub.resource().name, "an amqp link was refused: {error}");
                self.proto.refuse(id, &attach, error, out);
            }
        }
    }

    /// A message from the client. It is settled when what it wants is done, durably.
    async fn deliver(&mut self, delivery: Delivery<'_>, out: &mut Vec<u8>) {
        let Some(hub) = self.opened.as_ref().map(|opened| opened.hub.clone()) else { return };
        let id = delivery.link;
        if let Some(link) = self.links.find_device(id) {
            let now = self.front.clock.now();
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            self.devices.deliver(link, &delivery, now, &mut wire).await;
            return self.renew_credit(id, link.credit(), out);
        }
        let (done, credit) = match self.links.all.get(&id) {
            Some(Link::Requests(node)) => {
                let node = *node;
                let answered = request::answer(node, &hub, &mut self.grants, &delivery.payload).await;
                if let Some(token) = self.grants.take_fresh() {
                    self.devices.renew(token).await;
                }
                let done = answered.and_then(|(answer, reply_to)| {
                    let to = self.links.find_replies(node, reply_to, id.session());
                    to.map_or(Ok(()), |to| self.reply(to, answer, out))
                });
                (done, limits::REQUESTS_MAX)
            }
            Some(Link::Devicebound) => {
                let done = devicebound::send(&hub, delivery.message_format, &delivery.payload).await;
                if done.is_ok() {
                    self.front.counters.devicebound.increment(1);
                }
                (done, limits::DEVICEBOUND_MAX)
            }
            _ => return,
        };
        if let Err(error) = &done {
            tracing::info!(hub = %hub.resource().name, "an amqp message was refused: {error}");
        }
        if !delivery.settled {
            let state = match done {
                Ok(()) => DeliveryState::Accepted,
                Err(error) => DeliveryState::Rejected(Some(Box::new(error))),
            };
            self.proto.settle(id.session(), delivery.delivery_id, delivery.delivery_id, state, out);
        }
        self.renew_credit(id, credit, out);
    }

    fn take_telemetry(&mut self, seat: u32, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.take_telemetry(seat, delivery, &mut wire, &self.front.counters);
        self.renew_credit(delivery.link, limits::TELEMETRY_MAX, out);
    }

    /// Lets the client send as much as at first, once half of that is used up.
    fn renew_credit(&mut self, id: LinkId, credit: u32, out: &mut Vec<u8>) {
        if self.proto.credit(id) <= credit / 2 {
            self.proto.grant(id, credit, out);
        }
    }

    /// Sends an answer, now or when the client takes it.
    fn reply(&mut self, to: LinkId, answer: Vec<u8>, out: &mut Vec<u8>) -> Result<(), AmqpError> {
        let Some(Link::Replies(replies)) = self.links.all.get_mut(&to) else { return Ok(()) };
        if replies.waiting.len() >= limits::REPLIES_WAITING_MAX {
            let why = "too many answers wait: give the receiver's link more credit";
            return Err(AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why));
        }
        replies.waiting.push_back(answer);
        sending::send_replies(&mut self.proto, to, replies, out);
        Ok(())
    }

    fn note_credit(&mut self, id: LinkId, drain: bool, out: &mut Vec<u8>) {
        if let Some(link) = self.links.find_device(id) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            return self.devices.note_credit(link, drain, &mut wire);
        }
        match self.links.all.get_mut(&id) {
            Some(Link::Replies(replies)) => {
                sending::send_replies(&mut self.proto, id, replies, out);
                if drain {
                    self.proto.drained(id, out);
                }
            }
            // What there is goes out with the next look at the link.
            Some(Link::Events(link)) => link.drain = drain,
            Some(Link::Queue(link)) => {
                link.drain = drain;
                link.look = Instant::now();
            }
            Some(Link::Requests(_) | Link::Devicebound | Link::Device(_)) | None => {}
        }
    }

    /// What the client made of a delivery. `Some` is the answer, should it want one.
    async fn settle(&mut self, id: LinkId, key: u64, state: Option<&DeliveryState>) -> Option<DeliveryState> {
        let hub = self.opened.as_ref()?.hub.clone();
        if let Some(link) = self.links.find_device(id) {
            return self.devices.settle(link, key, state).await;
        }
        match self.links.all.get_mut(&id)? {
            Link::Queue(link) => link.settle(&hub, key, state).await,
            // Reading takes nothing away: whatever a reader says of an event, it is done with it.
            _ => state.filter(|state| state.is_outcome()).map(|_| DeliveryState::Accepted),
        }
    }

    /// When to look at the clock next.
    fn next_look(&self, unread_until: Instant) -> Instant {
        let mut next = (Instant::now() + limits::LOOK).min(unread_until);
        if let Some(tick_ms) = self.proto.next_tick_ms() {
            next = next.min(self.started + Duration::from_millis(tick_ms));
        }
        if self.opened.is_none() {
            next = next.min(self.started + limits::OPEN_WAIT);
        }
        if let Some(over) = self.unknown_until() {
            next = next.min(over);
        }
        if let Some(over) = self.grants.next_expiry() {
            let left_ms = u64::try_from(over.0.saturating_sub(self.front.clock.now().0)).unwrap_or(0);
            next = next.min(Instant::now() + Duration::from_millis(left_ms).min(limits::LOOK));
        }
        if let Some(fault) = self.devices.next_fault() {
            next = next.min(fault);
        }
        if let Some(over) = self.devices.next_expiry() {
            let left_ms = u64::try_from(over.0.saturating_sub(self.front.clock.now().0)).unwrap_or(0);
            next = next.min(Instant::now() + Duration::from_millis(left_ms).min(limits::LOOK));
        }
        let waiting = self.links.all.iter().filter_map(|(id, link)| match link {
            Link::Queue(link) if self.proto.can_send(*id) => Some(link.look),
            _ => None,
        });
        waiting.fold(next, Instant::min)
    }

    /// Does what is due by the clock.
    async fn look(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        if self.opened.is_none() && self.started.elapsed() >= limits::OPEN_WAIT {
            return Err(End::NoOpen);
        }
        self.proto.tick(self.now_ms(), out)?;
        let now = self.front.clock.now();
        if self.grants.next_expiry().is_some_and(|over| over <= now) {
            self.grants.expire(now);
            self.judge_links(out);
        }
        if self.devices.next_fault().is_some_and(|at| at <= Instant::now()) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            match self.devices.fail(&mut wire).await {
                Some(Ending::Cut) => return Err(End::Fault),
                Some(Ending::Close(error)) => {
                    self.proto.close(error, out);
                    return Err(End::Fault);
                }
                None => {}
            }
        }
        if self.devices.next_expiry().is_some_and(|over| over <= now) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            if self.devices.expire(now, &mut wire) && self.grants.next_expiry().is_none() {
                let why = "no token is left that is good: connect again with another";
                self.proto.close(Some(AmqpError::new(condition::UNAUTHORIZED_ACCESS, why)), out);
                return Err(End::Refused(why.to_owned()));
            }
        }
        if self.unknown_until().is_some_and(|over| over <= Instant::now()) {
            let why = End::NoToken.to_string();
            self.proto.close(Some(AmqpError::new(condition::UNAUTHORIZED_ACCESS, &why)), out);
            return Err(End::NoToken);
        }
        Ok(())
    }

    /// Sends what the hub has for the devices of this connection, once their telemetry is settled.
    async fn tend_devices(&mut self, out: &mut Vec<u8>) {
        self.settle_telemetry(out).await;
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.tend(&mut wire).await;
    }

    async fn settle_telemetry(&mut self, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.settle_telemetry(hub, &mut wire).await;
    }

    /// Detaches the links that no token opens any more.
    fn judge_links(&mut self, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        let refused = |(id, link): (&LinkId, &Link)| {
            let refused = self.grants.judge(hub, &link.access()?).err()?;
            let why = format!("the token expired and was not renewed: {}", refusal::text(&refused));
            Some((*id, AmqpError::new(condition::UNAUTHORIZED_ACCESS, &why)))
        };
        let over: Vec<_> = self.links.all.iter().filter_map(refused).collect();
        for (id, error) in over {
            self.proto.detach(id, Some(error), out);
            self.links.remove(id);
        }
    }
}

/// Waits for the hub's end, for ever without a hub.
async fn closed(hub: Option<&Hub>) -> CloseReason {
    match hub {
        Some(hub) => hub.closed().await,
        None => std::future::pending().await,
    }
}

/// Waits until more events are stored, for ever if nobody waits for them.
async fn stored_after(waits: Option<(&Hub, roadstead_hub::Ticket)>) {
    match waits {
        Some((hub, seen)) => hub.events_stored_after(seen).await,
        None => std::future::pending().await,
    }
}
