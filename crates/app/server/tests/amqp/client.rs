//! What `fe2o3-amqp` needs to be told again and again.

use crate::world::{ENTITY, HOST, World};
use fe2o3_amqp::connection::{ConnectionHandle, OpenError};
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::link::{ReceiverAttachError, RecvError};
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::definitions::Error;
use fe2o3_amqp::types::messaging::{ApplicationProperties, Body, Message, MessageId, Properties, Source};
use fe2o3_amqp::types::primitives::{SimpleValue, Value};
use fe2o3_amqp::{Connection, Delivery, Receiver, Sender, Session};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_amqp::described::Described;
use serde_amqp::descriptor::Descriptor;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Every test of logging in runs over both.
#[derive(Debug, Clone, Copy)]
pub enum Wire {
    Plain,
    Tls,
}

/// What is said in `open`, beyond the host.
pub struct Opening {
    pub wire: Wire,
    pub sasl: Option<SaslProfile>,
    pub host: &'static str,
    pub max_frame_size: u32,
    pub idle_time_out_ms: Option<u32>,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            wire: Wire::Plain,
            sasl: Some(SaslProfile::Anonymous),
            host: HOST,
            max_frame_size: 1 << 20,
            idle_time_out_ms: None,
        }
    }
}

impl Opening {
    pub async fn open(self, world: &World) -> Result<ConnectionHandle<()>, OpenError> {
        let mut builder = Connection::builder()
            .container_id("test")
            .scheme("amqp")
            .hostname(self.host)
            .sasl_hostname(self.host)
            .max_frame_size(self.max_frame_size);
        if let Some(sasl) = self.sasl {
            builder = builder.sasl_profile(sasl);
        }
        if let Some(ms) = self.idle_time_out_ms {
            builder = builder.idle_time_out(ms);
        }
        match self.wire {
            Wire::Plain => builder.open_with_stream(plain(world).await).await,
            Wire::Tls => builder.open_with_stream(tls(world).await).await,
        }
    }
}

async fn plain(world: &World) -> TcpStream {
    TcpStream::connect(world.server.amqp_plain.unwrap()).await.unwrap()
}

async fn tls(world: &World) -> TlsStream<TcpStream> {
    let ca = CertificateDer::from_pem_file(world.server.ca_file.as_ref().unwrap()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(world.server.amqp).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(HOST.try_into().unwrap(), tcp).await.unwrap()
}

/// A connection with a session that may do everything.
pub struct Line {
    pub connection: ConnectionHandle<()>,
    pub session: SessionHandle<()>,
    /// Keeps `$cbs` attached.
    _tokens: Asking,
}

impl Line {
    pub async fn open(world: &World) -> Self {
        Self::of(world, Opening::default()).await
    }

    pub async fn of(world: &World, opening: Opening) -> Self {
        let mut connection = opening.open(world).await.unwrap();
        let mut session = Session::begin(&mut connection).await.unwrap();
        let mut tokens = Asking::attach(&mut session, "$cbs").await;
        assert_eq!(tokens.put_token(&world.token(HOST)).await.status, 200);
        assert_eq!(tokens.put_token(&world.event_token()).await.status, 200);
        Self { connection, session, _tokens: tokens }
    }
}

/// A node that answers.
pub struct Asking {
    sender: Sender,
    receiver: Receiver,
}

#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub description: String,
    pub correlation_id: Option<MessageId>,
    pub body: Body<Value>,
}

impl Asking {
    pub async fn attach(session: &mut SessionHandle<()>, node: &str) -> Self {
        let receiver = Receiver::attach(session, format!("{node}-receiver"), node).await.unwrap();
        let sender = Sender::attach(session, format!("{node}-sender"), node).await.unwrap();
        Self { sender, receiver }
    }

    pub async fn put_token(&mut self, token: &str) -> Answer {
        let about = [("operation", "put-token"), ("type", "servicebus.windows.net:sastoken"), ("name", "any")];
        self.ask(MessageId::Ulong(0), &about, Value::String(token.to_owned())).await
    }

    pub async fn read(&mut self, about: &[(&str, &str)]) -> Answer {
        let about = [&[("operation", "READ")][..], about].concat();
        self.ask(MessageId::String("1".to_owned()), &about, Value::Null).await
    }

