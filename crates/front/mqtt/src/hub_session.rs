//! A device's connection to its hub, from CONNACK to the end.

use std::{pin::pin, time::Duration};

use roadstead_hub::{Session, Ticket};
use roadstead_model::{Clock, ModuleId, Properties, Subscription};
use roadstead_mqtt_proto::{Connack, Packet, PacketType, Publish, QoS, SubackCode, Subscribe, decode, encode};
use roadstead_wire::{HubFilter, TelemetryTopic, TwinRequest, telemetry_topic};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    Caller, MqttFront,
    devicebound::Devicebound,
    end::{End, shown},
    fault::{self, Doom},
    limits, methods, noted, notices,
    stream::PacketStream,
    twin,
};

/// A hub session as CONNECT asked for it.
pub(crate) struct HubSession {
    pub(crate) session: Session,
    pub(crate) keep_alive_s: u16,
    pub(crate) will: Option<Box<LastWill>>,
}

/// The message to send for a device whose connection ends without DISCONNECT.
pub(crate) struct LastWill {
    pub(crate) properties: Properties,
    pub(crate) body: Vec<u8>,
}

pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    front: &MqttFront,
    stream: &mut PacketStream<S>,
    hub_session: HubSession,
    caller: &Caller,
) -> End {
    let HubSession { mut session, keep_alive_s, will } = hub_session;
    tracing::debug!(connection = caller.connection, device = %session.id(), "device connected");
    let end = match converse(front, stream, &mut session, keep_alive_s).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    match will {
        Some(will) if !matches!(end, End::Disconnected) => Box::pin(send_will(&session, *will)).await,
        _ => {}
    }
    noted::ended(&session, &end);
    session.end(end.disconnect_reason());
    end
}

async fn send_will(session: &Session, will: LastWill) {
    let LastWill { mut properties, body } = will;
    let sent = match session.send_will(&mut properties, &body) {
        Ok(ticket) => session.durable(ticket).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::info!(device = %session.id(), "the device's will was not sent: {error}");
    }
}

enum Never {}

/// Working memory for properties, used for one message after the other.
#[derive(Default)]
struct Reading {
    properties: Properties,
    scratch: String,
}

/// Reads, acts, waits until all of it is durable, answers, and tells what the hub has to say; and again, until something ends it.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    front: &MqttFront,
    stream: &mut PacketStream<S>,
    session: &mut Session,
    keep_alive_s: u16,
) -> Result<Never, End> {
    encode::connack(&mut stream.out, Connack::Accepted { session_present: session.resumed() });
    session.attend(notices::interests(session));
    let mut closed = pin!(session.closed());
    let mut woken = pin!(session.woken());
    let patience = silence_allowed(keep_alive_s);
    let mut heard = Instant::now();
    let mut alarm = pin!(sleep_until(next_look(session, &*front.clock, heard + patience)));
    let mut reading = Reading::default();
    let mut devicebound = Devicebound::new();
    let mut doom = Doom::default();
    loop {
        let mut unsynced = None;
        while let Some(range) = stream.next_packet(limits::HUB_PACKET_BYTES_MAX)? {
            heard = Instant::now();
            let (bytes, out) = stream.bytes_and_out(range);
            match decode(bytes)? {
                Packet::Publish(publish) if publish.topic.starts_with("$iothub/") => {
                    Box::pin(accept_request(front, session, &publish, &mut unsynced, out)).await?;
                    // A question is small and its answer may be a whole twin: who asks much must read, too.
                    if stream.out.len() >= limits::ANSWER_BYTES_AHEAD_MAX {
                        wait_durable(session, unsynced.take()).await?;
                        timeout(limits::WRITE_WAIT, stream.flush()).await.map_err(|_| End::NotReading)??;
                    }
                }
                Packet::Publish(publish) => {
                    match accept(front, session, &publish, &mut reading)? {
                        Accepted::Message(ticket) => unsynced = Some(ticket),
                        Accepted::Fault(at) => {
                            doom.add(at);
                            let look = doom.or(alarm.deadline());
                            alarm.as_mut().reset(look);
                        }
                    }
                    if let Some(packet_id) = publish.packet_id {
                        encode::puback(out, packet_id);
                    }
                }
                Packet::Pingreq => encode::pingresp(out),
                // These wait themselves, long enough for a batch to fail and a later one to succeed: the ticket of the later
                // one would then speak for both.
                Packet::Subscribe(subscribe) => {
                    wait_durable(session, unsynced.take()).await?;
                    Box::pin(accept_filters(session, &subscribe, out)).await?;
                    session.attend(notices::interests(session));
                    devicebound.look();
                }
                Packet::Unsubscribe(unsubscribe) => {
                    wait_durable(session, unsynced.take()).await?;
                    let filters: Vec<&str> = unsubscribe.filters.clone().collect();
                    Box::pin(session.unsubscribe(&filters)).await?;
                    session.attend(notices::interests(session));
                    encode::unsuback(out, unsubscribe.packet_id);
                }
                Packet::Puback(packet_id) => devicebound.acknowledge(packet_id),
                Packet::Disconnect => {
                    Box::pin(acknowledge(stream, session, unsynced, &mut devicebound)).await;
                    return Err(End::Disconnected);
                }
                other => return Err(End::Unexpected(packet_type(&other))),
            }
        }
        tokio::select! {
            biased;
            reason = &mut closed => {
                Box::pin(acknowledge(stream, session, unsynced, &mut devicebound)).await;
                return Err(End::ClosedByHub(reason));
            }
            durable = wait_turn(session, unsynced) => durable?,
        }
        // A client that never pauses leaves `woken` below no turn either.
        notices::deliver(session, &mut devicebound, &mut stream.out);
        if devicebound.has_work() {
            Box::pin(devicebound.work(session, stream)).await?;
        }
        if !stream.out.is_empty() {
            timeout(limits::WRITE_WAIT, stream.flush()).await.map_err(|_| End::NotReading)??;
        }
        // A client that never pauses leaves the alarm below no turn. What it sent until now is acknowledged, a fault that it
        // asked for at once, too.
        if heard >= alarm.deadline() {
            check_end(session, &*front.clock, doom)?;
            alarm.as_mut().reset(next_look(session, &*front.clock, doom.or(heard + patience)));
        }
        tokio::select! {
            biased;
            more = stream.fill() => if !more? { return Err(End::Closed) },
            reason = &mut closed => return Err(End::ClosedByHub(reason)),
            () = &mut woken => woken.set(session.woken()),
            () = &mut alarm => {
                check_end(session, &*front.clock, doom)?;
                let silence = heard.elapsed();
                if silence >= patience {
                    return Err(End::Silent { silence_s: silence.as_secs(), keep_alive_s });
                }
                alarm.as_mut().reset(next_look(session, &*front.clock, doom.or(heard + patience)));
            }
        }
    }
}

