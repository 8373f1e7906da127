//! The extensions that decide something here.

use super::CertificateError;
use crate::der::{self, Value};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;

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
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) unknown_critical: Option<String>,
}

/// Each extension is `SEQUENCE { OID, [BOOLEAN], OCTET STRING }`, none is there twice.
pub(super) fn check_extension_list(tagged: Value<'_>) -> Result<(), CertificateError> {
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

pub(super) fn read_extensions(x509: &X509Certificate<'_>) -> Result<Extensions, CertificateError> {
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
