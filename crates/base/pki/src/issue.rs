//! Making certificates: a root, intermediates, servers and devices, all with the extensions that strict peers want.

use crate::certificate::{Certificate, CertificateError};
use crate::limits::{BACKDATE_S, COMMON_NAME_CHARS_MAX, SERIAL_BYTES, SERVER_NAMES_MAX};
use crate::request::Request;
use crate::text::parse_certificates;
use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use std::fmt;
use std::sync::Arc;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

/// Kind of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyKind {
    /// NIST P-256: connects cost a third of RSA's.
    #[default]
    P256,
    /// RSA with 2048 bits, for old peers.
    Rsa2048,
}

/// From when and for how long a new certificate is valid. It begins five minutes early, for slow clocks, and never
/// outlives its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Now, Unix seconds.
    pub now_s: i64,
    /// Lifetime from now, in seconds.
    pub lifetime_s: i64,
}

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The common name is empty, longer than [`COMMON_NAME_CHARS_MAX`], or not printable ASCII.
    #[error("the common name must have 1 to {COMMON_NAME_CHARS_MAX} characters of printable ASCII")]
    CommonName,
    /// No name, more than [`SERVER_NAMES_MAX`], or one that is neither a DNS name nor an IP address.
    #[error("a server certificate needs 1 to {SERVER_NAMES_MAX} DNS names or IP addresses")]
    ServerNames,
    /// The dates do not fit into a certificate.
    #[error("the validity cannot be written into a certificate")]
    Validity,
    /// The CA's own certificate cannot be read.
    #[error("the CA certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The key is not the CA's.
    #[error("the key does not belong to the CA certificate")]
    KeyMismatch,
    /// The CA's name cannot be written again byte for byte, so that nothing it issued would chain.
    #[error("the CA's name has a form that cannot be copied into a certificate")]
    IssuerName,
    /// Unreadable key or request, an unsupported algorithm, or no randomness.
    #[error("{0}")]
    Crypto(#[from] rcgen::Error),
}

/// A certificate with its private key. `Debug` hides the key.
pub struct Credential {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key, PKCS#8 in PEM.
    pub key_pem: Zeroizing<String>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credential({})", self.certificate.shown_name())
    }
}

/// A CA that can sign. `Debug` hides the key.
pub struct Authority {
    certificate: Arc<Certificate>,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Authority({})", self.certificate.shown_name())
    }
}

