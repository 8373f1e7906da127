//! A hub to test, and hands to reach it with.

use std::sync::Arc;

use roadstead_auth::{Evidence, Trust};
use roadstead_hub::{AuthSpec, Hub, HubError, HubParts, IdentitySpec, Login, Session, SessionRequest};
use roadstead_journal::Journal;
use roadstead_model::{
    AccessPolicy, Device, DeviceAuth, DeviceId, Etag, GroupName, Hub as HubResource, HubKey, HubName, HubSettings,
    Right, Rights, Secret, UnixMillis,
};
use roadstead_sas::SasKey;
use roadstead_store::Records;
use roadstead_testkit::{CountingRandom, FakeClock, MemoryLog, MemoryRecords};
use serde_json::Map;

pub const HOST: &str = "hub1.example";
const POLICY_KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

pub struct World {
    pub hub: Arc<Hub>,
    pub records: Arc<dyn Records>,
    pub log: Arc<MemoryLog>,
    pub clock: Arc<FakeClock>,
}

pub fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

pub fn sas_spec(device: &str) -> IdentitySpec {
    IdentitySpec::new(id(device), AuthSpec::Sas { primary: None, secondary: None })
}

impl World {
    pub fn new() -> Self {
        Self::with(HubSettings::default())
    }

    /// A new hub that behaves so.
    pub fn with(settings: HubSettings) -> Self {
        let clock = Arc::new(FakeClock::at(UnixMillis(1_795_291_370_000)));
        Self::over(Arc::new(MemoryRecords::new()), clock, settings)
    }

    /// A hub that finds what an earlier one left in `records`.
    pub fn over(records: Arc<dyn Records>, clock: Arc<FakeClock>, settings: HubSettings) -> Self {
        let log = MemoryLog::new(2);
        let policy = |name: &str, rights: &[Right]| AccessPolicy {
            key_name: name.to_owned(),
            primary: Secret::new(POLICY_KEY),
            secondary: Secret::new(POLICY_KEY),
            rights: Rights::of(rights),
        };
        let resource = HubResource {
            key: HubKey(7),
            name: HubName::parse("hub1").unwrap(),
            host_name: HOST.to_owned(),
            aliases: vec!["localhost".to_owned()],
            group: GroupName::parse("rg").unwrap(),
            location: "here".to_owned(),
            etag: Etag::from_client("1"),
            created: UnixMillis(0),
            partition_count: 2,
            retention_days: 1,
            policies: vec![policy("device", &[Right::DeviceConnect]), policy("service", &[Right::ServiceConnect])],
            settings,
            consumer_groups: Vec::new(),
            tags: Map::new(),
            properties: Map::new(),
        };
        let parts = HubParts {
            records: records.clone(),
            log: log.clone(),
            clock: clock.clone(),
            random: Arc::new(CountingRandom::default()),
            journal: Journal::new(records.clone(), clock.clone()),
        };
        Self { hub: Hub::new(Arc::new(resource), Arc::new(Trust::default()), parts), records, log, clock }
    }

    pub async fn device(&self, name: &str) -> Device {
        self.hub.create_device(sas_spec(name)).await.unwrap()
    }

    /// A token of the device's own, valid for an hour, for this name of the hub.
    pub fn token_for(&self, device: &Device, host: &str) -> String {
        let DeviceAuth::Sas { primary, .. } = &device.auth else { panic!("{device:?} has no key") };
        let key = SasKey::from_base64(primary.expose()).unwrap();
        roadstead_sas::sign(&format!("{host}/devices/{}", device.id), &key, self.expiry(), None)
    }

    pub fn policy_token(&self, policy: &str) -> String {
        roadstead_sas::sign(HOST, &SasKey::from_base64(POLICY_KEY).unwrap(), self.expiry(), Some(policy))
    }

    fn expiry(&self) -> i64 {
        use roadstead_model::Clock;
        self.clock.now().seconds().0 + 3600
    }

    pub async fn login(&self, name: &str, token: &str, clean: bool) -> Result<Session, HubError> {
        let login = Login { device_id: name, module_id: None, evidence: Evidence { token: Some(token), chain: &[] } };
        self.hub.connect(login, SessionRequest { clean, ..SessionRequest::default() }).await
    }

    /// What a device without a session shows; `token` is the policy's that speaks for every device.
    #[expect(clippy::unused_self, reason = "every way in is asked of the world")]
    pub fn once<'a>(&self, name: &'a str, token: &'a str) -> Login<'a> {
        Login { device_id: name, module_id: None, evidence: Evidence { token: Some(token), chain: &[] } }
    }

    pub async fn login_module(&self, name: &str, module: &str, token: &str) -> Result<Session, HubError> {
        let evidence = Evidence { token: Some(token), chain: &[] };
        let login = Login { device_id: name, module_id: Some(module), evidence };
        self.hub.connect(login, SessionRequest::default()).await
    }

    pub async fn connect(&self, device: &Device) -> Session {
        self.login(device.id.as_str(), &self.token_for(device, HOST), false).await.unwrap()
    }
}
