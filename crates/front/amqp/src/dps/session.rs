//! A device's connection to DPS: it proves itself, attaches a link each way, registers, and leaves.
//!
//! Who comes by SASL is judged at `open`. Who comes with a certificate is named by its first link, and judged at its requests: the
//! Node SDK waits in vain when a link is refused. Each request judges again. A refusal is the JSON of all protocols, in the description of an AMQP error. Source: `reference/dps.md` 1.4

use std::{collections::VecDeque, pin::pin, time::Duration};

use roadstead_amqp_proto::{
    AmqpError, Attach, Connection, DeliveryState, Map, Open, SenderSettleMode, Value, condition,
    connection::{Answer, Delivery, Event, LinkId, Sending, Settling, Step},
    message::Message,
    sasl::SaslCode,
};
use roadstead_dps::DpsError;
use roadstead_model::{JournalOwner, RefusalCause};
use roadstead_wire::amqp::{dps, dps::Registrant, sasl_tpm};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until, timeout},
};

use super::{
    Device, Greeting,
    device::Refused,
    refusal::{self, is_unauthorized},
    sasl::{TpmExchange, Turn},
};
use crate::{
    AmqpFront, Caller,
    attach::end_of,
    end::{End, shown},
    limits,
    noted::{self, Claim},
    refusal::undecodable,
    stream::ByteStream,
};

/// The name by which we open. Azure: `IoTDPSGW_…`
const CONTAINER: &str = "roadstead-dps";

struct Session<'f> {
    front: &'f AmqpFront,
    caller: &'f Caller,
    proto: Connection,
    started: Instant,
    /// When the connection ends at the latest.
    deadline: Instant,
    opened: bool,
    tpm: TpmExchange,
    device: Option<Device>,
    api_version: Box<str>,
    /// Where answers go, and whether they go settled.
    answers_to: Option<(LinkId, bool)>,
    answers: VecDeque<Vec<u8>>,
    sent: u32,
    requests: usize,
}

enum Never {}

/// Goes on where a client turned out to want DPS. `began`: the engine, and when its clock began.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    front: &AmqpFront,
    caller: &Caller,
    stream: &mut ByteStream<S>,
    (proto, started): (Connection, Instant),
    greeting: Greeting,
) -> End {
    let mut session = Session {
        front,
        caller,
        proto,
        started,
        deadline: Instant::now() + limits::DPS_SESSION,
        opened: false,
        tpm: TpmExchange::Rests,
        device: None,
        api_version: Box::default(),
        answers_to: None,
        answers: VecDeque::new(),
        sent: 0,
        requests: 0,
    };
    let end = match session.converse(stream, greeting).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    if let End::Revoked(_) | End::TooLong | End::TooManyRequests = end {
        let mut error = AmqpError::new(condition::CONNECTION_FORCED, &end.to_string());
        if matches!(end, End::TooManyRequests) {
            error = session.note(RefusalCause::Throttled, error);
        }
        session.proto.close(Some(error), stream.out());
    }
    if let End::Protocol(error) = &end {
        noted::broke_the_rules(front, caller, session.claim(), error);
    }
    if !session.opened {
        front.counters.refused.increment(1);
    }
    if !matches!(end, End::Lost(_)) {
        let _ = timeout(limits::CLOSE_WAIT, stream.flush()).await;
    }
    end
}

