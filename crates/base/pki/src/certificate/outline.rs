//! The outline of a certificate in strict DER, and where its parts lie.

use super::CertificateError;
use super::extension::check_extension_list;
use crate::der::{self, DerFault, Reader, Value};
use std::ops::Range;

/// Where in the DER each part lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) signed: Range<usize>,
    pub(super) subject: Range<usize>,
    pub(super) issuer: Range<usize>,
    pub(super) key_info: Range<usize>,
    pub(super) key_algorithm: Range<usize>,
    pub(super) key: Range<usize>,
    pub(super) signature_algorithm: Range<usize>,
    pub(super) signature: Range<usize>,
}

/// The fields of RFC 5280 section 4.1 in their order, each in strict DER.
pub(super) struct Outline<'a> {
    pub(super) version: u8,
    pub(super) serial: &'a [u8],
    signed: Value<'a>,
    issuer: Value<'a>,
    subject: Value<'a>,
    key_info: Value<'a>,
    pub(super) key_algorithm: Value<'a>,
    pub(super) key: &'a [u8],
    pub(super) extensions: Option<Value<'a>>,
    signature_algorithm: Value<'a>,
    signature: &'a [u8],
}

impl<'a> Outline<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
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

    pub(super) fn parts(&self, der: &[u8]) -> Option<Parts> {
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

/// A bit string of whole bytes.
fn whole_bytes(bits: Value<'_>) -> Result<&[u8], CertificateError> {
    bits.contents.strip_prefix(&[0]).ok_or(CertificateError::NotX509)
}
