//! Individual enrollments.

use std::borrow::Cow;

use roadstead_model::{Attestation, DeviceId, Enrollment, Etag, RegistrationId, TpmAttestation, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Stored, V1, Vault,
    provisioning::{CertificateV1, KeysV1, ProvisioningV1, TpmKeyV1},
    write,
};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EnrollmentV1<'a> {
    v: V1,
    registration_id: RegistrationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_id: Option<DeviceId>,
    attestation: AttestationV1,
    provisioning: ProvisioningV1<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    optional_device_information: Option<Cow<'a, Map<String, Value>>>,
    etag: Etag,
    created: UnixMillis,
    updated: UnixMillis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum AttestationV1 {
    SymmetricKey(KeysV1),
    ClientCertificate { primary: Option<CertificateV1>, secondary: Option<CertificateV1> },
    Tpm(TpmV1),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TpmV1 {
    endorsement_key: TpmKeyV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    storage_root_key: Option<TpmKeyV1>,
    /// Sealed.
    secret: String,
}

impl AttestationV1 {
    fn new(attestation: &Attestation, vault: Vault<'_>) -> Self {
        match attestation {
            Attestation::SymmetricKey(keys) => Self::SymmetricKey(KeysV1::new(keys, vault)),
            Attestation::ClientCertificate { primary, secondary } => Self::ClientCertificate {
                primary: primary.as_ref().map(Into::into),
                secondary: secondary.as_ref().map(Into::into),
            },
            Attestation::Tpm(TpmAttestation { endorsement_key, storage_root_key, secret }) => Self::Tpm(TpmV1 {
                endorsement_key: endorsement_key.into(),
                storage_root_key: storage_root_key.as_ref().map(Into::into),
                secret: vault.seal("tpm", secret),
            }),
        }
    }

    fn load(self, vault: Vault<'_>) -> Result<Attestation, StoreError> {
        Ok(match self {
            Self::SymmetricKey(keys) => Attestation::SymmetricKey(keys.load(vault)?),
            Self::ClientCertificate { primary, secondary } => Attestation::ClientCertificate {
                primary: primary.map(Into::into),
                secondary: secondary.map(Into::into),
            },
            Self::Tpm(tpm) => Attestation::Tpm(TpmAttestation {
                endorsement_key: tpm.endorsement_key.into(),
                storage_root_key: tpm.storage_root_key.map(Into::into),
                secret: vault.unseal("tpm", &tpm.secret)?,
            }),
        })
    }
}

impl Stored for Enrollment {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&EnrollmentV1 {
            v: V1,
            registration_id: self.registration_id.clone(),
            device_id: self.device_id.clone(),
            attestation: AttestationV1::new(&self.attestation, vault),
            provisioning: ProvisioningV1::new(&self.provisioning, vault),
            optional_device_information: self.optional_device_information.as_ref().map(Cow::Borrowed),
            etag: self.etag.clone(),
            created: self.created,
            updated: self.updated,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: EnrollmentV1 = vault.read(text)?;
        Ok(Self {
            registration_id: stored.registration_id,
            device_id: stored.device_id,
            attestation: stored.attestation.load(vault)?,
            provisioning: stored.provisioning.load(vault)?,
            optional_device_information: stored.optional_device_information.map(Cow::into_owned),
            etag: stored.etag,
            created: stored.created,
            updated: stored.updated,
        })
    }
}
