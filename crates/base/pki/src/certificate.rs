//! One certificate, read once and kept whole.

use crate::der::{self, DerFault, Reader, Value};
use crate::name::{self, CommonNameFault};
use crate::thumbprint::Thumbprint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::ops::Range;
use x509_parser::extensions::ParsedExtension;
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

/// Kind and size of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// Anything else.
    Other,
}

/// `basicConstraints`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The holder is a CA.
    pub ca: bool,
    /// How many CAs may follow below this one.
    pub path_len: Option<u32>,
}

/// The bits of `keyUsage` that decide something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage {
    /// May sign handshakes.
    pub digital_signature: bool,
    /// May sign certificates.
    pub key_cert_sign: bool,
}

/// The purposes of `extendedKeyUsage` that decide something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// May be a TLS client.
    pub client_auth: bool,
    /// May be a TLS server.
    pub server_auth: bool,
    /// May be anything.
    pub any: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Extensions {
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    unknown_critical: Option<String>,
}

/// Where in the DER each part lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    signed: Range<usize>,
    subject: Range<usize>,
    issuer: Range<usize>,
    key_info: Range<usize>,
    key_algorithm: Range<usize>,
    key: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
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

/// The fields of RFC 5280 section 4.1 in their order, each in strict DER.
struct Outline<'a> {
    version: u8,
    serial: &'a [u8],
    signed: Value<'a>,
    issuer: Value<'a>,
    subject: Value<'a>,
    key_info: Value<'a>,
    key_algorithm: Value<'a>,
    key: &'a [u8],
    extensions: Option<Value<'a>>,
    signature_algorithm: Value<'a>,
    signature: &'a [u8],
}

impl<'a> Outline<'a> {
    fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        let whole = der::check(der)?;
        if whole.tag != der::SEQUENCE {
            return Err(CertificateError::NotX509);
        }
        let mut outer = whole.reader();
        let signed = outer.expect(der::SEQUENCE)?;
        let signature_algorithm = outer.expect(der::SEQUENCE)?;
        let signature = whole_bytes(outer.expect(der::BIT_STRING)?)?;
        outer.end()?;

        let mut fields = signed.reader();
        let version = read_version(&mut fields)?;
        let serial = fields.expect(der::INTEGER)?.contents;
        if fields.expect(der::SEQUENCE)?.contents != signature_algorithm.contents {
            return Err(CertificateError::AlgorithmMismatch);
        }
        let issuer = fields.expect(der::SEQUENCE)?;
        let mut validity = fields.expect(der::SEQUENCE)?.reader();
        let subject = fields.expect(der::SEQUENCE)?;
        let key_info = fields.expect(der::SEQUENCE)?;
        let has_unique_id = fields.optional(0x81)?.is_some() | fields.optional(0x82)?.is_some();
        let extensions = fields.optional(0xa3)?;
        fields.end()?;
        if (extensions.is_some() && version < 3) || (has_unique_id && version < 2) {
            return Err(CertificateError::FieldsOfLaterVersion { version });
        }

        validity.next()?;
        validity.next()?;
        validity.end()?;
        check_name(issuer)?;
        check_name(subject)?;
        let mut key_fields = key_info.reader();
        let key_algorithm = key_fields.expect(der::SEQUENCE)?;
        let key = whole_bytes(key_fields.expect(der::BIT_STRING)?)?;
        key_fields.end()?;
        if let Some(extensions) = extensions {
            check_extension_list(extensions)?;
        }
        Ok(Self {
            version,
            serial,
            signed,
            issuer,
            subject,
            key_info,
            key_algorithm,
            key,
            extensions,
            signature_algorithm,
            signature,
        })
    }

    fn parts(&self, der: &[u8]) -> Option<Parts> {
        Some(Parts {
            signed: place_of(self.signed.whole, der)?,
            subject: place_of(self.subject.whole, der)?,
            issuer: place_of(self.issuer.whole, der)?,
            key_info: place_of(self.key_info.whole, der)?,
            key_algorithm: place_of(self.key_algorithm.contents, der)?,
            key: place_of(self.key, der)?,
            signature_algorithm: place_of(self.signature_algorithm.contents, der)?,
            signature: place_of(self.signature, der)?,
        })
    }
}

/// Where `part`, a slice of `der`, lies in it.
fn place_of(part: &[u8], der: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(der.as_ptr().addr())?;
    der.get(start..start + part.len()).map(|_| start..start + part.len())
}

/// `SEQUENCE OF SET OF SEQUENCE { OID, ANY }`, nothing between.
fn check_name(name: Value<'_>) -> Result<(), DerFault> {
    let mut names = name.reader();
    while !names.is_empty() {
        let mut attributes = names.expect(der::SET)?.reader();
        while !attributes.is_empty() {
            let mut attribute = attributes.expect(der::SEQUENCE)?.reader();
            attribute.expect(der::OID)?;
            attribute.next()?;
            attribute.end()?;
        }
    }
    Ok(())
}

