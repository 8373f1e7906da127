//! A TPM in memory, as far as device provisioning needs one.

use aws_lc_rs::{
    cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey},
    digest,
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    iv::FixedLength,
    rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// What a TPM does with the blob that a provisioning service sends it, as TPM 2.0 Part 3 describes the commands
/// (`ActivateCredential`, `Import`, `Load`). That true TPMs agree is shown by the client tests, with a software TPM.
#[derive(Debug)]
pub struct SoftTpm {
    endorsement: StorageKey,
    storage_root: StorageKey,
}

#[derive(Debug)]
struct StorageKey {
    private: OaepPrivateDecryptingKey,
    public: Vec<u8>,
}

impl StorageKey {
    /// By the SDKs' template of a storage root key; there may be a policy before the parameters.
    fn generate() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key can be made");
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&private.public_key()).expect("a key has a form");
        let mut public = vec![0x01, 0x1a, 0, 1, 0, 0x0b, 0, 3, 0x04, 0x72, 0, 0];
        public.extend([0, 6, 0, 128, 0, 0x43, 0, 0x10, 0x08, 0, 0, 0, 0, 0, 1, 0]);
        public.extend(&der.as_ref()[33..289]);
        Self { private: OaepPrivateDecryptingKey::new(private).expect("OAEP needs nothing more"), public }
    }

    /// What an envelope holds; `None` when it is not for this key or this name.
    fn open(&self, seed: &[u8], label: &[u8], name: &[u8], envelope: &[u8]) -> Option<Vec<u8>> {
        let mut room = [0; 256];
        let seed = self.private.decrypt(&OAEP_SHA256_MGF1SHA256, seed, &mut room, Some(label)).ok()?;
        let mut text = envelope;
        let vouched = take(&mut text);
        let integrity = hmac::Key::new(hmac::HMAC_SHA256, &derive(seed, "INTEGRITY", b"", 32));
        hmac::verify(&integrity, &[text, name].concat(), vouched).ok()?;
        Some(decrypt(&derive(seed, "STORAGE", name, 16), text))
    }
}

impl SoftTpm {
    /// One with fresh keys.
    pub fn new() -> Self {
        Self { endorsement: StorageKey::generate(), storage_root: StorageKey::generate() }
    }

    /// The same TPM with another owner, which has another storage root key.
    #[must_use]
    pub fn cleared(self) -> Self {
        Self { storage_root: StorageKey::generate(), ..self }
    }

    /// Base64 of `TPM2B_PUBLIC`.
    pub fn endorsement_key(&self) -> String {
        STANDARD.encode(&self.endorsement.public)
    }

    /// Base64 of `TPM2B_PUBLIC`.
    pub fn storage_root_key(&self) -> String {
        STANDARD.encode(&self.storage_root.public)
    }

    /// The signing key in a blob; `None` when this TPM cannot have it. Panics at a blob that no TPM would read.
    pub fn activate(&self, blob: &[u8]) -> Option<Vec<u8>> {
        let mut rest = blob;
        let [credential, credential_seed, private, private_seed, public, data] =
            std::array::from_fn(|_| take(&mut rest));
        assert_eq!((data.len(), rest.len()), (0, 0), "nothing else is in the blob");
        let name = name_of(&self.storage_root.public[2..]);
        let inner = self.endorsement.open(credential_seed, b"IDENTITY\0", &name, credential)?;
        let inner_key = take(&mut &*inner).to_vec();
        let name = name_of(public);
        let wrapped = self.storage_root.open(private_seed, b"DUPLICATE\0", &name, private)?;
        let plain = decrypt(&inner_key, &wrapped);
        let mut rest = &plain[..];
        let (vouched, whole) = (take(&mut rest), rest);
        assert_eq!(digest::digest(&digest::SHA256, &[whole, &name].concat()).as_ref(), vouched);
        let mut sensitive = take(&mut rest);
        assert_eq!((rest.len(), &sensitive[..2]), (0, &[0, 8][..]), "a keyed hash, and nothing after");
        sensitive = &sensitive[2..];
        let [password, obfuscation, key] = std::array::from_fn(|_| take(&mut sensitive));
        assert!(password.is_empty() && sensitive.is_empty());
        let unique = digest::digest(&digest::SHA256, &[obfuscation, key].concat());
        assert_eq!(public[public.len() - 32..], *unique.as_ref());
        Some(key.to_vec())
    }
}

impl Default for SoftTpm {
    fn default() -> Self {
        Self::new()
    }
}

fn name_of(area: &[u8]) -> Vec<u8> {
    [&[0, 0x0b], digest::digest(&digest::SHA256, area).as_ref()].concat()
}

fn derive(seed: &[u8], label: &str, context: &[u8], bytes: usize) -> Vec<u8> {
    let bits = (bytes as u32 * 8).to_be_bytes();
    let message = [&[0, 0, 0, 1], label.as_bytes(), &[0], context, &bits].concat();
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), &message).as_ref()[..bytes].to_vec()
}

fn decrypt(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_128, key).and_then(DecryptingKey::cfb128).expect("16 bytes");
    let mut text = text.to_vec();
    let start = DecryptionContext::Iv128(FixedLength::from([0; 16]));
    key.decrypt(&mut text, start).expect("any text can be decrypted");
    text
}

/// Two bytes of size, and as many bytes.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let size = usize::from(rest[0]) << 8 | usize::from(rest[1]);
    let (taken, after) = rest[2..].split_at(size);
    *rest = after;
    taken
}
