//! Asking DPS where a device belongs.

use crate::connect_error::{ConnectError, LineFault};
use crate::credentials::Credentials;
use crate::dialer::token;
use crate::endpoint::{Endpoint, within};
use crate::limits::{ANSWER_TIMEOUT, KEEP_ALIVE_S, POLL_WAIT, POLL_WAIT_MAX, REGISTER_TIMEOUT, TOKEN_LIFETIME};
use crate::line::Line;
use crate::options::DeviceOptions;
use crate::register_error::RegisterError;
use crate::registration::{Assignment, Registration, Verdict, judge};
use crate::tls;
use crate::trust::Trust;
use bytes::Bytes;
use roadstead_model::RegistrationId;
use roadstead_mqtt_proto::{Connect, Packet, PacketId, Publish, QoS, SubackCode, decode, encode};
use roadstead_wire::dps_body::DeviceRegistration;
use roadstead_wire::dps_topic::RESPONSE_FILTER;
use roadstead_wire::{DpsPublish, DpsResponse, DpsUserName, percent};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// Source: the C SDK, `reference/dps.md` 1.1
const API_VERSION: &str = "2021-06-01";
const CLIENT_VERSION: &str = concat!("roadstead-device/", env!("CARGO_PKG_VERSION"));

/// A device's way to its hub: DPS, asked over MQTT.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use roadstead_device::{Credentials, Device, Provisioning};
///
/// let credentials = Credentials::x509_files("thermo-7.pem", "thermo-7.key.pem")?;
/// let registration = Provisioning::new("global.azure-devices-provisioning.net", "0ne00ABC123", "thermo-7", credentials)
///     .register()
///     .await?;
/// println!("{} is {} on {}", registration.registration_id, registration.device_id, registration.assigned_hub);
/// let device = Device::connect(registration).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Provisioning {
    endpoint: Endpoint,
    id_scope: String,
    registration_id: String,
    credentials: Credentials,
    trust: Option<Trust>,
    payload: Option<Value>,
}

impl Provisioning {
    /// Asks the DPS at `host` (`dev.localhost`, `global.azure-devices-provisioning.net`) that has the ID scope `id_scope`
    /// (`0ne00ABC123`). With a certificate, `registration_id` is its common name.
    pub fn new(
        host: impl Into<String>,
        id_scope: impl Into<String>,
        registration_id: impl Into<String>,
        credentials: Credentials,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(host),
            id_scope: id_scope.into(),
            registration_id: registration_id.into(),
            credentials,
            trust: None,
            payload: None,
        }
    }

    /// Another port than 8883, for DPS and the hub that it assigns.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.endpoint.port = port;
        self
    }

    /// Where DPS is, for a name that leads nowhere or elsewhere, and also the hub that it assigns: a Roadstead server is both. Their
    /// certificates must still be for their names.
    #[must_use]
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.endpoint.connect_to = Some(address);
        self
    }

    /// Whose server certificates are believed, DPS's and the hub's. Unless told: [`Trust::system`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// What the webhook of a custom allocation is to know.
    #[must_use]
    pub fn payload(mut self, payload: Value) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Registers and waits until DPS has decided, two minutes at most. Asked again, DPS gives the same hub unless its policy wants
    /// otherwise: do it at every start.
    ///
    /// Errors: [`RegisterError`].
    pub async fn register(&self) -> Result<Registration, RegisterError> {
        RegistrationId::parse(&self.registration_id)?;
        let trust = self.trust.clone().map_or_else(Trust::system, Ok).map_err(ConnectError::from)?;
        let work = async {
            let mut exchange = Exchange::open(self, &trust).await?;
            let outcome = exchange.register(self).await;
            exchange.close().await;
            outcome
        };
        let assignment = match tokio::time::timeout(REGISTER_TIMEOUT, work).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(self.timeout()),
        };
        let mut device =
            DeviceOptions::new(&*assignment.hub, &*assignment.device_id, self.credentials.clone()).trust(trust);
        device.endpoint = Endpoint { host: assignment.hub.clone(), ..self.endpoint.clone() };
        Ok(Registration {
            registration_id: self.registration_id.clone(),
            assigned_hub: assignment.hub,
            device_id: assignment.device_id,
            substatus: assignment.substatus,
            payload: assignment.payload,
            device,
        })
    }

    fn timeout(&self) -> RegisterError {
        RegisterError::Timeout { registration_id: self.registration_id.clone(), after: REGISTER_TIMEOUT }
    }
}

/// One conversation with DPS.
struct Exchange<'a> {
    host: &'a str,
    line: Line,
    /// Packet id and request id of the next request.
    next: PacketId,
}

struct Answer {
    status: u16,
    wait: Duration,
    body: Bytes,
}

