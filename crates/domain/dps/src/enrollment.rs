//! Individual enrollments, as back ends manage them.
//!
//! Source: `reference/dps.md` section 4

use roadstead_model::{
    Attestation, CertificateEntry, DeviceId, Enrollment, Etag, Provisioning, ProvisioningStatus, Random, Registration,
    RegistrationId, Secret, TpmAttestation,
};
use roadstead_sas::{SasKey, limits::ENROLLMENT_KEY_BYTES};
use roadstead_store::{Expect, StoreError, Write};
use serde_json::{Map, Value};
use tracing::info;

use crate::{
    certificate_index::Reservation,
    error::DpsError,
    instance::{Instance, unchanged},
    limits::{BULK_MAX, CHANGE_TRIES},
    provisioning::{ReadCertificate, check, check_precondition, fill_keys, read_certificate},
    query::{Listing, PageRequest},
    session::EnrollmentKey,
    tpm,
};

/// On what a change depends: `If-Match`, or the `etag` member of the body where there is no such header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// A PUT without: there must be no such record.
    Absent,
    /// Bulk mode `update`: there must be one.
    Present,
    /// `*`, and a DELETE without.
    Any,
    /// The record must be of this version.
    Etag(Etag),
}

/// An individual enrollment as a back end sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrollmentDraft {
    /// Must equal the id in the path: the front sees to that.
    pub registration_id: RegistrationId,
    /// Absent: the registration id.
    pub device_id: Option<DeviceId>,
    /// How the device will prove itself.
    pub attestation: AttestationDraft,
    /// What becomes of it. A legacy `iotHubHostName` counts as the one entry of `hubs`.
    pub provisioning: Provisioning,
    /// Kept and given back.
    pub optional_device_information: Option<Map<String, Value>>,
}

/// How a device will prove itself, as a back end sends it. A GET shows neither keys nor certificates, so an update that sends
/// back what GET gave lacks them: what is absent stays as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum AttestationDraft {
    /// `symmetricKey`. An absent or empty key stays as it is stored, or is made.
    SymmetricKey {
        /// Base64 of 16 to 64 bytes.
        primary: Option<Secret>,
        /// Base64 of 16 to 64 bytes.
        secondary: Option<Secret>,
    },
    /// `x509.clientCertificates`
    ClientCertificate {
        /// Absent: none.
        primary: Option<CertificateDraft>,
        /// Absent: none.
        secondary: Option<CertificateDraft>,
    },
    /// `tpm`: public keys, base64 of `TPM2B_PUBLIC`. Answers show them, so nothing is kept that is not sent.
    Tpm {
        /// By which the TPM is known.
        endorsement_key: String,
        /// Absent or empty: whatever the TPM has when it comes.
        storage_root_key: Option<String>,
    },
}

/// A certificate as a back end sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateDraft {
    /// `certificate`: PEM, base64 of PEM, or base64 of DER.
    Text(String),
    /// An entry with `info` and without `certificate`: the stored one stays.
    Stored,
}

/// One change of a bulk request, which stands for itself.
#[derive(Debug, Clone, PartialEq)]
pub enum BulkChange {
    /// Modes `create`, `update` and `updateIfMatchETag`.
    Put(Box<EnrollmentDraft>, Precondition),
    /// Mode `delete`.
    Delete(RegistrationId, Precondition),
}

/// A change of a bulk request that was not made.
#[derive(Debug, Clone)]
pub struct BulkFailure {
    /// Whose enrollment it was about.
    pub registration_id: RegistrationId,
    /// Why.
    pub error: DpsError,
}

const KIND: &str = "enrollment";

impl Instance {
    /// An enrollment, and the registration that came by it. The front leaves the keys out, except for `attestationmechanism`.
    ///
    /// Errors: `EnrollmentNotFound`, `Internal`.
    pub async fn find_enrollment(&self, id: &RegistrationId) -> Result<(Enrollment, Option<Registration>), DpsError> {
        let records = &self.ports.records;
        let found = records.find_enrollment(self.scope(), id).await?;
        let enrollment = found.ok_or_else(|| DpsError::EnrollmentNotFound(id.clone()))?;
        let registration = records.find_registration(self.scope(), id).await?;
        Ok((enrollment, registration.filter(|registration| registration.group.is_none())))
    }

