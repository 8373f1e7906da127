//! A device's connection to DPS: it subscribes to the answers, registers, and leaves.
//!
//! Who the device is is judged at each request, not at CONNECT: SDKs show the JSON of a `res/401`, while a refused CONNECT
//! tells nobody anything. Source: reference of DPS over MQTT, 1.3.

use std::{pin::pin, sync::Arc};

use roadstead_auth::Evidence;
use roadstead_dps::{DpsError, DpsSession, RegistrationRequest, limits::RETRY_AFTER_S};
use roadstead_model::{OperationStatus, RegistrationId};
use roadstead_mqtt_proto::{Connack, Packet, PacketId, Publish, QoS, SubackCode, decode, encode};
use roadstead_wire::{
    DpsCode, DpsPublish, DpsResponse,
    dps_body::{DeviceRegistration, RegistrationOperationStatus},
    dps_error::DpsError as ErrorBody,
    dps_topic::decode_operation_id,
    filters::is_dps_filter,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until, timeout},
};
use tracing::{error, info};
use uuid::Uuid;

use crate::{
    Caller, MqttFront,
    end::{End, shown},
    hub_session::packet_type,
    limits, noted,
    stream::PacketStream,
};

/// A DPS connection as CONNECT asked for it.
pub(crate) struct DpsGreeting {
    pub(crate) id_scope: String,
    pub(crate) registration_id: String,
    pub(crate) api_version: String,
    pub(crate) token: Option<String>,
    pub(crate) certificates: Arc<[Vec<u8>]>,
}

/// What answers go out with.
#[derive(Default)]
struct Answers {
    /// `None` until the client subscribed: answers before that are dropped.
    qos: Option<QoS>,
    next: Option<PacketId>,
}

pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    front: &MqttFront,
    stream: &mut PacketStream<S>,
    greeting: DpsGreeting,
    caller: &Caller,
) -> End {
    encode::connack(&mut stream.out, Connack::Accepted { session_present: false });
    let opened = open(front, &greeting, caller);
    let closed = async {
        match &opened {
            Ok(session) => session.closed().await,
            Err(_) => std::future::pending().await,
        }
    };
    let talk = converse(front, stream, &greeting, &opened, caller);
    let end = tokio::select! {
        end = talk => match end { Ok(never) => match never {}, Err(end) => end },
        reason = closed => End::Revoked(reason),
    };
    noted::ended_with_dps(front, caller, &greeting, &end);
    end
}

/// The session, or why every request of this connection will be refused.
fn open(front: &MqttFront, greeting: &DpsGreeting, caller: &Caller) -> Result<DpsSession, DpsError> {
    let instance = front.dps.find(&greeting.id_scope)?;
    match RegistrationId::parse(&greeting.registration_id) {
        Ok(id) => Ok(instance.session(id).seen_from(caller.origin())),
        Err(error) => Err(DpsError::Invalid { member: "registrationId", fault: error.to_string() }),
    }
}

enum Never {}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    front: &MqttFront,
    stream: &mut PacketStream<S>,
    greeting: &DpsGreeting,
    session: &Result<DpsSession, DpsError>,
    caller: &Caller,
) -> Result<Never, End> {
    let mut answers = Answers::default();
    let (mut requests, mut silence) = (0, limits::DPS_SILENCE_MAX);
    let mut alarm = pin!(sleep_until(Instant::now() + limits::DPS_SESSION));
    loop {
        while let Some(range) = stream.next_packet(limits::DPS_PACKET_BYTES_MAX)? {
            let (bytes, out) = stream.bytes_and_out(range);
            match decode(bytes)? {
                Packet::Publish(publish) => {
                    requests += 1;
                    if requests > limits::DPS_REQUESTS_MAX {
                        return Err(End::TooManyRequests);
                    }
                    let status = request(front, greeting, session, &publish, &mut answers, out, caller).await?;
                    if status == 401 {
                        silence = limits::DPS_SILENCE_REFUSED;
                    }
                }
                Packet::Subscribe(subscribe) => {
                    let grant = |(filter, qos): (&str, QoS)| {
                        if is_dps_filter(filter) {
                            SubackCode::Granted(qos.min(QoS::AtLeastOnce))
                        } else {
                            SubackCode::Failure
                        }
                    };
                    let granted = subscribe.filters.clone().find(|(filter, _)| is_dps_filter(filter));
                    answers.qos = granted.map(|(_, qos)| qos.min(QoS::AtLeastOnce)).or(answers.qos);
                    encode::suback(out, subscribe.packet_id, subscribe.filters.clone().map(grant))
                        .map_err(|error| End::Refused(error.to_string()))?;
                }
                Packet::Unsubscribe(unsubscribe) => {
                    if unsubscribe.filters.clone().any(is_dps_filter) {
                        answers.qos = None;
                    }
                    encode::unsuback(out, unsubscribe.packet_id);
                }
                Packet::Pingreq => encode::pingresp(out),
                // Answers are not sent twice, so an acknowledgement changes nothing; C# sends them with packet id 0 too.
                Packet::Puback(_) => {}
                Packet::Disconnect => return Err(End::Disconnected),
                other => return Err(End::Unexpected(packet_type(&other))),
            }
        }
        timeout(limits::WRITE_WAIT, stream.flush()).await.map_err(|_| End::NotReading)??;
        tokio::select! {
            biased;
            more = timeout(silence, stream.fill()) => match more {
                Ok(more) => if !more? { return Err(End::Closed) },
                Err(_) => return Err(End::Silent { silence_s: silence.as_secs(), keep_alive_s: 0 }),
            },
            () = &mut alarm => return Err(End::TooLong),
        }
    }
}

