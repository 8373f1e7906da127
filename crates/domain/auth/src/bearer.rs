//! Bearer tokens that this server gives out. It keeps no list of them: a token says whose it is and until when, signed. What
//! ends one before its time is in the principal's record, where whoever judges it looks.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::{Guid, PrincipalId, Secret, UnixSeconds};
use thiserror::Error;

use crate::limits::BEARER_BYTES_MAX;

const PURPOSE: &[u8] = b"roadstead bearer 3\0";
const TAG_BYTES: usize = 32;
const BODY_BYTES: usize = 1 + 16 + 8 + 8 + 8 + 4;

/// What a token is good for: one thing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BearerUse {
    /// Resource Manager, and who may log in.
    Management,
    /// The service API of hubs.
    Hub,
    /// The service API of DPS instances.
    Dps,
    /// To be exchanged for others.
    Refresh,
}

impl BearerUse {
    const ALL: [(Self, u8); 4] = [(Self::Management, 1), (Self::Hub, 2), (Self::Dps, 3), (Self::Refresh, 4)];
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// What it is good for.
    pub usage: BearerUse,
    /// Whose it is.
    pub principal: PrincipalId,
    /// The principal's number of sessions when it was given out: it counts while that stays the same.
    pub sessions: u64,
    /// The login that it came of, directly or by refresh tokens; a number at random.
    pub login: u64,
    /// How often that login's refresh token had been exchanged before.
    pub round: u32,
    /// From when on it counts no longer.
    pub expires: UnixSeconds,
}

/// Why a bearer token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BearerRefusal {
    /// Not one of ours.
    #[error("the bearer token was not issued by this server; log in again")]
    Foreign,
    /// It had its time.
    #[error("the bearer token expired {by_s} s ago; log in again")]
    Expired {
        /// Seconds since.
        by_s: i64,
    },
    /// It is for another API.
    #[error("the bearer token is for another API of this server; ask for one with this API's scope")]
    Usage,
    /// Its principal is gone or disabled, has another password or secret since, or was signed out; or its login is over.
    #[error("the bearer token was revoked; log in again")]
    Revoked,
    /// Its user is of another issuer, by which nobody logs in here any more.
    #[error(
        "the bearer token's user is of an OpenID Connect issuer that the configuration lets nobody in by any more; who runs \
         the server can name it in [[issuers]] again"
    )]
    Issuer,
}

/// Signs and reads tokens.
pub struct BearerKey(hmac::Key);

impl BearerKey {
    /// `key` must be secret, and the same after a restart: `az` keeps its token for an hour.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A token as it follows `Bearer `: 103 characters.
    pub fn write(&self, bearer: &Bearer) -> Secret {
        let usage = BearerUse::ALL.iter().find(|(usage, _)| *usage == bearer.usage).map_or(0, |(_, byte)| *byte);
        let mut bytes = Vec::with_capacity(BODY_BYTES + TAG_BYTES);
        bytes.push(usage);
        bytes.extend_from_slice(&bearer.principal.0.bytes());
        bytes.extend_from_slice(&bearer.sessions.to_be_bytes());
        bytes.extend_from_slice(&bearer.expires.0.to_be_bytes());
        bytes.extend_from_slice(&bearer.login.to_be_bytes());
        bytes.extend_from_slice(&bearer.round.to_be_bytes());
        let tag = hmac::sign(&self.0, &[PURPOSE, &bytes].concat());
        bytes.extend_from_slice(tag.as_ref());
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token says that this key signed and that is in date.
    ///
    /// Errors: `Foreign`, `Expired`.
    pub fn read(&self, token: &str, now: UnixSeconds) -> Result<Bearer, BearerRefusal> {
        let bearer = self.read_signed(token).ok_or(BearerRefusal::Foreign)?;
        let by_s = now.0.saturating_sub(bearer.expires.0);
        if by_s >= 0 { Err(BearerRefusal::Expired { by_s }) } else { Ok(bearer) }
    }

    fn read_signed(&self, token: &str) -> Option<Bearer> {
        let bytes = Some(token).filter(|token| token.len() <= BEARER_BYTES_MAX);
        let bytes = bytes.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())?;
        let bytes: [u8; BODY_BYTES + TAG_BYTES] = bytes.try_into().ok()?;
        let (body, tag) = bytes.split_at(BODY_BYTES);
        hmac::verify(&self.0, &[PURPOSE, body].concat(), tag).ok()?;
        let (usage, rest) = body.split_first()?;
        let (principal, rest) = rest.split_first_chunk::<16>()?;
        let (sessions, rest) = rest.split_first_chunk::<8>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (login, rest) = rest.split_first_chunk::<8>()?;
        let (round, _) = rest.split_first_chunk::<4>()?;
        Some(Bearer {
            usage: BearerUse::ALL.iter().find(|(_, byte)| byte == usage).map(|(usage, _)| *usage)?,
            principal: PrincipalId(Guid::from_bytes(*principal)),
            sessions: u64::from_be_bytes(*sessions),
            login: u64::from_be_bytes(*login),
            round: u32::from_be_bytes(*round),
            expires: UnixSeconds(i64::from_be_bytes(*expires)),
        })
    }

    /// The signature (HS256, base64url) of an `id_token`, with a key of its own that is made from this one.
    pub fn sign_id_token(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&self.0, b"roadstead id token 1\0").as_ref());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(usage: BearerUse) -> Bearer {
        let principal = PrincipalId(Guid::from_bytes([7; 16]));
        Bearer { usage, principal, sessions: 3, login: u64::MAX - 1, round: 9, expires: UnixSeconds(1000) }
    }

    #[test]
    fn a_token_says_what_was_written_until_it_expires() {
        for (usage, _) in BearerUse::ALL {
            let token = BearerKey::new(&[7; 32]).write(&bearer(usage));
            assert_eq!(token.expose().len(), 103);
            let after = BearerKey::new(&[7; 32]);
            assert_eq!(after.read(token.expose(), UnixSeconds(999)), Ok(bearer(usage)));
            let late = after.read(token.expose(), UnixSeconds(1002)).unwrap_err();
            assert_eq!(late.to_string(), "the bearer token expired 2 s ago; log in again");
            assert_eq!(after.read(token.expose(), UnixSeconds(1000)), Err(BearerRefusal::Expired { by_s: 0 }));
        }
    }

    #[test]
    fn altered_and_foreign_tokens_say_nothing() {
        let key = BearerKey::new(&[7; 32]);
        let token = key.write(&bearer(BearerUse::Hub)).expose().to_owned();
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(key.read(&altered, UnixSeconds(0)), Err(BearerRefusal::Foreign), "byte {at}");
        }
        for foreign in [String::new(), token[1..].to_owned(), format!("{token}A"), "A".repeat(10_000)] {
            assert_eq!(key.read(&foreign, UnixSeconds(0)), Err(BearerRefusal::Foreign), "{}", foreign.len());
        }
        let other = BearerKey::new(&[8; 32]);
        assert_eq!(other.read(&token, UnixSeconds(0)), Err(BearerRefusal::Foreign));
        assert_ne!(key.sign_id_token("a"), other.sign_id_token("a"));
    }
}
