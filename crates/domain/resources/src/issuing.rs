//! CAs of which the key is held here, and what they issue to devices.

use roadstead_model::{
    CaCertificate, CertificateName, CertificateOwner, Etag, IdScope, IssuedCertificate, PrincipalId, RegistrationId,
    Secret, UnixMillis, UnixSeconds,
};
use roadstead_pki::{Authority, Certificate, KeyKind, Request, Validity, check_leaf, limits::COMMON_NAME_CHARS_MAX};
use roadstead_store::{Expect, IssuedBounds, IssuedPosition, Page, StoreError, Write};
use serde_json::Map;
use std::{ops::RangeInclusive, str::FromStr};
use tracing::{error, info};

use crate::{
    certificate::{require_certificate, require_owner},
    error::{Kind, ResourceError},
    limits,
    resources::Resources,
};

const DAY_S: i64 = 86_400;

/// A CA as an administrator wants it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCaSpec<'a> {
    /// Of its subject: `Plant CA`.
    pub common_name: &'a str,
    /// From now. `None`: [`limits::HELD_CA_DAYS_DEFAULT`].
    pub days: Option<u32>,
}

/// Whom a certificate is issued to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicant<'a> {
    /// Who made this certificate request (PKCS#10 in PEM), by its common name.
    Request(&'a str),
    /// Whoever is given the key that is made for this name.
    CommonName(&'a str),
}

/// A device's certificate as an administrator wants it issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueSpec<'a> {
    /// To whom.
    pub to: Applicant<'a>,
    /// From now. `None`: [`limits::ISSUED_DAYS_DEFAULT`].
    pub days: Option<u32>,
    /// Who wants it.
    pub by: PrincipalId,
    /// The name of who wants it.
    pub by_name: &'a str,
}

/// A certificate as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuance {
    /// What is kept of it.
    pub record: IssuedCertificate,
    /// The certificate in PEM.
    pub certificate: String,
    /// The certificate and the CA that issued it, in PEM.
    pub chain: String,
    /// Its key, PKCS#8 in PEM, where it was made here: this is the only time that anybody sees it.
    pub key: Option<Secret>,
}

impl Resources {
    /// Makes a CA for a DPS instance: a root with a P-256 key that never leaves the server. It is verified at once.
    ///
    /// Errors: `NotFound` (the instance), `Name`, `Value`, `CaExists`, `TooMany`, `Issue`.
    pub async fn create_ca(
        &self,
        dps: &IdScope,
        name: &str,
        spec: HeldCaSpec<'_>,
    ) -> Result<CaCertificate, ResourceError> {
        let now = self.clock.now();
        let owner = CertificateOwner::Dps(dps.clone());
        check_common_name(spec.common_name)?;
        let validity = validity(now, spec.days, limits::HELD_CA_DAYS_DEFAULT, limits::HELD_CA_DAYS)?;
        let turn = self.turn().await;
        require_owner(&turn.directory, &owner)?;
        if let Some(stored) = turn.directory.find_certificate(&owner, name) {
            return Err(ResourceError::CaExists { name: stored.name.to_string() });
        }
        if turn.directory.certificates(&owner).len() >= limits::CERTIFICATES_MAX {
            return Err(ResourceError::TooMany { what: "CA certificates", max: limits::CERTIFICATES_MAX });
        }
        let name = CertificateName::parse(name)?;
        let authority = Authority::root(spec.common_name, KeyKind::P256, validity)?;
        let certificate = CaCertificate {
            name,
            der: authority.certificate().der().to_vec(),
            verified: true,
            verification_code: None,
            key: Some(Secret::new(authority.key_pem().as_str())),
            etag: Etag::fresh(&*self.random),
            created: now,
            updated: now,
            properties: Map::new(),
        };
        self.commit_certificate(turn, &owner, certificate.clone(), Expect::Absent).await?;
        info!(%dps, certificate = %certificate.name, "a CA was made, its key is held here");
        Ok(certificate)
    }

    /// Issues a certificate to a device, good for TLS clients only and no longer than its CA. It is noted durably before it is
    /// given away; a key that is made with it is not.
    ///
    /// Errors: `NotFound`, `KeyElsewhere`, `Request`, `Name` (the common name is no registration id), `Value`,
    /// `CertificateUnfit` (the CA is over), `TooMany`, `Conflict`, `Issue`.
    pub async fn issue(&self, dps: &IdScope, ca: &str, spec: IssueSpec<'_>) -> Result<Issuance, ResourceError> {
        let now = self.clock.now();
        let validity = validity(now, spec.days, limits::ISSUED_DAYS_DEFAULT, limits::ISSUED_DAYS)?;
        let directory = self.directory();
        let held = require_certificate(&directory, &CertificateOwner::Dps(dps.clone()), ca, None)?;
        let Some(key) = &held.key else {
            return Err(ResourceError::KeyElsewhere { name: held.name.to_string() });
        };
        let (common_name, request) = match spec.to {
            Applicant::CommonName(name) => (name.to_owned(), None),
            Applicant::Request(pem) => {
                let request = Request::from_pem(pem)?;
                (request.common_name().to_owned(), Some(request))
            }
        };
        let id = RegistrationId::parse(&common_name)?;
        check_common_name(&common_name)?;
        let ca_certificate = Certificate::from_der(&held.der)?;
        check_leaf(&ca_certificate, now.seconds().0)?;
        let authority = Authority::from_pem(&ca_certificate.to_pem(), key.expose())?;
        let (certificate, key) = if let Some(request) = &request {
            (authority.device_from_request(request, validity)?, None)
        } else {
            let made = authority.device(&common_name, KeyKind::P256, validity)?;
            (made.certificate, Some(Secret::new(made.key_pem.as_str())))
        };
        let record = IssuedCertificate {
            ca: held.name.clone(),
            ca_sha256: roadstead_auth::certificate::thumbprint(ca_certificate.sha256()),
            serial: certificate.serial().to_owned(),
            common_name: id,
            sha1: roadstead_auth::certificate::thumbprint(certificate.sha1()),
            sha256: roadstead_auth::certificate::thumbprint(certificate.sha256()),
            not_before: UnixSeconds(certificate.not_before_s()).millis(),
            not_after: UnixSeconds(certificate.not_after_s()).millis(),
            issued: now,
            by: spec.by,
            by_name: spec.by_name.to_owned(),
            from_request: request.is_some(),
        };
        self.note_issued(dps, record.clone(), now).await?;
        info!(%dps, ca = %record.ca, serial = record.serial, registration = %record.common_name, "a certificate was issued");
        let pem = certificate.to_pem();
        Ok(Issuance { record, chain: pem.clone() + &ca_certificate.to_pem(), certificate: pem, key })
    }

