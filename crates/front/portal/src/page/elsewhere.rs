//! Signing in at another issuer: there, and back.

use crate::ask::ROOT;
use crate::call::href;
use crate::fault::sentence;
use crate::journey::{Departure, Journey, Return, has_nonce};
use crate::limits::ISSUER_WORDS_CHARS_MAX;
use crate::page::account::{Guest, refuse, there, welcome};
use crate::reply::{Body, JOURNEY, see_other, set_journey};
use crate::session::Login;
use http::{Response, StatusCode};
use roadstead_service::{Api, Management, Proof, ServiceError, Tokens, log_in};

/// Leads to an issuer. A link and no form: `form-action` of Chromium looks at all the addresses that a form's answer leads to, and
/// which others an issuer sends people to nobody knows here. It changes nothing but what this browser is on its way to.
pub(crate) async fn depart(guest: &Guest<'_>, name: &str) -> Response<Body> {
    let ask = guest.ask;
    // Another site's link would begin what nobody wanted; on the page it leads to, who wants it presses the button.
    if ask.header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return see_other(&format!("{ROOT}/sign-in"));
    }
    let (portal, then) = (guest.portal, ask.argument("then"));
    if !portal.sign_ins.names().iter().any(|known| known == name) {
        return refuse(
            guest,
            StatusCode::NOT_FOUND,
            "There is no such issuer here. Those there are have a button.",
            then,
        );
    }
    let (redirect_uri, now) = (redirect_uri(guest, name), portal.clock.now());
    let (then, home) = (there(then), format!("{ROOT}/"));
    let ticket = portal.journeys.begin(name, (&then, &home), &*portal.random, now);
    let departure = Departure {
        redirect_uri: &redirect_uri,
        state: &ticket.state,
        nonce: &ticket.nonce,
        challenge: &ticket.challenge,
    };
    match portal.sign_ins.depart(name, &departure).await {
        Ok(url) => {
            let mut response = see_other(&url);
            set_journey(&mut response, &ticket.state, &ticket.sealed);
            for state in portal.journeys.surplus(ask.cookies(JOURNEY), now) {
                set_journey(&mut response, state, "");
            }
            response
        }
        Err(cause) => {
            let text = format!("{name} cannot be reached: {cause}. Try again in a minute; the server's log has more.");
            refuse(guest, StatusCode::BAD_GATEWAY, &text, &then)
        }
    }
}

/// Each issuer leads back to a place of its own: a code that it gave cannot end another's sign-in. Source: RFC 9700, 4.4.2.2
fn redirect_uri(guest: &Guest<'_>, name: &str) -> String {
    format!("{}{}", guest.base_url, href(&["back", name]))
}

/// Takes back who comes from an issuer. What this browser kept for it is gone thereby, whatever comes of it.
pub(crate) async fn come_back(guest: &Guest<'_>, issuer: &str) -> Response<Body> {
    let state = guest.ask.argument("state");
    let kept = guest.ask.cookies(JOURNEY).find(|(known, _)| *known == state);
    let journey = kept.and_then(|(_, sealed)| guest.portal.journeys.open(state, sealed, guest.portal.clock.now()));
    let mut response = answer(guest, issuer, journey).await;
    if kept.is_some() {
        set_journey(&mut response, state, "");
    }
    response
}

async fn answer(guest: &Guest<'_>, issuer: &str, journey: Option<Journey>) -> Response<Body> {
    let (ask, portal) = (guest.ask, guest.portal);
    let Some(journey) = journey.filter(|journey| journey.name == issuer) else {
        let text = "This answer of an issuer belongs to no sign-in that this browser began within the last 10 minutes, or was used \
                    already. Begin again.";
        return refuse(guest, StatusCode::FORBIDDEN, text, "");
    };
    let (name, then) = (&journey.name, journey.then.as_str());
    let (error, code) = (ask.argument("error"), ask.argument("code"));
    if !error.is_empty() || code.is_empty() {
        let words = plain(&format!("{error} {}", ask.argument("error_description")));
        let words = if words.is_empty() { "it gave no code" } else { &words };
        let text = format!("{name} did not sign you in: {words}. Begin again, or ask who runs {name}.");
        return refuse(guest, StatusCode::FORBIDDEN, &text, then);
    }
    let back = Return {
        code,
        redirect_uri: &redirect_uri(guest, name),
        verifier: journey.verifier.expose(),
        issuer: Some(ask.argument("iss")).filter(|issuer| !issuer.is_empty()),
    };
    let id_token = match portal.sign_ins.redeem(name, &back).await {
        Ok(token) => token,
        Err(cause) => {
            let text = format!("{name} did not confirm who you are: {cause}. Begin again; the server's log has more.");
            return refuse(guest, StatusCode::BAD_GATEWAY, &text, then);
        }
    };
    if !has_nonce(id_token.expose(), &journey.nonce) {
        let text = format!("What {name} answered belongs to another sign-in (nonce). Begin again.");
        return refuse(guest, StatusCode::FORBIDDEN, &text, then);
    }
    match log_in(guest.transport, guest.base_url, Proof::IdToken(&id_token), Api::Management).await {
        Ok(Tokens { access, refresh: Some(refresh), .. }) => {
            let management = Management::with_token(guest.transport.clone(), guest.base_url, access);
            welcome(guest, management, Login::Refresh(refresh), then).await
        }
        Ok(_) => refuse(guest, StatusCode::BAD_GATEWAY, "The server gave no token that lasts.", then),
        Err(ServiceError::SignIn { refusal, .. }) => {
            let text = format!("{name} confirmed who you are, but: {}", sentence(&refusal.message));
            refuse(guest, StatusCode::FORBIDDEN, &text, then)
        }
        Err(error) => refuse(guest, StatusCode::BAD_GATEWAY, &sentence(&error.to_string()), then),
    }
}

/// An issuer's words, short and in one line.
fn plain(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ISSUER_WORDS_CHARS_MAX).collect();
    text.trim().trim_end_matches('.').to_owned()
}
