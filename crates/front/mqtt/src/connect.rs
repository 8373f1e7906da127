//! The first packet: who calls, and which service they want.

use roadstead_auth::Evidence;
use roadstead_hub::{HubError, Login, SessionRequest};
use roadstead_model::{JournalOwner, Properties, RefusalCause};
use roadstead_mqtt_proto::{Connack, Connect, DecodeError, Packet, PacketType, Refusal, Will, decode, encode};
use roadstead_wire::{DpsUserName, HubUserName, TelemetryTopic, UserName, telemetry_topic};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::{
    Caller, MqttFront,
    dps_session::DpsGreeting,
    end::{End, shown},
    hub_session::{HubSession, LastWill},
    limits,
    noted::{self, Claim},
    refusal,
    stream::PacketStream,
};

/// What a CONNECT led to.
pub(crate) enum Greeting {
    Hub(Box<HubSession>),
    Dps(Box<DpsGreeting>),
}

/// A refusal and why; the client learns only the code.
struct Refused {
    code: Refusal,
    why: String,
    /// Whom it concerns.
    claim: Claim,
}

impl Refused {
    /// For the log, where nothing else says whom it concerns.
    fn told(&self) -> String {
        match self.claim.id.as_str() {
            "" => self.why.clone(),
            id => format!("`{}`: {}", shown(id), self.why),
        }
    }
}

