//! CA certificates of hubs and DPS instances: uploaded, proven, deleted.

use roadstead_model::{CaCertificate, CertificateName, CertificateOwner, Etag, Random, UnixMillis, UnixSeconds};
use roadstead_pki::{Certificate, Unfit, UnfitCertificate, check_leaf, check_proof};
use roadstead_store::{Expect, Write};
use serde_json::{Map, Value};
use tracing::{info, warn};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    limits,
    resources::{Resources, Turn, check_etag, check_kept_inside},
};

/// A CA certificate as an administrator writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateSpec<'a> {
    /// PEM, base64 of PEM or base64 of DER.
    pub text: &'a str,
    /// Whether the administrator vouches for it.
    pub verified: bool,
    /// Replace what is there. Members that are kept and given back without being understood.
    pub properties: Map<String, Value>,
}

/// A certificate as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// As it is now.
    pub certificate: CaCertificate,
    /// There was none of this name before.
    pub created: bool,
    /// What the administrator should know, if anything: see [`CertificateFacts::warning`].
    pub warning: Option<String>,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The common name, or all of the subject where there is not one: `TextileIoT-RootCA`. `guess (?)`
    pub subject: String,
    /// Last second of validity.
    pub expiry: UnixMillis,
    /// SHA-1 of the DER, 40 upper-case hex digits.
    pub thumbprint: String,
    /// The tolerance it enjoys, if any: it has no basicConstraints and counts as a CA only because it was uploaded.
    pub warning: Option<String>,
}

/// What a stored certificate says of itself. Errors: `CertificateUnreadable` when the stored bytes are damaged.
pub fn facts(certificate: &CaCertificate) -> Result<CertificateFacts, ResourceError> {
    let parsed = Certificate::from_der(&certificate.der)?;
    Ok(CertificateFacts {
        subject: parsed.common_name().unwrap_or(parsed.subject()).to_owned(),
        expiry: UnixSeconds(parsed.not_after_s()).millis(),
        thumbprint: parsed.sha1().to_string(),
        warning: tolerance(&parsed),
    })
}

impl Resources {
    /// Uploads a CA certificate, or replaces the one of which `etag` is the version. Unless an administrator vouches for it,
    /// it gets a verification code at once.
    ///
    /// Errors: `NotFound` (the owner), `Name`, `CertificateUnreadable`, `CertificateUnfit`, `NotACa`, `CertificateExists`,
    /// `EtagMismatch`, `TooMany`, `Value`, `Unsupported`.
    pub async fn put_certificate(
        &self,
        owner: &CertificateOwner,
        name: &str,
        spec: CertificateSpec<'_>,
        etag: Option<&str>,
    ) -> Result<Uploaded, ResourceError> {
        let CertificateSpec { text, verified, properties } = spec;
        let now = self.clock.now();
        let parsed = Certificate::from_text(text)?;
        check_kept_inside("properties", &properties)?;
        check_ca(&parsed, now)?;
        let turn = self.turn().await;
        let owner_name = require_owner(&turn.directory, owner)?;
        let stored = turn.directory.find_certificate(owner, name).cloned();
        if let Some(stored) = &stored {
            if etag.is_none() {
                return Err(ResourceError::CertificateExists { name: stored.name.to_string() });
            }
            check_etag(Kind::Certificate, name, etag, &stored.etag)?;
        } else if turn.directory.certificates(owner).len() >= limits::CERTIFICATES_MAX {
            return Err(ResourceError::TooMany { what: "CA certificates", max: limits::CERTIFICATES_MAX });
        }
        // Of a CA that was made here the same certificate again changes nothing; another one is not the server's to sign with.
        let key = stored.as_ref().filter(|stored| stored.der == parsed.der()).and_then(|stored| stored.key.clone());
        let verified = verified || key.is_some();
        let certificate = CaCertificate {
            name: stored.as_ref().map_or_else(|| CertificateName::parse(name), |stored| Ok(stored.name.clone()))?,
            der: parsed.der().to_vec(),
            verified,
            verification_code: (!verified).then(|| fresh_code(&*self.random)),
            key,
            etag: Etag::fresh(&*self.random),
            created: stored.as_ref().map_or(now, |stored| stored.created),
            updated: now,
            properties,
        };
        let warning = tolerance(&parsed);
        if let Some(warning) = &warning {
            warn!(owner = owner_name, certificate = %certificate.name, "{warning}");
        }
        let expect = stored.as_ref().map_or(Expect::Absent, |stored| Expect::Etag(stored.etag.clone()));
        self.commit_certificate(turn, owner, certificate.clone(), expect).await?;
        Ok(Uploaded { certificate, created: stored.is_none(), warning })
    }

    /// Gives the certificate a new verification code, whether or not it was verified already: until the proof comes,
    /// it counts as it did.
    ///
    /// Errors: `NotFound`, `EtagMismatch`.
    pub async fn generate_verification_code(
        &self,
        owner: &CertificateOwner,
        name: &str,
        etag: Option<&str>,
    ) -> Result<CaCertificate, ResourceError> {
        let turn = self.turn().await;
        let stored = require_certificate(&turn.directory, owner, name, etag)?.clone();
        let changed = CaCertificate { verification_code: Some(fresh_code(&*self.random)), ..stored.clone() };
        self.change_certificate(turn, owner, stored, changed).await
    }

