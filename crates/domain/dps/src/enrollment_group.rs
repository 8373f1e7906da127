//! Enrollment groups, as back ends manage them.
//!
//! Source: `reference/dps.md` section 4

use roadstead_auth::certificate::thumbprint;
use roadstead_model::{
    CaCertificate, CertificateEntry, CertificateName, CertificateOwner, EnrollmentGroup, EnrollmentGroupId, Etag,
    GroupAttestation, Provisioning, ProvisioningStatus, Secret, UnixSeconds,
};
use roadstead_pki::{Certificate, Unfit, check_ca, path::IssuerFault};
use roadstead_store::{Expect, StoreError, Write};
use tracing::{info, warn};

use crate::{
    certificate_index::Reservation,
    enrollment::{CertificateDraft, Precondition},
    error::DpsError,
    instance::{Instance, unchanged},
    limits::{CERTIFICATE_GROUPS_MAX, CHANGE_TRIES, KEY_GROUPS_MAX},
    provisioning::{ReadCertificate, check, check_precondition, fill_keys, read_certificate},
    query::{Listing, PageRequest},
    session::EnrollmentKey,
};

/// An enrollment group as a back end sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrollmentGroupDraft {
    /// Must equal the id in the path: the front sees to that.
    pub id: EnrollmentGroupId,
    /// How its devices will prove themselves.
    pub attestation: GroupAttestationDraft,
    /// What becomes of them. A legacy `iotHubHostName` counts as the one entry of `hubs`.
    pub provisioning: Provisioning,
}

/// How the devices of a group will prove themselves, as a back end sends it. What is absent stays as it is stored: see
/// [`AttestationDraft`](crate::AttestationDraft).
#[derive(Debug, Clone, PartialEq)]
pub enum GroupAttestationDraft {
    /// `symmetricKey`. An absent or empty key stays as it is stored, or is made.
    SymmetricKey {
        /// Base64 of 16 to 64 bytes.
        primary: Option<Secret>,
        /// Base64 of 16 to 64 bytes.
        secondary: Option<Secret>,
    },
    /// `x509.caReferences`
    CaReference {
        /// Name of a verified CA certificate of the instance.
        primary: Option<CertificateName>,
        /// Name of a verified CA certificate of the instance.
        secondary: Option<CertificateName>,
    },
    /// `x509.signingCertificates`
    SigningCertificate {
        /// Absent: none.
        primary: Option<CertificateDraft>,
        /// Absent: none.
        secondary: Option<CertificateDraft>,
    },
}

const KIND: &str = "enrollment group";

impl Instance {
    /// An enrollment group. The front leaves the keys out, except for `attestationmechanism`.
    ///
    /// Errors: `GroupNotFound`, `Internal`.
    pub async fn find_enrollment_group(&self, id: &EnrollmentGroupId) -> Result<EnrollmentGroup, DpsError> {
        let found = self.ports.records.find_enrollment_group(self.scope(), id).await?;
        found.ok_or_else(|| DpsError::GroupNotFound(id.clone()))
    }

    /// Creates or replaces a group and returns it as stored, with its keys. Disabling it sends its devices away.
    ///
    /// Errors: `Invalid`, `BadCertificate`, `CertificateTaken`, `TooMany`, `AlreadyExists`, `EtagMismatch`, `Concurrent`,
    /// `Internal`.
    pub async fn put_enrollment_group(
        &self,
        draft: EnrollmentGroupDraft,
        precondition: Precondition,
    ) -> Result<EnrollmentGroup, DpsError> {
        let _changing = self.changing.lock().await;
        for _ in 0..CHANGE_TRIES {
            let stored = self.ports.records.find_enrollment_group(self.scope(), &draft.id).await?;
            check_precondition(&precondition, stored.as_ref().map(|stored| &stored.etag), KIND, draft.id.as_str())?;
            if stored.is_none() && precondition == Precondition::Present {
                return Err(DpsError::GroupNotFound(draft.id));
            }
            let (group, reservation) = self.draw_up_group(draft.clone(), stored.as_ref()).await?;
            let expect = unchanged(stored.as_ref().map(|stored| &stored.etag));
            let put = Write::PutEnrollmentGroup(self.scope().clone(), group.clone(), expect);
            match self.ports.records.commit(vec![put]).await {
                Err(StoreError::Conflict { .. }) => continue,
                outcome => outcome?,
            }
            info!(scope = %self.scope(), group = %group.id, "enrollment group stored");
            self.reread_groups().await?;
            drop(reservation);
            if group.provisioning.status == ProvisioningStatus::Disabled {
                self.sessions.close_enrollment(&EnrollmentKey::Group(group.id.key()), "enrollment group disabled");
            }
            return Ok(group);
        }
        Err(DpsError::Concurrent { id: draft.id.to_string() })
    }