/// Waits for CONNECT and opens what it asks for. On a refusal the CONNACK is sent here.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    front: &MqttFront,
    stream: &mut PacketStream<S>,
    caller: &Caller,
) -> Result<Greeting, End> {
    let range = timeout(limits::CONNECT_WAIT, first_packet(stream)).await.map_err(|_| End::NoConnect)??;
    let packet = stream.bytes(range).to_vec();
    let greeting = match decode(&packet) {
        Ok(Packet::Connect(connect)) => open(front, &connect, caller).await,
        Ok(_) => return Err(End::NotConnect),
        Err(error) => {
            if let DecodeError::UnsupportedProtocol { level } = error {
                encode::unsupported_protocol(&mut stream.out, level);
                send(stream).await?;
            }
            return Err(error.into());
        }
    };
    match greeting {
        Ok(greeting) => {
            front.counters.accepted.increment(1);
            Ok(greeting)
        }
        Err(refused) => {
            front.counters.refused.increment(1);
            let told = refused.told();
            let Refused { code, why, claim } = refused;
            noted::refused(front, caller, code, claim, &why);
            encode::connack(&mut stream.out, Connack::Refused(code));
            send(stream).await?;
            Err(End::Refused(told))
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut PacketStream<S>) -> Result<(), End> {
    Ok(timeout(limits::WRITE_WAIT, stream.flush()).await.map_err(|_| End::NotReading)??)
}

async fn first_packet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut PacketStream<S>,
) -> Result<std::ops::Range<usize>, End> {
    loop {
        if let Some(range) = stream.next_packet(limits::CONNECT_PACKET_BYTES_MAX)? {
            return Ok(range);
        }
        // What begins otherwise (an HTTP request, say) may announce bytes that never come.
        if stream.first_unread().is_some_and(|byte| byte >> 4 != PacketType::Connect as u8) {
            return Err(End::NotConnect);
        }
        if !stream.fill().await? {
            return Err(End::Closed);
        }
    }
}

async fn open(front: &MqttFront, connect: &Connect<'_>, caller: &Caller) -> Result<Greeting, Refused> {
    // Before it is known whom a client wants it is taken for a hub's.
    let refuse = |code, why: String| {
        let (id, target) = (connect.client_id.to_owned(), String::new());
        Refused { code, why, claim: Claim { owner: JournalOwner::NoHub, id, target, cause: RefusalCause::BadRequest } }
    };
    if connect.client_id.is_empty() {
        let why = "the client id is empty; it must be the device id".to_owned();
        return Err(refuse(Refusal::IdentifierRejected, why));
    }
    let Some(user_name) = connect.user_name else {
        let why = "no user name; a hub wants <host>/<device id>/?api-version=2021-04-12".to_owned();
        return Err(refuse(Refusal::BadUserNameOrPassword, why));
    };
    let token = match connect.password.map(std::str::from_utf8) {
        None | Some(Ok("")) => None,
        Some(Ok(token)) => Some(token),
        Some(Err(_)) => {
            let why = "the password is not text; it must be a SAS token".to_owned();
            return Err(refuse(Refusal::NotAuthorized, why));
        }
    };
    match UserName::parse(user_name) {
        Some(UserName::Hub(user_name)) => open_hub(front, connect, &user_name, token, caller).await,
        Some(UserName::Dps(user_name)) => open_dps(front, connect, &user_name, token, caller),
        None => {
            let why = format!("user name `{}` is neither a hub's nor a DPS instance's form", shown(user_name));
            Err(refuse(Refusal::BadUserNameOrPassword, why))
        }
    }
}

async fn open_hub(
    front: &MqttFront,
    connect: &Connect<'_>,
    user_name: &HubUserName<'_>,
    token: Option<&str>,
    caller: &Caller,
) -> Result<Greeting, Refused> {
    let HubUserName { host, device_id, module_id, .. } = *user_name;
    let hub = front.hubs.by_host(host);
    let owner = hub.as_ref().map_or(JournalOwner::NoHub, |hub| hub.journal_owner());
    let id = module_id.map_or_else(|| device_id.to_owned(), |module| format!("{device_id}/{module}"));
    let refuse = |code, cause, why: String| {
        let claim = Claim { owner: owner.clone(), id: id.clone(), target: host.to_owned(), cause };
        Refused { code, why, claim }
    };
    let matches = match module_id {
        None => connect.client_id == device_id,
        Some(module) => connect.client_id.split_once('/') == Some((device_id, module)),
    };
    if !matches {
        let user_name = shown(&format!("{host}/{device_id}"));
        let why = format!("client id `{}` is not the device of user name `{user_name}`", shown(connect.client_id));
        return Err(refuse(Refusal::IdentifierRejected, RefusalCause::BadRequest, why));
    }
    let hub = hub.as_ref().ok_or_else(|| {
        let why = format!("no hub here answers to the name `{}`", shown(host));
        refuse(Refusal::NotAuthorized, RefusalCause::UnknownHost, why)
    })?;
    let refused = |error: HubError| refuse(refusal::connack(&error), error.cause(), error.to_string());
    let will = connect.will.map(|will| read_will(&will, device_id, module_id)).transpose();
    let will = will.map_err(|why| refuse(Refusal::NotAuthorized, RefusalCause::BadRequest, why))?;
    let login = Login { device_id, module_id, evidence: Evidence { token, chain: &caller.certificates } };
    let (clean, model_id) = (connect.clean_session, user_name.model_id.as_deref());
    let request = SessionRequest { clean, model_id, origin: Some(caller.origin()) };
    let session = hub.connect(login, request).await.map_err(refused)?;
    Ok(Greeting::Hub(Box::new(HubSession { session, keep_alive_s: connect.keep_alive_s, will })))
}

/// A will is telemetry with a mark. Source: docs, IoT Hub MQTT support (`iothub-MessageType` = `Will`).
fn read_will(will: &Will<'_>, device_id: &str, module_id: Option<&str>) -> Result<Box<LastWill>, String> {
    let topic =
        TelemetryTopic::parse(will.topic).filter(|topic| topic.device_id == device_id && topic.module_id == module_id);
    let Some(topic) = topic else {
        let own = match module_id {
            None => shown(&format!("devices/{device_id}/messages/events/")),
            Some(module) => shown(&format!("devices/{device_id}/modules/{module}/messages/events/")),
        };
        return Err(format!("will topic `{}` is not {own}", shown(will.topic)));
    };
    let mut properties = Properties::new();
    telemetry_topic::fill(topic.bag, &mut String::new(), &mut properties);
    properties.push_application("iothub-MessageType", Some("Will"));
    if will.retain {
        properties.push_application("mqtt-retain", Some("true"));
    }
    Ok(Box::new(LastWill { properties, body: will.payload.to_vec() }))
}

fn open_dps(
    front: &MqttFront,
    connect: &Connect<'_>,
    user_name: &DpsUserName<'_>,
    token: Option<&str>,
    caller: &Caller,
) -> Result<Greeting, Refused> {
    if !connect.client_id.eq_ignore_ascii_case(user_name.registration_id) {
        let DpsUserName { id_scope, registration_id, .. } = user_name;
        let user_name = shown(&format!("{id_scope}/registrations/{registration_id}"));
        let why =
            format!("client id `{}` is not the registration id of user name `{user_name}`", shown(connect.client_id));
        let found = front.dps.find(id_scope);
        let owner = found.map_or(JournalOwner::NoDps, |instance| instance.journal_owner());
        let (id, target) = ((*registration_id).to_owned(), (*id_scope).to_owned());
        let claim = Claim { owner, id, target, cause: RefusalCause::BadRequest };
        return Err(Refused { code: Refusal::BadUserNameOrPassword, why, claim });
    }
    Ok(Greeting::Dps(Box::new(DpsGreeting {
        id_scope: user_name.id_scope.to_owned(),
        registration_id: user_name.registration_id.to_owned(),
        api_version: user_name.api_version.as_deref().unwrap_or_default().to_owned(),
        token: token.map(str::to_owned),
        certificates: caller.certificates.clone(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn what_does_not_begin_as_connect_is_not_waited_for() {
        for (sent, is_refused) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], true),
            (b"\x32\x40\x00\x04", true),
            (b"\xf0", true),
            (b"", false),
            (b"\x10", false),
            (b"\x10\x40\x00\x04MQTT", false),
        ] {
            let (mut client, server) = tokio::io::duplex(64);
            client.write_all(sent).await.unwrap();
            let mut stream = PacketStream::new(server);
            match first_packet(&mut stream).now_or_never() {
                Some(Err(End::NotConnect)) => assert!(is_refused, "{sent:?}"),
                None => assert!(!is_refused, "{sent:?}"),
                other => panic!("{sent:?}: {other:?}"),
            }
        }
    }
}