    pub async fn ask(&mut self, id: MessageId, about: &[(&str, &str)], body: Value) -> Answer {
        let mut named = ApplicationProperties::builder();
        for (name, value) in about {
            named = named.insert(*name, *value);
        }
        let message = Message::builder()
            .properties(Properties::builder().message_id(id).build())
            .application_properties(named.build())
            .value(body)
            .build();
        assert!(self.sender.send(message).await.unwrap().is_accepted());
        let message = recv(&mut self.receiver).await.unwrap().into_message();
        let find = |name: &str| message.application_properties.as_ref().unwrap().get(name).cloned();
        let Some(SimpleValue::Int(status)) = find("status-code") else { panic!("{message:?}") };
        let Some(SimpleValue::String(description)) = find("status-description") else { panic!("{message:?}") };
        let correlation_id = message.properties.and_then(|properties| properties.correlation_id);
        Answer { status, description, correlation_id, body: message.body }
    }
}

/// The next delivery, accepted.
pub async fn recv(receiver: &mut Receiver) -> Result<Delivery<Body<Value>>, RecvError> {
    let delivery = tokio::time::timeout(PATIENCE, receiver.recv()).await.expect("something comes")?;
    receiver.accept(&delivery).await.unwrap();
    Ok(delivery)
}

pub fn partition(number: &str) -> String {
    format!("{ENTITY}/ConsumerGroups/$Default/Partitions/{number}")
}

pub fn source(address: &str, selector: Option<&str>) -> Source {
    let source = Source::builder().address(address);
    match selector {
        None => source.build(),
        Some(text) => {
            let descriptor = Descriptor::Name("apache.org:selector-filter:string".into());
            let filter = Described { descriptor, value: Value::String(text.to_owned()) };
            source.add_to_filter("apache.org:selector-filter:string", filter).build()
        }
    }
}

/// Reads a partition from where `selector` says.
pub async fn reader(
    session: &mut SessionHandle<()>,
    number: &str,
    selector: &str,
    credit: CreditMode,
) -> Result<Receiver, ReceiverAttachError> {
    Receiver::builder()
        .name(format!("reader-{number}-{selector}"))
        .source(source(&partition(number), Some(selector)))
        .credit_mode(credit)
        .attach(session)
        .await
}

/// Why a receiver could not be attached, whenever that was told.
pub async fn refusal(session: &mut SessionHandle<()>, source: impl Into<Source>) -> Error {
    static NAMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let name = NAMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let attached = Receiver::builder().name(format!("refused-{name}")).source(source).attach(session).await;
    match attached {
        Err(ReceiverAttachError::RemoteClosedWithError(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(mut receiver) => detached(recv(&mut receiver).await.unwrap_err()),
    }
}

/// The error that a link was detached with.
pub fn detached(error: RecvError) -> Error {
    use fe2o3_amqp::link::LinkStateError::{RemoteClosedWithError, RemoteDetachedWithError};
    match error {
        RecvError::LinkStateError(RemoteClosedWithError(error) | RemoteDetachedWithError(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The body's bytes.
pub fn body(delivery: &Delivery<Body<Value>>) -> Vec<u8> {
    let pieces = delivery.body().try_as_data().expect("data");
    pieces.flat_map(|piece| piece.to_vec()).collect()
}

/// The device's partition, and its bodies from the start on: `count` of them.
pub async fn find_events(session: &mut SessionHandle<()>, count: usize) -> (String, Vec<Vec<u8>>) {
    for number in ["0", "1", "2", "3"] {
        let mut asking = Asking::attach(session, "$management").await;
        let read = asking.read(&[("name", ENTITY), ("type", "com.microsoft:partition"), ("partition", number)]).await;
        let Body::Value(state) = &read.body else { panic!("{read:?}") };
        let is_empty = crate::world::member(&state.0, "is_partition_empty") == &Value::Bool(true);
        asking.receiver.close().await.unwrap();
        asking.sender.close().await.unwrap();
        if !is_empty {
            let start = "amqp.annotation.x-opt-offset > '-1'";
            let mut reader = reader(session, number, start, CreditMode::default()).await.unwrap();
            let mut bodies = Vec::new();
            for _ in 0..count {
                bodies.push(body(&recv(&mut reader).await.unwrap()));
            }
            reader.close().await.unwrap();
            return (number.to_owned(), bodies);
        }
    }
    panic!("every partition is empty");
}
