//! Who may manage resources: one client id and secret per installation, and the bearer tokens they are given for them.

use std::{fmt, sync::Arc};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::{Clock, Guid, Random, Secret, UnixSeconds};
use thiserror::Error;

use crate::{
    error::ResourceError,
    limits::{CLIENT_SECRET_BYTES_MAX, TOKEN_BYTES_MAX, TOKEN_LIFETIME_S},
};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 32;
const TOKEN_BYTES: usize = 8 + NONCE_BYTES + TAG_BYTES;

/// The SHA-256 of a client secret, base64url: what a configuration keeps in its place. A secret is 32 random bytes, so
/// its digest needs neither salt nor stretching.
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

/// Whose installation it is, and who may manage it. Fixed for the installation's life, but for the secret.
#[derive(Debug, Clone)]
pub struct Installation {
    /// `az login --tenant`.
    pub tenant_id: Guid,
    /// The one subscription.
    pub subscription_id: Guid,
    /// `az login -u`. Any text; a GUID by custom.
    pub client_id: String,
    /// Of the secret that `az login -p` takes.
    pub secret: SecretDigest,
}

/// A bearer token, fresh from the press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminToken {
    /// What follows `Bearer `.
    pub token: Secret,
    /// Seconds for which it counts.
    pub lifetime_s: i64,
}

/// Why a bearer token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// Not one of ours, of another installation, or of an earlier secret.
    #[error("the bearer token was not issued by this server, or its client secret has changed since; log in again")]
    Foreign,
    /// It had its time.
    #[error("the bearer token expired {by_s} s ago; log in again")]
    Expired {
        /// Seconds since.
        by_s: i64,
    },
}

/// Gives out bearer tokens and judges them. Keeps no list: a token is its expiry and a nonce, signed. Changing the
/// secret or the key ends all tokens.
pub struct Administrators {
    installation: Installation,
    key: hmac::Key,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Administrators {
    /// `key` signs the tokens. It must be secret, and the same after a restart: `az` keeps its token for an hour.
    pub fn new(installation: Installation, key: &[u8; 32], clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { installation, key: hmac::Key::new(hmac::HMAC_SHA256, key), clock, random }
    }

    /// Whose installation it is.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Gives a token for the administrator's client id and secret. Client ids are compared without case, as GUIDs are.
    ///
    /// Errors: `Credentials`, in the same time whichever of the two is wrong.
    pub fn log_in(&self, client_id: &str, secret: &str) -> Result<AdminToken, ResourceError> {
        let known_id = self.installation.client_id.eq_ignore_ascii_case(client_id);
        let short = secret.len() <= CLIENT_SECRET_BYTES_MAX;
        let given = SecretDigest::of(if short { secret } else { "" });
        let known_secret = verify_slices_are_equal(&given.0, &self.installation.secret.0).is_ok();
        if !(known_id && short && known_secret) {
            return Err(ResourceError::Credentials);
        }
        let mut bytes = [0; TOKEN_BYTES];
        let (body, tag) = bytes.split_at_mut(8 + NONCE_BYTES);
        let (expiry, nonce) = body.split_at_mut(8);
        expiry.copy_from_slice(&(self.clock.now().seconds().0 + TOKEN_LIFETIME_S).to_be_bytes());
        self.random.fill(nonce);
        tag.copy_from_slice(hmac::sign(&self.key, &self.signed(body)).as_ref());
        Ok(AdminToken { token: Secret::new(URL_SAFE_NO_PAD.encode(bytes)), lifetime_s: TOKEN_LIFETIME_S })
    }

    /// Judges a bearer token, the part after `Bearer `.
    ///
    /// Errors: `Token`.
    pub fn check(&self, token: &str) -> Result<(), ResourceError> {
        Ok(self.judge(token, self.clock.now().seconds())?)
    }

    fn judge(&self, token: &str, now: UnixSeconds) -> Result<(), TokenRefusal> {
        let bytes =
            Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok());
        let bytes: [u8; TOKEN_BYTES] = bytes.and_then(|b| b.try_into().ok()).ok_or(TokenRefusal::Foreign)?;
        let (body, tag) = bytes.split_at(8 + NONCE_BYTES);
        hmac::verify(&self.key, &self.signed(body), tag).map_err(|_| TokenRefusal::Foreign)?;
        let (expiry, _) = body.split_first_chunk::<8>().ok_or(TokenRefusal::Foreign)?;
        let by_s = now.0.saturating_sub(i64::from_be_bytes(*expiry));
        if by_s >= 0 { Err(TokenRefusal::Expired { by_s }) } else { Ok(()) }
    }

