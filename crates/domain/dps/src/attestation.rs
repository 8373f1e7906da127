//! Whether a device is the one that an enrollment means.

use std::sync::Arc;

use aws_lc_rs::digest;
use roadstead_auth::{
    AuthRefusal, Credential, Evidence, Means, RegistrationToken,
    certificate::{self, Case},
};
use roadstead_model::{
    Attestation, AttestedBy, CertificateEntry, DeviceAuth, DeviceId, Enrollment, EnrollmentGroup, EnrollmentGroupId,
    IdScope, Provisioning, Random, RegistrationId, Secret, Thumbprint, TpmAttestation, UnixSeconds,
};
use roadstead_pki::Certificate;
use roadstead_sas::{SasKey, derive_device_key};

use crate::{
    error::DpsError,
    grouping::{Grouping, KeyGroup},
    hex::hex,
    registration::TpmKeys,
    tpm::{Proof, Tpm},
};

/// The enrollment that admits a device.
#[derive(Debug, Clone)]
pub enum Source {
    /// Of this one device.
    Individual(Arc<Enrollment>),
    /// Of all devices that a key or CA vouches for.
    Group(Arc<EnrollmentGroup>),
}

/// A device that proved itself. Whether its enrollment is enabled is not judged yet.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) source: Source,
    pub(crate) attested: AttestedBy,
    /// The id that the device shall have on its hub.
    pub(crate) device_id: DeviceId,
    /// How it shall prove itself there.
    pub(crate) auth: DeviceAuth,
    /// The presented leaf.
    pub(crate) leaf: Option<Certificate>,
    /// SHA-256 of the leaf and of every certificate that it rests on.
    pub(crate) path: Vec<Thumbprint>,
    /// Of a device with a TPM: `TPM2B_PUBLIC`, as presented or enrolled.
    pub(crate) storage_root_key: Option<Vec<u8>>,
}

impl Admission {
    /// The TPM by which the device proved itself.
    pub(crate) fn tpm(&self) -> Option<&TpmAttestation> {
        match &self.source {
            Source::Individual(enrollment) => match &enrollment.attestation {
                Attestation::Tpm(tpm) => Some(tpm),
                Attestation::SymmetricKey(_) | Attestation::ClientCertificate { .. } => None,
            },
            Source::Group(_) => None,
        }
    }
}

impl Source {
    /// What becomes of the device.
    pub fn provisioning(&self) -> &Provisioning {
        match self {
            Self::Individual(enrollment) => &enrollment.provisioning,
            Self::Group(group) => &group.provisioning,
        }
    }

    /// The group's id; `None` for an individual enrollment.
    pub fn group(&self) -> Option<&EnrollmentGroupId> {
        match self {
            Self::Individual(_) => None,
            Self::Group(group) => Some(&group.id),
        }
    }
}

/// What came with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) tpm: Option<&'a TpmKeys>,
}

/// Judges a device against its individual enrollment, whose verdict is final.
///
/// Source: `reference/dps.md` 2.1, 2.2, 2.4, 2.5
pub(crate) fn judge_individual(
    scope: &IdScope,
    id: &RegistrationId,
    enrollment: Arc<Enrollment>,
    presented: &Presented<'_>,
    random: &dyn Random,
    now: UnixSeconds,
) -> Result<Admission, DpsError> {
    let Presented { evidence, tpm } = *presented;
    let owner = format!("enrollment `{}`", enrollment.registration_id);
    let device_id = match &enrollment.device_id {
        Some(device_id) => device_id.clone(),
        None => device_id_of(enrollment.registration_id.as_str())?,
    };
    if !matches!(enrollment.attestation, Attestation::Tpm(_)) && tpm.is_some() && !evidence.has_token() {
        let fault = format!("{owner} is not one by TPM; make one with attestation type `tpm`");
        return Err(DpsError::Invalid { member: "tpm", fault });
    }
    let wrong = |registered, presented| AuthRefusal::Means { owner: owner.clone(), registered, presented };
    let (attested, auth, leaf, storage_root_key) = match &enrollment.attestation {
        Attestation::SymmetricKey(keys) => match evidence.credential()? {
            Credential::Token(text) => {
                if !RegistrationToken::read(text, scope, id, now)?.signed_by(keys) {
                    return Err(AuthRefusal::Signature { owner }.into());
                }
                let auth = DeviceAuth::Sas { primary: keys.primary.clone(), secondary: keys.secondary.clone() };
                (AttestedBy::SymmetricKey, auth, None, None)
            }
            Credential::Chain(_) => return Err(wrong(Means::Token, Means::Certificate).into()),
        },
        Attestation::ClientCertificate { primary, secondary } => match evidence.credential()? {
            Credential::Chain(chain) => {
                let leaf = certificate::read_leaf(chain)?;
                let digest = |entry: &Option<CertificateEntry>| entry.as_ref().map(|entry| sha256(&entry.der));
                let (primary, secondary) = (digest(primary), digest(secondary));
                certificate::check_registered(&leaf, &owner, [primary.as_ref(), secondary.as_ref()], now)?;
                certificate::check_common_name(&leaf, id.as_str(), Case::Ignored)?;
                (AttestedBy::X509, DeviceAuth::Thumbprints { primary, secondary }, Some(leaf), None)
            }
            Credential::Token(_) => return Err(wrong(Means::Thumbprint, Means::Token).into()),
        },
        Attestation::Tpm(enrolled) => {
            let Proof { auth, storage_root_key } = Tpm::new(id, enrolled)?.judge(scope, evidence, tpm, random, now)?;
            (AttestedBy::Tpm, auth, None, storage_root_key)
        }
    };
    let path = leaf.iter().map(|leaf| certificate::thumbprint(leaf.sha256())).collect();
    Ok(Admission { source: Source::Individual(enrollment), attested, device_id, auth, leaf, path, storage_root_key })
}