    /// Deletes a group and sends its devices away. They stay on their hubs, and their registration records are kept.
    ///
    /// Errors: `GroupNotFound`, `EtagMismatch`, `Concurrent`, `Internal`. Source: `reference/dps.md` 3.5
    pub async fn delete_enrollment_group(
        &self,
        id: &EnrollmentGroupId,
        precondition: Precondition,
    ) -> Result<(), DpsError> {
        let _changing = self.changing.lock().await;
        let stored = self.find_enrollment_group(id).await?;
        let expect = match precondition {
            Precondition::Etag(_) => {
                check_precondition(&precondition, Some(&stored.etag), KIND, id.as_str())?;
                Expect::Etag(stored.etag)
            }
            Precondition::Absent | Precondition::Present | Precondition::Any => Expect::Any,
        };
        let delete = Write::DeleteEnrollmentGroup(self.scope().clone(), id.clone(), expect);
        match self.ports.records.commit(vec![delete]).await {
            Err(StoreError::Conflict { .. }) => return Err(DpsError::Concurrent { id: id.to_string() }),
            outcome => outcome?,
        }
        info!(scope = %self.scope(), group = %id, "enrollment group deleted");
        self.reread_groups().await?;
        self.sessions.close_enrollment(&EnrollmentKey::Group(id.key()), "enrollment group deleted");
        Ok(())
    }

    /// Groups in order of their ids, a page at a time.
    ///
    /// Errors: `Invalid` for a foreign continuation, `Internal`.
    pub async fn list_enrollment_groups(&self, page: &PageRequest) -> Result<Listing<EnrollmentGroup>, DpsError> {
        let after = page.after()?;
        Ok(Listing::of(self.ports.records.list_enrollment_groups(self.scope(), after.as_deref(), page.limit()).await?))
    }

    /// Refuses certificates that a group other than `but` names.
    pub(crate) fn check_not_in_group(
        &self,
        certificates: &[ReadCertificate],
        but: Option<&EnrollmentGroupId>,
    ) -> Result<(), DpsError> {
        let known = self.known();
        for ReadCertificate { member, certificate } in certificates {
            let owner = known.grouping.owner_of(&thumbprint(certificate.sha256()));
            if let Some(group) = owner.filter(|group| but.is_none_or(|but| but.key() != group.id.key())) {
                let owner = format!("enrollment group `{}`", group.id);
                return Err(DpsError::CertificateTaken { member, owner });
            }
        }
        Ok(())
    }

    /// The group that a draft makes of what is stored.
    async fn draw_up_group(
        &self,
        draft: EnrollmentGroupDraft,
        stored: Option<&EnrollmentGroup>,
    ) -> Result<(EnrollmentGroup, Option<Reservation<'_>>), DpsError> {
        let provisioning = check(draft.provisioning, &self.known().dps, &*self.ports.hubs)?;
        let (attestation, certificates) = match draft.attestation {
            GroupAttestationDraft::SymmetricKey { primary, secondary } => {
                let keys = stored.and_then(|stored| match &stored.attestation {
                    GroupAttestation::SymmetricKey(keys) => Some(keys),
                    GroupAttestation::CaReference { .. } | GroupAttestation::SigningCertificate { .. } => None,
                });
                let keys = fill_keys(primary, secondary, keys, &*self.ports.random)?;
                (GroupAttestation::SymmetricKey(keys), Vec::new())
            }
            GroupAttestationDraft::CaReference { primary, secondary } => {
                self.read_references(primary, secondary, stored).await?
            }
            GroupAttestationDraft::SigningCertificate { primary, secondary } => {
                read_signers(primary, secondary, stored, self.now().seconds())?
            }
        };
        if stored.is_none_or(|stored| is_by_key(&stored.attestation) != is_by_key(&attestation)) {
            self.check_room(is_by_key(&attestation))?;
        }
        let reservation = match certificates.as_slice() {
            [] => None,
            some => Some(self.certificates.reserve(&*self.ports.records, self.scope(), "", some).await?),
        };
        self.check_not_in_group(&certificates, Some(&draft.id))?;
        let now = self.now();
        let group = EnrollmentGroup {
            id: draft.id,
            attestation,
            provisioning,
            etag: Etag::fresh(&*self.ports.random),
            created: stored.map_or(now, |stored| stored.created),
            updated: now,
        };
        Ok((group, reservation))
    }

