//! How secrets travel to a TPM: a seed under its RSA key, and what the seed protects.

use aws_lc_rs::{
    cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    hmac,
    iv::FixedLength,
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey},
};
use zeroize::Zeroizing;

use crate::public::{MODULUS_BYTES, StorageKey};

/// Bytes of a seed: those of a SHA-256. Source: TPM 2.0 Part 1, B.10
pub(crate) const SEED_BYTES: usize = 32;
const DIGEST_BITS: u16 = 256;
const BLOCK_BYTES: usize = 16;

/// What is protected, so that a seed of one kind opens nothing of the other. Source: TPM 2.0 Part 1, 23.3.2.3, 24.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A credential.
    Identity,
    /// A key that is brought in from elsewhere.
    Duplicate,
}

impl Purpose {
    /// With the zero that ends it, which counts. Source: TPM 2.0 Part 1, B.4
    fn label(self) -> &'static [u8] {
        match self {
            Self::Identity => b"IDENTITY\0",
            Self::Duplicate => b"DUPLICATE\0",
        }
    }
}

/// A seed for the TPM that has `key`: RSA-OAEP with SHA-256.
pub(crate) fn seal_seed(key: &StorageKey, purpose: Purpose, seed: &[u8; SEED_BYTES]) -> Option<Vec<u8>> {
    let key = OaepPublicEncryptingKey::new(key.to_rsa()?).ok()?;
    let mut sealed = vec![0; MODULUS_BYTES];
    let length = key.encrypt(&OAEP_SHA256_MGF1SHA256, seed, &mut sealed, Some(purpose.label())).ok()?.len();
    (length == MODULUS_BYTES).then_some(sealed)
}

/// `plain` under keys made of a seed, bound to a name: a digest that vouches for both, and the ciphertext.
///
/// Shape: `TPM2B_DIGEST`, ciphertext. Source: TPM 2.0 Part 1, 22.4, 23.3.2.3, 24.4 and 24.5
pub(crate) fn protect(
    seed: &[u8; SEED_BYTES],
    symmetric_bits: u16,
    name: &[u8],
    mut plain: Vec<u8>,
) -> Option<Vec<u8>> {
    let symmetric = derive(seed, b"STORAGE", name, symmetric_bits);
    encrypt(&symmetric, &mut plain)?;
    let integrity = derive(seed, b"INTEGRITY", &[], DIGEST_BITS);
    let mut vouched = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &integrity));
    vouched.update(&plain);
    vouched.update(name);
    Some([&sized(vouched.sign().as_ref())[..], &plain].concat())
}

/// AES in CFB mode from a start of zeros; a key serves once. Source: TPM 2.0 Part 1, 22.4
pub(crate) fn encrypt(key: &[u8], in_out: &mut [u8]) -> Option<()> {
    let algorithm = if key.len() == BLOCK_BYTES { &AES_128 } else { &AES_256 };
    let key = EncryptingKey::cfb128(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let start = EncryptionContext::Iv128(FixedLength::from([0; BLOCK_BYTES]));
    key.less_safe_encrypt(in_out, start).ok().map(|_| ())
}

/// KDFa with SHA-256, of which one round gives all the bits that are asked for here. Source: TPM 2.0 Part 1, 11.4.10.2
fn derive(seed: &[u8], label: &[u8], context: &[u8], bits: u16) -> Zeroizing<Vec<u8>> {
    let mut round = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, seed));
    for part in [&1_u32.to_be_bytes()[..], label, &[0], context, &u32::from(bits).to_be_bytes()] {
        round.update(part);
    }
    let mut derived = Zeroizing::new(round.sign().as_ref().to_vec());
    derived.truncate(usize::from(bits / 8));
    derived
}

/// A `TPM2B`: two bytes of size before the content.
pub(crate) fn sized(content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).expect("nothing made here comes near 64 KiB");
    [&size.to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with openssl: `enc -aes-128-cfb` of 40 zeros.
    #[test]
    fn feeds_the_ciphertext_back() {
        let key = [0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c];
        let mut text = [0; 40];
        encrypt(&key, &mut text).unwrap();
        assert_eq!(text, *bytes("7df76b0c1ab899b33e42f047b91b546fa9dcf5aa138056e259e7be57958e72d8626caecce6b25a25"));
        assert!(encrypt(&[1; 32], &mut text).is_some());
        assert!(encrypt(&[1; 24], &mut text).is_none());
    }

    /// Computed with python's hmac from the formula of the source.
    #[test]
    fn derives_as_the_specification_says() {
        let seed = [0x5a_u8; 32];
        assert_eq!(*derive(&seed, b"STORAGE", b"name", 128), bytes(KDF_STORAGE));
        assert_eq!(*derive(&seed, b"INTEGRITY", b"", 256), bytes(KDF_INTEGRITY));
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |at| hex.get(at..at + 2).unwrap();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(digits(at), 16).unwrap()).collect()
    }
    const KDF_STORAGE: &str = "0c71791d149ed35cc90a372aedfc4755";
    const KDF_INTEGRITY: &str = "acc9c057ccd66de85eacb0de0ce04bc96c652a856a53400e7a05dfb94cbcfc63";
}