    /// Creates or replaces an enrollment and returns it as stored, with its keys. Disabling it sends its device away.
    ///
    /// Errors: `Invalid`, `BadCertificate`, `CertificateTaken`, `AlreadyExists`, `EnrollmentNotFound`, `EtagMismatch`,
    /// `Concurrent`, `Internal`.
    pub async fn put_enrollment(
        &self,
        draft: EnrollmentDraft,
        precondition: Precondition,
    ) -> Result<Enrollment, DpsError> {
        for _ in 0..CHANGE_TRIES {
            let id = &draft.registration_id;
            let stored = self.ports.records.find_enrollment(self.scope(), id).await?;
            check_precondition(&precondition, stored.as_ref().map(|stored| &stored.etag), KIND, id.as_str())?;
            if stored.is_none() && precondition == Precondition::Present {
                return Err(DpsError::EnrollmentNotFound(id.clone()));
            }
            let (enrollment, reservation) = self.draw_up(draft.clone(), stored.as_ref()).await?;
            let expect = unchanged(stored.as_ref().map(|stored| &stored.etag));
            let put = Write::PutEnrollment(self.scope().clone(), enrollment.clone(), expect);
            match self.ports.records.commit(vec![put]).await {
                Err(StoreError::Conflict { .. }) => continue,
                outcome => outcome?,
            }
            if let Some(reservation) = reservation {
                reservation.keep();
            }
            info!(scope = %self.scope(), registration_id = %enrollment.registration_id, "enrollment stored");
            if enrollment.provisioning.status == ProvisioningStatus::Disabled {
                let key = EnrollmentKey::Individual(enrollment.registration_id.key());
                self.sessions.close_enrollment(&key, "enrollment disabled");
            }
            return Ok(enrollment);
        }
        Err(DpsError::Concurrent { id: draft.registration_id.to_string() })
    }

    /// Deletes an enrollment and sends its device away. The device stays on its hub, and its registration record is kept.
    ///
    /// Errors: `EnrollmentNotFound`, `EtagMismatch`, `Concurrent`, `Internal`. Source: `reference/dps.md` 3.5
    pub async fn delete_enrollment(&self, id: &RegistrationId, precondition: Precondition) -> Result<(), DpsError> {
        let found = self.ports.records.find_enrollment(self.scope(), id).await?;
        let stored = found.ok_or_else(|| DpsError::EnrollmentNotFound(id.clone()))?;
        let expect = match precondition {
            Precondition::Etag(_) => {
                check_precondition(&precondition, Some(&stored.etag), KIND, id.as_str())?;
                Expect::Etag(stored.etag)
            }
            Precondition::Absent | Precondition::Present | Precondition::Any => Expect::Any,
        };
        let delete = Write::DeleteEnrollment(self.scope().clone(), id.clone(), expect);
        match self.ports.records.commit(vec![delete]).await {
            Err(StoreError::Conflict { .. }) => return Err(DpsError::Concurrent { id: id.to_string() }),
            outcome => outcome?,
        }
        info!(scope = %self.scope(), registration_id = %id, "enrollment deleted");
        self.sessions.close_enrollment(&EnrollmentKey::Individual(id.key()), "enrollment deleted");
        Ok(())
    }

    /// Makes up to ten changes, each for itself, and returns those that failed.
    ///
    /// Errors: `Invalid` when there are more. Source: `reference/dps.md` 4.3, 5
    pub async fn change_enrollments(&self, changes: Vec<BulkChange>) -> Result<Vec<BulkFailure>, DpsError> {
        if changes.len() > BULK_MAX {
            let fault = format!("has {} entries, at most {BULK_MAX} are allowed", changes.len());
            return Err(DpsError::Invalid { member: "enrollments", fault });
        }
        let mut failures = Vec::new();
        for change in changes {
            let (registration_id, outcome) = match change {
                BulkChange::Put(draft, precondition) => {
                    let id = draft.registration_id.clone();
                    (id, self.put_enrollment(*draft, precondition).await.map(|_| ()))
                }
                BulkChange::Delete(id, precondition) => {
                    let outcome = self.delete_enrollment(&id, precondition).await;
                    (id, outcome)
                }
            };
            failures.extend(outcome.err().map(|error| BulkFailure { registration_id, error }));
        }
        Ok(failures)
    }

    /// Enrollments in order of their ids, a page at a time.
    ///
    /// Errors: `Invalid` for a foreign continuation, `Internal`.
    pub async fn list_enrollments(&self, page: &PageRequest) -> Result<Listing<Enrollment>, DpsError> {
        let after = page.after()?;
        Ok(Listing::of(self.ports.records.list_enrollments(self.scope(), after.as_deref(), page.limit()).await?))
    }

