//! Sealing of secrets at rest: whoever holds the database but not the key learns no secret, and cannot move one elsewhere.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::{Random, Secret};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{error::StoreError, stored::Place};

/// What every sealed text of the present form begins with.
const FORM: &str = "v1.";

/// The key under which an installation's secrets are sealed. Kept outside the database; wiped on drop.
/// Its text form is base64 of 32 bytes: `openssl rand -base64 32` makes one.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SealKey([u8; Self::BYTES]);

impl SealKey {
    /// Bytes of a key: AES-256.
    pub const BYTES: usize = 32;

    /// A new, unpredictable key.
    pub fn fresh(random: &dyn Random) -> Self {
        let mut key = Self([0; Self::BYTES]);
        random.fill(&mut key.0);
        key
    }

    /// Reads a key file's content; blanks and line ends around the text do not matter.
    /// `None` when it is not base64 of exactly 32 bytes.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(content.trim_ascii()).ok()?);
        Some(Self(<[u8; Self::BYTES]>::try_from(bytes.as_slice()).ok()?))
    }

    /// A text by which an engine knows the key again, and from which nobody learns it.
    pub fn fingerprint(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        STANDARD.encode(hmac::sign(&key, b"roadstead seal key"))
    }

    /// The content of a key file: one line.
    pub fn to_text(&self) -> Secret {
        Secret::new(STANDARD.encode(self.0) + "\n")
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(***)")
    }
}

/// Seals secrets with AES-256-GCM under random nonces.
///
/// Sealed text: `v1.` and base64 of nonce (12 bytes), ciphertext and tag (16 bytes). The associated data is the secret's
/// place and field (`hub/000000000000002a/device/thermo-7#primary`), so that a sealed text copied into another record opens
/// nothing. Random nonces keep one key good for 2^32 seals. Source: NIST SP 800-38D, 8.3.
#[derive(Debug)]
pub struct Sealer(RandomizedNonceKey);

impl Sealer {
    /// A sealer under `key`.
    pub fn new(key: &SealKey) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key.0).expect("AES-256 takes every key of 32 bytes"))
    }

    /// The sealed text of one secret field of the record at `place`.
    pub fn seal(&self, place: &Place<'_>, field: &str, secret: &Secret) -> String {
        let mut bytes = vec![0; NONCE_LEN];
        bytes.extend_from_slice(secret.expose().as_bytes());
        let (nonce, tag) = self
            .0
            .seal_in_place_separate_tag(Aad::from(format!("{place}#{field}")), &mut bytes[NONCE_LEN..])
            .expect("AES-GCM seals any text under 64 GiB");
        bytes[..NONCE_LEN].copy_from_slice(nonce.as_ref());
        bytes.extend_from_slice(tag.as_ref());
        let mut text = FORM.to_owned();
        STANDARD.encode_string(bytes, &mut text);
        text
    }

    /// The secret in a sealed text. Errors: `Unreadable` when it was sealed under another key or for another place, is
    /// damaged, or is of a later form.
    pub fn unseal(&self, place: &Place<'_>, field: &str, sealed: &str) -> Result<Secret, StoreError> {
        let unreadable = |why: &str| StoreError::Unreadable(format!("the secret `{field}` of {place} {why}"));
        let Some(text) = sealed.strip_prefix(FORM) else {
            return Err(unreadable("is not sealed in a form this program knows"));
        };
        let damaged = || unreadable("is damaged, or was sealed with another key or for another record");
        let mut bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| damaged())?);
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(damaged)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(format!("{place}#{field}"));
        let plain = self.0.open_in_place(nonce, aad, sealed).map_err(|_| damaged())?;
        Ok(Secret::new(std::str::from_utf8(plain).map_err(|_| damaged())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = i as u8;
            }
        }
    }

    #[test]
    fn opens_only_with_the_same_key_in_the_same_place() {
        let (here, there) = (Place::Dps("0ne00000001"), Place::Dps("0ne00000002"));
        let sealer = Sealer::new(&SealKey::fresh(&Counting));
        let secret = Secret::new("c2VjcmV0");
        let sealed = sealer.seal(&here, "primary", &secret);
        assert!(sealed.starts_with("v1.") && !sealed.contains("c2VjcmV0"), "{sealed}");
        assert_ne!(sealed, sealer.seal(&here, "primary", &secret), "each seal has its own nonce");
        assert_eq!(sealer.unseal(&here, "primary", &sealed).unwrap(), secret);
        assert!(sealer.unseal(&there, "primary", &sealed).is_err());
        assert!(sealer.unseal(&here, "secondary", &sealed).is_err());
        let other = Sealer::new(&SealKey([9; 32]));
        assert!(other.unseal(&here, "primary", &sealed).is_err());
    }

    #[test]
    fn damaged_and_foreign_texts_are_refused() {
        let place = Place::Dps("0ne00000001");
        let sealer = Sealer::new(&SealKey::fresh(&Counting));
        let sealed = sealer.seal(&place, "primary", &Secret::new("x"));
        for len in 0..sealed.len() {
            assert!(sealer.unseal(&place, "primary", &sealed[..len]).is_err(), "cut at {len}");
        }
        for bad in ["", "v1.", "v1.!", "v1.AAAA", "v2.AAAA", "plain"] {
            assert!(sealer.unseal(&place, "primary", bad).is_err(), "{bad}");
        }
        let error = sealer.unseal(&place, "primary", "v2.AAAA").unwrap_err().to_string();
        assert_eq!(
            error,
            "stored data cannot be read: the secret `primary` of dps/0ne00000001 is not sealed in a form this program knows"
        );
    }

    #[test]
    fn key_files() {
        let key = SealKey::fresh(&Counting);
        assert_eq!(SealKey::parse(key.to_text().expose().as_bytes()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "SealKey(***)");
        assert_eq!(key.fingerprint(), key.clone().fingerprint());
        assert_ne!(key.fingerprint(), SealKey([9; 32]).fingerprint());
        for bad in ["", "AAAA", "not base64", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            assert_eq!(SealKey::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