    /// References to CA certificates, which must be verified when they are new to the group.
    async fn read_references(
        &self,
        primary: Option<CertificateName>,
        secondary: Option<CertificateName>,
        stored: Option<&EnrollmentGroup>,
    ) -> Result<(GroupAttestation, Vec<ReadCertificate>), DpsError> {
        let owner = CertificateOwner::Dps(self.scope().clone());
        let cas = self.ports.records.list_certificates(&owner).await?;
        let mut certificates = Vec::new();
        for (name, member) in [
            (&primary, "attestation.x509.caReferences.primary"),
            (&secondary, "attestation.x509.caReferences.secondary"),
        ] {
            match name {
                Some(name) if !has_reference(stored, name) => certificates.push(read_reference(name, &cas, member)?),
                _ => {}
            }
        }
        if primary.is_none() && secondary.is_none() {
            let fault = "a primary or a secondary reference is needed".to_owned();
            return Err(DpsError::Invalid { member: "attestation.x509.caReferences", fault });
        }
        Ok((GroupAttestation::CaReference { primary, secondary }, certificates))
    }

    fn check_room(&self, by_key: bool) -> Result<(), DpsError> {
        let (groups, max, what) = if by_key {
            (self.known().grouping.key_group_count(), KEY_GROUPS_MAX, "symmetric-key enrollment groups")
        } else {
            (self.known().grouping.certificate_group_count(), CERTIFICATE_GROUPS_MAX, "X.509 enrollment groups")
        };
        if groups < max { Ok(()) } else { Err(DpsError::TooMany { what, max }) }
    }
}

fn is_by_key(attestation: &GroupAttestation) -> bool {
    matches!(attestation, GroupAttestation::SymmetricKey(_))
}

fn has_reference(stored: Option<&EnrollmentGroup>, name: &CertificateName) -> bool {
    match stored.map(|stored| &stored.attestation) {
        Some(GroupAttestation::CaReference { primary, secondary }) => {
            [primary, secondary].into_iter().flatten().any(|reference| reference == name)
        }
        Some(GroupAttestation::SymmetricKey(_) | GroupAttestation::SigningCertificate { .. }) | None => false,
    }
}

fn read_reference(
    name: &CertificateName,
    cas: &[CaCertificate],
    member: &'static str,
) -> Result<ReadCertificate, DpsError> {
    let invalid = |fault| DpsError::Invalid { member, fault };
    let ca = cas.iter().find(|ca| ca.name == *name);
    let ca = ca.ok_or_else(|| invalid(format!("there is no CA certificate `{name}`; upload and verify it")))?;
    if !ca.verified {
        return Err(invalid(format!("CA certificate `{name}` is uploaded but not verified; verify it")));
    }
    let certificate = Certificate::from_der(&ca.der).map_err(|fault| DpsError::BadCertificate { member, fault })?;
    Ok(ReadCertificate { member, certificate })
}

/// Signing certificates, which must be able to sign when they are new to the group. One that is not valid yet may be
/// registered ahead of its time.
fn read_signers(
    primary: Option<CertificateDraft>,
    secondary: Option<CertificateDraft>,
    stored: Option<&EnrollmentGroup>,
    now: UnixSeconds,
) -> Result<(GroupAttestation, Vec<ReadCertificate>), DpsError> {
    let has @ [stored_primary, stored_secondary] = stored_signers(stored);
    let primary = read_certificate(primary, stored_primary, "attestation.x509.signingCertificates.primary")?;
    let secondary = read_certificate(secondary, stored_secondary, "attestation.x509.signingCertificates.secondary")?;
    let attestation = GroupAttestation::SigningCertificate {
        primary: primary.as_ref().map(ReadCertificate::entry),
        secondary: secondary.as_ref().map(ReadCertificate::entry),
    };
    let mut certificates: Vec<ReadCertificate> = [primary, secondary].into_iter().flatten().collect();
    if certificates.is_empty() {
        let fault = "a primary or a secondary certificate is needed".to_owned();
        return Err(DpsError::Invalid { member: "attestation.x509.signingCertificates", fault });
    }
    certificates.retain(|read| !has.iter().flatten().any(|entry| entry.der == read.certificate.der()));
    for ReadCertificate { member, certificate } in &certificates {
        match check_ca(certificate, now.0) {
            Ok(()) | Err(IssuerFault::Unfit(Unfit::NotYetValid { .. })) => {}
            Err(fault) => {
                let fault = format!("certificate `{}` {fault}", certificate.shown_name());
                return Err(DpsError::Invalid { member, fault });
            }
        }
        if certificate.basic_constraints().is_none() {
            warn!(
                certificate = certificate.shown_name(),
                "signing certificate without basicConstraints: it counts as a CA only because it is registered here"
            );
        }
    }
    Ok((attestation, certificates))
}

fn stored_signers(stored: Option<&EnrollmentGroup>) -> [Option<&CertificateEntry>; 2] {
    match stored.map(|stored| &stored.attestation) {
        Some(GroupAttestation::SigningCertificate { primary, secondary }) => [primary.as_ref(), secondary.as_ref()],
        Some(GroupAttestation::SymmetricKey(_) | GroupAttestation::CaReference { .. }) | None => [None, None],
    }
}
