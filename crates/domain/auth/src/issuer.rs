//! Tokens of other issuers (OpenID Connect), by which service principals log in without a secret of their own, and people
//! without a password ([`person`](crate::person)).
//!
//! Reads what such tokens are made of and nothing more: a JWS in compact form (RFC 7515), signed with RS256 or ES256 (RFC
//! 7518), whose payload has `iss`, `sub`, `aud` and `exp` (RFC 7519), and the issuer's keys (RFC 7517).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::UnixSeconds;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::limits::{ASSERTION_BYTES_MAX, CLOCK_SKEW_S, ISSUER_KEYS_MAX, JWKS_BYTES_MAX};

/// The public keys of an issuer.
#[derive(Debug, Clone)]
pub struct IssuerKeys(Vec<IssuerKey>);

#[derive(Debug, Clone)]
struct IssuerKey {
    kid: Option<String>,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    /// Modulus and exponent, big endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point of P-256, uncompressed.
    P256(Vec<u8>),
}

/// Why another issuer's token lets nobody in. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AssertionRefusal {
    /// No JWT, or one without the members that count.
    #[error("the token is no signed JWT with iss, sub, aud and exp")]
    Unreadable,
    /// `none`, a way to sign for which both sides have the key, or one that is not known here.
    #[error("the token is signed in a way that is not accepted; RS256 and ES256 are")]
    Algorithm,
    /// The issuer has no such key of that kind: it may be new.
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// Altered, or signed by another.
    #[error("the token's signature is wrong")]
    Signature,
    /// Of another issuer or for another audience.
    #[error("the token is of another issuer, or not for this server (iss, aud)")]
    NotForUs,
    /// Its time is over or has not come.
    #[error("the token is not in date; get a new one, or correct the clock of its issuer")]
    Date,
    /// A person's, issued too long ago, or who knows when.
    #[error("the token is too old to log in with; sign in at its issuer again")]
    Stale,
    /// A person's that does not say who it is.
    #[error("the token does not name the person in the claim that `user_claim` of [[issuers]] says")]
    Nameless,
    /// A person's whose address nobody verified.
    #[error("the issuer did not verify the person's email address (email_verified)")]
    Unverified,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// What must be understood to judge the token. Nothing of it is.
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// A token, taken apart and not yet believed.
pub(crate) struct Token<'a> {
    pub(crate) signed: &'a str,
    header: Header,
    pub(crate) claims: Claims,
    signature: Vec<u8>,
}

impl IssuerKeys {
    /// Reads what an issuer has at its `jwks_uri`: `{"keys":[{"kty":"RSA","kid":"1","n":"…","e":"AQAB"}]}`. Keys of other kinds
    /// are passed over. `None` for anything else, and when no key is left.
    pub fn parse(json: &[u8]) -> Option<Self> {
        if json.len() > JWKS_BYTES_MAX {
            return None;
        }
        let Jwks { keys } = serde_json::from_slice(json).ok()?;
        let read = |value| read_key(&serde_json::from_value(value).ok()?);
        let keys: Vec<_> = keys.into_iter().take(ISSUER_KEYS_MAX).filter_map(read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The subject of a token that this issuer signed for this audience.
    ///
    /// Errors: [`AssertionRefusal`].
    pub fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: UnixSeconds,
    ) -> Result<String, AssertionRefusal> {
        Ok(self.verified(token, issuer, audience, now)?.claims.sub)
    }

    pub(crate) fn verified<'a>(
        &self,
        token: &'a str,
        issuer: &str,
        audience: &str,
        now: UnixSeconds,
    ) -> Result<Token<'a>, AssertionRefusal> {
        let token = Token::read(token).ok_or(AssertionRefusal::Unreadable)?;
        if token.header.crit.is_some() || !["RS256", "ES256"].contains(&token.header.alg.as_str()) {
            return Err(AssertionRefusal::Algorithm);
        }
        let named = self.0.iter().filter(|key| token.header.kid.is_none() || key.kid == token.header.kid);
        let mut fitting = named.filter(|key| key.key.algorithm() == token.header.alg).peekable();
        if fitting.peek().is_none() {
            return Err(AssertionRefusal::UnknownKey);
        }
        if !fitting.any(|key| key.key.signed(token.signed.as_bytes(), &token.signature)) {
            return Err(AssertionRefusal::Signature);
        }
        let Claims { iss, aud, exp, nbf, .. } = &token.claims;
        let is_for_us = match aud {
            Audience::One(one) => one == audience,
            Audience::Many(many) => many.iter().any(|one| one == audience),
        };
        if iss != issuer || !is_for_us {
            return Err(AssertionRefusal::NotForUs);
        }
        let (now, skew) = (now.0 as f64, CLOCK_SKEW_S as f64);
        let in_date = now < *exp + skew && nbf.is_none_or(|nbf| now >= nbf - skew);
        if in_date { Ok(token) } else { Err(AssertionRefusal::Date) }
    }
}

/// Whose a token says it is, not believed. `None` for what is no JWT.
pub fn claimed_issuer(token: &str) -> Option<String> {
    Token::read(token).map(|token| token.claims.iss)
}