async fn wait_durable(session: &Session, ticket: Option<Ticket>) -> Result<(), End> {
    match ticket {
        Some(ticket) => Ok(session.durable(ticket).await?),
        None => Ok(()),
    }
}

/// Waits until what was sent is durable, and as long as the hub makes the device wait beyond that.
async fn wait_turn(session: &Session, ticket: Option<Ticket>) -> Result<(), End> {
    wait_durable(session, ticket).await?;
    let pause = session.take_pause();
    if !pause.is_zero() {
        Box::pin(sleep(pause)).await;
    }
    Ok(())
}

/// Sends the last acknowledgements of a session that ends in order, so that the client need not send again what is stored, and
/// takes those it sent. Where that fails or takes long it does: an acknowledgement left out loses nothing.
async fn acknowledge<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut PacketStream<S>,
    session: &Session,
    unsynced: Option<Ticket>,
    devicebound: &mut Devicebound,
) {
    let acknowledged = async {
        wait_durable(session, unsynced).await?;
        stream.flush().await?;
        devicebound.complete(session).await
    };
    let _ = timeout(limits::ACKNOWLEDGE_WAIT, acknowledged).await;
}

/// What became of a device's message, which is to be acknowledged either way.
enum Accepted {
    Message(Ticket),
    /// It asked for the connection to end then, and is not stored.
    Fault(Instant),
}

/// Queues a device's message. Its acknowledgement may be written, but not sent, before the ticket is durable.
fn accept(
    front: &MqttFront,
    session: &Session,
    publish: &Publish<'_>,
    Reading { properties, scratch }: &mut Reading,
) -> Result<Accepted, End> {
    if publish.qos == QoS::ExactlyOnce {
        return Err(End::QosTwo);
    }
    let wrong_topic = || End::WrongTopic(shown(publish.topic));
    let topic = TelemetryTopic::parse(publish.topic).ok_or_else(wrong_topic)?;
    let id = session.id();
    if topic.device_id != id.device.as_str() || topic.module_id != id.module.as_ref().map(ModuleId::as_str) {
        return Err(wrong_topic());
    }
    properties.clear();
    telemetry_topic::fill(topic.bag, scratch, properties);
    if publish.retain {
        properties.push_application("mqtt-retain", Some("true"));
    }
    if let Some(fault) = fault::asked_for(session, properties) {
        session.inject(fault)?;
        return Ok(Accepted::Fault(Instant::now() + fault.delay));
    }
    let ticket = session.send(properties, publish.payload)?;
    front.counters.messages.increment(1);
    front.counters.message_bytes.increment(publish.payload.len() as u64);
    Ok(Accepted::Message(ticket))
}

