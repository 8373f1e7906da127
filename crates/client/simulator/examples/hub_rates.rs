//! Prints how fast a hub answers what is not telemetry: reported properties, direct methods, messages to devices.
//!
//! `roadstead env` sets what it reads: `IOTHUB_CONNECTION_STRING`, `ROADSTEAD_CA_FILE`, `ROADSTEAD_HTTPS_PORT`,
//! `ROADSTEAD_MQTT_PORT`. Then `cargo run --release -p roadstead-simulator --example hub_rates -- [devices] [seconds]`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{
    env, fs,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use hdrhistogram::Histogram;
use roadstead_mqtt_proto::{Connect, Packet, PacketId, Publish, QoS, decode, encode, frame};
use roadstead_sas::{ConnectionString, SasKey, sign};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const PACKET_BYTES_MAX: usize = 1 << 20;
/// How many messages wait for each device.
const MESSAGES_EACH: u64 = 20;

struct Hub {
    host: String,
    policy: String,
    key: SasKey,
    tls: TlsConnector,
    https: u16,
    mqtt: u16,
}

impl Hub {
    fn from_env() -> Self {
        let string = ConnectionString::parse(&env::var("IOTHUB_CONNECTION_STRING").unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        let pem = fs::read(env::var("ROADSTEAD_CA_FILE").unwrap()).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let port = |name: &str| env::var(name).unwrap().parse().unwrap();
        Self {
            host: string.host_name,
            policy: string.shared_access_key_name.unwrap(),
            key: string.shared_access_key.unwrap(),
            tls: TlsConnector::from(Arc::new(config)),
            https: port("ROADSTEAD_HTTPS_PORT"),
            mqtt: port("ROADSTEAD_MQTT_PORT"),
        }
    }

    fn token(&self, resource: &str) -> String {
        sign(&format!("{}{resource}", self.host), &self.key, 4_000_000_000, Some(&self.policy))
    }

    async fn dial(&self, port: u16) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        self.tls.connect(ServerName::try_from(self.host.clone()).unwrap(), tcp).await.unwrap()
    }

    async fn service(&self) -> Service {
        Service { io: self.dial(self.https).await, host: self.host.clone(), token: self.token("") }
    }

    async fn device(&self, id: &str) -> Line {
        let mut line = Line { io: self.dial(self.mqtt).await, input: Vec::new(), out: Vec::new() };
        let user = format!("{}/{id}/?api-version=2021-04-12", self.host);
        let token = self.token(&format!("/devices/{id}"));
        let connect = Connect {
            clean_session: true,
            keep_alive_s: 600,
            client_id: id,
            will: None,
            user_name: Some(&user),
            password: Some(token.as_bytes()),
        };
        encode::connect(&mut line.out, &connect).unwrap();
        line.ask(|packet| matches!(packet, Packet::Connack(_)).then_some(())).await;
        line
    }
}

/// One back end's HTTPS connection.
struct Service {
    io: TlsStream<TcpStream>,
    host: String,
    token: String,
}

