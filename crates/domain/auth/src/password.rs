//! Passwords of users, and secrets of service principals.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash::SaltString,
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::{Random, Secret};

use crate::limits::{HASH_MEMORY_KIB, HASH_PASSES, PASSWORD_BYTES, SECRET_BYTES_MAX};

const SALT_BYTES: usize = 16;

/// Argon2id of a password under a fresh salt, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…`. Takes some ten
/// milliseconds and [`HASH_MEMORY_KIB`] of memory: not for a thread that others wait for.
pub fn hash_password(password: &str, random: &dyn Random) -> Secret {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt of allowed length");
    let hash = argon2().hash_password(password.as_bytes(), &salt).expect("Argon2 takes every password and salt");
    Secret::new(hash.to_string())
}

/// Whether `hash` is one of this password. A text that is no hash is of none. As slow as [`hash_password`], for a password
/// that is too long, too.
pub fn is_password(password: &str, hash: &Secret) -> bool {
    if password.len() > *PASSWORD_BYTES.end() {
        return no_password(password);
    }
    PasswordHash::new(hash.expose()).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

/// As slow as [`is_password`] and always wrong: for a name that nobody has, so that time does not tell.
pub fn no_password(password: &str) -> bool {
    let mut out = [0; 32];
    let short = password.get(..*PASSWORD_BYTES.end()).unwrap_or(password);
    argon2().hash_password_into(short.as_bytes(), &[0; SALT_BYTES], &mut out).is_err()
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(HASH_MEMORY_KIB, HASH_PASSES, 1, None).expect("within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The SHA-256 of a client secret, base64url: what is kept in its place. A secret is 32 random bytes, so its digest needs
/// neither salt nor stretching.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a secret in clear.
    pub fn of(secret: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, secret.as_bytes());
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Reads what `Display` wrote: 43 characters. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Whether it is that of this secret, in the same time whichever it is.
    pub fn is_of(&self, secret: &str) -> bool {
        secret.len() <= SECRET_BYTES_MAX && verify_slices_are_equal(&self.0, &Self::of(secret).0).is_ok()
    }

    /// Eight of its bytes: another secret has others.
    pub fn short(&self) -> u64 {
        self.0.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl fmt::Display for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Random for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    #[test]
    fn only_the_password_fits_its_hash() {
        let hash = hash_password("correct horse", &Ones);
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(is_password("correct horse", &hash));
        for (wrong, hash) in [
            ("correct horsf", &hash),
            ("", &hash),
            ("correct horse", &Secret::new("")),
            ("correct horse", &Secret::new("correct horse")),
            (&"x".repeat(10_000), &hash),
        ] {
            assert!(!is_password(wrong, hash), "{}", wrong.len());
        }
        assert!(!no_password("ä".repeat(10_000).as_str()));
    }

    #[test]
    fn digests_print_and_parse() {
        let digest = SecretDigest::of("s3cret");
        assert_eq!(SecretDigest::parse(&digest.to_string()), Some(digest.clone()));
        assert_eq!((SecretDigest::parse(""), SecretDigest::parse("s3cret")), (None, None));
        assert_eq!(format!("{digest:?}"), "SecretDigest(***)");
        assert!(digest.is_of("s3cret"));
        for wrong in ["", "s3cres", &"s".repeat(10_000)] {
            assert!(!digest.is_of(wrong), "{}", wrong.len());
        }
        assert_ne!(digest.short(), SecretDigest::of("other").short());
    }
}
