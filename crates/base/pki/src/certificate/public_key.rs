//! Kind and size of a certificate's key.

use crate::der;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

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

pub(crate) fn read_key(algorithm: &[u8], key: &[u8]) -> PublicKey {
    let is = |id: AlgorithmIdentifier| *id == *algorithm;
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
