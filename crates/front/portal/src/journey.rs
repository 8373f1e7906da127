//! People on their way to another issuer and back.
//!
//! The portal sends them off with a state, a nonce and the digest of a verifier, and takes them back in the same browser, once,
//! within ten minutes. Where to, and what the code is worth that they bring, it asks [`SignIns`]: it speaks to no issuer itself.

use crate::limits::{JOURNEY_LIFETIME_MS, JOURNEYS_MAX, JOURNEYS_OF_ADDRESS_MAX};
use crate::session::{Digest, digest_of, fresh};
use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::{Random, Secret, UnixMillis};
use std::net::IpAddr;
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
pub(crate) struct Journey {
    /// Of the issuer.
    pub(crate) name: String,
    pub(crate) nonce: String,
    pub(crate) verifier: Zeroizing<String>,
    pub(crate) redirect_uri: String,
    /// Where to go afterwards.
    pub(crate) then: String,
    state: Digest,
    browser: Digest,
    network: IpAddr,
    since: UnixMillis,
}

/// What a new journey takes along.
pub(crate) struct Ticket {
    pub(crate) state: Zeroizing<String>,
    pub(crate) nonce: String,
    pub(crate) challenge: String,
    /// What the cookie holds.
    pub(crate) browser: Zeroizing<String>,
}

/// All of them, the oldest first.
#[derive(Default)]
pub(crate) struct Journeys(Vec<Journey>);

impl Journeys {
    /// `cookie`: what the browser has of another journey that is not over, so that several of its tabs may be under way.
    pub(crate) fn begin(
        &mut self,
        (name, then, redirect_uri): (&str, &str, &str),
        (cookie, address): (Option<&str>, IpAddr),
        random: &dyn Random,
        now: UnixMillis,
    ) -> Ticket {
        self.0.retain(|journey| !journey.is_over(now));
        let network = network(address);
        let of_network = |journey: &Journey| journey.network == network;
        if self.0.iter().filter(|journey| of_network(journey)).count() >= JOURNEYS_OF_ADDRESS_MAX
            && let Some(first) = self.0.iter().position(of_network)
        {
            self.0.remove(first);
        }
        if self.0.len() >= JOURNEYS_MAX {
            self.0.remove(0);
        }
        let known = cookie.filter(|cookie| self.0.iter().any(|journey| journey.browser == digest_of(cookie)));
        let browser = known.map_or_else(|| fresh(random), |cookie| Zeroizing::new(cookie.to_owned()));
        let (state, nonce, verifier) = (fresh(random), fresh(random).to_string(), fresh(random));
        let challenge = URL_SAFE_NO_PAD.encode(digest_of(&verifier));
        self.0.push(Journey {
            name: name.to_owned(),
            nonce: nonce.clone(),
            verifier,
            redirect_uri: redirect_uri.to_owned(),
            then: then.to_owned(),
            state: digest_of(&state),
            browser: digest_of(&browser),
            network,
            since: now,
        });
        Ticket { state, nonce, challenge, browser }
    }

    /// The journey of a state, which is over thereby; `None` also where another browser began it.
    pub(crate) fn end(&mut self, state: &str, cookie: &str, now: UnixMillis) -> Option<Journey> {
        self.0.retain(|journey| !journey.is_over(now));
        let state = digest_of(state);
        let at = self.0.iter().position(|journey| journey.state == state)?;
        let journey = self.0.remove(at);
        verify_slices_are_equal(&journey.browser, &digest_of(cookie)).is_ok().then_some(journey)
    }
}

impl Journey {
    fn is_over(&self, now: UnixMillis) -> bool {
        now.0.saturating_sub(self.since.0) >= JOURNEY_LIFETIME_MS
    }
}

/// What stands for an address: who has one IPv6 address has its whole network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
        address @ IpAddr::V4(_) => address,
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
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Numbered(AtomicU64);

    impl Random for Numbered {
        fn fill(&self, bytes: &mut [u8]) {
            bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        }
    }

    const START: UnixMillis = UnixMillis(1_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const TO: (&str, &str, &str) = ("Plant", "/portal/audit", "https://h/portal/back/Plant");

    #[test]
    fn who_left_comes_back_once_in_the_same_browser_and_soon() {
        let (mut journeys, random) = (Journeys::default(), Numbered::default());
        let begin = |journeys: &mut Journeys, cookie: Option<&str>| journeys.begin(TO, (cookie, HOME), &random, START);
        let ticket = begin(&mut journeys, None);
        assert_eq!(ticket.challenge, URL_SAFE_NO_PAD.encode(digest_of(&journeys.0[0].verifier)));
        assert!(journeys.end("x", &ticket.browser, START).is_none());
        let journey = journeys.end(&ticket.state, &ticket.browser, START).unwrap();
        assert_eq!((journey.name.as_str(), journey.then.as_str(), &journey.nonce), ("Plant", TO.1, &ticket.nonce));
        assert!(journeys.end(&ticket.state, &ticket.browser, START).is_none(), "once");

        let ticket = begin(&mut journeys, None);
        let second = begin(&mut journeys, Some(&ticket.browser));
        assert_eq!(second.browser, ticket.browser, "two tabs");
        assert_ne!(begin(&mut journeys, Some("made-up")).browser.as_str(), "made-up");
        assert!(journeys.end(&ticket.state, "another", START).is_none());
        assert!(journeys.end(&ticket.state, &ticket.browser, START).is_none(), "who was guessed is over, too");
        let late = START.plus_ms(JOURNEY_LIFETIME_MS);
        assert!(journeys.end(&second.state, &second.browser, late).is_none() && journeys.0.is_empty());
    }

    #[test]
    fn there_are_never_more_than_may_be() {
        let (mut journeys, random) = (Journeys::default(), Numbered::default());
        let neighbour = journeys.begin(TO, (None, [198, 51, 100, 1].into()), &random, START);
        for _ in 0..=JOURNEYS_OF_ADDRESS_MAX {
            journeys.begin(TO, (None, HOME), &random, START);
        }
        assert_eq!(journeys.0.len(), JOURNEYS_OF_ADDRESS_MAX + 1);
        assert!(journeys.end(&neighbour.state, &neighbour.browser, START).is_some(), "of another address");
        for n in 0..JOURNEYS_MAX {
            let n = u16::try_from(n).unwrap();
            journeys.begin(TO, (None, [0x2001, 0xdb8, 0, n, 0, 0, 0, n].into()), &random, START);
        }
        assert_eq!(journeys.0.len(), JOURNEYS_MAX);
    }

    #[test]
    fn one_network_is_one_address() {
        let ip = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(
            [ip("192.0.2.7"), ip("::ffff:192.0.2.7"), ip("2001:db8:1:2:3:4:5:6")],
            ["192.0.2.7", "192.0.2.7", "2001:db8:1:2::"]
        );
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