    /// What a token's tag is made over. Binds it to its purpose and to the present secret.
    fn signed(&self, body: &[u8]) -> Vec<u8> {
        [b"roadstead administrator 1\0", &self.installation.secret.0[..], body].concat()
    }
}

#[cfg(test)]
mod tests {
    use roadstead_model::UnixMillis;
    use roadstead_testkit::{CountingRandom, FakeClock};

    use super::*;

    const SECRET: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ";

    fn administrators(secret: &str, key: u8, clock: &Arc<FakeClock>) -> Administrators {
        let random: Arc<dyn Random> = Arc::new(CountingRandom::default());
        let installation = Installation {
            tenant_id: Guid::fresh(&*random),
            subscription_id: Guid::fresh(&*random),
            client_id: "roadstead-admin".to_owned(),
            secret: SecretDigest::of(secret),
        };
        Administrators::new(installation, &[key; 32], clock.clone(), random)
    }

    #[test]
    fn a_token_counts_for_an_hour_and_over_a_restart() {
        let clock = Arc::new(FakeClock::at(UnixMillis(1_795_291_370_516)));
        let before = administrators(SECRET, 7, &clock);
        let given = before.log_in("Roadstead-Admin", SECRET).unwrap();
        assert_eq!(given.lifetime_s, 3600);
        assert_ne!(given.token, before.log_in("roadstead-admin", SECRET).unwrap().token);
        let after = administrators(SECRET, 7, &clock);
        after.check(given.token.expose()).unwrap();
        clock.advance_ms(3_599_000);
        after.check(given.token.expose()).unwrap();
        clock.advance_ms(3_000);
        let refusal = after.check(given.token.expose()).unwrap_err().to_string();
        assert_eq!(refusal, "the bearer token expired 2 s ago; log in again");
    }

    #[test]
    fn wrong_credentials_get_no_token() {
        let administrators = administrators(SECRET, 7, &Arc::new(FakeClock::at(UnixMillis(0))));
        let long = format!("{SECRET}{}", " ".repeat(CLIENT_SECRET_BYTES_MAX));
        let cases = [
            ("roadstead-admin", ""),
            ("roadstead-admin", &SECRET[1..]),
            ("other", SECRET),
            ("", ""),
            ("roadstead-admin", &long),
        ];
        for (id, secret) in cases {
            assert!(matches!(administrators.log_in(id, secret), Err(ResourceError::Credentials)), "{id} {secret}");
        }
    }

    #[test]
    fn altered_and_foreign_tokens_open_nothing() {
        let clock = Arc::new(FakeClock::at(UnixMillis(0)));
        let ours = administrators(SECRET, 7, &clock);
        let token = ours.log_in("roadstead-admin", SECRET).unwrap().token.expose().to_owned();
        assert_eq!(ours.judge(&token, UnixSeconds(0)), Ok(()));
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(ours.judge(&altered, UnixSeconds(0)), Err(TokenRefusal::Foreign), "byte {at}");
        }
        for foreign in [String::new(), token[1..].to_owned(), format!("{token}A"), "A".repeat(10_000)] {
            assert_eq!(ours.judge(&foreign, UnixSeconds(0)), Err(TokenRefusal::Foreign), "{}", foreign.len());
        }
        for others in [administrators("another secret", 7, &clock), administrators(SECRET, 8, &clock)] {
            assert_eq!(others.judge(&token, UnixSeconds(0)), Err(TokenRefusal::Foreign));
        }
    }

    #[test]
    fn digests_print_and_parse() {
        let digest = SecretDigest::of(SECRET);
        assert_eq!(SecretDigest::parse(&digest.to_string()), Some(digest.clone()));
        assert_eq!((SecretDigest::parse(""), SecretDigest::parse(SECRET)), (None, None));
        assert_eq!(format!("{digest:?}"), "SecretDigest(***)");
    }
}