    /// The enrollment that a draft makes of what is stored.
    async fn draw_up(
        &self,
        draft: EnrollmentDraft,
        stored: Option<&Enrollment>,
    ) -> Result<(Enrollment, Option<Reservation<'_>>), DpsError> {
        let known = self.known();
        let provisioning = check(draft.provisioning, &known.dps, &*self.ports.hubs)?;
        let (attestation, reservation) = match draft.attestation {
            AttestationDraft::SymmetricKey { primary, secondary } => {
                let keys = stored.and_then(|stored| match &stored.attestation {
                    Attestation::SymmetricKey(keys) => Some(keys),
                    Attestation::ClientCertificate { .. } | Attestation::Tpm(_) => None,
                });
                let keys = fill_keys(primary, secondary, keys, &*self.ports.random)?;
                (Attestation::SymmetricKey(keys), None)
            }
            AttestationDraft::ClientCertificate { primary, secondary } => {
                let [stored_primary, stored_secondary] = stored_certificates(stored);
                let primary = read_certificate(primary, stored_primary, "attestation.x509.clientCertificates.primary")?;
                let secondary =
                    read_certificate(secondary, stored_secondary, "attestation.x509.clientCertificates.secondary")?;
                let attestation = Attestation::ClientCertificate {
                    primary: primary.as_ref().map(ReadCertificate::entry),
                    secondary: secondary.as_ref().map(ReadCertificate::entry),
                };
                let certificates: Vec<ReadCertificate> = [primary, secondary].into_iter().flatten().collect();
                if certificates.is_empty() {
                    let fault = "a primary or a secondary certificate is needed".to_owned();
                    return Err(DpsError::Invalid { member: "attestation.x509.clientCertificates", fault });
                }
                let own = draft.registration_id.key();
                (attestation, Some(self.reserve(&own, certificates, stored).await?))
            }
            AttestationDraft::Tpm { endorsement_key, storage_root_key } => {
                let stored = stored.and_then(|stored| match &stored.attestation {
                    Attestation::Tpm(tpm) => Some(tpm),
                    Attestation::SymmetricKey(_) | Attestation::ClientCertificate { .. } => None,
                });
                let tpm = draw_up_tpm(&endorsement_key, storage_root_key.as_deref(), stored, &*self.ports.random)?;
                (Attestation::Tpm(tpm), None)
            }
        };
        let now = self.now();
        let enrollment = Enrollment {
            registration_id: draft.registration_id,
            device_id: draft.device_id,
            attestation,
            provisioning,
            optional_device_information: draft.optional_device_information,
            etag: Etag::fresh(&*self.ports.random),
            created: stored.map_or(now, |stored| stored.created),
            updated: now,
        };
        Ok((enrollment, reservation))
    }

    async fn reserve(
        &self,
        own: &str,
        mut certificates: Vec<ReadCertificate>,
        stored: Option<&Enrollment>,
    ) -> Result<Reservation<'_>, DpsError> {
        let has = stored_certificates(stored);
        certificates.retain(|read| !has.iter().flatten().any(|entry| entry.der == read.certificate.der()));
        let reservation = self.certificates.reserve(&*self.ports.records, self.scope(), own, &certificates).await?;
        self.check_not_in_group(&certificates, None)?;
        Ok(reservation)
    }
}

/// Another TPM gets another secret: the one before knows keys that were derived from it.
fn draw_up_tpm(
    endorsement_key: &str,
    storage_root_key: Option<&str>,
    stored: Option<&TpmAttestation>,
    random: &dyn Random,
) -> Result<TpmAttestation, DpsError> {
    let endorsement_key = tpm::read_key(endorsement_key, "attestation.tpm.endorsementKey")?.as_bytes().to_vec();
    let storage_root_key = storage_root_key.filter(|key| !key.is_empty());
    let storage_root_key =
        storage_root_key.map(|key| tpm::read_key(key, "attestation.tpm.storageRootKey")).transpose()?;
    let kept = stored.filter(|stored| stored.endorsement_key == endorsement_key).map(|stored| stored.secret.clone());
    let fresh = || SasKey::generate(ENROLLMENT_KEY_BYTES, |bytes| random.fill(bytes)).to_base64();
    Ok(TpmAttestation {
        endorsement_key,
        storage_root_key: storage_root_key.map(|key| key.as_bytes().to_vec()),
        secret: kept.unwrap_or_else(|| Secret::new(fresh().as_str())),
    })
}

fn stored_certificates(stored: Option<&Enrollment>) -> [Option<&CertificateEntry>; 2] {
    match stored.map(|stored| &stored.attestation) {
        Some(Attestation::ClientCertificate { primary, secondary }) => [primary.as_ref(), secondary.as_ref()],
        Some(Attestation::SymmetricKey(_) | Attestation::Tpm(_)) | None => [None, None],
    }
}
