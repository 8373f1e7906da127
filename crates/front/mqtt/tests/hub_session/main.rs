//! Hub sessions, byte by byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod devicebound;
mod ending;
mod fault;
mod journal;
mod methods;
mod modules;
mod simulation;
mod throttle;
mod twin;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use roadstead_auth::Trust;
use roadstead_dps::{
    AllocationAnswer, AllocationRequest, AllocationWebhook, DeviceSpec, HubAddress, HubLink, Instances, LinkError,
    Ports, TwinSnapshot, WebhookError,
};
use roadstead_front_mqtt::{Caller, MqttFront};
use roadstead_hub::{Hub, HubParts, Hubs};
use roadstead_journal::Journal;
use roadstead_model::{
    AccessPolicy, Clock, DeviceId, Etag, GroupName, Hub as HubResource, HubKey, HubName, HubSettings, Right, Rights,
    Secret, UnixMillis, Webhook,
};
use roadstead_mqtt_proto::{Connect, Packet, PacketId, Publish, QoS, Will, decode, encode, frame};
use roadstead_sas::{SasKey, sign};
use roadstead_store::{HubLog, Records};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryLog, MemoryRecords};
use serde_json::Map;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
};

const HOST: &str = "hub1.example";
const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const NOW_S: i64 = 1_800_000_000;
const TOKEN_S: i64 = 3600;
const EVENTS: &str = "devices/dev1/messages/events/";
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
const CONNACK_UNAVAILABLE: [u8; 4] = [0x20, 2, 0, 3];
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
        consumer_groups: Vec::new(),
        tags: Map::new(),
        properties: Map::new(),
    };
    let journal = Journal::new(records.clone(), clock.clone());
    let parts = HubParts {
        records: records.clone(),
        log: log.clone(),
        clock: clock.clone(),
        random: random.clone(),
        journal: journal.clone(),
    };
    let hub = Hub::new(Arc::new(resource), Arc::new(Trust::default()), parts);
    let hubs = Arc::new(Hubs::new());
    hubs.put(hub.clone());
    let ports = Ports {
        records: records.clone(),
        hubs: Arc::new(Nobody),
        webhooks: Arc::new(Nobody),
        clock: clock.clone(),
        random,
        journal: journal.clone(),
    };
    let dps = Arc::new(Instances::open(ports).await.unwrap());
    let front = Arc::new(MqttFront::new(hubs, dps, clock.clone(), journal));
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

async fn subscribed(world: &World, filters: &[&str]) -> (DuplexStream, JoinHandle<()>) {
    let (mut client, served) = world.connect().await;
    let mut bytes = Vec::new();
    let filters = filters.iter().map(|filter| (*filter, QoS::AtMostOnce));
    encode::subscribe(&mut bytes, PacketId::FIRST, filters).unwrap();
    client.write_all(&bytes).await.unwrap();
    packet(&mut client).await;
    (client, served)
}
