//! Certificates as back ends send them: PEM, base64 of PEM, or base64 of DER.

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a text holds no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateTextError {
    #[error("the certificate is empty")]
    Empty,
    #[error("the certificate is neither PEM nor base64")]
    NotBase64,
    #[error("the PEM text has no certificate: no `-----BEGIN CERTIFICATE-----` with its end")]
    NoCertificate,
    #[error("the certificate's base64 does not hold DER")]
    NotDer,
}

/// The DER of the first certificate in `text`. What the DER says is not looked at.
///
/// Shapes: PEM text (what precedes the first certificate is passed over), base64 of that text (`az`, C SDK), base64 of DER.
/// Source: `reference/dps.md` 4.3, `reference/arm-and-az.md` 3
pub fn parse_der(text: &str) -> Result<Vec<u8>, CertificateTextError> {
    if text.trim().is_empty() {
        return Err(CertificateTextError::Empty);
    }
    if text.contains("-----") {
        return parse_pem(text);
    }
    let bytes = decode(text).ok_or(CertificateTextError::NotBase64)?;
    if bytes.first() == Some(&0x30) {
        return Ok(bytes);
    }
    match String::from_utf8(bytes) {
        Ok(pem) if pem.contains("-----") => parse_pem(&pem),
        _ => Err(CertificateTextError::NotDer),
    }
}

fn parse_pem(text: &str) -> Result<Vec<u8>, CertificateTextError> {
    let body = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(body, _)| body)
        .ok_or(CertificateTextError::NoCertificate)?;
    let der = decode(body).ok_or(CertificateTextError::NotBase64)?;
    if der.first() == Some(&0x30) { Ok(der) } else { Err(CertificateTextError::NotDer) }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(packed).ok()
}

/// The PEM of a DER certificate, lines of 64 characters.
pub fn to_pem(der: &[u8]) -> String {
    let body = LENIENT.encode(der);
    let mut pem = String::with_capacity(body.len() + body.len() / 64 + 64);
    pem.push_str(BEGIN);
    for (i, character) in body.chars().enumerate() {
        if i % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.extend(["\n", END, "\n"]);
    pem
}

/// Base64 of a whole PEM file, as Resource Manager answers certificates.
pub fn to_base64_pem(der: &[u8]) -> String {
    LENIENT.encode(to_pem(der))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_forms_and_their_variants() {
        let der: Vec<u8> = [0x30, 0x82].into_iter().chain((0..=255).cycle().take(300)).collect();
        let pem = to_pem(&der);
        let chain = format!("subject=CN = x\r\n{}{}", pem.replace('\n', "\r\n"), to_pem(&[0x30, 0]));
        for text in [
            pem.clone(),
            pem.replace('\n', ""),
            chain,
            to_base64_pem(&der),
            LENIENT.encode(&der),
            format!(" {}\n", LENIENT.encode(&der)),
            LENIENT.encode(&der).trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(parse_der(&text).as_deref(), Ok(&*der), "{text}");
        }
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
    }

    #[test]
    fn refused() {
        let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----";
        for (text, error) in [
            ("", CertificateTextError::Empty),
            (" \n", CertificateTextError::Empty),
            ("no base64!", CertificateTextError::NotBase64),
            ("AAAA", CertificateTextError::NotDer),
            (key, CertificateTextError::NoCertificate),
            (&LENIENT.encode(key), CertificateTextError::NoCertificate),
            ("-----BEGIN CERTIFICATE-----\nMAA=", CertificateTextError::NoCertificate),
            ("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----", CertificateTextError::NotBase64),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", CertificateTextError::NotDer),
            ("-----BEGIN CERTIFICATE----------END CERTIFICATE-----", CertificateTextError::NotDer),
        ] {
            assert_eq!(parse_der(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = parse_der(&text);
            let _ = parse_der(&format!("{BEGIN}{text}{END}"));
        }
    }
}
