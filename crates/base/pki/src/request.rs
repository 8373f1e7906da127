//! Certificate requests (PKCS#10): what a device that keeps its key shows to be given a certificate.

use crate::certificate::{PublicKey, read_key};
use crate::der::{self, DerFault};
use crate::limits::{REQUEST_RSA_BITS_MAX, REQUEST_TEXT_BYTES_MAX, RSA_BITS_MIN};
use crate::name::{self, CommonNameFault};
use crate::signature::{SignatureFault, verify};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

/// A request of which the signature was checked: who made it has the key. Of all that it asks for, the one common name and the
/// key count.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    common_name: String,
    key: PublicKey,
    key_info: Vec<u8>,
}

/// Why a text is no request that a certificate is issued for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// The text is longer than [`REQUEST_TEXT_BYTES_MAX`].
    #[error("the certificate request has {bytes} bytes, more than {REQUEST_TEXT_BYTES_MAX}")]
    TooLong {
        /// Length received.
        bytes: usize,
    },
    /// Not one certificate request in PEM.
    #[error("it must be one certificate request in PEM (BEGIN CERTIFICATE REQUEST), as `openssl req -new` makes it")]
    NotText,
    /// Not strict DER.
    #[error("the certificate request is not in DER: {0}")]
    NotDer(#[from] DerFault),
    /// DER, but not a request.
    #[error("it is not a certificate request (PKCS#10)")]
    NotRequest,
    /// No key that a device may have here.
    #[error("its key must be P-256, P-384, or RSA with {RSA_BITS_MIN} to {REQUEST_RSA_BITS_MAX} bits")]
    Key,
    /// Who made it does not have the key, or it was changed.
    #[error("the certificate request proves nothing: {0}")]
    Signature(#[from] SignatureFault),
    /// It does not name one device.
    #[error("its subject {0}")]
    CommonName(#[from] CommonNameFault),
    /// It wants to become a CA.
    #[error(
        "it asks for a certificate of a CA; certificates issued here are for devices (leave CA:TRUE and keyCertSign out)"
    )]
    AsksForCa,
}

impl Request {
    /// Reads one request in PEM, and checks that its own key signed it.
    ///
    /// Errors: [`RequestFault`].
    pub fn from_pem(text: &str) -> Result<Self, RequestFault> {
        if text.len() > REQUEST_TEXT_BYTES_MAX {
            return Err(RequestFault::TooLong { bytes: text.len() });
        }
        let mut found = CertificateSigningRequestDer::pem_slice_iter(text.as_bytes());
        match (found.next(), found.next()) {
            (Some(Ok(der)), None) => Self::from_der(&der),
            _ => Err(RequestFault::NotText),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, RequestFault> {
        let whole = der::check(der)?;
        if whole.tag != der::SEQUENCE {
            return Err(RequestFault::NotRequest);
        }
        let mut outer = whole.reader();
        let signed = outer.expect(der::SEQUENCE)?;
        let algorithm = outer.expect(der::SEQUENCE)?.contents;
        let signature = outer.expect(der::BIT_STRING)?;
        outer.end()?;
        let mut fields = signed.reader();
        fields.expect(der::INTEGER)?;
        fields.expect(der::SEQUENCE)?;
        let key_info = fields.expect(der::SEQUENCE)?;
        let mut key_fields = key_info.reader();
        let key_algorithm = key_fields.expect(der::SEQUENCE)?.contents;
        let key = key_fields.expect(der::BIT_STRING)?;
        key_fields.end()?;
        let whole_bytes = |bits: der::Value<'_>| -> Result<Vec<u8>, RequestFault> {
            bits.contents.strip_prefix(&[0]).map(<[u8]>::to_vec).ok_or(RequestFault::NotRequest)
        };
        let (key, signature) = (whole_bytes(key)?, whole_bytes(signature)?);
        let kind = read_key(key_algorithm, &key);
        let is_taken = match kind {
            PublicKey::P256 | PublicKey::P384 => true,
            PublicKey::Rsa { bits } => (RSA_BITS_MIN..=REQUEST_RSA_BITS_MAX).contains(&bits),
            PublicKey::P521 | PublicKey::Ed25519 | PublicKey::Other => false,
        };
        if !is_taken {
            return Err(RequestFault::Key);
        }
        verify(algorithm, &signature, signed.whole, (key_algorithm, &key))?;
        let (_, read) = X509CertificationRequest::from_der(der).map_err(|_| RequestFault::NotRequest)?;
        if asks_for_ca(&read) {
            return Err(RequestFault::AsksForCa);
        }
        let common_name = name::common_name(&read.certification_request_info.subject)?;
        Ok(Self { common_name, key: kind, key_info: key_info.whole.to_vec() })
    }

    /// The one common name of the subject: the registration or device id that it is asked for.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// Kind and size of the key.
    pub fn public_key(&self) -> PublicKey {
        self.key
    }

    /// `SubjectPublicKeyInfo` as raw DER.
    pub fn key_info_der(&self) -> &[u8] {
        &self.key_info
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Request({}, {:?})", name::shown(&self.common_name), self.key)
    }
}

fn asks_for_ca(request: &X509CertificationRequest<'_>) -> bool {
    request.requested_extensions().is_some_and(|mut extensions| {
        extensions.any(|extension| match extension {
            ParsedExtension::BasicConstraints(constraints) => constraints.ca,
            ParsedExtension::KeyUsage(usage) => usage.key_cert_sign(),
            _ => false,
        })
    })
}
