//! What an enrollment may say about the fate of its devices, and the parts that both kinds of enrollment share.

use roadstead_model::{
    AllocationPolicy, CertificateEntry, Dps, Etag, Provisioning, Random, Secret, SymmetricKeys, Webhook,
};
use roadstead_pki::Certificate;
use roadstead_sas::{SasKey, limits::ENROLLMENT_KEY_BYTES};

use crate::{
    enrollment::{CertificateDraft, Precondition},
    error::DpsError,
    limits::WEBHOOK_URL_CHARS_MAX,
    link::{HubLink, own_name},
};

/// The first API version in which enrollments know custom allocation. Source: `reference/dps.md` 3.6
const FIRST_CUSTOM_API_VERSION: &str = "2018-09-01-preview";

/// Checks the common part of an enrollment against its instance, and lower-cases host names. A linked hub may be named by any
/// of its names, and that name is kept.
///
/// Source: `reference/dps.md` 3.4, 3.6, 4.3
pub(crate) fn check(mut provisioning: Provisioning, dps: &Dps, hubs: &dyn HubLink) -> Result<Provisioning, DpsError> {
    for hub in &mut provisioning.hubs {
        hub.make_ascii_lowercase();
        let named = own_name(hubs, hub);
        if !dps.linked_hubs.iter().any(|linked| own_name(hubs, &linked.host_name) == named) {
            let linked: Vec<&str> = dps.linked_hubs.iter().map(|linked| linked.host_name.as_str()).collect();
            let shown = hub.escape_debug();
            let fault = match linked.as_slice() {
                [] => format!("`{shown}` is not linked to this DPS instance, and no other hub is"),
                linked => format!("`{shown}` is not linked to this DPS instance; linked are {}", linked.join(", ")),
            };
            return Err(DpsError::Invalid { member: "iotHubs", fault });
        }
    }
    match (provisioning.allocation, &provisioning.webhook) {
        (Some(AllocationPolicy::Static), _) if provisioning.hubs.len() > 1 => {
            let fault = format!("static allocation needs one hub, not {}", provisioning.hubs.len());
            Err(DpsError::Invalid { member: "iotHubs", fault })
        }
        (Some(AllocationPolicy::Custom), None) => {
            let fault = "custom allocation needs a webhook".to_owned();
            Err(DpsError::Invalid { member: "customAllocationDefinition", fault })
        }
        (_, Some(webhook)) => check_webhook(webhook).map(|()| provisioning),
        _ => Ok(provisioning),
    }
}

/// The URL may hold a key, so no refusal shows it.
fn check_webhook(webhook: &Webhook) -> Result<(), DpsError> {
    let url = webhook.url.expose();
    let invalid = |member, fault: &str| Err(DpsError::Invalid { member, fault: fault.to_owned() });
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) || url.chars().any(char::is_whitespace) {
        return invalid("customAllocationDefinition.webhookUrl", "must be an http or https URL");
    }
    if url.chars().count() > WEBHOOK_URL_CHARS_MAX {
        let fault = format!("has more than {WEBHOOK_URL_CHARS_MAX} characters");
        return invalid("customAllocationDefinition.webhookUrl", &fault);
    }
    if webhook.api_version.as_str() < FIRST_CUSTOM_API_VERSION {
        let fault = format!("must be {FIRST_CUSTOM_API_VERSION} or later");
        return invalid("customAllocationDefinition.apiVersion", &fault);
    }
    Ok(())
}

/// The keys to store: those given, else those stored, else new ones of 64 random bytes. An empty text counts as absent.
///
/// Source: `reference/dps.md` 2.2, 4.2
pub(crate) fn fill_keys(
    primary: Option<Secret>,
    secondary: Option<Secret>,
    stored: Option<&SymmetricKeys>,
    random: &dyn Random,
) -> Result<SymmetricKeys, DpsError> {
    let fill = |given: Option<Secret>, stored: Option<&Secret>, member: &'static str| -> Result<Secret, DpsError> {
        if let Some(key) = given.filter(|key| !key.expose().is_empty()) {
            SasKey::from_base64(key.expose())
                .map_err(|error| DpsError::Invalid { member, fault: error.to_string() })?;
            return Ok(key);
        }
        let fresh = || SasKey::generate(ENROLLMENT_KEY_BYTES, |bytes| random.fill(bytes)).to_base64();
        Ok(stored.cloned().unwrap_or_else(|| Secret::new(fresh().as_str())))
    };
    Ok(SymmetricKeys {
        primary: fill(primary, stored.map(|keys| &keys.primary), "attestation.symmetricKey.primaryKey")?,
        secondary: fill(secondary, stored.map(|keys| &keys.secondary), "attestation.symmetricKey.secondaryKey")?,
    })
}

/// A certificate to store, with where it came in the request.
pub(crate) struct ReadCertificate {
    pub(crate) member: &'static str,
    pub(crate) certificate: Certificate,
}

impl ReadCertificate {
    pub(crate) fn entry(&self) -> CertificateEntry {
        CertificateEntry { der: self.certificate.der().to_vec() }
    }
}

/// Reads a certificate of a request, or keeps the stored one.
pub(crate) fn read_certificate(
    draft: Option<CertificateDraft>,
    stored: Option<&CertificateEntry>,
    member: &'static str,
) -> Result<Option<ReadCertificate>, DpsError> {
    let read = match (draft, stored) {
        (None, _) => return Ok(None),
        (Some(CertificateDraft::Text(text)), _) => Certificate::from_text(&text),
        (Some(CertificateDraft::Stored), Some(entry)) => Certificate::from_der(&entry.der),
        (Some(CertificateDraft::Stored), None) => {
            let fault = "the certificate is missing, and none is stored that could be kept".to_owned();
            return Err(DpsError::Invalid { member, fault });
        }
    };
    match read {
        Ok(certificate) => Ok(Some(ReadCertificate { member, certificate })),
        Err(fault) => Err(DpsError::BadCertificate { member, fault }),
    }
}

/// Whether a change may go on: `stored` is the etag of the record as it is.
///
/// Source: `reference/dps.md` 4.2
pub(crate) fn check_precondition(
    precondition: &Precondition,
    stored: Option<&Etag>,
    kind: &'static str,
    id: &str,
) -> Result<(), DpsError> {
    match (precondition, stored) {
        (Precondition::Absent, Some(_)) => Err(DpsError::AlreadyExists { kind, id: id.to_owned() }),
        (Precondition::Etag(expected), found) if found != Some(expected) => {
            Err(DpsError::EtagMismatch { kind, id: id.to_owned() })
        }
        _ => Ok(()),
    }
}
