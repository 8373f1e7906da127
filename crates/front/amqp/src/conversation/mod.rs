//! One connection, from the first byte to the last: what comes is handled, what there is for the client is sent.

mod due;
mod incoming;
mod sending;

use std::{pin::pin, sync::Arc};

use roadstead_amqp_proto::{
    AmqpError, Connection, Map, Open, condition,
    connection::{Event, Settings, Step},
    sasl::{SaslCode, SaslInit},
};
use roadstead_hub::{CloseReason, Hub, Revision};
use roadstead_model::{DisconnectReason, JournalOwner, RefusalCause};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    AmqpFront, Caller,
    backend::devicebound::Outbox,
    device::{DeviceLink, Devices, Part, Wire},
    dps::{self, Greeting},
    end::End,
    grants::Grants,
    limits,
    link::Links,
    login::{self, Denied},
    noted::{self, Claim},
    stream::ByteStream,
};

/// Which hub a client speaks to, and by what name it called it.
struct Opened {
    hub: Arc<Hub>,
    /// By which of the hub's resources links were judged, at the latest.
    judged: Revision,
    host: Box<str>,
}

/// What is known of a connection.
struct Conversation<'f> {
    front: &'f AmqpFront,
    caller: &'f Caller,
    proto: Connection,
    started: Instant,
    /// Since when nothing speaks for the client: neither a token nor a device that was let in.
    unknown_since: Option<Instant>,
    /// It was known once: who lets go of all links or whose token ran out is no stranger.
    was_known: bool,
    opened: Option<Opened>,
    grants: Grants,
    links: Links,
    devices: Devices,
    outbox: Outbox,
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
        was_known: false,
        opened: None,
        grants: Grants::new(front.bearers.clone()),
        links: Links::default(),
        devices: Devices::default(),
        outbox: Outbox::default(),
        wake: Arc::default(),
        dps: None,
    };
    let end = match conversation.converse(stream).await {
        Ok(greeting) => {
            let Conversation { proto, started, .. } = conversation;
            return Box::pin(dps::session::run(front, caller, stream, (proto, started), *greeting)).await;
        }
        Err(end) => end,
    };
    if conversation.devices.has_requests() {
        let Conversation { proto, links, devices, .. } = &mut conversation;
        let mut unheard = Vec::new();
        let out = if matches!(end, End::ClosedByHub(_)) { stream.out() } else { &mut unheard };
        Box::pin(devices.finish(&mut Wire { proto, links, out })).await;
    }
    if let End::ClosedByHub(reason) = end {
        let why = format!("the hub closed the connection: {reason}; connect again");
        conversation.close(Some(AmqpError::new(condition::CONNECTION_FORCED, &why)), stream.out());
    }
    std::mem::take(&mut conversation.devices).end(end.disconnect_reason());
    let nobody = || {
        let opened = conversation.opened.as_ref();
        let owner = opened.map_or(JournalOwner::NoHub, |opened| opened.hub.journal_owner());
        Claim::of_nobody(owner, opened.map_or_else(String::new, |opened| opened.host.to_string()))
    };
    match &end {
        End::Protocol(error) => noted::broke_the_rules(front, caller, nobody(), error),
        // What it said was refused: that is noted already.
        End::NoToken if conversation.grants.was_refused => {}
        End::NoOpen | End::NoToken if !conversation.was_known => noted::said_nothing(front, caller, nobody(), &end),
        _ => {}
    }
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
            if !self.outbox.is_empty() {
                Box::pin(self.send_devicebound(stream.out())).await;
            }
            let opened = self.opened.as_ref().map(|opened| (opened.hub.clone(), opened.judged));
            let hub = opened.as_ref().map(|(hub, _)| &**hub);
            let seen = hub.map(Hub::events_stored);
            let is_hungry = self.pump(stream).await?;
            if self.proto.is_over() {
                return Err(End::Closed);
            }
            let now = Instant::now();
            if stream.waiting() == 0 {
                taken = now;
            }
            self.was_known |= self.is_known();
            self.unknown_since = if self.is_known() { None } else { self.unknown_since.or(Some(now)) };
            let look = self.next_look(now, taken + limits::WRITE_WAIT);
            // An alarm that rings too early costs less than setting it at every turn.
            if look < alarm.deadline() || alarm.is_elapsed() {
                alarm.as_mut().reset(look);
            }
            let reads = stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX && self.devices.takes_requests();
            tokio::select! {
                biased;
                outcome = replaced(opened.as_ref()) => {
                    outcome.map_err(End::ClosedByHub)?;
                    self.judge_again(stream.out());
                }
                () = self.wake.notified() => self.devices.mark_those_with_a_word(false),
                () = &mut alarm => {
                    if stream.waiting() > 0 && taken.elapsed() >= limits::WRITE_WAIT {
                        return Err(End::NotReading);
                    }
                    Box::pin(self.look(stream.out())).await?;
                }
                answered = self.devices.answered(), if self.devices.has_requests() => {
                    let (proto, links, out) = (&mut self.proto, &mut self.links, stream.out());
                    Box::pin(self.devices.tell(answered, &mut Wire { proto, links, out })).await;
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
                () = stored_after(hub.zip(seen).filter(|_| is_hungry)) => {}
            }
        }
    }

    /// Milliseconds since the connection began.
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Handles what came, as long as the client takes the answers.
    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut ByteStream<S>) -> Result<(), End> {
        let now_ms = self.now_ms();
        while stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX && self.dps.is_none() && self.devices.takes_requests() {
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
        if let Event::Delivery(delivery) = &event
            && self.links.is_devicebound(delivery.link)
        {
            Box::pin(self.take_devicebound(delivery, out)).await;
            return Ok(());
        }
        // What follows may wait for a later batch than that of the telemetry before it, which would then speak for both.
        if self.devices.has_unsettled() {
            Box::pin(self.settle_telemetry(out)).await;
        }
        if !self.outbox.is_empty() {
            Box::pin(self.send_devicebound(out)).await;
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
            Event::Detached { link, error } => {
                if let Some((device, error)) = self.links.find_device(link).zip(error) {
                    self.devices.note_detached(device, error);
                }
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
        match login::judge_sasl(&self.front.hubs, init, &mut self.grants, self.caller.origin()).await {
            Ok(()) => {
                self.proto.sasl_outcome(SaslCode::Ok, out);
                Ok(())
            }
            Err(Denied { why, claim }) => {
                if let Some(claim) = claim {
                    noted::refused(self.front, self.caller, claim, login::SASL_AUTH, &why);
                }
                self.proto.sasl_outcome(SaslCode::Auth, out);
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
                self.opened = Some(Opened { judged: hub.revision(), hub, host });
                self.front.counters.accepted.increment(1);
                Ok(())
            }
            Err(error) => {
                let why = error.to_string();
                let target = open.hostname.as_deref().unwrap_or_default().to_owned();
                let nobody = Claim::of_nobody(JournalOwner::NoHub, target);
                let claim = Claim { cause: RefusalCause::UnknownHost, ..nobody };
                let words = error.description.as_deref().unwrap_or_default();
                noted::refused(self.front, self.caller, claim, &error.condition, words);
                self.proto.open("roadstead", Map::default(), out);
                self.proto.close(Some(error), out);
                Err(End::Refused(why))
            }
        }
    }

    /// Ends the sessions, then closes: node waits 45 s for a word on each link of a connection that is closed over its sessions,
    /// and is back at once when they were ended, with no error or one that it takes for passing.
    fn close(&mut self, error: Option<AmqpError>, out: &mut Vec<u8>) {
        let mut of_sessions = error.clone();
        if let Some(error) = of_sessions.as_mut().filter(|error| &*error.condition == condition::CONNECTION_FORCED) {
            error.condition = condition::DETACH_FORCED.into();
        }
        for session in self.links.sessions() {
            self.proto.end(session, of_sessions.clone(), out);
        }
        self.proto.close(error, out);
    }

    /// Sends what the hub has for the devices of this connection, once their telemetry is settled.
    async fn tend_devices(&mut self, out: &mut Vec<u8>) {
        self.settle_telemetry(out).await;
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.tend(&mut wire).await;
    }

    pub(super) async fn settle_telemetry(&mut self, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
        self.devices.settle_telemetry(hub, &mut wire).await;
    }
}

/// Waits until the hub's resource is another one, for ever without a hub. Errors: the hub's end.
async fn replaced(opened: Option<&(Arc<Hub>, Revision)>) -> Result<(), CloseReason> {
    match opened {
        Some((hub, judged)) => hub.replaced_after(*judged).await,
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
