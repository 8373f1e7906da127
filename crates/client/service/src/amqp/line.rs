//! A connection with one session, and questions put over it.

use super::fault::Faults;
use crate::error::ServiceError;
use crate::limits::{AMQP_CLOSE_TIMEOUT, AMQP_FRAME_BYTES_MAX, AMQP_IDLE_TIMEOUT, CONNECT_TIMEOUT};
use crate::refusal::Refusal;
use crate::transport::Transport;
use crate::trust::connect_fault;
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::messaging::{ApplicationProperties, Body, Message, MessageId, Properties};
use fe2o3_amqp::types::primitives::{SimpleValue, Value};
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use roadstead_wire::amqp::cbs;
use rustls_pki_types::ServerName;
use std::fmt::Debug;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// `guess (?)`: the type that every Event Hubs client says.
const SAS_TOKEN: &str = "servicebus.windows.net:sastoken";

/// A connection, logged in as nobody: tokens follow.
pub(crate) struct Line {
    connection: ConnectionHandle<()>,
    pub session: SessionHandle<()>,
    pub faults: Faults,
}

impl Line {
    /// Errors: `Unreachable`, `Untrusted`, `Broken`, `Odd`, `Refused`.
    pub async fn open(transport: &Transport, host: &str, port: u16, is_plain: bool) -> Result<Self, ServiceError> {
        let origin = format!("{}://{host}:{port}", if is_plain { "amqp" } else { "amqps" });
        let faults = Faults { origin: origin.clone() };
        let late = |_| ServiceError::Unreachable { origin: origin.clone(), cause: "it takes too long".to_owned() };
        let failed = |error: io::Error| connect_fault(&origin, &error, transport.trust());
        let dial = async {
            let tcp = dial(transport, host, port).await?;
            tcp.set_nodelay(true)?;
            Ok(tcp)
        };
        let tcp = tokio::time::timeout(CONNECT_TIMEOUT, dial).await.map_err(late)?.map_err(failed)?;
        if is_plain {
            return Self::over(tcp, host, faults).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
        let shaking = TlsConnector::from(transport.tls()).connect(name, tcp);
        let tls = tokio::time::timeout(CONNECT_TIMEOUT, shaking).await.map_err(late)?.map_err(failed)?;
        Self::over(tls, host, faults).await
    }

    async fn over<S>(stream: S, host: &str, faults: Faults) -> Result<Self, ServiceError>
    where
        S: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static,
    {
        let opening = Connection::builder()
            .container_id("roadstead")
            .scheme("amqp")
            .hostname(host)
            .sasl_hostname(host)
            .sasl_profile(SaslProfile::Anonymous)
            .max_frame_size(AMQP_FRAME_BYTES_MAX)
            .idle_time_out(u32::try_from(AMQP_IDLE_TIMEOUT.as_millis()).unwrap_or(u32::MAX))
            .open_with_stream(stream);
        let mut connection = opening.await.map_err(|error| faults.open(error))?;
        let session = Session::begin(&mut connection).await.map_err(|error| faults.begin(error))?;
        Ok(Self { connection, session, faults })
    }

    /// Takes leave; a peer that does not answer is not waited for long.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(AMQP_CLOSE_TIMEOUT, self.connection.close()).await;
    }
}

async fn dial(transport: &Transport, host: &str, port: u16) -> io::Result<TcpStream> {
    let mut refused = io::Error::other(format!("no address is known for {host}"));
    for address in transport.names().look_up(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A node that answers: `$cbs`, `$management`. One question at a time.
pub(crate) struct Asking {
    sender: Sender,
    receiver: Receiver,
    faults: Faults,
    asked: u64,
}

impl Asking {
    pub async fn attach(line: &mut Line, node: &str) -> Result<Self, ServiceError> {
        let faults = line.faults.clone();
        let receiver = Receiver::attach(&mut line.session, format!("{node}-answers"), node).await;
        let receiver = receiver.map_err(|error| faults.receiver(error))?;
        let sender = Sender::attach(&mut line.session, format!("{node}-questions"), node).await;
        let sender = sender.map_err(|error| faults.sender(error))?;
        Ok(Self { sender, receiver, faults, asked: 0 })
    }

    /// Puts a token for `audience`.
    pub async fn put_token(&mut self, audience: &str, token: String) -> Result<(), ServiceError> {
        let properties = [(cbs::OPERATION, cbs::PUT_TOKEN), (cbs::TYPE, SAS_TOKEN), (cbs::NAME, audience)];
        self.ask(&properties, Value::String(token)).await.map(|_| ())
    }

    /// The body of the answer. Errors: `Refused` with its status.
    pub async fn ask(&mut self, properties: &[(&str, &str)], body: Value) -> Result<Body<Value>, ServiceError> {
        self.asked += 1;
        let id = MessageId::String(self.asked.to_string());
        let mut named = ApplicationProperties::builder();
        for (name, value) in properties {
            named = named.insert(*name, *value);
        }
        let message = Message::builder()
            .properties(Properties::builder().message_id(id.clone()).reply_to(self.receiver.name().to_owned()).build())
            .application_properties(named.build())
            .value(body)
            .build();
        self.sender.send(message).await.map_err(|error| self.faults.send(error))?;
        loop {
            let answer = self.receiver.recv::<Body<Value>>().await.map_err(|error| self.faults.recv(error))?;
            let _ = self.receiver.accept(&answer).await; // the next receipt tells of a broken link
            let answer = answer.into_message();
            let answers = answer.properties.and_then(|properties| properties.correlation_id);
            if answers.as_ref() == Some(&id) {
                return self.judged(answer.application_properties, answer.body);
            }
        }
    }

    fn judged(
        &self,
        properties: Option<ApplicationProperties>,
        body: Body<Value>,
    ) -> Result<Body<Value>, ServiceError> {
        let find = |name: &str| properties.as_ref()?.get(name);
        let status = match find(cbs::STATUS_CODE) {
            Some(SimpleValue::Int(status)) => u16::try_from(*status).ok(),
            Some(SimpleValue::Long(status)) => u16::try_from(*status).ok(),
            _ => None,
        };
        let status = status.ok_or_else(|| self.faults.odd("an answer without a status"))?;
        if matches!(status, 200..=299) {
            return Ok(body);
        }
        let message = match find(cbs::STATUS_DESCRIPTION) {
            Some(SimpleValue::String(text)) => text.clone(),
            _ => "the server gave no reason".to_owned(),
        };
        Err(ServiceError::Refused(Refusal { status, code: None, message, tracking_id: None }))
    }
}
