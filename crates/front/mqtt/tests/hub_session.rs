//! The end of a hub session, byte by byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "hub_session/devicebound.rs"]
mod devicebound;
#[path = "hub_session/methods.rs"]
mod methods;
#[path = "hub_session/simulation.rs"]
mod simulation;

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use roadstead_auth::Trust;
use roadstead_dps::{
    AllocationAnswer, AllocationRequest, AllocationWebhook, DeviceSpec, HubAddress, HubLink, Instances, LinkError,
    Ports, TwinSnapshot, WebhookError,
};
use roadstead_front_mqtt::{Caller, MqttFront, limits::TOKEN_GRACE};
use roadstead_hub::{CloseReason, Hub, HubParts, Hubs, IfMatch, SectionChange, TwinChange, TwinWrite};
use roadstead_model::{
    AccessPolicy, Clock, DeviceId, Etag, GroupName, Hub as HubResource, HubKey, HubName, HubSettings, Right, Rights,
    Secret, ThrottleProfile, Tier, UnixMillis, Webhook,
};
use roadstead_mqtt_proto::{Connect, Packet, PacketId, Publish, QoS, Will, decode, encode, frame};
use roadstead_sas::{SasKey, sign};
use roadstead_store::{HubLog, Records, StoreError};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryLog, MemoryRecords};
use serde_json::Map;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    task::JoinHandle,
};

const HOST: &str = "hub1.example";
const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const NOW_S: i64 = 1_800_000_000;
const TOKEN_S: i64 = 3600;
const EVENTS: &str = "devices/dev1/messages/events/";
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
const PUBACK: [u8; 4] = [0x40, 2, 0, 1];

/// DPS is not spoken to here.
struct Nobody;

#[async_trait]
impl HubLink for Nobody {
    async fn ensure_device(&self, _: HubAddress<'_>, _: &DeviceSpec) -> Result<(), LinkError> {
        Err(LinkError::NotFound)
    }

    async fn take_twin(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        Err(LinkError::NotFound)
    }

    async fn remove_device(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<(), LinkError> {
        Err(LinkError::NotFound)
    }

    fn host_of(&self, _: &str) -> Option<String> {
        None
    }

    async fn device_count(&self, _: HubAddress<'_>) -> Result<u64, LinkError> {
        Err(LinkError::NotFound)
    }
}

#[async_trait]
impl AllocationWebhook for Nobody {
    async fn allocate(
        &self,
        _: &Webhook,
        _: &AllocationRequest,
        timeout: Duration,
    ) -> Result<AllocationAnswer, WebhookError> {
        Err(WebhookError::Timeout(timeout.as_millis() as u64))
    }
}

struct World {
    hub: Arc<Hub>,
    records: Arc<MemoryRecords>,
    log: Arc<MemoryLog>,
    clock: Arc<FakeClock>,
    front: Arc<MqttFront>,
}

impl World {
    async fn new() -> Self {
        Self::with(HubSettings::default()).await
    }

    async fn with(settings: HubSettings) -> Self {
        let (clock, records) = (Arc::new(FakeClock::at(UnixMillis(NOW_S * 1000))), Arc::new(MemoryRecords::new()));
        let (hub, log, front) = open(records.clone(), clock.clone(), settings).await;
        let id = DeviceId::parse("dev1").unwrap();
        let spec = roadstead_hub::IdentitySpec::new(id, roadstead_hub::AuthSpec::None);
        hub.create_device(spec).await.unwrap();
        Self { hub, records, log, clock, front }
    }

    async fn connect(&self) -> (DuplexStream, JoinHandle<()>) {
        let (client, served, connack) = self.knock().await;
        assert_eq!(connack, CONNACK);
        (client, served)
    }

    /// Connects, and says what the hub makes of it.
    async fn knock(&self) -> (DuplexStream, JoinHandle<()>, [u8; 4]) {
        let (mut client, server) = duplex(4096);
        let front = self.front.clone();
        let served = tokio::spawn(async move { front.serve(server, caller()).await });
        client.write_all(&connect()).await.unwrap();
        let mut connack = [0; 4];
        client.read_exact(&mut connack).await.unwrap();
        (client, served, connack)
    }