impl Service {
    /// Sends `METHOD /path`, whole header lines and a body; returns the answer's status.
    async fn ask(&mut self, line: &str, headers: &str, body: &str) -> u16 {
        let Self { io, host, token } = self;
        let length = body.len();
        let request = format!(
            "{line}?api-version=2021-04-12 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        io.write_all(request.as_bytes()).await.unwrap();
        io.flush().await.unwrap(); // a TLS stream may keep what it has taken
        let mut answer = Vec::new();
        loop {
            assert!(io.read_buf(&mut answer).await.unwrap() > 0, "the server closed the connection");
            let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if answer.len() >= head + 4 + length.unwrap_or(0) {
                return text.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}

/// One device's MQTT connection.
struct Line {
    io: TlsStream<TcpStream>,
    input: Vec<u8>,
    out: Vec<u8>,
}

impl Line {
    async fn flush(&mut self) {
        self.io.write_all(&self.out).await.unwrap();
        self.io.flush().await.unwrap(); // a TLS stream may keep what it has taken
        self.out.clear();
    }

    /// Sends what is to be sent, then reads packets until one yields an answer.
    async fn ask<T>(&mut self, mut answer: impl FnMut(Packet<'_>) -> Option<T>) -> T {
        self.flush().await;
        loop {
            while let Some(len) = frame::first_packet_len(&self.input, PACKET_BYTES_MAX).unwrap() {
                let packet: Vec<u8> = self.input.drain(..len).collect();
                if let Some(answer) = answer(decode(&packet).unwrap()) {
                    return answer;
                }
            }
            assert!(self.io.read_buf(&mut self.input).await.unwrap() > 0, "the hub closed the connection");
        }
    }

    fn subscribe(&mut self, filter: &str) {
        encode::subscribe(&mut self.out, PacketId::new(1).unwrap(), [(filter, QoS::AtLeastOnce)]).unwrap();
    }

    async fn subscribed(&mut self, filter: &str) {
        self.subscribe(filter);
        self.ask(|packet| matches!(packet, Packet::Suback(_)).then_some(())).await;
    }

    fn publish(&mut self, topic: &str, payload: &[u8]) {
        let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic, packet_id: None, payload };
        encode::publish(&mut self.out, &publish).unwrap();
    }
}

fn id(n: usize) -> String {
    format!("rate-{n:05}")
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

fn since(asked: Instant) -> u64 {
    asked.elapsed().as_micros() as u64
}

fn print(what: &str, began: Instant, waits: impl IntoIterator<Item = Histogram<u64>>) {
    let took = began.elapsed().as_secs_f64();
    let waits = waits.into_iter().fold(histogram(), |sum, one| sum + one);
    let at = |quantile| waits.value_at_quantile(quantile) as f64 / 1000.0;
    println!("{what}: {:.0}/s, median {:.2} ms, p99 {:.2} ms", waits.len() as f64 / took, at(0.5), at(0.99));
}

async fn devices(hub: &Hub, count: usize) -> Vec<Line> {
    join_all((0..count).map(|n| async move { hub.device(&id(n)).await })).await
}

async fn make(hub: &Hub, count: usize) {
    join_all((0..16).map(|lane| async move {
        let mut service = hub.service().await;
        for n in (lane..count).step_by(16) {
            let body = format!(r#"{{"deviceId":"{}"}}"#, id(n));
            let status = service.ask(&format!("PUT /devices/{}", id(n)), "", &body).await;
            assert!(matches!(status, 200 | 409), "{status}");
        }
    }))
    .await;
}

/// Each device writes its reported properties again and again, one write in flight.
async fn twins(hub: &Hub, count: usize, span: Duration) {
    let mut lines = devices(hub, count).await;
    join_all(lines.iter_mut().map(|line| line.subscribed("$iothub/twin/res/#"))).await;
    let began = Instant::now();
    let all = join_all(lines.iter_mut().map(|line| async move {
        let mut waits = histogram();
        while began.elapsed() < span {
            let asked = Instant::now();
            let patch = format!(r#"{{"count":{},"state":{{"on":true}}}}"#, waits.len());
            line.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", patch.as_bytes());
            let done = line.ask(|packet| match packet {
                Packet::Publish(answer) => Some(answer.topic.starts_with("$iothub/twin/res/204/")),
                _ => None,
            });
            assert!(done.await, "a patch was refused");
            waits.record(since(asked)).unwrap();
        }
        waits
    }))
    .await;
    print("reported patches, durable", began, all);
}

/// Answers every method at once, for ever.
async fn answer_methods(hub: Arc<Hub>, id: String) {
    let mut line = hub.device(&id).await;
    line.subscribed("$iothub/methods/POST/#").await;
    loop {
        let call = line.ask(|packet| match packet {
            Packet::Publish(call) => Some(call.topic.split("$rid=").nth(1).unwrap().to_owned()),
            _ => None,
        });
        let topic = format!("$iothub/methods/res/200/?$rid={}", call.await);
        line.publish(&topic, br#"{"ok":true}"#);
    }
}

/// Callers call one device after the other.
async fn methods(hub: &Arc<Hub>, count: usize, callers: usize, span: Duration) {
    let answering: Vec<_> = (0..count).map(|n| tokio::spawn(answer_methods(hub.clone(), id(n)))).collect();
    let body = r#"{"methodName":"ping","payload":{"n":1},"connectTimeoutInSeconds":30}"#;
    let mut services = join_all((0..callers).map(|_| hub.service())).await;
    // All devices listen once each was called.
    for n in 0..count {
        assert_eq!(services[0].ask(&format!("POST /twins/{}/methods", id(n)), "", body).await, 200);
    }
    let began = Instant::now();
    let all = join_all(services.iter_mut().enumerate().map(|(caller, service)| async move {
        let mut waits = histogram();
        while began.elapsed() < span {
            let device = (caller + waits.len() as usize * callers) % count;
            let asked = Instant::now();
            let status = service.ask(&format!("POST /twins/{}/methods", id(device)), "", body).await;
            assert_eq!(status, 200, "a call failed");
            waits.record(since(asked)).unwrap();
        }
        waits
    }))
    .await;
    answering.iter().for_each(tokio::task::JoinHandle::abort);
    print(&format!("direct methods, {callers} callers"), began, all);
}

/// Every queue is filled, then all devices come and take their messages.
async fn messages(hub: &Hub, count: usize) {
    let mut services = join_all((0..64).map(|_| hub.service())).await;
    let began = Instant::now();
    let all = join_all(services.iter_mut().enumerate().map(|(lane, service)| async move {
        let mut waits = histogram();
        for n in (lane..count).step_by(64) {
            let to = format!("iothub-to: /devices/{}/messages/devicebound\r\n", id(n));
            for _ in 0..MESSAGES_EACH {
                let asked = Instant::now();
                let status = service.ask("POST /messages/devicebound", &to, r#"{"set":21}"#).await;
                assert!((200..300).contains(&status), "{status}");
                waits.record(since(asked)).unwrap();
            }
        }
        waits
    }))
    .await;
    print("messages to devices enqueued, durable", began, all);

    let mut lines = devices(hub, count).await;
    let began = Instant::now();
    let all = join_all(lines.iter_mut().enumerate().map(|(n, line)| async move {
        let mut waits = histogram();
        line.subscribe(&format!("devices/{}/messages/devicebound/#", id(n)));
        for _ in 0..MESSAGES_EACH {
            let message = line.ask(|packet| match packet {
                Packet::Publish(message) => Some(message.packet_id.unwrap()),
                _ => None,
            });
            let packet_id = message.await;
            encode::puback(&mut line.out, packet_id);
            waits.record(since(began)).unwrap();
        }
        line.flush().await;
        waits
    }))
    .await;
    print("messages to devices delivered (waits from the start)", began, all);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let count = arguments.next().unwrap_or(200);
    let span = Duration::from_secs(arguments.next().unwrap_or(5) as u64);
    let hub = Arc::new(Hub::from_env());
    make(&hub, count).await;
    twins(&hub, count, span).await;
    methods(&hub, count, 1, span).await;
    methods(&hub, count, 32, span).await;
    messages(&hub, count).await;
}