impl Authority {
    /// A new self-signed root CA.
    ///
    /// Errors: [`IssueError`].
    pub fn root(common_name: &str, key: KeyKind, validity: Validity) -> Result<Self, IssueError> {
        let key = new_key(key)?;
        let mut params = ca_params(named(common_name)?);
        set_validity(&mut params, validity, i64::MAX)?;
        params.use_authority_key_identifier_extension = false;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: Arc::new(Certificate::from_der(certificate.der())?), issuer: Issuer::new(params, key) })
    }

    /// A CA from its certificate and its unencrypted private key, both in PEM. Of several certificates the first is it.
    ///
    /// Errors: [`IssueError`], `KeyMismatch` when they are not a pair.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, IssueError> {
        let certificate =
            parse_certificates(certificate_pem)?.into_iter().next().ok_or(CertificateError::NoCertificate)?;
        let key = KeyPair::from_pem(key_pem)?;
        if key.subject_public_key_info() != certificate.key_info_der() {
            return Err(IssueError::KeyMismatch);
        }
        let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(certificate.der()), key)?;
        Ok(Self { certificate: Arc::new(certificate), issuer })
    }

    /// The CA's certificate.
    pub fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// The CA's key, PKCS#8 in PEM.
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// A new CA below this one.
    ///
    /// Errors: [`IssueError`].
    pub fn intermediate(&self, common_name: &str, key: KeyKind, validity: Validity) -> Result<Self, IssueError> {
        let key = new_key(key)?;
        let params = ca_params(named(common_name)?);
        let certificate = self.sign(params.clone(), &key, validity)?;
        Ok(Self { certificate: Arc::new(certificate), issuer: Issuer::new(params, key) })
    }

    /// A CA below this one whose key stays with who made the request (PKCS#10 in PEM). Of the request only its name and
    /// key are taken.
    ///
    /// Errors: [`IssueError`], `Crypto` when the request is not signed by its key.
    pub fn intermediate_from_request(&self, request_pem: &str, validity: Validity) -> Result<Certificate, IssueError> {
        let request = CertificateSigningRequestParams::from_pem(request_pem)?;
        self.sign(ca_params(request.params.distinguished_name), &request.public_key, validity)
    }

    /// A TLS server's certificate for DNS names and IP addresses, the first of which is also its common name if it fits.
    ///
    /// Errors: [`IssueError`].
    pub fn server(&self, names: &[String], key: KeyKind, validity: Validity) -> Result<Credential, IssueError> {
        let Some(first) = names.first().filter(|_| names.len() <= SERVER_NAMES_MAX) else {
            return Err(IssueError::ServerNames);
        };
        if names.iter().any(String::is_empty) {
            return Err(IssueError::ServerNames);
        }
        let mut params = CertificateParams::new(names).map_err(|_| IssueError::ServerNames)?;
        params.distinguished_name = named(first).or_else(|_| named("server"))?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if key == KeyKind::Rsa2048 {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        self.leaf(params, key, validity)
    }

    /// A TLS client's certificate for one device. With a verification code as its name it is a proof of possession.
    ///
    /// Errors: [`IssueError`].
    pub fn device(&self, common_name: &str, key: KeyKind, validity: Validity) -> Result<Credential, IssueError> {
        self.leaf(client_params(common_name)?, key, validity)
    }

    /// A TLS client's certificate for a device whose key stays with it. Of the request only its name and key are taken.
    ///
    /// Errors: [`IssueError`].
    pub fn device_from_request(&self, request: &Request, validity: Validity) -> Result<Certificate, IssueError> {
        let mut params = client_params(request.common_name())?;
        params.is_ca = IsCa::ExplicitNoCa;
        self.sign(params, &SubjectPublicKeyInfo::from_der(request.key_info_der())?, validity)
    }

    fn leaf(&self, mut params: CertificateParams, key: KeyKind, validity: Validity) -> Result<Credential, IssueError> {
        let key = new_key(key)?;
        params.is_ca = IsCa::ExplicitNoCa;
        let certificate = self.sign(params, &key, validity)?;
        Ok(Credential { certificate, key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        validity: Validity,
    ) -> Result<Certificate, IssueError> {
        set_validity(&mut params, validity, self.certificate.not_after_s())?;
        params.use_authority_key_identifier_extension = true;
        let signed = params.signed_by(key, &self.issuer)?;
        let certificate = Certificate::from_der(signed.der())?;
        if certificate.issuer_der() == self.certificate.subject_der() {
            Ok(certificate)
        } else {
            Err(IssueError::IssuerName)
        }
    }
}

fn new_key(kind: KeyKind) -> Result<KeyPair, IssueError> {
    Ok(match kind {
        KeyKind::P256 => KeyPair::generate()?,
        KeyKind::Rsa2048 => KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)?,
    })
}

fn ca_params(distinguished_name: DistinguishedName) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn client_params(common_name: &str) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn named(common_name: &str) -> Result<DistinguishedName, IssueError> {
    let is_printable = common_name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_printable || !(1..=COMMON_NAME_CHARS_MAX).contains(&common_name.len()) {
        return Err(IssueError::CommonName);
    }
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    Ok(name)
}

/// Dates, and a random serial number: unguessable, positive, and as long every time.
fn set_validity(params: &mut CertificateParams, validity: Validity, latest_s: i64) -> Result<(), IssueError> {
    let date = |seconds: i64| ASN1Time::from_timestamp(seconds).map_err(|_| IssueError::Validity);
    let not_after_s = validity.now_s.saturating_add(validity.lifetime_s).min(latest_s);
    if validity.lifetime_s <= 0 || not_after_s <= validity.now_s {
        return Err(IssueError::Validity);
    }
    params.not_before = date(validity.now_s.saturating_sub(BACKDATE_S))?.to_datetime();
    params.not_after = date(not_after_s)?.to_datetime();
    let mut serial = [0; SERIAL_BYTES];
    rand::fill(&mut serial).map_err(|_| rcgen::Error::RingUnspecified)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}
