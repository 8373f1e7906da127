//! An instance's enrollment groups, read once and ready to judge devices.

use std::{collections::HashMap, sync::Arc};

use roadstead_auth::{Trust, certificate::thumbprint};
use roadstead_model::{CaCertificate, CertificateName, EnrollmentGroup, GroupAttestation, SymmetricKeys, Thumbprint};
use roadstead_pki::Certificate;
use roadstead_sas::SasKey;

/// What an instance holds against devices without an individual enrollment.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    pub(crate) trust: Arc<Trust>,
    by_key: Vec<KeyGroup>,
    by_certificate: HashMap<Thumbprint, Arc<EnrollmentGroup>>,
    certificate_groups: usize,
}

/// A symmetric-key group with its keys decoded.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    pub(crate) group: Arc<EnrollmentGroup>,
    pub(crate) keys: [SasKey; 2],
}

impl Grouping {
    /// Indexes an instance's groups and CA certificates. Only verified CAs stand behind a reference.
    pub(crate) fn new(groups: Vec<EnrollmentGroup>, cas: &[CaCertificate]) -> Self {
        let ca = |name: &CertificateName| cas.iter().find(|ca| ca.verified && ca.name == *name).map(|ca| &*ca.der);
        let mut found = Self::default();
        for group in groups {
            let group = Arc::new(group);
            let ders = match &group.attestation {
                GroupAttestation::SymmetricKey(SymmetricKeys { primary, secondary }) => {
                    if let Ok(keys) = SasKey::from_base64(primary.expose())
                        .and_then(|primary| Ok([primary, SasKey::from_base64(secondary.expose())?]))
                    {
                        found.by_key.push(KeyGroup { group: group.clone(), keys });
                    }
                    continue;
                }
                GroupAttestation::CaReference { primary, secondary } => {
                    [primary.as_ref().and_then(ca), secondary.as_ref().and_then(ca)]
                }
                GroupAttestation::SigningCertificate { primary, secondary } => {
                    [primary.as_ref().map(|entry| &*entry.der), secondary.as_ref().map(|entry| &*entry.der)]
                }
            };
            found.certificate_groups += 1;
            for certificate in ders.into_iter().flatten().filter_map(|der| Certificate::from_der(der).ok()) {
                found.by_certificate.entry(thumbprint(certificate.sha256())).or_insert_with(|| group.clone());
            }
        }
        found.trust = Arc::new(Trust::new(cas, found.signing_certificates()));
        found
    }

    /// Symmetric-key groups, the one called `first` before the others.
    pub(crate) fn key_groups(&self, first: Option<&str>) -> impl Iterator<Item = &KeyGroup> {
        let is_first = move |candidate: &&KeyGroup| Some(candidate.group.id.key().as_str()) == first;
        let hinted = self.by_key.iter().filter(is_first);
        hinted.chain(self.by_key.iter().filter(move |candidate| !is_first(candidate)))
    }

    /// The first of `certificates` (SHA-256) that a group names, and that group.
    pub(crate) fn find_by_certificate(
        &self,
        certificates: &[Thumbprint],
    ) -> Option<(&Thumbprint, &Arc<EnrollmentGroup>)> {
        certificates.iter().find_map(|print| self.by_certificate.get_key_value(print))
    }

    /// The group that names this certificate (SHA-256).
    pub(crate) fn owner_of(&self, certificate: &Thumbprint) -> Option<&Arc<EnrollmentGroup>> {
        self.by_certificate.get(certificate)
    }

    pub(crate) fn key_group_count(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn certificate_group_count(&self) -> usize {
        self.certificate_groups
    }

    fn signing_certificates(&self) -> Vec<&[u8]> {
        let groups = self.by_certificate.values().map(|group| &group.attestation);
        let entries = groups.filter_map(|attestation| match attestation {
            GroupAttestation::SigningCertificate { primary, secondary } => Some([primary, secondary]),
            GroupAttestation::SymmetricKey(_) | GroupAttestation::CaReference { .. } => None,
        });
        entries.flatten().flatten().map(|entry| &*entry.der).collect()
    }
}
