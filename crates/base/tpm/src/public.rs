//! Public keys of a TPM.

use std::fmt;

use aws_lc_rs::{digest, rsa::PublicEncryptingKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::limits::PUBLIC_CHARS_MAX;

/// `TPM_ALG_RSA`. This and the next: TPM 2.0 Part 2, 6.3.
const RSA: u16 = 0x0001;
const AES: u16 = 0x0006;
pub(crate) const SHA256: u16 = 0x000B;
const NULL: u16 = 0x0010;
const CFB: u16 = 0x0043;

/// `TPMA_OBJECT`. Source: TPM 2.0 Part 2, 8.3.
const FIXED_TPM: u32 = 1 << 1;
const FIXED_PARENT: u32 = 1 << 4;
const RESTRICTED: u32 = 1 << 16;
const DECRYPT: u32 = 1 << 17;
const SIGN: u32 = 1 << 18;

pub(crate) const MODULUS_BYTES: usize = 256;
const DIGEST_BYTES: usize = 32;
/// The exponent that 0 stands for. Source: TPM 2.0 Part 2, 12.2.3.5
const DEFAULT_EXPONENT: u32 = 65_537;

/// A key by which a TPM protects others: an endorsement key or a storage root key. RSA with 2048 bits, as all of Azure's
/// SDKs make them, bound to its TPM, named by SHA-256, protecting by AES in CFB mode.
#[derive(Clone, PartialEq, Eq)]
pub struct StorageKey {
    /// `TPM2B_PUBLIC`, as read.
    bytes: Vec<u8>,
    modulus: [u8; MODULUS_BYTES],
    pub(crate) symmetric_bits: u16,
}

/// Why a text is no public key of a TPM that secrets can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicError {
    /// There is none.
    #[error("is missing")]
    Missing,
    /// Longer than any.
    #[error("has {chars} characters, at most {PUBLIC_CHARS_MAX} are read")]
    TooLong {
        /// As given.
        chars: usize,
    },
    /// Not standard base64 with its padding.
    #[error("is not base64")]
    NotBase64,
    /// Its parts do not fill it exactly.
    #[error("is no TPM2B_PUBLIC: {0}")]
    Malformed(&'static str),
    /// A key of another kind.
    #[error("is the public area of another kind of key than those that DPS takes: {what} is {found}, not {wanted}")]
    Unfit {
        /// The part.
        what: &'static str,
        /// As it is, in numbers of the TPM's.
        found: String,
        /// As it should be.
        wanted: &'static str,
    },
}

impl StorageKey {
    /// As SDKs send it: base64 of `TPM2B_PUBLIC`, `AToAAQALAAMAsgAgg3GX…`.
    ///
    /// Errors: [`PublicError`]. Source: TPM 2.0 Part 2, 12.2.5; C SDK hsm_client_tpm.c, Node SDK tpm.ts (the templates)
    pub fn from_base64(text: &str) -> Result<Self, PublicError> {
        match text.len() {
            0 => Err(PublicError::Missing),
            1..=PUBLIC_CHARS_MAX => Self::from_bytes(&STANDARD.decode(text).map_err(|_| PublicError::NotBase64)?),
            chars => Err(PublicError::TooLong { chars }),
        }
    }

    /// `TPM2B_PUBLIC`: a size, and as many bytes of `TPMT_PUBLIC`.
    ///
    /// Errors: [`PublicError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PublicError> {
        let mut outer = Reader(bytes);
        let area = outer.sized()?;
        outer.end("there are bytes after it")?;
        let mut area = Reader(area);
        check("type", area.u16()?, &[RSA], "RSA (1)")?;
        check("nameAlg", area.u16()?, &[SHA256], "SHA256 (11)")?;
        let attributes = area.u32()?;
        let needed = FIXED_TPM | FIXED_PARENT | RESTRICTED | DECRYPT;
        if attributes & (needed | SIGN) != needed {
            let wanted = "fixedTPM, fixedParent, restricted and decrypt, without sign";
            return Err(PublicError::Unfit { what: "objectAttributes", found: format!("{attributes:#010x}"), wanted });
        }
        if !matches!(area.sized()?.len(), 0 | DIGEST_BYTES) {
            return Err(PublicError::Malformed("authPolicy is neither empty nor a SHA-256"));
        }
        check("symmetric", area.u16()?, &[AES], "AES (6)")?;
        let symmetric_bits = area.u16()?;
        check("keyBits of symmetric", symmetric_bits, &[128, 256], "128 or 256")?;
        check("mode of symmetric", area.u16()?, &[CFB], "CFB (67)")?;
        check("scheme", area.u16()?, &[NULL], "none (16)")?;
        check("keyBits", area.u16()?, &[2048], "2048")?;
        let exponent = area.u32()?;
        if ![0, DEFAULT_EXPONENT].contains(&exponent) {
            return Err(PublicError::Unfit { what: "exponent", found: exponent.to_string(), wanted: "65537" });
        }
        let modulus = area.sized()?;
        area.end("there are bytes after unique")?;
        let modulus: [u8; MODULUS_BYTES] =
            modulus.try_into().map_err(|_| PublicError::Malformed("unique does not have 256 bytes"))?;
        if modulus[0] & 0x80 == 0 || modulus[MODULUS_BYTES - 1] & 1 == 0 {
            return Err(PublicError::Malformed("unique is no modulus of 2048 bits"));
        }
        Ok(Self { bytes: bytes.to_vec(), modulus, symmetric_bits })
    }

    /// As it was read.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// By what TPMs name it: the algorithm, and the digest of its public area. Source: TPM 2.0 Part 1, 16
    pub(crate) fn name(&self) -> Vec<u8> {
        name_of(self.bytes.get(2..).unwrap_or_default())
    }

    /// For encryption. `None` when the modulus is none that the library takes.
    pub(crate) fn to_rsa(&self) -> Option<PublicEncryptingKey> {
        PublicEncryptingKey::from_der(&[SPKI_HEAD, &self.modulus, SPKI_TAIL].concat()).ok()
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        write!(out, "StorageKey(")?;
        name.iter().skip(2).take(8).try_for_each(|byte| write!(out, "{byte:02x}"))?;
        write!(out, "…)")
    }
}