/// `[0] { INTEGER }`; absent for v1, which DER forbids to write out.
fn read_version(fields: &mut Reader<'_>) -> Result<u8, CertificateError> {
    let Some(tagged) = fields.optional(0xa0)? else { return Ok(1) };
    let mut inner = tagged.reader();
    let version = inner.expect(der::INTEGER)?;
    inner.end()?;
    match version.contents {
        [1] => Ok(2),
        [2] => Ok(3),
        [0] => Err(DerFault::Value.into()),
        _ => Err(CertificateError::NotX509),
    }
}

/// Each extension is `SEQUENCE { OID, [BOOLEAN], OCTET STRING }`, none is there twice.
fn check_extension_list(tagged: Value<'_>) -> Result<(), CertificateError> {
    let mut inner = tagged.reader();
    let mut list = inner.expect(der::SEQUENCE)?.reader();
    inner.end()?;
    let mut seen = Vec::new();
    while !list.is_empty() {
        let mut extension = list.expect(der::SEQUENCE)?.reader();
        let oid = extension.expect(der::OID)?.contents;
        extension.optional(der::BOOLEAN)?;
        let value = extension.expect(der::OCTET_STRING)?.contents;
        extension.end()?;
        if seen.contains(&oid) {
            return Err(CertificateError::DuplicateExtension { oid: der::oid_text(oid) });
        }
        seen.push(oid);
        if DECIDING.contains(&oid) {
            der::check(value).map_err(|_| CertificateError::BadExtension { oid: der::oid_text(oid) })?;
        }
    }
    Ok(())
}

/// `basicConstraints`, `keyUsage`, `extendedKeyUsage`.
const DECIDING: [&[u8]; 3] = [&[0x55, 0x1d, 0x13], &[0x55, 0x1d, 0x0f], &[0x55, 0x1d, 0x25]];

fn read_extensions(x509: &X509Certificate<'_>) -> Result<Extensions, CertificateError> {
    let mut extensions = Extensions::default();
    for extension in x509.extensions() {
        let oid = extension.oid.as_bytes();
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) => {
                extensions.basic_constraints =
                    Some(BasicConstraints { ca: constraints.ca, path_len: constraints.path_len_constraint });
            }
            ParsedExtension::KeyUsage(usage) => {
                extensions.key_usage = Some(KeyUsage {
                    digital_signature: usage.digital_signature(),
                    key_cert_sign: usage.key_cert_sign(),
                });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                extensions.extended_key_usage = Some(ExtendedKeyUsage {
                    client_auth: usage.client_auth,
                    server_auth: usage.server_auth,
                    any: usage.any,
                });
            }
            ParsedExtension::SubjectAlternativeName(_)
            | ParsedExtension::SubjectKeyIdentifier(_)
            | ParsedExtension::AuthorityKeyIdentifier(_) => {}
            ParsedExtension::ParseError { .. } if extension.critical || DECIDING.contains(&oid) => {
                return Err(CertificateError::BadExtension { oid: der::oid_text(oid) });
            }
            _ if extension.critical => {
                extensions.unknown_critical.get_or_insert_with(|| der::oid_text(oid));
            }
            _ => {}
        }
    }
    Ok(extensions)
}

fn read_key(algorithm: &[u8], key: &[u8]) -> PublicKey {
    use rustls_pki_types::alg_id;
    let is = |id: rustls_pki_types::AlgorithmIdentifier| *id == *algorithm;
    if is(alg_id::RSA_ENCRYPTION) {
        rsa_bits(key).map_or(PublicKey::Other, |bits| PublicKey::Rsa { bits })
    } else if is(alg_id::ECDSA_P256) {
        PublicKey::P256
    } else if is(alg_id::ECDSA_P384) {
        PublicKey::P384
    } else if is(alg_id::ECDSA_P521) {
        PublicKey::P521
    } else if is(alg_id::ED25519) {
        PublicKey::Ed25519
    } else {
        PublicKey::Other
    }
}

/// Bits of the modulus in `SEQUENCE { INTEGER, INTEGER }`.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let modulus = der::check(key).ok()?.reader().expect(der::INTEGER).ok()?.contents;
    let leading_zeros: usize = match modulus {
        [0, second, ..] => 8 + second.leading_zeros() as usize,
        [first, ..] => first.leading_zeros() as usize,
        [] => 0,
    };
    Some(modulus.len() * 8 - leading_zeros)
}

/// A bit string of whole bytes.
fn whole_bytes(bits: Value<'_>) -> Result<&[u8], CertificateError> {
    bits.contents.strip_prefix(&[0]).ok_or(CertificateError::NotX509)
}
