//! A signing key that one TPM alone can take in.

use aws_lc_rs::digest;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    protection::{Purpose, SEED_BYTES, encrypt, protect, seal_seed, sized},
    public::{SHA256, StorageKey, name_of},
};

/// Bytes of a signing key: those of the digest that it makes.
pub const HMAC_KEY_BYTES: usize = 32;
/// Bytes of the key around the signing key. The C SDK takes AES with 128 bits for granted.
const INNER_KEY_BYTES: usize = 16;

/// `TPM_ALG_KEYEDHASH` and `TPM_ALG_HMAC`. Source: TPM 2.0 Part 2, 6.3
const KEYED_HASH: u16 = 0x0008;
const HMAC: u16 = 0x0005;
/// Signs, for whoever may use it without a password, and no dictionary attack is to be feared. It came from elsewhere, so it
/// is bound to no TPM. Source: TPM 2.0 Part 2, 8.3
const ATTRIBUTES: u32 = 1 << 6 | 1 << 10 | 1 << 18;

/// What a TPM needs to take in a signing key: `authenticationKey` of the DPS protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation(Vec<u8>);

/// The TPM's key is none that anything can be encrypted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the TPM's key cannot be encrypted for")]
pub struct WrapError;

impl Activation {
    /// Packs `key`, with which HMAC-SHA256 is computed, for the TPM that has both `endorsement` and `storage_root`.
    ///
    /// The key is imported under the storage root key, within an envelope whose own key comes as a credential: the TPM
    /// releases that only if it has the endorsement key and, loaded, the storage root key.
    ///
    /// Shape: `TPM2B_ID_OBJECT`, `TPM2B_ENCRYPTED_SECRET`, `TPM2B_PRIVATE`, `TPM2B_ENCRYPTED_SECRET`, `TPM2B_PUBLIC`,
    /// `TPM2B_DATA` (empty). Source: Node SDK tpm.ts, C SDK hsm_client_tpm.c; TPM 2.0 Part 3, 12.5, 12.6 and 13.3
    pub fn wrap(
        key: &[u8; HMAC_KEY_BYTES],
        endorsement: &StorageKey,
        storage_root: &StorageKey,
        mut fill: impl FnMut(&mut [u8]),
    ) -> Result<Self, WrapError> {
        let mut inner_key = Zeroizing::new([0; INNER_KEY_BYTES]);
        fill(&mut *inner_key);
        let mut obfuscation = [0; SEED_BYTES];
        fill(&mut obfuscation);
        let public = public_area(key, &obfuscation);
        let (credential, credential_seed) = credential(&*inner_key, endorsement, storage_root, &mut fill)?;
        let sensitive = sensitive_area(key, &obfuscation);
        let (private, private_seed) = duplicate(&sensitive, &public, &inner_key, storage_root, &mut fill)?;
        let parts = [credential, credential_seed, private, private_seed, public, Vec::new()];
        Ok(Self(parts.iter().flat_map(|part| sized(part)).collect()))
    }