/// Judges a device that has no individual enrollment. `hint` is the group by which it came last time.
///
/// Source: `reference/dps.md` 2.2, 2.4
pub(crate) fn judge_grouped(
    scope: &IdScope,
    id: &RegistrationId,
    grouping: &Grouping,
    hint: Option<&EnrollmentGroupId>,
    evidence: &Evidence<'_>,
    now: UnixSeconds,
) -> Result<Admission, DpsError> {
    match evidence.credential()? {
        Credential::Token(text) => {
            let token = RegistrationToken::read(text, scope, id, now)?;
            judge_group_key(id, grouping, hint, &token)
        }
        Credential::Chain(chain) => judge_group_path(id, grouping, chain, now),
    }
}

/// Nothing in the request names the group, so every symmetric-key group is tried.
fn judge_group_key(
    id: &RegistrationId,
    grouping: &Grouping,
    hint: Option<&EnrollmentGroupId>,
    token: &RegistrationToken<'_>,
) -> Result<Admission, DpsError> {
    let hint = hint.map(EnrollmentGroupId::key);
    for candidate in grouping.key_groups(hint.as_deref()) {
        if let Some(keys) = derived_keys(candidate, id, token) {
            let [primary, secondary] = keys.map(|key| Secret::new(key.to_base64().as_str()));
            return Ok(Admission {
                source: Source::Group(candidate.group.clone()),
                attested: AttestedBy::SymmetricKey,
                device_id: device_id_of(id.as_str())?,
                auth: DeviceAuth::Sas { primary, secondary },
                leaf: None,
                path: Vec::new(),
                storage_root_key: None,
            });
        }
    }
    let misused = grouping.key_groups(None).find(|candidate| candidate.keys.iter().any(|key| token.signed_by_key(key)));
    Err(match misused {
        Some(candidate) => DpsError::GroupKeyItself { group: candidate.group.id.clone(), registration_id: id.clone() },
        None => DpsError::NoKeyFits { registration_id: id.clone(), groups: grouping.key_group_count() },
    })
}

/// Both keys of the device when either signed the token: derived from the id as presented, else from its lower-case form.
fn derived_keys(candidate: &KeyGroup, id: &RegistrationId, token: &RegistrationToken<'_>) -> Option<[SasKey; 2]> {
    let lower = id.key();
    let spellings = [Some(id.as_str()), Some(lower.as_str()).filter(|lower| *lower != id.as_str())];
    spellings.into_iter().flatten().find_map(|spelling| {
        let keys = candidate.keys.each_ref().map(|key| derive_device_key(key, spelling));
        keys.iter().any(|key| token.signed_by_key(key)).then_some(keys)
    })
}

/// The first group from the leaf's issuer towards the root that names a certificate of the path decides.
fn judge_group_path(
    id: &RegistrationId,
    grouping: &Grouping,
    chain: &[Vec<u8>],
    now: UnixSeconds,
) -> Result<Admission, DpsError> {
    let leaf = certificate::read_leaf(chain)?;
    certificate::check_common_name(&leaf, id.as_str(), Case::Ignored)?;
    let path = grouping.trust.find_path(chain, now)?;
    let Some((through, group)) = grouping.find_by_certificate(&path.registered) else {
        return Err(DpsError::NoGroupOnPath { registration_id: id.clone(), path: path.names });
    };
    Ok(Admission {
        source: Source::Group(group.clone()),
        attested: AttestedBy::X509,
        device_id: device_id_of(leaf.common_name().map_err(AuthRefusal::NoCommonName)?)?,
        auth: DeviceAuth::CertificateAuthority { through: Some(through.clone()) },
        leaf: Some(leaf),
        path: path.thumbprints,
        storage_root_key: None,
    })
}

fn device_id_of(registration_id: &str) -> Result<DeviceId, DpsError> {
    DeviceId::parse(registration_id)
        .map_err(|error| DpsError::Invalid { member: "registrationId", fault: error.to_string() })
}

fn sha256(der: &[u8]) -> Thumbprint {
    let digest = digest::digest(&digest::SHA256, der);
    Thumbprint::parse(&hex(digest.as_ref())).expect("SHA-256 prints as 64 hex digits")
}