    fn stored(&self) -> u64 {
        self.log.bounds(0).next
    }
}

/// A hub and a front for it.
async fn open(
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    settings: HubSettings,
) -> (Arc<Hub>, Arc<MemoryLog>, Arc<MqttFront>) {
    let (random, log) = (Arc::new(CountingRandom::default()), MemoryLog::new(1));
    let policy = AccessPolicy {
        key_name: "device".to_owned(),
        primary: Secret::new(KEY),
        secondary: Secret::new(KEY),
        rights: Rights::of(&[Right::DeviceConnect]),
    };
    let resource = HubResource {
        key: HubKey(7),
        name: HubName::parse("hub1").unwrap(),
        host_name: HOST.to_owned(),
        aliases: Vec::new(),
        group: GroupName::parse("rg").unwrap(),
        location: "here".to_owned(),
        etag: Etag::from_client("1"),
        created: UnixMillis(0),
        partition_count: 1,
        retention_days: 1,
        policies: vec![policy],
        settings,
        tags: Map::new(),
        properties: Map::new(),
    };
    let parts = HubParts { records: records.clone(), log: log.clone(), clock: clock.clone(), random: random.clone() };
    let hub = Hub::new(Arc::new(resource), Arc::new(Trust::default()), parts);
    let hubs = Arc::new(Hubs::new());
    hubs.put(hub.clone());
    let ports = Ports {
        records: records.clone(),
        hubs: Arc::new(Nobody),
        webhooks: Arc::new(Nobody),
        clock: clock.clone(),
        random,
    };
    let dps = Arc::new(Instances::open(ports).await.unwrap());
    let front = Arc::new(MqttFront::new(hubs, dps, clock.clone()));
    (hub, log, front)
}

fn caller() -> Caller {
    Caller { address: SocketAddr::from(([192, 0, 2, 7], 50_000)), certificates: Arc::new([]), connection: 1 }
}

/// CONNECT of a device with a will.
fn connect() -> Vec<u8> {
    let key = SasKey::from_base64(KEY).unwrap();
    let token = sign(HOST, &key, NOW_S + TOKEN_S, Some("device"));
    let connect = Connect {
        clean_session: true,
        keep_alive_s: 60,
        client_id: "dev1",
        will: Some(Will { topic: EVENTS, payload: b"will", qos: QoS::AtLeastOnce, retain: false }),
        user_name: Some("hub1.example/dev1/?api-version=2021-04-12"),
        password: Some(token.as_bytes()),
    };
    let mut bytes = Vec::new();
    encode::connect(&mut bytes, &connect).unwrap();
    bytes
}

/// A message that [`PUBACK`] acknowledges.
fn publish() -> Vec<u8> {
    publish_with("")
}

/// The same with properties: `a=b&c=d`.
fn publish_with(bag: &str) -> Vec<u8> {
    let (qos, packet_id) = (QoS::AtLeastOnce, Some(PacketId::FIRST));
    let mut bytes = Vec::new();
    let topic = format!("{EVENTS}{bag}");
    let publish = Publish { dup: false, qos, retain: false, topic: &topic, packet_id, payload: b"{}" };
    encode::publish(&mut bytes, &publish).unwrap();
    bytes
}

/// What is sent until the connection closes.
async fn rest(mut client: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn what_was_stored_is_acknowledged_before_a_goodbye_ends_the_session() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    let mut bytes = publish();
    encode::disconnect(&mut bytes);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(rest(client).await, PUBACK);
    served.await.unwrap();
    assert_eq!(world.stored(), 1, "no will after a goodbye");
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_is_acknowledged_when_the_hub_closes_the_session() {
    for (outcome, acknowledged) in [(Ok(()), &PUBACK[..]), (Err(StoreError::Full("no space".to_owned())), &[])] {
        let world = World::new().await;
        let (mut client, served) = world.connect().await;
        world.log.hold();
        client.write_all(&publish()).await.unwrap();
        while world.stored() == 0 {
            tokio::task::yield_now().await;
        }
        world.hub.close(CloseReason::ShuttingDown);
        tokio::task::yield_now().await;
        world.log.release(outcome);
        assert_eq!(rest(client).await, acknowledged);
        served.await.unwrap();
    }
}

/// A client that has always something to say: CONNECT, then a ping in each second.
struct Flood {
    connect: Option<Vec<u8>>,
    clock: Arc<FakeClock>,
    seconds: Arc<AtomicU64>,
}

const FLOOD_S: u64 = 10_000;

impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(connect) = self.connect.take() {
            buffer.put_slice(&connect);
        } else if self.seconds.fetch_add(1, Ordering::Relaxed) < FLOOD_S {
            self.clock.advance_ms(1000);
            let mut advance = pin!(tokio::time::advance(Duration::from_secs(1)));
            while advance.as_mut().poll(cx).is_pending() {}
            buffer.put_slice(&[0xc0, 0]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_pauses_does_not_outlive_its_token() {
    let world = World::new().await;
    let seconds = Arc::new(AtomicU64::new(0));
    let flood = Flood { connect: Some(connect()), clock: world.clock.clone(), seconds: seconds.clone() };
    world.front.serve(flood, caller()).await;
    assert_eq!(seconds.load(Ordering::Relaxed), TOKEN_S as u64 + TOKEN_GRACE.as_secs());
}

/// CONNECT of the module `$m` on dev1, by the hub's policy, with a will.
fn connect_module(client_id: &str) -> Vec<u8> {
    let token = sign(HOST, &SasKey::from_base64(KEY).unwrap(), NOW_S + TOKEN_S, Some("device"));
    let topic = "devices/dev1/modules/$m/messages/events/a=b";
    let connect = Connect {
        clean_session: false,
        keep_alive_s: 60,
        client_id,
        will: Some(Will { topic, payload: b"will", qos: QoS::AtLeastOnce, retain: false }),
        user_name: Some("hub1.example/dev1/$m/?api-version=2021-04-12"),
        password: Some(token.as_bytes()),
    };
    let mut bytes = Vec::new();
    encode::connect(&mut bytes, &connect).unwrap();
    bytes
}

async fn serve_module(world: &World, sent: &[u8]) -> Vec<u8> {
    let (mut client, server) = duplex(4096);
    let front = world.front.clone();
    let served = tokio::spawn(async move { front.serve(server, caller()).await });
    client.write_all(sent).await.unwrap();
    client.shutdown().await.unwrap();
    let answered = rest(client).await;
    served.await.unwrap();
    answered
}

#[tokio::test]
async fn a_module_speaks_for_itself_alone() {
    let world = World::new().await;
    assert_eq!(serve_module(&world, &connect_module("dev1/$m")).await, [0x20, 2, 0, 5], "no such module");
    let device = DeviceId::parse("dev1").unwrap();
    let spec = roadstead_hub::ModuleSpec {
        device,
        id: roadstead_model::ModuleId::parse("$m").unwrap(),
        auth: roadstead_hub::AuthSpec::None,
        managed_by: None,
    };
    world.hub.create_module(spec, &roadstead_model::InitialTwin::default()).await.unwrap();
    assert_eq!(serve_module(&world, &connect_module("dev1")).await, [0x20, 2, 0, 2], "another client id");

    let publish = |topic: &str| {
        let (qos, packet_id) = (QoS::AtLeastOnce, Some(PacketId::FIRST));
        let mut bytes = connect_module("dev1/$m");
        let publish = Publish { dup: false, qos, retain: false, topic, packet_id, payload: b"{}" };
        encode::publish(&mut bytes, &publish).unwrap();
        bytes
    };
    let answered = serve_module(&world, &publish("devices/dev1/modules/$m/messages/events/%24.on=out1")).await;
    assert_eq!(answered, [CONNACK, PUBACK].concat());
    let stored = world.log.read(0, 0, usize::MAX).await.unwrap();
    let output = |at: usize| {
        let event = stored[at].view().unwrap();
        assert_eq!((event.device_id, event.module_id), ("dev1", Some("$m")));
        event.properties.clone().next().map(|property| format!("{property:?}"))
    };
    assert!(output(0).is_some_and(|property| property.contains("OutputName") && property.contains("out1")));
    assert!(output(1).is_some_and(|property| property.contains(r#""a""#)), "its will");
    for topic in [EVENTS, "devices/dev1/modules/m/messages/events/"] {
        serve_module(&world, &publish(topic)).await;
    }
    let bodies: Vec<_> = world.log.read(0, 0, usize::MAX).await.unwrap();
    assert!(bodies[2..].iter().all(|event| event.view().unwrap().body == b"will"), "nothing else was taken");
}

/// What a device asks of the hub, acknowledged when it has an id.
fn request(topic: &str, payload: &[u8], packet_id: Option<PacketId>) -> Vec<u8> {
    let qos = if packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce };
    let mut bytes = Vec::new();
    encode::publish(&mut bytes, &Publish { dup: false, qos, retain: false, topic, packet_id, payload }).unwrap();
    bytes
}

/// The next packet of the hub.
async fn packet(client: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.push(client.read_u8().await.unwrap());
        if frame::first_packet_len(&bytes, usize::MAX).unwrap() == Some(bytes.len()) {
            return bytes;
        }
    }
}

/// The next packet's topic and payload; it must be a message at QoS 0.
async fn message(client: &mut DuplexStream) -> (String, String) {
    let bytes = packet(client).await;
    match decode(&bytes).unwrap() {
        Packet::Publish(Publish { qos: QoS::AtMostOnce, topic, payload, .. }) => {
            (topic.to_owned(), String::from_utf8(payload.to_vec()).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

const GET: &str = "$iothub/twin/GET/?$rid=";
const REPORT: &str = "$iothub/twin/PATCH/properties/reported/?$rid=";

async fn subscribed(world: &World, filters: &[&str]) -> (DuplexStream, JoinHandle<()>) {
    let (mut client, served) = world.connect().await;
    let mut bytes = Vec::new();
    let filters = filters.iter().map(|filter| (*filter, QoS::AtMostOnce));
    encode::subscribe(&mut bytes, PacketId::FIRST, filters).unwrap();
    client.write_all(&bytes).await.unwrap();
    packet(&mut client).await;
    (client, served)
}

#[tokio::test]
async fn a_device_reads_and_reports_its_twin() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let answer = |topic: &str, payload: &str| (topic.to_owned(), payload.to_owned());
    client.write_all(&request(&format!("{GET}Ab%20c"), b" ", None)).await.unwrap();
    let empty = r#"{"desired":{"$version":1},"reported":{"$version":1}}"#;
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/200/?$rid=Ab%20c", empty));

    // Several at once, one of them to be acknowledged: that comes first, the answer at QoS 0 nonetheless.
    let mut both = request(&format!("{REPORT}2"), r#"{"grün":1}"#.as_bytes(), Some(PacketId::FIRST));
    both.extend(request(&format!("{REPORT}3&$version=2"), b"{}", None));
    client.write_all(&both).await.unwrap();
    assert_eq!(packet(&mut client).await, PUBACK);
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/204/?$rid=2&$version=2", ""));
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/204/?$rid=3&$version=3", ""));
    client.write_all(&request(&format!("{GET}4"), b"", None)).await.unwrap();
    let reported = r#"{"desired":{"$version":1},"reported":{"gr\u00fcn":1,"$version":3}}"#;
    assert_eq!(message(&mut client).await.1, reported);
}

#[tokio::test]
async fn refused_twin_requests_say_why() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let big =
        format!("{{{}}}", (0..9).map(|n| format!("\"{n}\":\"{}\"", "x".repeat(4096))).collect::<Vec<_>>().join(","));
    for (rid, body, status, code) in [
        ("1", "", 400, 400_004),
        ("2", "{", 400, 400_004),
        ("3", "[]", 400, 400_004),
        ("4", "null", 400, 400_004),
        ("5", r#"{"a b":1}"#, 400, 400_004),
        ("6&$version=7", "{}", 412, 412_001),
        ("7", &big, 403, 403_100),
    ] {
        client.write_all(&request(&format!("{REPORT}{rid}"), body.as_bytes(), None)).await.unwrap();
        let (topic, body) = message(&mut client).await;
        assert_eq!(topic, format!("$iothub/twin/res/{status}/?$rid={}", &rid[..1]));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errorCode"], code, "{body}");
        assert!(!body["message"].as_str().unwrap().is_empty() && !body["trackingId"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_asks_much_must_read_before_more_is_answered() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let big =
        format!("{{{}}}", (0..7).map(|n| format!("\"{n}\":\"{}\"", "x".repeat(4096))).collect::<Vec<_>>().join(","));
    client.write_all(&request(&format!("{REPORT}0"), big.as_bytes(), None)).await.unwrap();
    message(&mut client).await;
    let questions: Vec<u8> = (0..100).flat_map(|rid| request(&format!("{GET}{rid}"), b"", None)).collect();
    client.write_all(&questions).await.unwrap();
    let (topic, first) = message(&mut client).await;
    assert_eq!(topic, "$iothub/twin/res/200/?$rid=0");
    // What was answered before the first answer was taken does not know of this.
    let id = DeviceId::parse("dev1").unwrap().into();
    let desired = SectionChange::Write(Map::from_iter([("hz".to_owned(), 5.into())]));
    let change = TwinChange { tags: SectionChange::Keep, desired };
    world.hub.update_twin(&id, change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    let mut last = first;
    for rid in 1..100 {
        let (topic, body) = message(&mut client).await;
        assert_eq!(topic, format!("$iothub/twin/res/200/?$rid={rid}"));
        last = body;
    }
    assert!(last.starts_with(r#"{"desired":{"hz":5,"#), "all were answered before the first was taken");
}

#[tokio::test]
async fn who_does_not_listen_gets_no_answer() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    let mut bytes = request(&format!("{REPORT}1"), b"{\"a\":1}", Some(PacketId::FIRST));
    encode::disconnect(&mut bytes);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(rest(client).await, PUBACK);
    served.await.unwrap();
    let twin = world.hub.find_identity(&DeviceId::parse("dev1").unwrap().into()).await.unwrap().twin;
    assert_eq!(twin.reported.version, 2, "but it is done");
}

#[tokio::test]
async fn other_topics_of_the_hub_end_the_connection() {
    for topic in ["$iothub/twin/PUT/?$rid=1", "$iothub/twin/GET/", "$iothub/twin/GET/?$rid=", "$iothub/x", "$SYS/x"] {
        let world = World::new().await;
        let (mut client, served) = world.connect().await;
        client.write_all(&request(topic, b"{}", Some(PacketId::FIRST))).await.unwrap();
        assert_eq!(rest(client).await, b"", "{topic}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn desired_properties_are_told_to_who_listens() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/PATCH/properties/desired/#"]).await;
    let id = DeviceId::parse("dev1").unwrap().into();
    for (write, body) in
        [(TwinWrite::Patch, r#"{"a":1,"b":null,"$version":2}"#), (TwinWrite::Replace, r#"{"a":1,"$version":3}"#)]
    {
        let desired = SectionChange::Write(serde_json::from_str(r#"{"a":1,"b":null}"#).unwrap());
        let change = TwinChange { desired, ..TwinChange::default() };
        let version = world.hub.update_twin(&id, change, write, IfMatch::Any).await.unwrap().twin.desired.version;
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        assert_eq!(message(&mut client).await, (topic, body.to_owned()));
    }
}

/// Clients that read their twin and then subscribe (C, Node) miss nothing in between.
#[tokio::test]
async fn changes_between_a_devices_question_and_its_subscription_are_told_after_it() {
    let world = World::new().await;
    let id = DeviceId::parse("dev1").unwrap().into();
    let desire = async |n: u32| {
        let desired = SectionChange::Write(Map::from_iter([("n".to_owned(), n.into())]));
        let change = TwinChange { tags: SectionChange::Keep, desired };
        world.hub.update_twin(&id, change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    };
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    desire(2).await;
    client.write_all(&request(&format!("{GET}1"), b"", None)).await.unwrap();
    message(&mut client).await;
    desire(3).await;
    client.write_all(&request(&format!("{GET}2"), b"", None)).await.unwrap();
    assert!(message(&mut client).await.1.starts_with(r#"{"desired":{"n":3,"#));
    desire(4).await;
    desire(5).await;
    let mut bytes = Vec::new();
    let filter = "$iothub/twin/PATCH/properties/desired/#";
    encode::subscribe(&mut bytes, PacketId::FIRST, [(filter, QoS::AtMostOnce)]).unwrap();
    client.write_all(&bytes).await.unwrap();
    assert_eq!(packet(&mut client).await, [0x90, 3, 0, 1, 0], "SUBACK comes first");
    for n in 4..7 {
        if n == 6 {
            desire(6).await;
        }
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={n}");
        assert_eq!(message(&mut client).await, (topic, format!(r#"{{"n":{n},"$version":{n}}}"#)));
    }
}

const CONNACK_UNAVAILABLE: [u8; 4] = [0x20, 2, 0, 3];

/// As the C# SDK asks for it.
fn ask_fault(kind: &str, delay_s: u32) -> Vec<u8> {
    publish_with(&format!(
        "AzIoTHub_FaultOperationType={kind}&AzIoTHub_FaultOperationCloseReason=boom\
         &AzIoTHub_FaultOperationDelayInSecs={delay_s}&AzIoTHub_FaultOperationDurationInSecs=5"
    ))
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_when_its_device_asked_for_it() {
    for (kind, delay_s, lasts) in [
        ("KillTcp", 2, true),
        ("KillTcp", 0, true),
        ("ShutDownMqtt", 2, true),
        ("InvokeThrottling", 2, false),
        ("InvokeAuthError", 2, false),
    ] {
        let world = World::with(HubSettings { fault_injection: true, ..HubSettings::default() }).await;
        let begun = tokio::time::Instant::now();
        let (mut client, served) = world.connect().await;
        client.write_all(&[ask_fault(kind, delay_s), publish()].concat()).await.unwrap();
        let mut acknowledged = [0; 8];
        client.read_exact(&mut acknowledged).await.unwrap();
        assert_eq!(acknowledged[..], [PUBACK, PUBACK].concat(), "{kind}");
        assert_eq!(begun.elapsed().as_millis(), 0, "{kind}: at once, whenever the fault comes");
        assert_eq!(rest(client).await, b"", "{kind}");
        served.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), u64::from(delay_s), "{kind}");
        assert_eq!(world.stored(), 2, "{kind}: the message after it and the will, not the fault");
        world.clock.advance_ms(i64::from(delay_s) * 1000);
        let (.., connack) = world.knock().await;
        assert_eq!(connack, if lasts { CONNACK_UNAVAILABLE } else { CONNACK }, "{kind}");
        world.clock.advance_ms(5000);
        drop(world.connect().await);
    }
}

#[tokio::test]
async fn a_message_that_asks_in_vain_is_telemetry() {
    for (allowed, kind) in [(false, "KillTcp"), (true, "KillAmqpConnection"), (true, "KillCat")] {
        let world = World::with(HubSettings { fault_injection: allowed, ..HubSettings::default() }).await;
        let (mut client, served) = world.connect().await;
        let mut bytes = ask_fault(kind, 2);
        encode::disconnect(&mut bytes);
        client.write_all(&bytes).await.unwrap();
        assert_eq!(rest(client).await, PUBACK, "{kind}");
        served.await.unwrap();
        assert_eq!(world.stored(), 1, "{kind}");
    }
}

/// Azure's smallest hub.
async fn slow() -> World {
    let throttle = Some(ThrottleProfile { tier: Tier::S1, units: 1 });
    World::with(HubSettings { throttle, ..HubSettings::default() }).await
}

#[tokio::test(start_paused = true)]
async fn telemetry_beyond_the_rate_is_acknowledged_later() {
    let world = slow().await;
    let (mut client, served) = world.connect().await;
    let begun = tokio::time::Instant::now();
    let mut puback = [0; 4];
    for sent in 1..=103 {
        client.write_all(&publish()).await.unwrap();
        client.read_exact(&mut puback).await.unwrap();
        assert_eq!(puback, PUBACK);
        // The hub's clock stands still: each message waits 10 ms longer than the one before.
        let expected = [0, 10, 30, 60][usize::try_from(sent - 100).unwrap_or(0)];
        assert!((expected..expected + 9).contains(&begun.elapsed().as_millis()), "{sent}: {:?}", begun.elapsed());
    }
    drop(client);
    served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn telemetry_far_beyond_the_rate_and_too_many_connections_are_refused() {
    let world = slow().await;
    let (mut client, served) = world.connect().await;
    let flood = publish().repeat(1200);
    let mut puback = [0; 4];
    let mut acknowledged = 0;
    let (mut read, mut write) = tokio::io::split(&mut client);
    let send = async { write.write_all(&flood).await };
    let receive = async {
        while read.read_exact(&mut puback).await.is_ok() {
            acknowledged += 1;
        }
    };
    let (sent, ()) = tokio::join!(send, receive);
    assert!(sent.is_err() || acknowledged <= 1100);
    served.await.unwrap();
    assert_eq!(world.stored(), 1101, "a second's worth, ten seconds' worth, and the will");
    for _ in 1..100 {
        drop(world.connect().await);
    }
    let (.., connack) = world.knock().await;
    assert_eq!(connack, CONNACK_UNAVAILABLE);
}
