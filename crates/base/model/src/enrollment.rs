//! Enrollments (who may register, and what becomes of them) and registrations (who did).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    clock::UnixMillis,
    etag::Etag,
    id::{CertificateName, DeviceId, EnrollmentGroupId, RegistrationId},
    secret::Secret,
    twin::InitialTwin,
};

/// A pair of symmetric keys, base64; either one signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymmetricKeys {
    pub primary: Secret,
    pub secondary: Secret,
}

/// A certificate put into an enrollment, DER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateEntry {
    pub der: Vec<u8>,
}

/// How a single device proves that it is the enrolled one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attestation {
    SymmetricKey(SymmetricKeys),
    /// The very certificate the device presents; issuer and path do not matter.
    ClientCertificate {
        primary: Option<CertificateEntry>,
        secondary: Option<CertificateEntry>,
    },
    Tpm(TpmAttestation),
}

/// A TPM, known by its keys; `TPM2B_PUBLIC` each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TpmAttestation {
    pub endorsement_key: Vec<u8>,
    /// Absent: whatever storage root key the TPM has when it comes.
    pub storage_root_key: Option<Vec<u8>>,
    /// From which the keys are derived that the TPM signs with, base64. Never shown to anyone.
    pub secret: Secret,
}

/// How the devices of a group prove that they belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupAttestation {
    /// Each device's key is derived from the group's: HMAC-SHA256 over its registration id.
    SymmetricKey(SymmetricKeys),
    /// The device's path passes an uploaded, verified CA of this name.
    CaReference { primary: Option<CertificateName>, secondary: Option<CertificateName> },
    /// The device's path passes this certificate and reaches a verified CA.
    SigningCertificate { primary: Option<CertificateEntry>, secondary: Option<CertificateEntry> },
}

/// Whether an enrollment lets devices in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ProvisioningStatus {
    #[default]
    Enabled,
    Disabled,
}

/// What happens when a registered device registers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReprovisionPolicy {
    pub update_hub_assignment: bool,
    pub migrate_device_data: bool,
}

/// How a hub is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AllocationPolicy {
    #[default]
    Hashed,
    GeoLatency,
    Static,
    Custom,
}

/// The HTTP endpoint that chooses a hub under the custom policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// May carry a key in its query, so it is a secret.
    pub url: Secret,
    pub api_version: String,
}

/// What becomes of a device that an enrollment lets in: common to individual enrollments and groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provisioning {
    pub status: ProvisioningStatus,
    /// Absent: the default of the instance.
    pub allocation: Option<AllocationPolicy>,
    /// Host names of the hubs to choose from; empty: all linked hubs.
    pub hubs: Vec<String>,
    pub webhook: Option<Webhook>,
    /// Absent: update and migrate, or "never" for API versions up to 2018-04-01.
    pub reprovision: Option<ReprovisionPolicy>,
    pub initial_twin: Option<InitialTwin>,
    pub iot_edge: bool,
}

/// An individual enrollment: one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrollment {
    pub registration_id: RegistrationId,
    /// Absent: the registration id.
    pub device_id: Option<DeviceId>,
    pub attestation: Attestation,
    pub provisioning: Provisioning,
    /// Free-form, given back to administrators, never to the device.
    pub optional_device_information: Option<Map<String, Value>>,
    pub etag: Etag,
    pub created: UnixMillis,
    pub updated: UnixMillis,
}

/// An enrollment group: all devices with keys derived from one, or certificates under one.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrollmentGroup {
    pub id: EnrollmentGroupId,
    pub attestation: GroupAttestation,
    pub provisioning: Provisioning,
    pub etag: Etag,
    pub created: UnixMillis,
    pub updated: UnixMillis,
}

/// Where a registration stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RegistrationStatus {
    Assigned { hub: String, device_id: DeviceId, substatus: Substatus },
    Failed { code: u32, message: String },
}

/// How an assignment came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Substatus {
    InitialAssignment,
    DeviceDataMigrated,
    DeviceDataReset,
    ReprovisionedToInitialAssignment,
}

/// What DPS remembers of a device that registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    pub registration_id: RegistrationId,
    /// Absent: it came by an individual enrollment.
    pub group: Option<EnrollmentGroupId>,
    pub status: RegistrationStatus,
    /// What a custom-allocation webhook gave the device.
    pub payload: Option<Map<String, Value>>,
    /// The digest of the credentials last written to the hub, so that new ones are noticed. Opaque.
    pub credential_digest: String,
    /// `TPM2B_PUBLIC` that a device with a TPM presented.
    pub storage_root_key: Option<Vec<u8>>,
    pub etag: Etag,
    pub created: UnixMillis,
    pub updated: UnixMillis,
}
