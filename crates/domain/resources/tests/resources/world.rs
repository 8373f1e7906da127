//! An installation to try things on.

use std::sync::{Arc, Mutex};

use roadstead_model::{Dps, Hub, Random, Secret, UnixMillis};
use roadstead_resources::{Change, DpsSpec, GroupSpec, HubSpec, LinkSpec, Naming, Observer, ResourceError, Resources};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};
use serde_json::Map;

/// 2027-01-15T08:00:00Z.
pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// Remembers what it was told, in short.
#[derive(Default)]
pub struct Ears(Mutex<Vec<String>>);

impl Ears {
    /// What was told since the last time.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl Observer for Ears {
    async fn changed(&self, change: &Change) {
        let text = match change {
            Change::HubPut(hub) => format!("hub {} at {}", hub.name, hub.host_name),
            Change::HubDeleted(_) => "hub gone".to_owned(),
            Change::DpsPut(dps) => format!("dps {} with {} links", dps.name, dps.linked_hubs.len()),
            Change::DpsDeleted(_) => "dps gone".to_owned(),
            Change::CertificatesChanged(_, all) => {
                let verified = all.iter().filter(|certificate| certificate.verified).count();
                format!("{} certificates, {verified} verified", all.len())
            }
        };
        self.0.lock().unwrap().push(text);
    }
}

pub struct World {
    pub records: Arc<MemoryRecords>,
    pub ears: Arc<Ears>,
    pub clock: Arc<FakeClock>,
    pub random: Arc<dyn Random>,
    pub resources: Resources,
}

impl World {
    /// Nothing there but the group `iot-rg` in `centralindia`.
    pub async fn with_group() -> Self {
        let (records, clock) = (Arc::new(MemoryRecords::new()), Arc::new(FakeClock::at(NOW)));
        let (ears, random) = (Arc::new(Ears::default()), Arc::new(CountingRandom::default()));
        let resources = open(&records, &ears, &clock, random.clone()).await;
        let spec = GroupSpec { location: "centralindia".to_owned(), tags: Map::new() };
        resources.put_group("iot-rg", spec).await.unwrap();
        Self { records, ears, clock, random, resources }
    }

    /// The same records, as another process or a later one sees them.
    pub async fn reopened(&self) -> (Resources, Arc<Ears>) {
        let ears = Arc::new(Ears::default());
        (open(&self.records, &ears, &self.clock, self.random.clone()).await, ears)
    }

    pub async fn hub(&self, name: &str) -> Arc<Hub> {
        self.resources.put_hub("iot-rg", name, HubSpec::default(), None).await.unwrap().record
    }

    pub async fn dps(&self, name: &str) -> Arc<Dps> {
        self.resources.put_dps("iot-rg", name, DpsSpec::default(), None).await.unwrap().record
    }
}

async fn open(
    records: &Arc<MemoryRecords>,
    ears: &Arc<Ears>,
    clock: &Arc<FakeClock>,
    random: Arc<dyn Random>,
) -> Resources {
    let naming = Naming { hub_domain: "localhost".to_owned(), dps_domain: "localhost".to_owned() };
    Resources::open(records.clone(), ears.clone(), clock.clone(), random, naming).await.unwrap()
}

/// The text of a refusal, whatever was asked for.
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, ResourceError>) -> String {
    outcome.unwrap_err().to_string()
}

pub fn link(connection_string: &str) -> LinkSpec {
    LinkSpec {
        connection_string: Secret::new(connection_string),
        location: None,
        apply_allocation_policy: None,
        allocation_weight: None,
        properties: Map::new(),
    }
}

/// The connection string of a hub's policy.
pub fn connection_string(hub: &Hub, policy: &str) -> String {
    let policy = hub.policies.iter().find(|known| known.key_name == policy).unwrap();
    format!(
        "HostName={};SharedAccessKeyName={};SharedAccessKey={}",
        hub.host_name,
        policy.key_name,
        policy.primary.expose()
    )
}
