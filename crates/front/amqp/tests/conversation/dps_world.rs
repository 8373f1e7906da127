//! A DPS instance beside the hub, and the devices that come to it.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use roadstead_dps::{
    AllocationAnswer, AllocationRequest, AllocationWebhook, AttestationDraft, CertificateDraft, DeviceSpec,
    EnrollmentDraft, EnrollmentGroupDraft, GroupAttestationDraft, HubAddress, HubLink, Instances, LinkError, Ports,
    Precondition, TwinSnapshot, WebhookError,
};
use roadstead_journal::Journal;
use roadstead_model::{
    AllocationPolicy, CaCertificate, CertificateName, CertificateOwner, DeviceId, Dps, DpsName, EnrollmentGroupId,
    Etag, GroupName, IdScope, LinkedHub, Provisioning, ProvisioningStatus, RegistrationId, Secret, UnixMillis, Webhook,
};
use roadstead_pki::{Authority, Certificate, KeyKind, Validity};
use roadstead_sas::{SasKey, sign};
use roadstead_store::{Expect, Records, Write};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};
use serde_json::Map;
use tokio::sync::Semaphore;

use crate::world::{HOST, NOW_S, World};

pub const SCOPE: &str = "0ne00ABC123";
pub const DPS_HOST: &str = "plant-dps.example";
const YEAR_S: i64 = 365 * 86_400;

/// Hubs that take every device.
struct AnyHub;

#[async_trait]
impl HubLink for AnyHub {
    async fn ensure_device(&self, _: HubAddress<'_>, _: &DeviceSpec) -> Result<(), LinkError> {
        Ok(())
    }

    async fn take_twin(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        Ok(None)
    }

    async fn remove_device(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<(), LinkError> {
        Ok(())
    }

    fn host_of(&self, _: &str) -> Option<String> {
        None
    }

    async fn device_count(&self, _: HubAddress<'_>) -> Result<u64, LinkError> {
        Ok(0)
    }
}

/// A webhook that chooses the first hub once it is let.
pub struct SlowWebhook(pub Semaphore);

#[async_trait]
impl AllocationWebhook for SlowWebhook {
    async fn allocate(
        &self,
        _: &Webhook,
        request: &AllocationRequest,
        _: Duration,
    ) -> Result<AllocationAnswer, WebhookError> {
        self.0.acquire().await.unwrap().forget();
        Ok(AllocationAnswer { hub: request.linked_hubs[0].clone(), ..AllocationAnswer::default() })
    }
}

pub async fn instances(
    records: &Arc<MemoryRecords>,
    clock: &Arc<FakeClock>,
    random: &Arc<CountingRandom>,
    webhook: &Arc<SlowWebhook>,
    journal: &Arc<Journal>,
) -> Arc<Instances> {
    records.commit(vec![Write::PutDps(dps(), Expect::Absent)]).await.unwrap();
    let ports = Ports {
        records: records.clone(),
        hubs: Arc::new(AnyHub),
        webhooks: webhook.clone(),
        clock: clock.clone(),
        random: random.clone(),
        journal: journal.clone(),
    };
    Arc::new(Instances::open(ports).await.unwrap())
}

fn dps() -> Dps {
    let hub = LinkedHub {
        host_name: HOST.to_owned(),
        connection_string: Secret::new("HostName=hub1.example;…"),
        location: "here".to_owned(),
        apply_allocation_policy: true,
        allocation_weight: None,
        properties: Map::new(),
    };
    Dps {
        id_scope: IdScope::parse(SCOPE).unwrap(),
        name: DpsName::parse("plant-dps").unwrap(),
        host_name: DPS_HOST.to_owned(),
        group: GroupName::parse("rg").unwrap(),
        location: "here".to_owned(),
        etag: Etag::from_client("d"),
        created: UnixMillis(0),
        allocation_policy: AllocationPolicy::Hashed,
        linked_hubs: vec![hub],
        policies: Vec::new(),
        tags: Map::new(),
        properties: Map::new(),
    }
}

pub fn key(byte: u8) -> SasKey {
    SasKey::from_bytes(vec![byte; 32])
}

fn secret(byte: u8) -> Secret {
    Secret::new(key(byte).to_base64().as_str())
}

/// A token that is good for an hour.
pub fn registration_token(id: &str, key: &SasKey) -> String {
    sign(&address(id), key, NOW_S + 3600, Some("registration"))
}

/// Of both links of a device.
pub fn address(id: &str) -> String {
    format!("{SCOPE}/registrations/{id}")
}

pub fn enabled() -> Provisioning {
    Provisioning {
        status: ProvisioningStatus::Enabled,
        allocation: None,
        hubs: Vec::new(),
        webhook: None,
        reprovision: None,
        initial_twin: None,
        iot_edge: false,
    }
}

pub fn by_webhook() -> Provisioning {
    let webhook = Webhook { url: Secret::new("https://fn.example/alloc"), api_version: "2021-10-01".to_owned() };
    Provisioning { allocation: Some(AllocationPolicy::Custom), webhook: Some(webhook), ..enabled() }
}

/// With the keys 1 and 2.
pub fn by_key() -> AttestationDraft {
    AttestationDraft::SymmetricKey { primary: Some(secret(1)), secondary: Some(secret(2)) }
}

pub fn by_certificate(certificate: &Certificate) -> AttestationDraft {
    let primary = Some(CertificateDraft::Text(certificate.to_pem()));
    AttestationDraft::ClientCertificate { primary, secondary: None }
}

/// With the keys 3 and 4.
pub fn by_group_key() -> GroupAttestationDraft {
    GroupAttestationDraft::SymmetricKey { primary: Some(secret(3)), secondary: Some(secret(4)) }
}

/// With the CA that [`World::upload`] uploads.
pub fn by_ca() -> GroupAttestationDraft {
    GroupAttestationDraft::CaReference { primary: Some(CertificateName::parse("root").unwrap()), secondary: None }
}

impl World {
    pub async fn enroll(&self, id: &str, attestation: AttestationDraft, provisioning: Provisioning) {
        let registration_id = RegistrationId::parse(id).unwrap();
        let draft = EnrollmentDraft {
            registration_id,
            device_id: None,
            attestation,
            provisioning,
            optional_device_information: None,
        };
        self.dps.find(SCOPE).unwrap().put_enrollment(draft, Precondition::Any).await.unwrap();
    }

    /// Uploads the CA of the tests, verified.
    pub async fn upload(&self) {
        let ca = CaCertificate {
            name: CertificateName::parse("root").unwrap(),
            der: ROOT.certificate().der().to_vec(),
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
        self.dps.refresh().await.unwrap();
    }

    pub async fn enroll_group(&self, attestation: GroupAttestationDraft) {
        let id = EnrollmentGroupId::parse("fleet").unwrap();
        let draft = EnrollmentGroupDraft { id, attestation, provisioning: enabled() };
        self.dps.find(SCOPE).unwrap().put_enrollment_group(draft, Precondition::Any).await.unwrap();
    }
}

/// A CA of the tests.
pub static ROOT: LazyLock<Authority> = LazyLock::new(|| {
    Authority::root("factory-ca", KeyKind::P256, Validity { now_s: NOW_S - YEAR_S, lifetime_s: 10 * YEAR_S }).unwrap()
});

pub fn leaf(name: &str) -> Certificate {
    ROOT.device(name, KeyKind::P256, Validity { now_s: NOW_S, lifetime_s: YEAR_S }).unwrap().certificate
}