impl<'a> Token<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = Some(text).filter(|text| text.len() <= ASSERTION_BYTES_MAX)?.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { signed, header: json(header)?, claims: json(claims)?, signature })
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn read_key(jwk: &Jwk) -> Option<IssuerKey> {
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return None;
    }
    let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Key::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            (x.len() == 32 && y.len() == 32).then(|| Key::P256([&[4], &x[..], &y[..]].concat()))?
        }
        _ => return None,
    };
    Some(IssuerKey { kid: jwk.kid.clone(), key })
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::KeySize,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
    };
    use serde_json::json;

    use super::*;

    pub(crate) const ISSUER: &str = "https://login.example/";
    const AUDIENCE: &str = "api://roadstead";
    pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    pub(crate) struct Signer {
        ec: EcdsaKeyPair,
        rsa: RsaKeyPair,
    }

    impl Signer {
        pub(crate) fn new() -> Self {
            let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            Self { ec, rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
        }

        fn jwks(&self) -> Value {
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let point = self.ec.public_key().as_ref();
            // PKCS #1, DER: two headers, 256 bytes of modulus after a zero, a header, three bytes of exponent.
            let rsa = self.rsa.public_key().as_ref();
            let (n, e) = (&rsa[9..265], &rsa[267..270]);
            json!({"keys": [
                {"kty": "oct", "k": "AAAA"},
                {"kty": "EC", "crv": "P-256", "kid": "e", "x": encode(&point[1..33]), "y": encode(&point[33..])},
                {"kty": "RSA", "kid": "r", "use": "sig", "n": encode(n), "e": encode(e)},
                {"kty": "RSA", "kid": "other", "use": "enc", "n": encode(n), "e": encode(e)},
            ]})
        }

        pub(crate) fn keys(&self) -> IssuerKeys {
            IssuerKeys::parse(self.jwks().to_string().as_bytes()).unwrap()
        }

        pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let random = SystemRandom::new();
            let signature = if header["alg"] == "ES256" {
                self.ec.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec()
            } else {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            };
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn claims(changes: Value) -> Value {
        let mut claims = json!({"iss": ISSUER, "sub": "repo:plant", "aud": AUDIENCE, "exp": NOW.0 + 60});
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        members.retain(|_, value| !value.is_null());
        claims
    }

    #[test]
    fn only_what_the_issuer_signed_for_us_is_believed() {
        use AssertionRefusal as R;
        let signer = Signer::new();
        let (keys, es, rs) = (signer.keys(), json!({"alg": "ES256", "kid": "e"}), json!({"alg": "RS256", "kid": "r"}));
        let judged =
            |header: &Value, changes: Value| keys.verify(&signer.sign(header, &claims(changes)), ISSUER, AUDIENCE, NOW);
        for (header, changes, expected) in [
            (&es, json!({}), None),
            (&rs, json!({}), None),
            (&json!({"alg": "ES256"}), json!({}), None),
            (&es, json!({"aud": ["x", AUDIENCE]}), None),
            (&es, json!({"exp": NOW.0 - 299, "nbf": NOW.0 + 300}), None),
            (&es, json!({"exp": 1.8e9 + 0.5}), None),
            (&es, json!({"exp": NOW.0 - 300}), Some(R::Date)),
            (&es, json!({"nbf": NOW.0 + 301}), Some(R::Date)),
            (&es, json!({"iss": "https://login.example"}), Some(R::NotForUs)),
            (&es, json!({"aud": "other"}), Some(R::NotForUs)),
            (&es, json!({"aud": []}), Some(R::NotForUs)),
            (&es, json!({"aud": null}), Some(R::Unreadable)),
            (&es, json!({"exp": null}), Some(R::Unreadable)),
            (&es, json!({"exp": "soon"}), Some(R::Unreadable)),
            (&es, json!({"sub": null}), Some(R::Unreadable)),
            (&json!({"alg": "ES256", "kid": "r"}), json!({}), Some(R::UnknownKey)),
            (&json!({"alg": "ES256", "kid": "new"}), json!({}), Some(R::UnknownKey)),
            (&json!({"alg": "RS256", "kid": "other"}), json!({}), Some(R::UnknownKey)),
            (&json!({"alg": "none"}), json!({}), Some(R::Algorithm)),
            (&json!({"alg": "HS256", "kid": "e"}), json!({}), Some(R::Algorithm)),
            (&json!({"alg": "RS256", "kid": "r", "crit": ["b64"]}), json!({}), Some(R::Algorithm)),
            (&json!({"kid": "e"}), json!({}), Some(R::Unreadable)),
        ] {
            let expected = expected.map_or(Ok("repo:plant".to_owned()), Err);
            assert_eq!(judged(header, changes.clone()), expected, "{header} {changes}");
        }
    }

    #[test]
    fn altered_tokens_and_those_of_others_are_refused() {
        let signer = Signer::new();
        let token = signer.sign(&json!({"alg": "ES256", "kid": "e"}), &claims(json!({})));
        let verify = |keys: &IssuerKeys, token: &str| keys.verify(token, ISSUER, AUDIENCE, NOW);
        assert_eq!(verify(&Signer::new().keys(), &token), Err(AssertionRefusal::Signature));
        let (keys, (signed, signature)) = (signer.keys(), token.rsplit_once('.').unwrap());
        let forged = signer.sign(&json!({"alg": "ES256", "kid": "e"}), &claims(json!({"sub": "root"})));
        let grafted = format!("{}.{signature}", forged.rsplit_once('.').unwrap().0);
        assert_eq!(verify(&keys, &grafted), Err(AssertionRefusal::Signature));
        assert_eq!(verify(&keys, &format!("{signed}.")), Err(AssertionRefusal::Signature));
        for text in ["", ".", "..", "a.b.c", signed, &format!("{token}="), &"x".repeat(100_000)] {
            assert_eq!(verify(&keys, text), Err(AssertionRefusal::Unreadable));
            assert_eq!(claimed_issuer(text), None);
        }
        assert_eq!(claimed_issuer(&grafted).as_deref(), Some(ISSUER));
        for keys in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},7]}"#] {
            assert!(IssuerKeys::parse(keys.as_bytes()).is_none(), "{keys}");
        }
    }
}
