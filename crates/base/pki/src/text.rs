//! Certificates in the texts that tools upload.

use crate::certificate::{Certificate, CertificateError};
use crate::limits::{UPLOAD_CERTIFICATES_MAX, UPLOAD_TEXT_BYTES_MAX};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

const PEM_MARK: &[u8] = b"-----BEGIN ";

/// Every certificate in a text: PEM (comments and other PEM sections overlooked), base64 of such PEM (the C SDK, and
/// `az … certificate create`), or base64 of one DER. At least one.
///
/// Errors: [`CertificateError`]. Source: `reference/dps.md` 4.3, `reference/arm-and-az.md`
pub fn parse_certificates(text: &str) -> Result<Vec<Certificate>, CertificateError> {
    if text.len() > UPLOAD_TEXT_BYTES_MAX {
        return Err(CertificateError::TooLong { bytes: text.len() });
    }
    if contains_pem(text.as_bytes()) {
        return parse_pem(text.as_bytes());
    }
    let base64: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(base64).map_err(|_| CertificateError::NotText)?;
    if contains_pem(&bytes) {
        parse_pem(&bytes)
    } else if bytes.is_empty() {
        Err(CertificateError::NotText)
    } else {
        Certificate::from_der(&bytes).map(|certificate| vec![certificate])
    }
}

impl Certificate {
    /// The one certificate in a text, in any form that [`parse_certificates`] takes.
    ///
    /// Errors: [`CertificateError`], `TooMany` when there are several.
    pub fn from_text(text: &str) -> Result<Self, CertificateError> {
        let mut certificates = parse_certificates(text)?;
        match (certificates.pop(), certificates.len()) {
            (Some(certificate), 0) => Ok(certificate),
            (None, _) => Err(CertificateError::NoCertificate),
            (Some(_), more) => Err(CertificateError::TooMany { count: more + 1, max: 1 }),
        }
    }
}

fn contains_pem(bytes: &[u8]) -> bool {
    bytes.windows(PEM_MARK.len()).any(|window| window == PEM_MARK)
}

fn parse_pem(pem: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
    let ders: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let ders = ders.map_err(|_| CertificateError::NotText)?;
    match ders.len() {
        0 => Err(CertificateError::NoCertificate),
        1..=UPLOAD_CERTIFICATES_MAX => ders.iter().map(|der| Certificate::from_der(der)).collect(),
        count => Err(CertificateError::TooMany { count, max: UPLOAD_CERTIFICATES_MAX }),
    }
}