/// SubjectPublicKeyInfo of an RSA key of 2048 bits, before the modulus. Source: RFC 3279, 2.3.1
const SPKI_HEAD: &[u8] = &[
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
];
/// And after it: the exponent 65537.
const SPKI_TAIL: &[u8] = &[0x02, 0x03, 0x01, 0x00, 0x01];

/// The name of an object with this `TPMT_PUBLIC`.
pub(crate) fn name_of(area: &[u8]) -> Vec<u8> {
    [&SHA256.to_be_bytes()[..], digest::digest(&digest::SHA256, area).as_ref()].concat()
}

fn check(what: &'static str, found: u16, wanted: &[u16], words: &'static str) -> Result<(), PublicError> {
    if wanted.contains(&found) {
        return Ok(());
    }
    Err(PublicError::Unfit { what, found: found.to_string(), wanted: words })
}

/// What is left to read. Numbers are big-endian.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PublicError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PublicError::Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, PublicError> {
        Ok(self.take(2)?.iter().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    fn u32(&mut self) -> Result<u32, PublicError> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// A size of two bytes, and as many bytes.
    fn sized(&mut self) -> Result<&'a [u8], PublicError> {
        let count = self.u16()?;
        self.take(usize::from(count))
    }

    fn end(&self, fault: &'static str) -> Result<(), PublicError> {
        if self.0.is_empty() { Ok(()) } else { Err(PublicError::Malformed(fault)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An endorsement key by the template of the SDKs, with a modulus that nobody has the factors of.
    fn sample() -> Vec<u8> {
        let mut key = vec![0x01, 0x3a, 0, 1, 0, 0x0b, 0, 3, 0, 0xb2, 0, 32];
        key.extend([7; 32]);
        key.extend([0, 6, 0, 128, 0, 0x43, 0, 0x10, 0x08, 0, 0, 0, 0, 0, 1, 0]);
        key.extend([0xc5; MODULUS_BYTES]);
        key
    }

    fn with(at: usize, byte: u8) -> Vec<u8> {
        let mut key = sample();
        key[at] = byte;
        key
    }

    /// A storage root key: no policy, other attributes.
    fn root() -> Vec<u8> {
        let mut key = sample();
        key.drain(12..44);
        key[..12].copy_from_slice(&[0x01, 0x1a, 0, 1, 0, 0x0b, 0, 3, 0x04, 0x72, 0, 0]);
        key
    }

    #[test]
    fn keys_of_the_sdks_are_read() {
        for key in [sample(), root()] {
            assert_eq!(StorageKey::from_base64(&STANDARD.encode(&key)).unwrap().as_bytes(), key);
        }
        let mut wide = with(46, 1);
        wide[47] = 0;
        assert_eq!(StorageKey::from_bytes(&wide).unwrap().symmetric_bits, 256);
        let mut spelled_out = sample();
        spelled_out[54..58].copy_from_slice(&[0, 1, 0, 1]);
        assert!(StorageKey::from_bytes(&spelled_out).is_ok());
    }

    #[test]
    fn names_are_of_the_area() {
        let name = StorageKey::from_bytes(&sample()).unwrap().name();
        assert_eq!(name[..2], [0, 0x0b]);
        assert_eq!(name[2..], *digest::digest(&digest::SHA256, &sample()[2..]).as_ref());
    }

    #[test]
    fn refused() {
        let mut long = sample();
        long.push(0);
        let mut longer = long.clone();
        longer[1] += 1;
        let short = sample()[..315].to_vec();
        for (key, fault) in [
            (Vec::new(), "is missing"),
            (vec![0], "is no TPM2B_PUBLIC: it ends too early"),
            (vec![0, 0], "is no TPM2B_PUBLIC: it ends too early"),
            (b"k".repeat(300), "is no TPM2B_PUBLIC: it ends too early"),
            (short, "is no TPM2B_PUBLIC: it ends too early"),
            (long, "is no TPM2B_PUBLIC: there are bytes after it"),
            (longer, "is no TPM2B_PUBLIC: there are bytes after unique"),
            (with(3, 0x23), "type is 35, not RSA (1)"),
            (with(5, 0x0c), "nameAlg is 12, not SHA256 (11)"),
            (with(7, 2), "objectAttributes is 0x000200b2, not fixedTPM"),
            (with(7, 7), "objectAttributes is 0x000700b2, not fixedTPM"),
            (with(9, 0xa2), "objectAttributes is 0x000300a2, not fixedTPM"),
            (with(9, 0xb0), "objectAttributes is 0x000300b0, not fixedTPM"),
            (with(11, 31), "is no TPM2B_PUBLIC: authPolicy is neither"),
            (with(45, 0x10), "symmetric is 16, not AES (6)"),
            (with(47, 192), "keyBits of symmetric is 192, not 128 or 256"),
            (with(49, 0x42), "mode of symmetric is 66, not CFB (67)"),
            (with(51, 0x14), "scheme is 20, not none (16)"),
            (with(52, 0x0c), "keyBits is 3072, not 2048"),
            (with(57, 3), "exponent is 3, not 65537"),
            (with(59, 0xff), "is no TPM2B_PUBLIC: it ends too early"),
            (with(60, 0x45), "is no TPM2B_PUBLIC: unique is no modulus of 2048 bits"),
            (with(315, 0xc4), "is no TPM2B_PUBLIC: unique is no modulus of 2048 bits"),
        ] {
            let refusal = StorageKey::from_base64(&STANDARD.encode(&key)).unwrap_err().to_string();
            assert!(refusal.contains(fault), "{refusal}, not {fault}");
        }
        for (text, fault) in [
            ("AToAAQALAAMAsgAgg3GX*", PublicError::NotBase64),
            ("AToA AQAL", PublicError::NotBase64),
            ("AToAAQ", PublicError::NotBase64),
            (&*"A".repeat(3000), PublicError::TooLong { chars: 3000 }),
        ] {
            assert_eq!(StorageKey::from_base64(text).unwrap_err(), fault, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..316, byte: u8) {
            let _ = StorageKey::from_bytes(&bytes);
            if let Ok(key) = StorageKey::from_bytes(&with(at, byte)) {
                prop_assert_eq!(key.as_bytes(), &with(at, byte)[..]);
            }
        }
    }
}
