//! People on their way to another issuer and back.
//!
//! The portal sends them off with a state, a nonce and the digest of a verifier, and takes them back in the same browser, within
//! ten minutes. Where to, and what the code is worth that they bring, it asks [`SignIns`]: it speaks to no issuer itself.
//!
//! What belongs to a journey goes with the browser, sealed, in a cookie of its own. So there is no list of them that somebody
//! could fill, and each tab of a browser comes back by itself. Who comes back loses that cookie. Who kept a copy of it, or came by
//! one, gets no further with it than to the issuer, which takes a code once.

use crate::limits::{
    JOURNEY_COOKIES_READ_MAX, JOURNEY_LIFETIME_MS, JOURNEY_THEN_BYTES_MAX, JOURNEYS_OF_BROWSER_MAX, SECRET_BYTES,
};
use crate::session::{digest_of, fresh};
use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::{Random, Secret, UnixMillis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a browser is sent off with.
#[derive(Debug)]
pub struct Departure<'a> {
    /// `https://HOST/portal/back/NAME`
    pub redirect_uri: &'a str,
    /// Comes back as it is.
    pub state: &'a str,
    /// Must be in the ID token.
    pub nonce: &'a str,
    /// `code_challenge` of PKCE, by `S256`.
    pub challenge: &'a str,
}

/// What a browser came back with, and what belongs to it.
pub struct Return<'a> {
    /// What the issuer gives an ID token for.
    pub code: &'a str,
    /// As of the departure.
    pub redirect_uri: &'a str,
    /// `code_verifier` of PKCE.
    pub verifier: &'a str,
    /// Which issuer says that it sent the browser (`iss`).
    pub issuer: Option<&'a str>,
}

/// The issuers at which people may sign in.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// What people know each by, in the order in which they are shown.
    fn names(&self) -> Vec<String>;

    /// Where one of this name is to be asked.
    ///
    /// Errors: a sentence that says why that cannot be known.
    async fn depart(&self, name: &str, departure: &Departure<'_>) -> Result<String, String>;

    /// The ID token that the issuer gives for a code. Not judged: the token endpoint does that.
    ///
    /// Errors: a sentence that says why it gave none.
    async fn redeem(&self, name: &str, back: &Return<'_>) -> Result<Secret, String>;
}

/// Somebody who is at an issuer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Journey {
    /// Of the issuer.
    pub(crate) name: String,
    pub(crate) nonce: String,
    pub(crate) verifier: Secret,
    /// Where to go afterwards.
    pub(crate) then: String,
    since_ms: i64,
}

/// What a new journey takes along.
pub(crate) struct Ticket {
    pub(crate) state: Zeroizing<String>,
    pub(crate) nonce: String,
    pub(crate) challenge: String,
    /// What the cookie of this state holds.
    pub(crate) sealed: String,
}

/// The key that journeys are sealed with. A restart makes another one: who is under way then begins again.
pub(crate) struct Journeys(hmac::Key);

impl Journeys {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut key = Zeroizing::new([0; SECRET_BYTES]);
        random.fill(&mut *key);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*key))
    }

    /// `then` is forgotten where it is too long for a cookie: `home` takes its place.
    pub(crate) fn begin(&self, name: &str, (then, home): (&str, &str), random: &dyn Random, now: UnixMillis) -> Ticket {
        let (state, nonce, verifier) = (fresh(random), fresh(random).to_string(), fresh(random));
        let challenge = URL_SAFE_NO_PAD.encode(digest_of(&verifier));
        let then = if then.len() <= JOURNEY_THEN_BYTES_MAX { then } else { home };
        let journey = Journey {
            name: name.to_owned(),
            nonce: nonce.clone(),
            verifier: Secret::new(verifier.as_str()),
            then: then.to_owned(),
            since_ms: now.0,
        };
        let sealed = self.seal(&state, &journey);
        Ticket { state, nonce, challenge, sealed }
    }

    /// The journey that is sealed for a state; `None` also when it took too long.
    pub(crate) fn open(&self, state: &str, sealed: &str, now: UnixMillis) -> Option<Journey> {
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key(state).open_in_place(nonce, Aad::empty(), sealed).ok()?;
        let journey: Journey = serde_json::from_slice(plain).ok()?;
        let is_over = now.0.saturating_sub(journey.since_ms) >= JOURNEY_LIFETIME_MS;
        (!is_over).then_some(journey)
    }

    /// Of a browser's journeys, as states and what is sealed, those that make room for another one: what cannot be read or took
    /// too long first, then the oldest.
    pub(crate) fn surplus<'a>(&self, kept: impl Iterator<Item = (&'a str, &'a str)>, now: UnixMillis) -> Vec<&'a str> {
        let since = |state: &str, sealed: &str| self.open(state, sealed, now).map(|journey| journey.since_ms);
        let kept = kept.take(JOURNEY_COOKIES_READ_MAX);
        let mut kept: Vec<_> = kept.map(|(state, sealed)| (since(state, sealed), state)).collect();
        kept.sort_unstable();
        let surplus = (kept.len() + 1).saturating_sub(JOURNEYS_OF_BROWSER_MAX);
        kept.into_iter().take(surplus).map(|(_, state)| state).collect()
    }

    fn seal(&self, state: &str, journey: &Journey) -> String {
        let mut bytes = vec![0; NONCE_LEN];
        serde_json::to_writer(&mut bytes, journey).expect("texts and a number are always written");
        let sealed = self.key(state).seal_in_place_separate_tag(Aad::empty(), &mut bytes[NONCE_LEN..]);
        let (nonce, tag) = sealed.expect("AES-GCM seals any text under 64 GiB");
        bytes[..NONCE_LEN].copy_from_slice(nonce.as_ref());
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Each state has a key of its own: what is sealed for one opens for no other, and however many people begin, no key is used
    /// more than once.
    fn key(&self, state: &str) -> RandomizedNonceKey {
        let key = hmac::sign(&self.0, state.as_bytes());
        RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).expect("AES-256 takes every key of 32 bytes")
    }
}

