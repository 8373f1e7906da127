//! A DPS instance with two hubs, and the devices that come to it.

use std::sync::{Arc, LazyLock};

use roadstead_auth::Evidence;
use roadstead_dps::{
    AttestationDraft, CertificateDraft, DpsError, DpsSession, EnrollmentDraft, EnrollmentGroupDraft,
    GroupAttestationDraft, Instance, Instances, OperationStatus, Ports, Precondition, RegistrationRequest,
    RegistrationState, State,
};
use roadstead_journal::Journal;
use roadstead_model::{
    AllocationPolicy, CaCertificate, CertificateName, CertificateOwner, Dps, DpsName, EnrollmentGroupId, Etag,
    GroupName, IdScope, InitialTwin, LinkedHub, Provisioning, ProvisioningStatus, RegistrationId, Secret, Substatus,
    UnixMillis,
};
use roadstead_pki::{Authority, Certificate, KeyKind, Validity};
use roadstead_sas::{SasKey, derive_device_key, sign};
use roadstead_store::{Expect, Records, Write};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};
use serde_json::{Map, Value, json};

use crate::fakes::{FakeHubs, FakeWebhook};

pub const NOW_S: i64 = 1_800_000_000;
const YEAR_S: i64 = 365 * 86_400;
pub const HUB_A: &str = "a.example";
pub const HUB_B: &str = "b.example";

pub struct World {
    pub records: Arc<MemoryRecords>,
    pub hubs: Arc<FakeHubs>,
    pub webhook: Arc<FakeWebhook>,
    pub clock: Arc<FakeClock>,
    pub ports: Ports,
    pub instances: Instances,
    pub instance: Arc<Instance>,
}

pub fn scope() -> IdScope {
    IdScope::parse("0ne00ABC123").unwrap()
}

pub fn id(text: &str) -> RegistrationId {
    RegistrationId::parse(text).unwrap()
}

pub fn group_id(text: &str) -> EnrollmentGroupId {
    EnrollmentGroupId::parse(text).unwrap()
}

pub fn key(byte: u8) -> SasKey {
    SasKey::from_bytes(vec![byte; 32])
}

pub fn secret(key: &SasKey) -> Secret {
    Secret::new(key.to_base64().as_str())
}

pub fn link(host_name: &str) -> LinkedHub {
    LinkedHub {
        host_name: host_name.to_owned(),
        connection_string: Secret::new(format!("HostName={host_name};…")),
        location: "local".to_owned(),
        apply_allocation_policy: true,
        allocation_weight: None,
        properties: Map::new(),
    }
}

pub fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// What most enrollments say: nothing but a twin.
pub fn provisioning() -> Provisioning {
    Provisioning {
        status: ProvisioningStatus::Enabled,
        allocation: None,
        hubs: Vec::new(),
        webhook: None,
        reprovision: None,
        initial_twin: Some(InitialTwin { tags: map(json!({"site": "north"})), desired: map(json!({"rate": 5})) }),
        iot_edge: false,
    }
}

