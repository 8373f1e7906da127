//! Enrollment groups.

use roadstead_model::{CertificateName, EnrollmentGroup, EnrollmentGroupId, Etag, GroupAttestation, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{
    Stored, V1, Vault,
    provisioning::{CertificateV1, KeysV1, ProvisioningV1},
    write,
};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EnrollmentGroupV1<'a> {
    v: V1,
    id: EnrollmentGroupId,
    attestation: AttestationV1,
    provisioning: ProvisioningV1<'a>,
    etag: Etag,
    created: UnixMillis,
    updated: UnixMillis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum AttestationV1 {
    SymmetricKey(KeysV1),
    CaReference { primary: Option<CertificateName>, secondary: Option<CertificateName> },
    SigningCertificate { primary: Option<CertificateV1>, secondary: Option<CertificateV1> },
}

impl AttestationV1 {
    fn new(attestation: &GroupAttestation, vault: Vault<'_>) -> Self {
        match attestation {
            GroupAttestation::SymmetricKey(keys) => Self::SymmetricKey(KeysV1::new(keys, vault)),
            GroupAttestation::CaReference { primary, secondary } => {
                Self::CaReference { primary: primary.clone(), secondary: secondary.clone() }
            }
            GroupAttestation::SigningCertificate { primary, secondary } => Self::SigningCertificate {
                primary: primary.as_ref().map(Into::into),
                secondary: secondary.as_ref().map(Into::into),
            },
        }
    }

    fn load(self, vault: Vault<'_>) -> Result<GroupAttestation, StoreError> {
        Ok(match self {
            Self::SymmetricKey(keys) => GroupAttestation::SymmetricKey(keys.load(vault)?),
            Self::CaReference { primary, secondary } => GroupAttestation::CaReference { primary, secondary },
            Self::SigningCertificate { primary, secondary } => GroupAttestation::SigningCertificate {
                primary: primary.map(Into::into),
                secondary: secondary.map(Into::into),
            },
        })
    }
}

impl Stored for EnrollmentGroup {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&EnrollmentGroupV1 {
            v: V1,
            id: self.id.clone(),
            attestation: AttestationV1::new(&self.attestation, vault),
            provisioning: ProvisioningV1::new(&self.provisioning, vault),
            etag: self.etag.clone(),
            created: self.created,
            updated: self.updated,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: EnrollmentGroupV1 = vault.read(text)?;
        Ok(Self {
            id: stored.id,
            attestation: stored.attestation.load(vault)?,
            provisioning: stored.provisioning.load(vault)?,
            etag: stored.etag,
            created: stored.created,
            updated: stored.updated,
        })
    }
}