impl<'a> Exchange<'a> {
    async fn open(provisioning: &'a Provisioning, trust: &Trust) -> Result<Self, ConnectError> {
        let Provisioning { endpoint, id_scope, registration_id, credentials, .. } = provisioning;
        let resource = format!("{id_scope}/registrations/{registration_id}");
        let token = token(credentials, &resource, TOKEN_LIFETIME, Some("registration"));
        let user_name = DpsUserName {
            id_scope,
            registration_id,
            api_version: Some(API_VERSION.into()),
            client_version: Some(CLIENT_VERSION.into()),
        };
        let connect = Connect {
            clean_session: true,
            keep_alive_s: KEEP_ALIVE_S,
            client_id: registration_id,
            will: None,
            user_name: Some(&user_name.to_string()),
            password: token.as_deref().map(str::as_bytes),
        };
        let line = endpoint.open(&tls::config(trust, credentials), &connect).await?;
        let mut exchange = Self { host: &endpoint.host, line, next: PacketId::FIRST };
        exchange.subscribe().await?;
        Ok(exchange)
    }

    async fn subscribe(&mut self) -> Result<(), ConnectError> {
        let id = self.take_id();
        encode::subscribe(self.line.out(), id, [(RESPONSE_FILTER, QoS::AtLeastOnce)])
            .map_err(|error| ConnectError::unexpected(self.host, &error.to_string()))?;
        let host = self.host;
        within(ANSWER_TIMEOUT, host, "SUBACK", async {
            loop {
                let packet = self.packet().await?;
                match decode(&packet).map_err(|error| ConnectError::of_line(host, error.into()))? {
                    Packet::Suback(mut suback) if suback.packet_id == id => {
                        let is_granted = suback.codes.any(|code| matches!(code, SubackCode::Granted(_)));
                        let refused = || ConnectError::unexpected(host, "the topic of DPS's answers was not granted");
                        return if is_granted { Ok(()) } else { Err(refused()) };
                    }
                    _ => {}
                }
            }
        })
        .await?
    }

    async fn register(&mut self, provisioning: &Provisioning) -> Result<Assignment, RegisterError> {
        let registration_id = &provisioning.registration_id;
        let registration = DeviceRegistration {
            registration_id: Some(registration_id.clone()),
            payload: provisioning.payload.clone(),
            tpm: None,
        };
        let body = registration.to_json();
        let mut operation: Option<String> = None;
        loop {
            let answer = match &operation {
                None => self.ask(|rid| DpsPublish::Register { rid }.to_string(), &body).await?,
                Some(id) => {
                    let operation_id = percent::encode(id);
                    self.ask(|rid| DpsPublish::Status { rid, operation_id: &operation_id }.to_string(), b" ").await?
                }
            };
            match judge(registration_id, answer.status, &answer.body) {
                Verdict::Assigned(assignment) => return Ok(assignment),
                Verdict::No(error) => return Err(error),
                Verdict::Assigning { operation_id } => operation = Some(operation_id),
                Verdict::Again(error) => tracing::debug!(%error, "DPS is asked again"),
            }
            tokio::time::sleep(answer.wait).await;
        }
    }

    /// Sends a request and waits for its answer. The topic is made from the request's id.
    async fn ask(&mut self, topic: impl Fn(&str) -> String, payload: &[u8]) -> Result<Answer, ConnectError> {
        let id = self.take_id();
        let rid = id.to_string();
        let topic = topic(&rid);
        let packet_id = Some(id);
        let publish = Publish { dup: false, qos: QoS::AtLeastOnce, retain: false, topic: &topic, packet_id, payload };
        encode::publish(self.line.out(), &publish)
            .map_err(|error| ConnectError::unexpected(self.host, &error.to_string()))?;
        let host = self.host;
        within(ANSWER_TIMEOUT, host, "its answer", async {
            loop {
                let packet = self.packet().await?;
                let fault = |error| ConnectError::of_line(host, LineFault::Packet(error));
                let Packet::Publish(publish) = decode(&packet).map_err(fault)? else { continue };
                if let Some(id) = publish.packet_id {
                    encode::puback(self.line.out(), id);
                }
                if let Some(response) = DpsResponse::parse(publish.topic).filter(|response| response.rid == rid) {
                    let wait = response.retry_after_s.map_or(POLL_WAIT, |seconds| Duration::from_secs(seconds.into()));
                    let body = packet.slice_ref(publish.payload);
                    return Ok(Answer { status: response.status, wait: wait.min(POLL_WAIT_MAX), body });
                }
            }
        })
        .await?
    }

    async fn packet(&mut self) -> Result<Bytes, ConnectError> {
        self.line.next().await.map_err(|fault| ConnectError::of_line(self.host, fault))
    }

    fn take_id(&mut self) -> PacketId {
        let id = self.next;
        self.next = id.next();
        id
    }

    async fn close(mut self) {
        encode::disconnect(self.line.out());
        self.line.finish().await;
    }
}