    /// Judges a proof of possession, in the forms of an upload: a certificate of which the CN is the verification code,
    /// signed by the CA. From then on the CA counts.
    ///
    /// Errors: `NotFound`, `EtagMismatch`, `NoVerificationCode`, `CertificateUnreadable`, `Proof`.
    pub async fn verify_certificate(
        &self,
        owner: &CertificateOwner,
        name: &str,
        proof: &str,
        etag: Option<&str>,
    ) -> Result<CaCertificate, ResourceError> {
        let proof = Certificate::from_text(proof)?;
        let turn = self.turn().await;
        let stored = require_certificate(&turn.directory, owner, name, etag)?.clone();
        let Some(code) = &stored.verification_code else {
            return Err(ResourceError::NoVerificationCode { name: stored.name.to_string() });
        };
        let ca = Certificate::from_der(&stored.der)?;
        check_proof(&ca, &proof, code, self.clock.now().seconds().0)?;
        info!(certificate = %stored.name, "possession of the CA's key is proven");
        let changed = CaCertificate { verified: true, verification_code: None, ..stored.clone() };
        self.change_certificate(turn, owner, stored, changed).await
    }

    /// Deletes a CA certificate, with its key if that is here: what it vouched for is vouched for no more.
    ///
    /// Errors: `NotFound`, `EtagMismatch`.
    pub async fn delete_certificate(
        &self,
        owner: &CertificateOwner,
        name: &str,
        etag: Option<&str>,
    ) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let stored = require_certificate(&turn.directory, owner, name, etag)?.clone();
        let mut next = Directory::clone(&turn.directory);
        next.remove_certificate(owner, &stored.name);
        let batch = vec![Write::DeleteCertificate(owner.clone(), stored.name, Expect::Etag(stored.etag))];
        self.commit(turn, batch, next).await
    }

    /// One CA certificate. Errors: `NotFound`.
    pub fn certificate(&self, owner: &CertificateOwner, name: &str) -> Result<CaCertificate, ResourceError> {
        require_certificate(&self.directory(), owner, name, None).cloned()
    }

    async fn change_certificate(
        &self,
        turn: Turn,
        owner: &CertificateOwner,
        stored: CaCertificate,
        changed: CaCertificate,
    ) -> Result<CaCertificate, ResourceError> {
        let changed = CaCertificate { etag: Etag::fresh(&*self.random), updated: self.clock.now(), ..changed };
        self.commit_certificate(turn, owner, changed.clone(), Expect::Etag(stored.etag)).await?;
        Ok(changed)
    }

    pub(crate) async fn commit_certificate(
        &self,
        turn: Turn,
        owner: &CertificateOwner,
        certificate: CaCertificate,
        expect: Expect,
    ) -> Result<(), ResourceError> {
        let mut next = Directory::clone(&turn.directory);
        next.put_certificate(owner, certificate.clone());
        self.commit(turn, vec![Write::PutCertificate(owner.clone(), certificate, expect)], next).await
    }
}

/// The owner's name. Errors: `NotFound` when it was deleted meanwhile.
pub(crate) fn require_owner(directory: &Directory, owner: &CertificateOwner) -> Result<String, ResourceError> {
    let (kind, id, found) = match owner {
        CertificateOwner::Hub(key) => {
            (Kind::Hub, key.to_string(), directory.find_hub_by_key(*key).map(|hub| hub.name.to_string()))
        }
        CertificateOwner::Dps(scope) => {
            (Kind::Dps, scope.to_string(), directory.find_dps_by_scope(scope).map(|dps| dps.name.to_string()))
        }
    };
    found.ok_or_else(|| ResourceError::NotFound { kind, name: id, parent: "this server".to_owned() })
}

pub(crate) fn require_certificate<'a>(
    directory: &'a Directory,
    owner: &CertificateOwner,
    name: &str,
    etag: Option<&str>,
) -> Result<&'a CaCertificate, ResourceError> {
    let parent = require_owner(directory, owner)?;
    let absent = || ResourceError::NotFound { kind: Kind::Certificate, name: name.to_owned(), parent };
    let found = directory.find_certificate(owner, name).ok_or_else(absent)?;
    check_etag(Kind::Certificate, name, etag, &found.etag)?;
    Ok(found)
}

/// Refuses what could never vouch for a device. One that is not valid yet may be uploaded ahead of its time.
fn check_ca(certificate: &Certificate, now: UnixMillis) -> Result<(), ResourceError> {
    if let Err(unfit @ UnfitCertificate { fault: Unfit::Expired { .. }, .. }) = check_leaf(certificate, now.seconds().0)
    {
        return Err(unfit.into());
    }
    let refused = |reason| Err(ResourceError::NotACa { certificate: certificate.shown_name(), reason });
    if certificate.basic_constraints().is_some_and(|constraints| !constraints.ca) {
        return refused("its basicConstraints say CA:FALSE; upload the certificate that issued it");
    }
    if certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign) {
        return refused("its keyUsage lacks keyCertSign; upload the certificate that issued it");
    }
    Ok(())
}

/// What to say of a certificate that the strict rules would not take for a CA. Source: `DESIGN.md` section 9
fn tolerance(certificate: &Certificate) -> Option<String> {
    certificate.basic_constraints().is_none().then(|| {
        format!(
            "certificate `{}` has no basicConstraints (CA:TRUE), so nothing in it says that it is a CA; it counts as one \
             only because it was uploaded here, and whoever holds its key can make device certificates. If it is a device's \
             certificate, delete it",
            certificate.shown_name()
        )
    })
}

fn fresh_code(random: &dyn Random) -> String {
    let mut bytes = [0; limits::VERIFICATION_CODE_BYTES];
    random.fill(&mut bytes);
    bytes.iter().fold(String::new(), |code, byte| format!("{code}{byte:02X}"))
}