/// Whether an ID token, which nobody believed yet, answers the question with this nonce.
pub(crate) fn has_nonce(id_token: &str, nonce: &str) -> bool {
    let payload = id_token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<serde_json::Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.is_some_and(|claims| claims["nonce"] == nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn begin(journeys: &Journeys, random: &Numbered, now: UnixMillis) -> Ticket {
        journeys.begin("Plant", ("/portal/audit", "/portal/"), random, now)
    }

    #[test]
    fn who_left_comes_back_with_its_own_state_and_soon() {
        let random = Numbered::default();
        let journeys = Journeys::new(&random);
        let (one, two) = (begin(&journeys, &random, START), begin(&journeys, &random, START));
        for ticket in [&two, &one] {
            let journey = journeys.open(&ticket.state, &ticket.sealed, START).unwrap();
            assert_eq!(
                (journey.name.as_str(), journey.then.as_str(), &journey.nonce),
                ("Plant", "/portal/audit", &ticket.nonce)
            );
            assert_eq!(ticket.challenge, URL_SAFE_NO_PAD.encode(digest_of(journey.verifier.expose())));
        }
        assert!(one.state != two.state && one.nonce != two.nonce && one.challenge != two.challenge);
        assert!(journeys.open(&one.state, &two.sealed, START).is_none(), "another's state");
        let late = START.plus_ms(JOURNEY_LIFETIME_MS);
        assert!(journeys.open(&one.state, &one.sealed, UnixMillis(late.0 - 1)).is_some());
        assert!(journeys.open(&one.state, &one.sealed, late).is_none(), "too late");
        assert!(Journeys::new(&random).open(&one.state, &one.sealed, START).is_none(), "another run");
    }

    #[test]
    fn nobody_reads_or_alters_what_a_browser_keeps() {
        let random = Numbered::default();
        let journeys = Journeys::new(&random);
        let Ticket { state, sealed, nonce, .. } = begin(&journeys, &random, START);
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&nonce), "sealed");
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(journeys.open(&state, &URL_SAFE_NO_PAD.encode(altered), START).is_none(), "byte {at}");
            assert!(journeys.open(&state, &URL_SAFE_NO_PAD.encode(&bytes[..at]), START).is_none(), "cut at {at}");
        }
        for made_up in ["", "!", "AAAA", &sealed[1..]] {
            assert!(journeys.open(&state, made_up, START).is_none(), "{made_up}");
        }
    }

    #[test]
    fn a_browser_keeps_some_and_each_fits_into_a_cookie() {
        let random = Numbered::default();
        let journeys = Journeys::new(&random);
        let times = (0..).take(JOURNEYS_OF_BROWSER_MAX).map(|n| START.plus_ms(n));
        let tickets: Vec<_> = times.map(|now| begin(&journeys, &random, now)).collect();
        let kept = || tickets.iter().rev().map(|ticket| (ticket.state.as_str(), ticket.sealed.as_str()));
        assert_eq!(journeys.surplus(kept().skip(1), START), Vec::<&str>::new(), "there is room for one");
        assert_eq!(journeys.surplus(kept(), START), [tickets[0].state.as_str()], "the oldest goes");
        assert_eq!(
            journeys.surplus(kept().chain([("x", "y")]), START),
            ["x", &tickets[0].state],
            "unreadable ones first"
        );
        let late = UnixMillis(START.0 + JOURNEY_LIFETIME_MS + 1);
        assert_eq!(journeys.surplus(kept(), late).len(), 1, "what took too long makes room, too");
        let many = (0..10_000).map(|_| ("x", "y"));
        assert!(journeys.surplus(many, START).len() <= JOURNEY_COOKIES_READ_MAX);

        let long = |len: usize| "x".repeat(len);
        for (len, kept) in
            [(JOURNEY_THEN_BYTES_MAX, long(JOURNEY_THEN_BYTES_MAX)), (JOURNEY_THEN_BYTES_MAX + 1, "/".to_owned())]
        {
            let Ticket { state, sealed, .. } = journeys.begin("Plant", (&long(len), "/"), &random, START);
            assert_eq!(journeys.open(&state, &sealed, START).unwrap().then, kept);
            assert!(sealed.len() < 1024, "{}", sealed.len());
        }
    }

    #[test]
    fn a_nonce_is_the_very_same_text() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        for (token, is_it) in [
            (token(r#"{"nonce":"n"}"#), true),
            (token(r#"{"nonce":"N"}"#), false),
            (token(r#"{"nonce":["n"]}"#), false),
            (token("{}"), false),
            (token("n"), false),
            ("n".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(has_nonce(&token, "n"), is_it, "{token}");
        }
    }
}
