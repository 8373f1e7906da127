//! A hub without a disk, and a front for it.

use std::{net::SocketAddr, sync::Arc};

use roadstead_auth::Trust;
use roadstead_dps::Instances;
use roadstead_front_amqp::{AmqpFront, Caller};
use roadstead_hub::{AuthSpec, Hub, HubParts, Hubs, IdentitySpec};
use roadstead_journal::Journal;
use roadstead_model::{
    AccessPolicy, AuthMethod, DeviceId, Etag, Event, EventSource, GenerationId, GroupName, Hub as HubResource, HubKey,
    HubName, HubSettings, Properties, Right, Rights, Secret, UnixMillis,
};
use roadstead_sas::{SasKey, sign};
use roadstead_store::HubLog;
use roadstead_testkit::{CountingRandom, FakeClock, MemoryLog, MemoryRecords};
use serde_json::Map;
use tokio::{
    io::{DuplexStream, duplex},
    sync::Semaphore,
    task::JoinHandle,
};

use crate::{
    bearer::LoggedIn,
    client::Client,
    dps_world::{self, SlowWebhook},
};

pub const HOST: &str = "hub1.example";
pub const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
pub const NOW_S: i64 = 1_800_000_000;
pub const TOKEN_S: i64 = 3600;
/// Bytes of the pipe: less than the front would like to send at once.
const PIPE_BYTES: usize = 32 * 1024;

pub struct World {
    pub hub: Arc<Hub>,
    pub dps: Arc<Instances>,
    pub webhook: Arc<SlowWebhook>,
    pub records: Arc<MemoryRecords>,
    pub log: Arc<MemoryLog>,
    pub clock: Arc<FakeClock>,
    pub bearers: Arc<LoggedIn>,
    pub front: Arc<AmqpFront>,
}

impl World {
    /// A hub of two partitions with the device dev1.
    pub async fn new() -> Self {
        let (clock, records) = (Arc::new(FakeClock::at(UnixMillis(NOW_S * 1000))), Arc::new(MemoryRecords::new()));
        let (random, log) = (Arc::new(CountingRandom::default()), MemoryLog::new(2));
        let policy = |name: &str, rights: &[Right]| AccessPolicy {
            key_name: name.to_owned(),
            primary: Secret::new(KEY),
            secondary: Secret::new(KEY),
            rights: Rights::of(rights),
        };
        let resource = HubResource {
            key: HubKey(7),
            name: HubName::parse("Hub1").unwrap(),
            host_name: HOST.to_owned(),
            aliases: Vec::new(),
            group: GroupName::parse("rg").unwrap(),
            location: "here".to_owned(),
            etag: Etag::from_client("1"),
            created: UnixMillis(5),
            partition_count: 2,
            retention_days: 1,
            policies: vec![
                policy("service", &[Right::ServiceConnect]),
                policy("registry", &[Right::RegistryRead]),
                policy("device", &[Right::DeviceConnect]),
            ],
            settings: HubSettings::default(),
            consumer_groups: Vec::new(),
            tags: Map::new(),
            properties: Map::new(),
        };
        let webhook = Arc::new(SlowWebhook(Semaphore::new(0)));
        let journal = Journal::new(records.clone(), clock.clone());
        let dps = dps_world::instances(&records, &clock, &random, &webhook, &journal).await;
        let parts = HubParts {
            records: records.clone(),
            log: log.clone(),
            clock: clock.clone(),
            random,
            journal: journal.clone(),
        };
        let hub = Hub::new(Arc::new(resource), Arc::new(Trust::default()), parts);
        hub.create_device(IdentitySpec::new(DeviceId::parse("dev1").unwrap(), AuthSpec::None)).await.unwrap();
        let hubs = Arc::new(Hubs::new());
        hubs.put(hub.clone());
        let bearers = Arc::new(LoggedIn::new(clock.clone()));
        let front = Arc::new(AmqpFront::new(hubs, dps.clone(), bearers.clone(), clock.clone(), journal, 5671));
        Self { hub, dps, webhook, records, log, clock, bearers, front }
    }

    /// Serves one end of a pipe; the other is the client's.
    pub fn pipe(&self) -> (DuplexStream, JoinHandle<()>) {
        self.pipe_with(&[])
    }

    /// The same, for a client with these certificates.
    pub fn pipe_with(&self, certificates: &[Vec<u8>]) -> (DuplexStream, JoinHandle<()>) {
        let (client, server) = duplex(PIPE_BYTES);
        let front = self.front.clone();
        let address = SocketAddr::from(([192, 0, 2, 7], 50_000));
        let caller = Caller { address, certificates: certificates.into(), connection: 1 };
        (client, tokio::spawn(async move { front.serve(server, caller).await }))
    }

    /// A client with a session, and with a token for all of the hub.
    pub async fn client(&self) -> Client {
        let mut client = self.stranger().await;
        assert_eq!(client.put_token(&token(HOST)).await, (200, "OK".to_owned()));
        client
    }

    /// A client with a session alone.
    pub async fn stranger(&self) -> Client {
        let (io, _) = self.pipe();
        Client::open(io, HOST).await
    }

    /// Stores an event whose body is `body`.
    pub fn store(&self, partition: u16, body: &[u8]) {
        let properties = Properties::new();
        let event = Event {
            source: EventSource::Telemetry,
            auth: AuthMethod::DeviceSas,
            device_id: "dev1",
            module_id: None,
            generation: GenerationId(1),
            properties: &properties,
            body,
        };
        let now = UnixMillis(NOW_S * 1000 + self.log.bounds(partition).next.cast_signed());
        self.log.append(partition, &event, now).unwrap();
    }
}

/// A token of the policy `service` for this resource.
pub fn token(resource: &str) -> String {
    token_of("service", resource, NOW_S + TOKEN_S)
}

pub fn token_of(policy: &str, resource: &str, expiry_s: i64) -> String {
    sign(resource, &SasKey::from_base64(KEY).unwrap(), expiry_s, Some(policy))
}
