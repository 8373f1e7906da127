//! A hub and a DPS instance under one host name, and hands to reach them with.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use roadstead_auth::Trust;
use roadstead_dps::{Instances, Ports};
use roadstead_front_http::{Caller, HttpFront, Parts};
use roadstead_hub::{Hub, HubParts, Hubs, UploadKey, UploadParts};
use roadstead_journal::Journal;
use roadstead_model::{
    AccessPolicy, AllocationPolicy, CaCertificate, CertificateName, CertificateOwner, Dps, DpsName, Etag, GroupName,
    Hub as HubResource, HubKey, HubName, HubSettings, IdScope, LinkedHub, Right, Rights, Secret, UnixMillis,
};
use roadstead_pki::{Authority, Certificate, KeyKind, Validity};
use roadstead_sas::{SasKey, sign};
use roadstead_store::{Expect, HubLog, Records, StoredEvent, Write};
use roadstead_store_embedded::{DataDirectory, EmbeddedBlobs};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryLog, MemoryRecords};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::{
    fakes::{AnyHub, Echo, FewBearers, Parrot, Process, SlowWebhook},
    pipe::{Answer, Pipe},
};

/// The hub and the DPS instance both have this name, as in `dev`.
pub const HOST: &str = "plant.example";
pub const SCOPE: &str = "0ne00ABC123";
pub const NOW_S: i64 = 1_800_000_000;
/// Room for the files of the hub.
const FILES_BYTES_MAX: u64 = 32 * 1024 * 1024;
const YEAR_S: i64 = 365 * 86_400;

pub struct World {
    /// Holds the uploaded files.
    _files: TempDir,
    pub front: HttpFront,
    pub hub: Arc<Hub>,
    pub instances: Arc<Instances>,
    pub records: Arc<MemoryRecords>,
    pub log: Arc<MemoryLog>,
    pub clock: Arc<FakeClock>,
    pub webhook: Arc<SlowWebhook>,
    pub management: Arc<Echo>,
    pub process: Arc<Process>,
}

pub fn key(byte: u8) -> SasKey {
    SasKey::from_bytes(vec![byte; 32])
}

pub fn base64(byte: u8) -> String {
    key(byte).to_base64().to_string()
}

/// A policy of every right is `owner`; the others have the name of their only right.
fn policies() -> Vec<AccessPolicy> {
    let policy = |name: &str, rights: &[Right]| AccessPolicy {
        key_name: name.to_owned(),
        primary: Secret::new(base64(9)),
        secondary: Secret::new(base64(10)),
        rights: Rights::of(rights),
    };
    let single = Right::ALL.iter().map(|right| policy(right.as_str(), &[*right]));
    std::iter::once(policy("owner", &Right::ALL)).chain(single).collect()
}

pub fn policy_token(policy: &str) -> String {
    sign(HOST, &key(9), NOW_S + 600, Some(policy))
}

/// What a device of the hub presents.
pub fn device_token(device: &str, key: &SasKey) -> String {
    sign(&format!("{HOST}/devices/{device}"), key, NOW_S + 3600, None)
}

/// What a device presents to DPS.
pub fn registration_token(id: &str, key: &SasKey) -> String {
    sign(&format!("{SCOPE}/registrations/{id}"), key, NOW_S + 3600, Some("registration"))
}

pub fn caller(certificates: &[&Certificate]) -> Caller {
    Caller {
        address: SocketAddr::from(([192, 0, 2, 7], 50_000)),
        certificates: certificates.iter().map(|certificate| certificate.der().to_vec()).collect(),
        server_name: Some("greeting.example".into()),
        connection: 1,
    }
}