    /// As it goes on the wire, before base64.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A secret that the TPM with `endorsement` releases if it has `storage_root`, and the sealed seed of it.
/// Source: TPM 2.0 Part 1, 24
fn credential(
    secret: &[u8],
    endorsement: &StorageKey,
    storage_root: &StorageKey,
    fill: &mut impl FnMut(&mut [u8]),
) -> Result<(Vec<u8>, Vec<u8>), WrapError> {
    let seed = fresh_seed(fill);
    let credential = protect(&seed, endorsement.symmetric_bits, &storage_root.name(), sized(secret));
    Ok((credential.ok_or(WrapError)?, seal_seed(endorsement, Purpose::Identity, &seed).ok_or(WrapError)?))
}

/// An object for import under `parent`, and the sealed seed of it. Source: TPM 2.0 Part 1, 23.3.2
fn duplicate(
    sensitive: &[u8],
    public: &[u8],
    inner_key: &[u8; INNER_KEY_BYTES],
    parent: &StorageKey,
    fill: &mut impl FnMut(&mut [u8]),
) -> Result<(Vec<u8>, Vec<u8>), WrapError> {
    let name = name_of(public);
    let sensitive = Zeroizing::new(sized(sensitive));
    let mut vouched = digest::Context::new(&digest::SHA256);
    vouched.update(&sensitive);
    vouched.update(&name);
    let mut inner = [&sized(vouched.finish().as_ref())[..], &sensitive].concat();
    encrypt(inner_key, &mut inner).ok_or(WrapError)?;
    let seed = fresh_seed(fill);
    let private = protect(&seed, parent.symmetric_bits, &name, inner).ok_or(WrapError)?;
    Ok((private, seal_seed(parent, Purpose::Duplicate, &seed).ok_or(WrapError)?))
}

fn fresh_seed(fill: &mut impl FnMut(&mut [u8])) -> Zeroizing<[u8; SEED_BYTES]> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    fill(&mut *seed);
    seed
}

/// `TPMT_PUBLIC` of an HMAC key. Source: TPM 2.0 Part 2, 12.2.4, and Part 1, 27.5.3.2 (`unique`)
fn public_area(key: &[u8], obfuscation: &[u8]) -> Vec<u8> {
    let mut unique = digest::Context::new(&digest::SHA256);
    unique.update(obfuscation);
    unique.update(key);
    let mut area = Vec::new();
    area.extend(KEYED_HASH.to_be_bytes());
    area.extend(SHA256.to_be_bytes());
    area.extend(ATTRIBUTES.to_be_bytes());
    area.extend(sized(&[]));
    area.extend(HMAC.to_be_bytes());
    area.extend(SHA256.to_be_bytes());
    area.extend(sized(unique.finish().as_ref()));
    area
}

/// `TPMT_SENSITIVE` of it, with an empty password. Source: TPM 2.0 Part 2, 12.3.2.4
fn sensitive_area(key: &[u8], obfuscation: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&KEYED_HASH.to_be_bytes()[..], &sized(&[]), &sized(obfuscation), &sized(key)].concat())
}

#[cfg(test)]
mod tests {
    use roadstead_testkit::SoftTpm;

    use super::*;

    fn keys(tpm: &SoftTpm) -> [StorageKey; 2] {
        [tpm.endorsement_key(), tpm.storage_root_key()].map(|key| StorageKey::from_base64(&key).unwrap())
    }

    #[test]
    fn only_the_tpm_with_both_keys_gets_the_signing_key() {
        let tpm = SoftTpm::new();
        let [endorsement, storage_root] = keys(&tpm);
        let key = [9; HMAC_KEY_BYTES];
        let mut drawn = 0;
        let mut fill = |bytes: &mut [u8]| {
            drawn += 1;
            bytes.fill(drawn);
        };
        let blob = Activation::wrap(&key, &endorsement, &storage_root, &mut fill).unwrap();
        assert_eq!(tpm.activate(blob.as_bytes()).unwrap(), key);
        let again = Activation::wrap(&key, &endorsement, &storage_root, &mut fill).unwrap();
        assert_ne!(blob, again, "each is drawn anew");
        let mut forged = again.as_bytes().to_vec();
        forged[40] ^= 1;
        assert_eq!(tpm.activate(&forged), None);
        assert_eq!(SoftTpm::new().activate(blob.as_bytes()), None, "another TPM");
        let cleared = tpm.cleared();
        assert_eq!(cleared.activate(blob.as_bytes()), None, "another owner");
        let [_, storage_root] = keys(&cleared);
        let mixed = Activation::wrap(&key, &keys(&SoftTpm::new())[0], &storage_root, &mut fill).unwrap();
        assert_eq!(cleared.activate(mixed.as_bytes()), None, "one of two keys");
    }
}