    async fn note_issued(
        &self,
        dps: &IdScope,
        record: IssuedCertificate,
        now: UnixMillis,
    ) -> Result<(), ResourceError> {
        let bounds = IssuedBounds {
            per_ca_max: limits::ISSUED_PER_CA_MAX,
            now,
            forget_before: now.plus_ms(-limits::ENDED_KEPT_DAYS * DAY_S * 1000),
        };
        let ca = record.ca.clone();
        match self.records().commit(vec![Write::AddIssued(dps.clone(), record, bounds)]).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict { .. })
                if self.records().count_issued(dps, &ca).await? >= limits::ISSUED_PER_CA_MAX =>
            {
                let max = usize::try_from(limits::ISSUED_PER_CA_MAX).unwrap_or(usize::MAX);
                Err(ResourceError::TooMany { what: "certificates of one CA that have not ended", max })
            }
            // It was deleted meanwhile.
            Err(StoreError::Conflict { .. }) => {
                let parent = require_owner(&self.directory(), &CertificateOwner::Dps(dps.clone()))?;
                Err(ResourceError::NotFound { kind: Kind::Certificate, name: ca.to_string(), parent })
            }
            Err(cause) => {
                error!(%cause, "a certificate could not be noted, so it was not issued");
                Err(cause.into())
            }
        }
    }

    /// What a CA issued, by common name, those that begin with `prefix`: a page of it. The CA itself may be gone.
    ///
    /// Errors: `NotFound` when there is no such CA and nothing that one issued; `Value` when `after` is of no page; `Unavailable`,
    /// `Internal`.
    pub async fn list_issued(
        &self,
        dps: &IdScope,
        ca: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, ResourceError> {
        let directory = self.directory();
        let owner = CertificateOwner::Dps(dps.clone());
        let name = CertificateName::parse(ca)?;
        let after = position(after)?;
        let is_known = directory.find_certificate(&owner, ca).is_some();
        if !is_known && self.records().count_issued(dps, &name).await? == 0 {
            let parent = require_owner(&directory, &owner)?;
            return Err(ResourceError::NotFound { kind: Kind::Certificate, name: ca.to_owned(), parent });
        }
        Ok(self.records().list_issued(dps, &name, prefix, after.as_ref(), limit).await?)
    }

    /// What all CAs of an instance issued, by their ends, those that end at `from` or later: a page of it.
    ///
    /// Errors: `Value` when `after` is of no page; `Unavailable`, `Internal`.
    pub async fn list_issued_by_end(
        &self,
        dps: &IdScope,
        from: UnixMillis,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<IssuedCertificate>, ResourceError> {
        Ok(self.records().list_issued_by_end(dps, from, position(after)?.as_ref(), limit).await?)
    }
}

/// Where a page begins, of a listing by `K`.
fn position<K: FromStr>(after: Option<&str>) -> Result<Option<IssuedPosition<K>>, ResourceError> {
    let fault = || ResourceError::Value {
        member: "$skipToken",
        given: "no place in this list".to_owned(),
        allowed: "one of a nextLink of this list".to_owned(),
    };
    after.map(|text| IssuedPosition::parse(text).ok_or_else(fault)).transpose()
}

fn validity(
    now: UnixMillis,
    days: Option<u32>,
    default: u32,
    allowed: RangeInclusive<u32>,
) -> Result<Validity, ResourceError> {
    let days = days.unwrap_or(default);
    if allowed.contains(&days) {
        return Ok(Validity { now_s: now.seconds().0, lifetime_s: i64::from(days) * DAY_S });
    }
    Err(ResourceError::Value {
        member: "days",
        given: days.to_string(),
        allowed: format!("{} to {}", allowed.start(), allowed.end()),
    })
}

/// Source: RFC 5280 appendix A, `ub-common-name`
fn check_common_name(name: &str) -> Result<(), ResourceError> {
    let is_printable = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_printable && (1..=COMMON_NAME_CHARS_MAX).contains(&name.len()) {
        return Ok(());
    }
    Err(ResourceError::Value {
        member: "commonName",
        given: if is_printable {
            format!("{} bytes long", name.len())
        } else {
            "written with other characters".to_owned()
        },
        allowed: format!("1 to {COMMON_NAME_CHARS_MAX} characters of printable ASCII"),
    })
}