/// Takes what a device says to the hub itself. The packet is acknowledged on its own, before what the hub has to answer.
async fn accept_request(
    front: &MqttFront,
    session: &Session,
    publish: &Publish<'_>,
    unsynced: &mut Option<Ticket>,
    out: &mut Vec<u8>,
) -> Result<(), End> {
    if publish.qos == QoS::ExactlyOnce {
        return Err(End::QosTwo);
    }
    let request = TwinRequest::parse(publish.topic);
    if request.is_none() {
        methods::accept(session, publish).ok_or_else(|| End::WrongTopic(shown(publish.topic)))?;
    }
    if let Some(packet_id) = publish.packet_id {
        encode::puback(out, packet_id);
    }
    if let Some(request) = request {
        wait_durable(session, unsynced.take()).await?;
        twin::answer(front, session, request, publish.payload, out).await?;
    }
    Ok(())
}

async fn accept_filters(session: &mut Session, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) -> Result<(), End> {
    let mut added = Vec::new();
    let id = session.id();
    let module = id.module.as_ref().map(ModuleId::as_str);
    for (filter, qos) in subscribe.filters.clone() {
        if HubFilter::classify(filter, id.device.as_str(), module).is_none() {
            return Err(End::WrongFilter(shown(filter)));
        }
        added.push(Subscription { filter: filter.to_owned(), qos: u8::from(qos != QoS::AtMostOnce) });
    }
    session.subscribe(added).await?;
    let codes = subscribe.filters.clone().map(|(_, qos)| SubackCode::Granted(qos.min(QoS::AtLeastOnce)));
    encode::suback(out, subscribe.packet_id, codes).map_err(|error| End::Refused(error.to_string()))
}

/// One and a half times the keep-alive, within the hub's own bound. Source: MQTT 3.1.1, 3.1.2.10
fn silence_allowed(keep_alive_s: u16) -> Duration {
    match keep_alive_s {
        0 => limits::SILENCE_MAX,
        seconds => (Duration::from_secs(seconds.into()) * 3 / 2).min(limits::SILENCE_MAX),
    }
}

/// Milliseconds until the session's token is past its grace; `None` for sessions without a token.
fn token_left_ms(session: &Session, clock: &dyn Clock) -> Option<i64> {
    let expires = session.expires_at()?.millis();
    let grace = limits::TOKEN_GRACE.as_millis() as i64;
    Some(expires.plus_ms(grace).0.saturating_sub(clock.now().0))
}

fn check_end(session: &Session, clock: &dyn Clock, doom: Doom) -> Result<(), End> {
    if doom.has_come() { Err(End::Fault) } else { check_token(session, clock) }
}

fn check_token(session: &Session, clock: &dyn Clock) -> Result<(), End> {
    match token_left_ms(session, clock) {
        Some(left) if left <= 0 => Err(End::TokenExpired((limits::TOKEN_GRACE.as_millis() as i64 - left) / 1000)),
        _ => Ok(()),
    }
}

/// When to look again: when the client would have been silent for too long, or when its token runs out.
fn next_look(session: &Session, clock: &dyn Clock, silent_at: Instant) -> Instant {
    match token_left_ms(session, clock).and_then(|left| u64::try_from(left).ok()) {
        Some(left) => silent_at.min(Instant::now() + Duration::from_millis(left.max(1))),
        None => silent_at,
    }
}

pub(crate) fn packet_type(packet: &Packet<'_>) -> PacketType {
    match packet {
        Packet::Connect(_) => PacketType::Connect,
        Packet::Connack(_) => PacketType::Connack,
        Packet::Publish(_) => PacketType::Publish,
        Packet::Puback(_) => PacketType::Puback,
        Packet::Pubrec(_) => PacketType::Pubrec,
        Packet::Pubrel(_) => PacketType::Pubrel,
        Packet::Pubcomp(_) => PacketType::Pubcomp,
        Packet::Subscribe(_) => PacketType::Subscribe,
        Packet::Suback(_) => PacketType::Suback,
        Packet::Unsubscribe(_) => PacketType::Unsubscribe,
        Packet::Unsuback(_) => PacketType::Unsuback,
        Packet::Pingreq => PacketType::Pingreq,
        Packet::Pingresp => PacketType::Pingresp,
        Packet::Disconnect => PacketType::Disconnect,
    }
}