/// Answers one request: PUBACK first, then the response (the C# SDK fails on the other order). Returns the status.
async fn request(
    front: &MqttFront,
    greeting: &DpsGreeting,
    session: &Result<DpsSession, DpsError>,
    publish: &Publish<'_>,
    answers: &mut Answers,
    out: &mut Vec<u8>,
    caller: &Caller,
) -> Result<u16, End> {
    if publish.qos == QoS::ExactlyOnce {
        return Err(End::QosTwo);
    }
    let wrong_topic = || End::WrongTopic(shown(publish.topic));
    let asked = DpsPublish::parse(publish.topic).ok_or_else(wrong_topic)?;
    if let Some(packet_id) = publish.packet_id {
        encode::puback(out, packet_id);
    }
    front.counters.registrations.increment(1);
    let evidence = Evidence { token: greeting.token.as_deref(), chain: &greeting.certificates };
    let answered = match session {
        Err(refused) => Err(refused.clone()),
        Ok(session) => answer(session, &evidence, &asked, publish.payload, &greeting.api_version).await,
    };
    let (status, body) = match &answered {
        Ok(operation) => {
            let status = if operation.state.is_none() { 202 } else { 200 };
            (status, RegistrationOperationStatus::from(operation).to_json())
        }
        Err(refused) => refusal(front, greeting, refused, caller),
    };
    let waiting = matches!(&answered, Ok(operation) if operation.state.is_none());
    let retry_after_s = match &answered {
        Err(refused) if refused.retry_after_s().is_some() => refused.retry_after_s(),
        _ => waiting.then_some(RETRY_AFTER_S),
    };
    let topic = DpsResponse { status, rid: asked.rid(), retry_after_s }.to_string();
    respond(answers, &topic, &body, out)?;
    Ok(status)
}

async fn answer(
    session: &DpsSession,
    evidence: &Evidence<'_>,
    asked: &DpsPublish<'_>,
    payload: &[u8],
    api_version: &str,
) -> Result<OperationStatus, DpsError> {
    match asked {
        DpsPublish::Register { .. } => {
            let body = DeviceRegistration::parse(payload)
                .map_err(|error| DpsError::Invalid { member: "body", fault: error.to_string() })?;
            let request = RegistrationRequest {
                registration_id: body.registration_id,
                payload: body.payload,
                api_version: api_version.to_owned(),
                tpm: None,
            };
            session.register(evidence, request).await
        }
        DpsPublish::Status { operation_id, .. } => {
            session.operation_status(evidence, &decode_operation_id(operation_id)).await
        }
    }
}

/// The body of a refusal, and a line in the log with the same tracking id.
fn refusal(front: &MqttFront, greeting: &DpsGreeting, refused: &DpsError, caller: &Caller) -> (u16, Vec<u8>) {
    let tracking_id = Uuid::new_v4().to_string();
    front.dps.note_refused(&greeting.id_scope, &greeting.registration_id, caller.origin(), refused);
    let code = refused.code();
    let (connection, registration) = (caller.connection, shown(&greeting.registration_id));
    let message = match refused {
        DpsError::Internal(cause) => {
            error!(connection, registration, tracking_id, %cause, "a registration failed");
            "internal error".to_owned()
        }
        refused => {
            info!(connection, registration, tracking_id, code, "registration refused: {refused}");
            refused.to_string()
        }
    };
    let body =
        ErrorBody::new(DpsCode::of_number(code).unwrap_or(DpsCode::Internal), message, tracking_id, front.clock.now());
    ((code / 1000) as u16, body.to_json())
}

fn respond(answers: &mut Answers, topic: &str, body: &[u8], out: &mut Vec<u8>) -> Result<(), End> {
    let Some(qos) = answers.qos else { return Ok(()) };
    let packet_id = (qos == QoS::AtLeastOnce).then(|| {
        let id = answers.next.unwrap_or(PacketId::FIRST);
        answers.next = Some(id.next());
        id
    });
    let publish = Publish { dup: false, qos, retain: false, topic, packet_id, payload: body };
    encode::publish(out, &publish).map_err(|error| End::Refused(error.to_string()))
}
