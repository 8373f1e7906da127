//! One certificate, read once and kept whole.

mod extension;
mod outline;
mod public_key;

pub use extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
pub use public_key::PublicKey;
pub(crate) use public_key::read_key;

use crate::der::{self, DerFault};
use crate::name::{self, CommonNameFault};
use crate::thumbprint::Thumbprint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension::{Extensions, read_extensions};
use outline::{Outline, Parts};
use std::fmt;
use std::ops::Range;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate, X.509 v1 to v3, in strict DER. Reading it says nothing about trust.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parts: Parts,
    subject: String,
    issuer: String,
    common_name: Result<String, CommonNameFault>,
    serial: String,
    version: u8,
    not_before_s: i64,
    not_after_s: i64,
    key: PublicKey,
    extensions: Extensions,
    sha1: Thumbprint,
    sha256: Thumbprint,
}

/// Why bytes are not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The text is longer than [`UPLOAD_TEXT_BYTES_MAX`](crate::limits::UPLOAD_TEXT_BYTES_MAX).
    #[error("the certificate text has {bytes} bytes, more than {}", crate::limits::UPLOAD_TEXT_BYTES_MAX)]
    TooLong {
        /// Length received.
        bytes: usize,
    },
    /// Neither PEM, nor base64 of PEM, nor base64 of DER.
    #[error("it is neither a PEM certificate nor base64 of one")]
    NotText,
    /// PEM without a certificate, a private key for example.
    #[error("the PEM text holds no certificate")]
    NoCertificate,
    /// More certificates than are wanted here.
    #[error("the text holds {count} certificates, at most {max} may be given here")]
    TooMany {
        /// How many.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// Not strict DER.
    #[error("the certificate is not in DER: {0}")]
    NotDer(#[from] DerFault),
    /// DER, but not a certificate.
    #[error("it is not an X.509 certificate")]
    NotX509,
    /// A v1 or v2 certificate may not have what v3 brought, nor a v1 what v2 did.
    #[error("it says X.509 v{version} and yet has fields that this version does not know")]
    FieldsOfLaterVersion {
        /// 1 or 2.
        version: u8,
    },
    /// The signature algorithm is stated twice and differs.
    #[error("the signature algorithm inside the signed part differs from the one beside it")]
    AlgorithmMismatch,
    /// An extension is there twice.
    #[error("extension {oid} is there twice")]
    DuplicateExtension {
        /// Dotted object identifier.
        oid: String,
    },
    /// An extension that decides cannot be read.
    #[error("extension {oid} cannot be read")]
    BadExtension {
        /// Dotted object identifier.
        oid: String,
    },
}

impl Certificate {
    /// Reads one certificate in DER.
    ///
    /// Errors: [`CertificateError`]: BER, trailing bytes, v1 with extensions, an extension twice.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let outline = Outline::read(der)?;
        let (_, x509) = X509Certificate::from_der(der).map_err(|_| CertificateError::NotX509)?;
        let extensions = if outline.extensions.is_some() { read_extensions(&x509)? } else { Extensions::default() };
        if outline.extensions.is_none() && !x509.extensions().is_empty() {
            return Err(CertificateError::NotX509);
        }
        Ok(Self {
            parts: outline.parts(der).ok_or(CertificateError::NotX509)?,
            subject: x509.subject().to_string(),
            issuer: x509.issuer().to_string(),
            common_name: name::common_name(x509.subject()),
            serial: der::hex(outline.serial),
            version: outline.version,
            not_before_s: x509.validity().not_before.timestamp(),
            not_after_s: x509.validity().not_after.timestamp(),
            key: read_key(outline.key_algorithm.contents, outline.key),
            extensions,
            sha1: Thumbprint::sha1_of(der),
            sha256: Thumbprint::sha256_of(der),
            der: der.to_vec(),
        })
    }

    /// The certificate as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM, 64 characters a line, newline at the end.
    pub fn to_pem(&self) -> String {
        let base64 = STANDARD.encode(&self.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.extend([line, "\n"]);
            rest = after;
        }
        pem + "-----END CERTIFICATE-----\n"
    }

    /// Subject for people: `C=DE, CN=esp32-device`. Not for comparing: see [`Self::subject_der`].
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Issuer for people: `CN=TextileIoT-IntermediateCA`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The one common name of the subject: the registration or device id that this certificate speaks for.
    pub fn common_name(&self) -> Result<&str, CommonNameFault> {
        self.common_name.as_deref().map_err(|fault| *fault)
    }

    /// A name for messages: the common name where there is one, else the subject; escaped and cut.
    pub fn shown_name(&self) -> String {
        name::shown(self.common_name.as_ref().unwrap_or(&self.subject))
    }

    /// Serial number as upper-case hex of its DER bytes: `0A3B`.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// 1, 2 or 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// First second of validity, Unix seconds.
    pub fn not_before_s(&self) -> i64 {
        self.not_before_s
    }

    /// Last second of validity, Unix seconds.
    pub fn not_after_s(&self) -> i64 {
        self.not_after_s
    }

    /// Kind and size of the public key.
    pub fn public_key(&self) -> PublicKey {
        self.key
    }

    /// `basicConstraints`, `None` when absent.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints
    }

    /// `keyUsage`, `None` when absent.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// `extendedKeyUsage`, `None` when absent.
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.extensions.extended_key_usage
    }

    /// The first critical extension that nothing here understands, as dotted object identifier.
    pub fn unknown_critical(&self) -> Option<&str> {
        self.extensions.unknown_critical.as_deref()
    }

    /// SHA-1 of the DER.
    pub fn sha1(&self) -> Thumbprint {
        self.sha1
    }

    /// SHA-256 of the DER.
    pub fn sha256(&self) -> Thumbprint {
        self.sha256
    }

    /// Whether `thumbprint`, of either kind, is this certificate's.
    pub fn has_thumbprint(&self, thumbprint: Thumbprint) -> bool {
        [self.sha1, self.sha256].contains(&thumbprint)
    }

    /// Whether its own key signed it.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.check_signed_by(self).is_ok()
    }

    /// The subject as raw DER: names are equal when these bytes are.
    pub fn subject_der(&self) -> &[u8] {
        self.part(&self.parts.subject)
    }

    /// The issuer as raw DER.
    pub fn issuer_der(&self) -> &[u8] {
        self.part(&self.parts.issuer)
    }

    /// `SubjectPublicKeyInfo` as raw DER.
    pub fn key_info_der(&self) -> &[u8] {
        self.part(&self.parts.key_info)
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// Contents of the key's `AlgorithmIdentifier`.
    pub(crate) fn key_algorithm(&self) -> &[u8] {
        self.part(&self.parts.key_algorithm)
    }

    pub(crate) fn key_bytes(&self) -> &[u8] {
        self.part(&self.parts.key)
    }

    /// The bytes that the issuer signed.
    pub(crate) fn signed_bytes(&self) -> &[u8] {
        self.part(&self.parts.signed)
    }

    /// Contents of the signature's `AlgorithmIdentifier`.
    pub(crate) fn signature_algorithm(&self) -> &[u8] {
        self.part(&self.parts.signature_algorithm)
    }

    pub(crate) fn signature_bytes(&self) -> &[u8] {
        self.part(&self.parts.signature)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Certificate({}, sha256 {})", self.shown_name(), self.sha256)
    }
}