pub fn dps() -> Dps {
    Dps {
        id_scope: scope(),
        name: DpsName::parse("plant-dps").unwrap(),
        host_name: "plant-dps.localhost".to_owned(),
        group: GroupName::parse("iot-rg").unwrap(),
        location: "local".to_owned(),
        etag: Etag::from_client("d"),
        created: UnixMillis(0),
        allocation_policy: AllocationPolicy::Hashed,
        linked_hubs: vec![link(HUB_A)],
        policies: Vec::new(),
        tags: Map::new(),
        properties: Map::new(),
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(dps()).await
    }

    pub async fn with(dps: Dps) -> Self {
        let records = Arc::new(MemoryRecords::new());
        records.commit(vec![Write::PutDps(dps, Expect::Absent)]).await.unwrap();
        let (hubs, webhook) = (Arc::new(FakeHubs::default()), Arc::new(FakeWebhook::default()));
        let clock = Arc::new(FakeClock::at(UnixMillis(NOW_S * 1000)));
        let ports = Ports {
            records: records.clone(),
            hubs: hubs.clone(),
            webhooks: webhook.clone(),
            clock: clock.clone(),
            random: Arc::new(CountingRandom::default()),
            journal: Journal::new(records.clone(), clock.clone()),
        };
        let instances = Instances::open(ports.clone()).await.unwrap();
        let instance = instances.find("0NE00abc123").unwrap();
        Self { records, hubs, webhook, clock, ports, instances, instance }
    }

    /// Another node on the same records and hubs.
    pub async fn another_node(&self) -> Arc<Instance> {
        Instances::open(self.ports.clone()).await.unwrap().find("0ne00ABC123").unwrap()
    }

    pub async fn link(&self, hubs: Vec<LinkedHub>) {
        self.change(|dps| dps.linked_hubs = hubs).await;
    }

    pub async fn change(&self, change: impl FnOnce(&mut Dps)) {
        let mut dps = self.records.list_dps().await.unwrap().remove(0);
        change(&mut dps);
        self.records.commit(vec![Write::PutDps(dps, Expect::Present)]).await.unwrap();
        self.instances.refresh().await.unwrap();
    }

    pub async fn upload(&self, name: &str, ca: &Certificate, verified: bool) {
        let ca = CaCertificate {
            name: CertificateName::parse(name).unwrap(),
            der: ca.der().to_vec(),
            verified,
            verification_code: None,
            key: None,
            etag: Etag::from_client("c"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
            properties: Map::new(),
        };
        let put = Write::PutCertificate(CertificateOwner::Dps(scope()), ca, Expect::Any);
        self.records.commit(vec![put]).await.unwrap();
        self.instances.refresh().await.unwrap();
    }

    pub async fn delete_ca(&self, name: &str) {
        let name = CertificateName::parse(name).unwrap();
        let delete = Write::DeleteCertificate(CertificateOwner::Dps(scope()), name, Expect::Present);
        self.records.commit(vec![delete]).await.unwrap();
        self.instances.refresh().await.unwrap();
    }

    /// Enrolls a device with the keys 1 and 2.
    pub async fn enroll(&self, registration_id: &str, provisioning: Provisioning) {
        self.instance.put_enrollment(key_draft(registration_id, provisioning), Precondition::Any).await.unwrap();
    }

    /// Makes a group with the keys `byte` and `byte + 1`.
    pub async fn key_group(&self, name: &str, byte: u8, provisioning: Provisioning) {
        let (primary, secondary) = (Some(secret(&key(byte))), Some(secret(&key(byte + 1))));
        let attestation = GroupAttestationDraft::SymmetricKey { primary, secondary };
        let draft = EnrollmentGroupDraft { id: group_id(name), attestation, provisioning };
        self.instance.put_enrollment_group(draft, Precondition::Any).await.unwrap();
    }

    /// Makes a group for devices under a signing certificate.
    pub async fn signer_group(&self, name: &str, ca: &Authority, status: ProvisioningStatus) -> Result<(), DpsError> {
        let attestation = GroupAttestationDraft::SigningCertificate { primary: Some(pem(ca)), secondary: None };
        let provisioning = Provisioning { status, ..provisioning() };
        let draft = EnrollmentGroupDraft { id: group_id(name), attestation, provisioning };
        self.instance.put_enrollment_group(draft, Precondition::Any).await.map(|_| ())
    }

    /// Makes a group for devices under an uploaded CA.
    pub async fn reference_group(&self, name: &str, ca: &str, status: ProvisioningStatus) -> Result<(), DpsError> {
        let primary = Some(CertificateName::parse(ca).unwrap());
        let attestation = GroupAttestationDraft::CaReference { primary, secondary: None };
        let provisioning = Provisioning { status, ..provisioning() };
        let draft = EnrollmentGroupDraft { id: group_id(name), attestation, provisioning };
        self.instance.put_enrollment_group(draft, Precondition::Any).await.map(|_| ())
    }

    pub fn session(&self, registration_id: &str) -> DpsSession {
        self.instance.session(id(registration_id))
    }

    /// Registers once, with a token signed by `key`.
    pub async fn register(&self, registration_id: &str, key: &SasKey) -> Result<RegistrationState, DpsError> {
        let status = self.register_as(registration_id, Some(&token(registration_id, key)), &[]).await?;
        Ok(status.state.expect("answered at once"))
    }

    /// Registers once, with a certificate chain.
    pub async fn present(&self, registration_id: &str, chain: &[Vec<u8>]) -> Result<RegistrationState, DpsError> {
        let status = self.register_as(registration_id, None, chain).await?;
        Ok(status.state.expect("answered at once"))
    }

    pub async fn register_as(
        &self,
        registration_id: &str,
        token: Option<&str>,
        chain: &[Vec<u8>],
    ) -> Result<OperationStatus, DpsError> {
        self.session(registration_id).register(&Evidence { token, chain }, request()).await
    }
}

pub fn request() -> RegistrationRequest {
    RegistrationRequest { registration_id: None, payload: None, api_version: "2019-03-31".to_owned(), tpm: None }
}

pub fn key_draft(registration_id: &str, provisioning: Provisioning) -> EnrollmentDraft {
    let (primary, secondary) = (Some(secret(&key(1))), Some(secret(&key(2))));
    EnrollmentDraft {
        registration_id: id(registration_id),
        device_id: None,
        attestation: AttestationDraft::SymmetricKey { primary, secondary },
        provisioning,
        optional_device_information: None,
    }
}

pub fn certificate_draft(registration_id: &str, certificate: &Certificate) -> EnrollmentDraft {
    let primary = Some(CertificateDraft::Text(certificate.to_pem()));
    let attestation = AttestationDraft::ClientCertificate { primary, secondary: None };
    EnrollmentDraft { attestation, ..key_draft(registration_id, provisioning()) }
}

pub fn pem(ca: &Authority) -> CertificateDraft {
    CertificateDraft::Text(ca.certificate().to_pem())
}

/// A device's token, for an hour.
pub fn token(registration_id: &str, key: &SasKey) -> String {
    sign(&format!("0ne00ABC123/registrations/{registration_id}"), key, NOW_S + 3600, Some("registration"))
}

pub fn derived(group_key: u8, registration_id: &str) -> SasKey {
    derive_device_key(&key(group_key), registration_id)
}

/// `assigned`: hub, device id and substatus.
pub fn assigned(state: &RegistrationState) -> (&str, &str, Substatus) {
    match &state.state {
        State::Assigned { hub, device_id, substatus } => (hub, device_id.as_str(), *substatus),
        other => panic!("not assigned: {other:?}"),
    }
}

/// `failed`: code and message.
pub fn failed(state: &RegistrationState) -> (u32, &str) {
    match &state.state {
        State::Failed { code, message } => (*code, message),
        other => panic!("not failed: {other:?}"),
    }
}

/// root < intermediate < below; a stranger.
pub struct Cas {
    pub root: Authority,
    pub intermediate: Authority,
    pub below: Authority,
    pub stranger: Authority,
}

pub static CAS: LazyLock<Cas> = LazyLock::new(|| {
    let long = Validity { now_s: NOW_S - YEAR_S, lifetime_s: 10 * YEAR_S };
    let root = Authority::root("root", KeyKind::P256, long).unwrap();
    let intermediate = root.intermediate("intermediate", KeyKind::P256, long).unwrap();
    Cas {
        below: intermediate.intermediate("below", KeyKind::P256, long).unwrap(),
        stranger: Authority::root("stranger", KeyKind::P256, long).unwrap(),
        root,
        intermediate,
    }
});

pub fn leaf(under: &Authority, name: &str) -> Certificate {
    under.device(name, KeyKind::P256, Validity { now_s: NOW_S, lifetime_s: YEAR_S }).unwrap().certificate
}

pub fn chain(certificates: &[&Certificate]) -> Vec<Vec<u8>> {
    certificates.iter().map(|certificate| certificate.der().to_vec()).collect()
}
