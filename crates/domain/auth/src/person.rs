//! ID tokens, by which people of another issuer log in.
//!
//! What is asked of one beyond a signature by its issuer, for us and in date: that it was issued just now, for nobody else at
//! the same time, and that it names the person. Source: OpenID Connect Core 1.0, 2 and 3.1.3.7

use aws_lc_rs::digest::{SHA256, digest};
use roadstead_model::UnixSeconds;
use serde_json::Value;

use crate::{
    issuer::{AssertionRefusal, Audience, Claims, IssuerKeys, Token},
    limits::{CLOCK_SKEW_S, ID_TOKEN_AGE_S},
};

/// Whom an ID token is about, believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `sub`: who it is at its issuer, for ever.
    pub subject: String,
    /// What `user_claim` says: by which it is known here.
    pub name: String,
    /// Of what was signed: the same for each copy of the token, however its signature is written.
    pub mark: [u8; 32],
    /// From when on it is refused as too old, whoever shows it.
    pub ends: UnixSeconds,
}

impl IssuerKeys {
    /// The person whom an ID token of this issuer is about, made for our `client_id`. `user_claim`: `preferred_username`.
    ///
    /// Errors: [`AssertionRefusal`].
    pub fn verify_person(
        &self,
        token: &str,
        issuer: &str,
        client_id: &str,
        user_claim: &str,
        now: UnixSeconds,
    ) -> Result<Person, AssertionRefusal> {
        let Token { signed, claims, .. } = self.verified(token, issuer, client_id, now)?;
        let is_shared = matches!(&claims.aud, Audience::Many(many) if many.len() > 1);
        let is_ours = claims.others.get("azp").map_or(!is_shared, |azp| azp == client_id);
        if !is_ours {
            return Err(AssertionRefusal::NotForUs);
        }
        let issued = claims.others.get("iat").and_then(Value::as_f64).ok_or(AssertionRefusal::Stale)?;
        let age_s = now.0 as f64 - issued;
        if age_s >= ID_TOKEN_AGE_S as f64 {
            return Err(AssertionRefusal::Stale);
        }
        if age_s < -(CLOCK_SKEW_S as f64) {
            return Err(AssertionRefusal::Date);
        }
        let mut mark = [0; 32];
        mark.copy_from_slice(digest(&SHA256, signed.as_bytes()).as_ref());
        // It was issued `CLOCK_SKEW_S` from now at the latest.
        let ends = UnixSeconds(now.0.saturating_add(ID_TOKEN_AGE_S + CLOCK_SKEW_S));
        Ok(Person { name: name(&claims, user_claim)?, subject: claims.sub, mark, ends })
    }
}

fn name(claims: &Claims, user_claim: &str) -> Result<String, AssertionRefusal> {
    if user_claim == "sub" {
        return Ok(claims.sub.clone());
    }
    // Who may write any address into a profile must not become who has that address.
    if user_claim == "email" && claims.others.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(AssertionRefusal::Unverified);
    }
    claims.others.get(user_claim).and_then(Value::as_str).map(str::to_owned).ok_or(AssertionRefusal::Nameless)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::issuer::tests::{ISSUER, NOW, Signer};

    fn claims(changes: &Value) -> Value {
        let mut claims = json!({"iss": ISSUER, "sub": "f81d", "aud": "portal", "exp": NOW.0 + 3600, "iat": NOW.0 - 5,
            "preferred_username": "lena@example.com"});
        let members = claims.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        claims
    }

    #[test]
    fn only_a_fresh_token_for_us_names_a_person() {
        use AssertionRefusal as R;
        let (signer, head) = (Signer::new(), json!({"alg": "RS256", "kid": "r"}));
        let keys = signer.keys();
        let judged = |head: &Value, claim: &str, changes: &Value| {
            let token = signer.sign(head, &claims(changes));
            keys.verify_person(&token, ISSUER, "portal", claim, NOW).map(|person| person.name)
        };
        let (upn, verified) = ("preferred_username", json!({"email": "l@example.com", "email_verified": true}));
        let lena = || Ok("lena@example.com".to_owned());
        for (claim, changes, expected) in [
            (upn, json!({}), lena()),
            (upn, json!({"azp": "portal"}), lena()),
            (upn, json!({"aud": ["portal"]}), lena()),
            (upn, json!({"aud": ["portal", "x"], "azp": "portal"}), lena()),
            (upn, json!({"iat": NOW.0 + 300}), lena()),
            (upn, json!({"iat": NOW.0 - 599}), lena()),
            ("sub", json!({}), Ok("f81d".to_owned())),
            ("email", verified, Ok("l@example.com".to_owned())),
            ("email", json!({"email": "l@example.com"}), Err(R::Unverified)),
            ("email", json!({"email": "l@example.com", "email_verified": false}), Err(R::Unverified)),
            ("email", json!({"email": "l@example.com", "email_verified": "true"}), Err(R::Unverified)),
            ("email", json!({"email_verified": true}), Err(R::Nameless)),
            ("upn", json!({}), Err(R::Nameless)),
            (upn, json!({"preferred_username": 7}), Err(R::Nameless)),
            (upn, json!({"aud": "x"}), Err(R::NotForUs)),
            (upn, json!({"aud": ["portal", "x"]}), Err(R::NotForUs)),
            (upn, json!({"azp": "x"}), Err(R::NotForUs)),
            (upn, json!({"iss": "https://elsewhere.example"}), Err(R::NotForUs)),
            (upn, json!({"exp": NOW.0 - 300}), Err(R::Date)),
            (upn, json!({"iat": NOW.0 - 600}), Err(R::Stale)),
            (upn, json!({"iat": null}), Err(R::Stale)),
            (upn, json!({"iat": "now"}), Err(R::Stale)),
            (upn, json!({"iat": NOW.0 + 301}), Err(R::Date)),
            (upn, json!({"sub": null}), Err(R::Unreadable)),
        ] {
            assert_eq!(judged(&head, claim, &changes), expected, "{claim} {changes}");
        }
        for alg in ["none", "HS256", "RS512", "EdDSA"] {
            let head = json!({"alg": alg, "kid": "r"});
            assert_eq!(judged(&head, upn, &json!({})), Err(R::Algorithm), "{alg}");
        }
        assert_eq!(judged(&json!({"alg": "RS256", "kid": "new"}), upn, &json!({})), Err(R::UnknownKey));
    }

    #[test]
    fn copies_of_a_token_have_one_mark() {
        let signer = Signer::new();
        let (keys, head) = (signer.keys(), json!({"alg": "ES256", "kid": "e"}));
        let mark = |changes: &Value| {
            let token = signer.sign(&head, &claims(changes));
            keys.verify_person(&token, ISSUER, "portal", "sub", NOW).unwrap().mark
        };
        // ES256 signs the same text differently each time.
        assert_eq!(mark(&json!({})), mark(&json!({})));
        assert_ne!(mark(&json!({})), mark(&json!({"nonce": "n"})));
    }
}