impl Session<'_> {
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut ByteStream<S>,
        greeting: Greeting,
    ) -> Result<Never, End> {
        self.greet(greeting, stream.out()).await?;
        let mut alarm = pin!(sleep_until(self.deadline));
        loop {
            self.take(stream).await?;
            if self.proto.is_over() {
                return Err(End::Closed);
            }
            alarm.as_mut().reset(self.next_look());
            let reads = stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX;
            tokio::select! {
                biased;
                reason = closed(self.device.as_ref()) => return Err(End::Revoked(reason)),
                () = &mut alarm => self.look(stream.out())?,
                moved = stream.turn(reads) => {
                    if moved?.closed {
                        return Err(End::HungUp);
                    }
                }
            }
        }
    }

    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut ByteStream<S>) -> Result<(), End> {
        while stream.waiting() < limits::ANSWER_BYTES_AHEAD_MAX {
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

    /// Answers what the client said before it was known that it wants DPS.
    async fn greet(&mut self, greeting: Greeting, out: &mut Vec<u8>) -> Result<(), End> {
        match greeting {
            Greeting::Plain { who, token } => {
                self.device = Some(Device::new(&self.front.dps, who, Some(token), self.caller.origin()));
                self.proto.sasl_outcome(SaslCode::Ok, out);
            }
            Greeting::Tpm(Some(init)) => {
                self.tpm = TpmExchange::Begun(Box::new(init));
                self.proto.sasl_challenge(&sasl_tpm::ASK_STORAGE_ROOT_KEY, out);
            }
            Greeting::Tpm(None) => {
                return Err(self.refuse_sasl("SASL TPM without ID scope, registration id and key", out));
            }
            Greeting::Open(open) => self.open(&open, out).await?,
            Greeting::Attach(link, attach) => {
                self.opened = true;
                self.attach(link, &attach, out);
            }
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match event {
            Event::SaslInit(_) => return Err(self.refuse_sasl("a second sasl-init", out)),
            Event::SaslResponse(response) => self.respond(response.0, out).await?,
            Event::Opened(open) => self.open(&open, out).await?,
            Event::Attach { link, attach } => self.attach(link, &attach, out),
            Event::Delivery(delivery) => self.deliver(&delivery, out).await?,
            Event::Credit { link, drain, .. } => {
                self.send_answers(out);
                if drain {
                    self.proto.drained(link, out);
                }
            }
            Event::WindowOpened(_) => self.send_answers(out),
            Event::Outcome { link, delivery_id, settled, .. } => {
                if !settled {
                    self.proto.settle_sent(link, delivery_id, DeliveryState::Accepted, out);
                }
            }
            Event::Detached { link, error } => {
                self.answers_to = self.answers_to.filter(|(to, _)| *to != link);
                if let Some(error) = error.filter(|error| &*error.condition == condition::MESSAGE_SIZE_EXCEEDED) {
                    self.note(RefusalCause::TooLarge, error);
                }
            }
            Event::Ended { session, .. } => {
                self.answers_to = self.answers_to.filter(|(to, _)| to.session() != session);
            }
            Event::Closed { error: None } => return Err(End::Closed),
            Event::Closed { error: Some(error) } => return Err(End::GivenUp(error)),
        }
        Ok(())
    }

    fn refuse_sasl(&mut self, why: &str, out: &mut Vec<u8>) -> End {
        self.proto.sasl_outcome(SaslCode::Auth, out);
        End::Refused(why.to_owned())
    }

    /// The next step of the mechanism TPM.
    async fn respond(&mut self, response: &[u8], out: &mut Vec<u8>) -> Result<(), End> {
        match self.tpm.respond(&self.front.dps, self.caller.origin(), &mut self.device, response).await {
            Turn::Challenge(challenge) => self.proto.sasl_challenge(&challenge, out),
            Turn::Done => self.proto.sasl_outcome(SaslCode::Ok, out),
            Turn::Refused(why) => return Err(self.refuse_sasl(&why, out)),
        }
        Ok(())
    }

    async fn open(&mut self, open: &Open, out: &mut Vec<u8>) -> Result<(), End> {
        let judged = match &self.device {
            Some(device) => device.authenticate(&self.caller.certificates).await,
            None => Ok(()),
        };
        match judged {
            Err(refused) if is_unauthorized(&refused) => {
                let error = self.word(&refused);
                let mut described = Vec::new();
                error.encode(&mut described);
                let open_error = Value::decode(&described).expect("it was encoded just now");
                let properties = Map(vec![(Value::symbol(dps::OPEN_ERROR), open_error)]);
                self.proto.open(CONTAINER, properties, out);
                self.proto.close(Some(error), out);
                Err(End::Refused(refused.to_string()))
            }
            // What else is amiss, its requests are told.
            _ => {
                tracing::debug!(container = shown(&open.container_id), "amqp connection to dps");
                self.proto.open(CONTAINER, Map::default(), out);
                self.opened = true;
                self.front.counters.accepted.increment(1);
                Ok(())
            }
        }
    }

    fn attach(&mut self, id: LinkId, attach: &Attach, out: &mut Vec<u8>) {
        let (address, sends) = end_of(attach);
        if let Err(error) = self.admit(address) {
            self.proto.refuse(id, attach, self.note(RefusalCause::BadRequest, error), out);
            return;
        }
        let api_version = attach.properties.0.iter().find(|(key, _)| key.as_text() == Some(dps::API_VERSION));
        if let Some(api_version) = api_version.and_then(|(_, value)| value.as_text()) {
            self.api_version = api_version.into();
        }
        let max_message_size = if sends { limits::DPS_MESSAGE_BYTES_MAX } else { 0 };
        if !self.proto.accept(id, attach, Answer { max_message_size, ..Answer::default() }, out) {
            return;
        }
        if sends {
            self.proto.grant(id, limits::DPS_REQUESTS_AHEAD_MAX, out);
        } else {
            self.answers_to = Some((id, attach.snd_settle_mode == SenderSettleMode::Settled));
            self.send_answers(out);
        }
    }

    /// Judges the address of a link: the first one names a device that has not named itself before.
    fn admit(&mut self, address: &str) -> Result<(), AmqpError> {
        let Some(who) = Registrant::parse(address) else {
            let address = shown(address);
            let why = format!("The link address '{address}' did not match any of the expected formats.");
            return Err(AmqpError::new(condition::NOT_FOUND, &why));
        };
        let Some(device) = &self.device else {
            self.device = Some(Device::new(&self.front.dps, who, None, self.caller.origin()));
            return Ok(());
        };
        if device.who.is(&who) {
            return Ok(());
        }
        let (logged_in, other) = (shown(&device.who.registration_id), shown(&who.registration_id));
        let why = format!("the link is for device `{other}`, and the connection is that of device `{logged_in}`");
        Err(AmqpError::new(condition::UNAUTHORIZED_ACCESS, &why))
    }

    /// A request. It is accepted when it is done, and the answer comes right behind.
    async fn deliver(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        self.requests += 1;
        if self.requests > limits::DPS_REQUESTS_MAX {
            return Err(End::TooManyRequests);
        }
        let state = match self.answer(delivery).await {
            Ok(answer) => {
                self.answers.push_back(answer);
                DeliveryState::Accepted
            }
            Err(error) => DeliveryState::Rejected(Some(Box::new(error))),
        };
        let link = delivery.link;
        if !delivery.settled {
            self.proto.settle(link.session(), delivery.delivery_id, delivery.delivery_id, state, out);
        }
        if self.proto.credit(link) <= limits::DPS_REQUESTS_AHEAD_MAX / 2 {
            self.proto.grant(link, limits::DPS_REQUESTS_AHEAD_MAX, out);
        }
        self.send_answers(out);
        Ok(())
    }

    async fn answer(&mut self, delivery: &Delivery<'_>) -> Result<Vec<u8>, AmqpError> {
        if self.answers.len() >= limits::DPS_ANSWERS_MAX {
            let why = "too many answers wait: attach a receiver of the same address, with credit";
            return Err(self.note(RefusalCause::Throttled, AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, why)));
        }
        let message = Message::decode(&delivery.payload);
        let message = message.map_err(|error| self.note(RefusalCause::BadRequest, undecodable(error)))?;
        let Some(device) = &self.device else {
            let error = AmqpError::new(condition::NOT_ALLOWED, "no device has named itself on this connection");
            return Err(self.note(RefusalCause::BadRequest, error));
        };
        self.front.counters.registrations.increment(1);
        match device.answer(&message, &self.api_version, &self.caller.certificates).await {
            Ok(answer) => Ok(answer),
            Err(Refused::Operation(name)) => {
                let (register, status) = (dps::REGISTER, dps::GET_OPERATION_STATUS);
                let why = format!("`{name}` is no operation: {} must be {register} or {status}", dps::OPERATION_TYPE);
                Err(self.note(RefusalCause::BadRequest, AmqpError::new(condition::NOT_FOUND, &why)))
            }
            Err(Refused::Dps(refused)) => {
                if is_unauthorized(&refused) {
                    self.deadline = self.deadline.min(Instant::now() + limits::DPS_REFUSED_WAIT);
                }
                Err(self.word(&refused))
            }
        }
    }

    /// Notes a refusal that is not DPS's own, and hands it back.
    fn note(&self, cause: RefusalCause, error: AmqpError) -> AmqpError {
        let words = error.description.as_deref().unwrap_or_default();
        noted::refused(self.front, self.caller, Claim { cause, ..self.claim() }, &error.condition, words);
        error
    }

    /// Whose connection it is, as far as the client said.
    fn claim(&self) -> Claim {
        let Some(Device { who, .. }) = &self.device else {
            return Claim::of_nobody(JournalOwner::NoDps, String::new());
        };
        let owner = self.front.dps.find(&who.id_scope).map_or(JournalOwner::NoDps, |dps| dps.journal_owner());
        Claim { id: who.registration_id.clone(), ..Claim::of_nobody(owner, who.id_scope.clone()) }
    }

    fn word(&self, refused: &DpsError) -> AmqpError {
        let id = self.device.as_ref().map_or("", |device| &device.who.registration_id);
        let scope = self.device.as_ref().map_or("", |device| &device.who.id_scope);
        self.front.dps.note_refused(scope, id, self.caller.origin(), refused);
        refusal::worded(refused, id, self.caller, &*self.front.clock)
    }

    fn send_answers(&mut self, out: &mut Vec<u8>) {
        let Some((to, settled)) = self.answers_to else { return };
        while self.proto.can_send(to) {
            let Some(answer) = self.answers.pop_front() else { return };
            self.sent = self.sent.wrapping_add(1);
            let tag = self.sent.to_be_bytes();
            let settling = if settled { Settling::Before } else { Settling::Watched };
            let sending = Sending { tag: &tag, message_format: 0, settling, key: 0 };
            if let Err(why) = self.proto.send(to, &sending, out, |out| out.extend_from_slice(&answer)) {
                tracing::info!("an answer of dps was not sent: {why}");
            }
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// When to look at the clock next.
    fn next_look(&self) -> Instant {
        let tick = self.proto.next_tick_ms().map(|tick_ms| self.started + Duration::from_millis(tick_ms));
        let open = (!self.opened).then(|| self.started + limits::OPEN_WAIT);
        [tick, open].into_iter().flatten().fold(self.deadline, Instant::min)
    }

    fn look(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        let now = Instant::now();
        if !self.opened && now >= self.started + limits::OPEN_WAIT {
            return Err(End::NoOpen);
        }
        if now >= self.deadline {
            return Err(End::TooLong);
        }
        Ok(self.proto.tick(self.now_ms(), out)?)
    }
}

/// Waits until the device must be sent away, for ever before there is one.
async fn closed(device: Option<&Device>) -> &'static str {
    match device {
        Some(device) => device.closed().await,
        None => std::future::pending().await,
    }
}
