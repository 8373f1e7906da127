//! The secret half of a shared access signature.

use crate::limits::{KEY_BYTES_MAX, KEY_BYTES_MIN};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A symmetric key, decoded. Wiped from memory when dropped; `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SasKey(Vec<u8>);

/// Why a key was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not standard base64 with its padding.
    #[error("the key is not base64")]
    NotBase64,
    /// Decoded length outside 16..=64.
    #[error("the key has {bytes} bytes; it must have {KEY_BYTES_MIN} to {KEY_BYTES_MAX}")]
    Length {
        /// Decoded length.
        bytes: usize,
    },
}

impl SasKey {
    /// A key as users write it: standard base64 of 16 to 64 bytes, `a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=`.
    ///
    /// Errors: [`KeyError`]. Source: Azure docs (`reference/dps.md` 2.2)
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let key = Self(STANDARD.decode(text).map_err(|_| KeyError::NotBase64)?);
        match key.0.len() {
            KEY_BYTES_MIN..=KEY_BYTES_MAX => Ok(key),
            bytes => Err(KeyError::Length { bytes }),
        }
    }

    /// A key that was accepted earlier, whatever its length: tokens of any stored key verify.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// A new key of `bytes` bytes, filled by the caller's source of randomness.
    ///
    /// Lengths: [`ENROLLMENT_KEY_BYTES`](crate::limits::ENROLLMENT_KEY_BYTES),
    /// [`POLICY_KEY_BYTES`](crate::limits::POLICY_KEY_BYTES).
    pub fn generate(bytes: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut key = Self(vec![0; bytes]);
        fill(&mut key.0);
        key
    }

    /// The key as users write it: standard base64 with padding.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&self.0))
    }

    /// The decoded bytes, for storing them encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl fmt::Debug for SasKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SasKey({} bytes)", self.0.len())
    }
}

/// The key of one device of a symmetric-key enrollment group: HMAC-SHA256 of the registration id with the group key.
///
/// Shape: id `dev-01`, the id byte for byte (the caller chooses the case). Source: Azure docs (`reference/dps.md` 2.2)
pub fn derive_device_key(group_key: &SasKey, registration_id: &str) -> SasKey {
    SasKey(hmac::sign(&group_key.hmac(), registration_id.as_bytes()).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes 00..3F. Source: `reference/dps.md` 2.2
    const GROUP_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";

    #[test]
    fn derives_the_reference_device_keys() {
        let group = SasKey::from_base64(GROUP_KEY).unwrap();
        for (id, key) in [
            ("dev-01", "UwwVfsD5lA+qU/1oNyCqDCDeShqtT/bvsaUt7i0bKJE="),
            ("Dev-01", "NRyBQy5m1BGiKsyyZMHGNVq3cg81XlSYQ1hXuE0sEDU="),
        ] {
            assert_eq!(*derive_device_key(&group, id).to_base64(), key, "{id}");
        }
    }

    #[test]
    fn uploaded_keys_are_bounded_and_stored_ones_are_not() {
        for (bytes, taken) in [(0, false), (15, false), (16, true), (64, true), (65, false)] {
            let text = STANDARD.encode(vec![7; bytes]);
            let expected = if taken { Ok(SasKey::from_bytes(vec![7; bytes])) } else { Err(KeyError::Length { bytes }) };
            assert_eq!(SasKey::from_base64(&text), expected, "{bytes} bytes");
        }
        for text in ["not base64!", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s", "_-_-"] {
            assert_eq!(SasKey::from_base64(text), Err(KeyError::NotBase64), "{text}");
        }
    }

    #[test]
    fn generated_keys_come_from_the_given_source() {
        let key = SasKey::generate(4, |bytes| bytes.copy_from_slice(&[1, 2, 3, 4]));
        assert_eq!(key.as_bytes(), [1, 2, 3, 4]);
    }

    #[test]
    fn debug_hides_the_key() {
        assert_eq!(format!("{:?}", SasKey::from_bytes(b"secret-secret-se".to_vec())), "SasKey(16 bytes)");
    }
}