/// Request bytes: `lines` are the request line and headers, with Host and Content-Length added.
pub fn request(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

impl World {
    pub async fn new() -> Self {
        let records = Arc::new(MemoryRecords::new());
        records.commit(vec![Write::PutDps(dps(), Expect::Absent)]).await.unwrap();
        let clock = Arc::new(FakeClock::at(UnixMillis(NOW_S * 1000)));
        let random = Arc::new(CountingRandom::default());
        let webhook = Arc::new(SlowWebhook(Semaphore::new(0)));
        let journal = Journal::new(records.clone(), clock.clone());
        let ports = Ports {
            records: records.clone(),
            hubs: Arc::new(AnyHub),
            webhooks: webhook.clone(),
            clock: clock.clone(),
            random: random.clone(),
            journal: journal.clone(),
        };
        let instances = Arc::new(Instances::open(ports).await.unwrap());
        let log = MemoryLog::new(2);
        let parts = HubParts {
            records: records.clone(),
            log: log.clone(),
            clock: clock.clone(),
            random: random.clone(),
            journal: journal.clone(),
        };
        let hub = Hub::new(Arc::new(hub()), Arc::new(Trust::default()), parts);
        let (hubs, management, process) =
            (Arc::new(Hubs::new()), Arc::new(Echo::default()), Arc::new(Process::default()));
        let files = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(files.path()).unwrap();
        let blobs = Arc::new(EmbeddedBlobs::open(data, FILES_BYTES_MAX).unwrap());
        hub.set_uploads(UploadParts { blobs, key: UploadKey::derive(b"installation", "plant") });
        hubs.put(hub.clone());
        let front = HttpFront::new(Parts {
            hubs,
            dps: instances.clone(),
            journal,
            clock: clock.clone(),
            management: management.clone(),
            portal: None,
            bearers: Arc::new(FewBearers::default()),
            websockets: Arc::new(Parrot),
            operations: process.clone(),
        });
        Self { _files: files, front, hub, instances, records, log, clock, webhook, management, process }
    }

    /// Makes the hub behave so.
    pub fn set(&self, settings: HubSettings) {
        let resource = HubResource { settings, ..(*self.hub.resource()).clone() };
        self.hub.set_resource(Arc::new(resource));
    }

    /// Sends bytes on a connection of their own.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        Pipe::open(&self.front, caller(&[])).ask(request).await
    }

    pub async fn send(&self, line: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.raw(&request(line, headers, body.as_ref())).await
    }

    /// As the owner's policy.
    pub async fn ask(&self, line: &str, body: Value) -> Answer {
        self.ask_with(line, &[], body).await
    }

    pub async fn ask_with(&self, line: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let token = policy_token("owner");
        let mut headers = headers.to_vec();
        headers.extend([("Authorization", token.as_str()), ("Content-Type", "application/json; charset=utf-8")]);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(line, &headers, body).await
    }

    /// As a policy that has this right only.
    pub async fn ask_as(&self, right: Right, line: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(line, &[("Authorization", &policy_token(right.as_str()))], body).await
    }

    /// A device with the keys 1 and 2.
    pub async fn device(&self, id: &str) {
        let keys = json!({"primaryKey": base64(1), "secondaryKey": base64(2)});
        let body = json!({"deviceId": id, "authentication": {"type": "sas", "symmetricKey": keys}});
        self.ask(&format!("PUT /devices/{id}?api-version=2021-04-12"), body).await.ok();
    }

    /// Enrolls a device with the keys 3 and 4 and these settings.
    pub async fn enroll(&self, id: &str, settings: Value) -> Value {
        let keys = json!({"primaryKey": base64(3), "secondaryKey": base64(4)});
        let mut body = json!({"registrationId": id, "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
        body.as_object_mut().unwrap().extend(map(settings));
        self.ask_with(&format!("PUT /enrollments/{id}?api-version=2021-10-01"), &[("If-Match", "*")], body).await.ok()
    }

    /// Registers an enrolled device.
    pub async fn register(&self, id: &str) -> Answer {
        let line = format!("PUT /{SCOPE}/registrations/{id}/register?api-version=2021-06-01");
        self.send(&line, &[("Authorization", &registration_token(id, &key(3)))], "{}").await
    }

    /// All events of the hub, partition by partition.
    pub async fn events(&self) -> Vec<StoredEvent> {
        [self.log.read(0, 0, usize::MAX).await.unwrap(), self.log.read(1, 0, usize::MAX).await.unwrap()].concat()
    }

    /// Unlinks every hub from the DPS instance.
    pub async fn unlink(&self) {
        let put = Write::PutDps(Dps { linked_hubs: Vec::new(), ..dps() }, Expect::Present);
        self.records.commit(vec![put]).await.unwrap();
        self.instances.refresh().await.unwrap();
    }

    /// Uploads a verified CA certificate to the DPS instance.
    pub async fn upload(&self, name: &str, certificate: &Certificate) {
        let ca = CaCertificate {
            name: CertificateName::parse(name).unwrap(),
            der: certificate.der().to_vec(),
            verified: true,
            verification_code: None,
            key: None,
            etag: Etag::from_client("c"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
            properties: Map::new(),
        };
        let put = Write::PutCertificate(CertificateOwner::Dps(IdScope::parse(SCOPE).unwrap()), ca, Expect::Any);
        self.records.commit(vec![put]).await.unwrap();
        self.instances.refresh().await.unwrap();
    }
}

pub fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn hub() -> HubResource {
    HubResource {
        key: HubKey(7),
        name: HubName::parse("plant").unwrap(),
        host_name: HOST.to_owned(),
        aliases: vec!["127.0.0.1".to_owned()],
        group: GroupName::parse("iot-rg").unwrap(),
        location: "local".to_owned(),
        etag: Etag::from_client("1"),
        created: UnixMillis(0),
        partition_count: 2,
        retention_days: 1,
        policies: policies(),
        settings: HubSettings::default(),
        consumer_groups: Vec::new(),
        tags: Map::new(),
        properties: Map::new(),
    }
}

fn dps() -> Dps {
    Dps {
        id_scope: IdScope::parse(SCOPE).unwrap(),
        name: DpsName::parse("plant-dps").unwrap(),
        host_name: HOST.to_owned(),
        group: GroupName::parse("iot-rg").unwrap(),
        location: "local".to_owned(),
        etag: Etag::from_client("d"),
        created: UnixMillis(0),
        allocation_policy: AllocationPolicy::Hashed,
        linked_hubs: vec![LinkedHub {
            host_name: HOST.to_owned(),
            connection_string: Secret::new("HostName=plant.example;…"),
            location: "local".to_owned(),
            apply_allocation_policy: true,
            allocation_weight: None,
            properties: Map::new(),
        }],
        policies: policies(),
        tags: Map::new(),
        properties: Map::new(),
    }
}

/// A CA of the tests.
pub static ROOT: LazyLock<Authority> = LazyLock::new(|| {
    Authority::root("factory-ca", KeyKind::P256, Validity { now_s: NOW_S - YEAR_S, lifetime_s: 10 * YEAR_S }).unwrap()
});

pub fn leaf(name: &str) -> Certificate {
    ROOT.device(name, KeyKind::P256, Validity { now_s: NOW_S, lifetime_s: YEAR_S }).unwrap().certificate
}
