//! Signing in at another issuer: there, and back.

use crate::ask::ROOT;
use crate::call::href;
use crate::journey::{Departure, Return, has_nonce};
use crate::limits::ISSUER_WORDS_CHARS_MAX;
use crate::page::account::{Guest, refuse, sentence, there, welcome};
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
    let portal = guest.portal;
    if !portal.sign_ins.names().iter().any(|known| known == name) {
        return refuse(guest, StatusCode::NOT_FOUND, "There is no such issuer here. Those there are have a button.");
    }
    // Each issuer leads back to a place of its own: a code that it gave cannot end another's sign-in. Source: RFC 9700, 4.4.2.2
    let redirect_uri = format!("{}{}", guest.base_url, href(&["back", name]));
    let to = (name, there(ask.argument("then")), redirect_uri.as_str());
    let from = (ask.cookie(JOURNEY), guest.address.ip());
    let ticket = portal.journeys.lock().begin((to.0, &to.1, to.2), from, &*portal.random, portal.clock.now());
    let departure = Departure {
        redirect_uri: &redirect_uri,
        state: &ticket.state,
        nonce: &ticket.nonce,
        challenge: &ticket.challenge,
    };
    match portal.sign_ins.depart(name, &departure).await {
        Ok(url) => {
            let mut response = see_other(&url);
            set_journey(&mut response, &ticket.browser);
            response
        }
        Err(cause) => {
            let text = format!("{name} cannot be reached: {cause}. Try again in a minute; the server's log has more.");
            refuse(guest, StatusCode::BAD_GATEWAY, &text)
        }
    }
}

/// Takes back who comes from an issuer.
pub(crate) async fn come_back(guest: &Guest<'_>, issuer: &str) -> Response<Body> {
    let mut response = answer(guest, issuer).await;
    set_journey(&mut response, "");
    response
}

async fn answer(guest: &Guest<'_>, issuer: &str) -> Response<Body> {
    let (ask, portal) = (guest.ask, guest.portal);
    let cookie = ask.cookie(JOURNEY).unwrap_or_default();
    let journey = portal.journeys.lock().end(ask.argument("state"), cookie, portal.clock.now());
    let Some(journey) = journey.filter(|journey| journey.name == issuer) else {
        let text = "This answer of an issuer belongs to no sign-in that this browser began within the last 10 minutes, or was used \
                    already. Begin again.";
        return refuse(guest, StatusCode::FORBIDDEN, text);
    };
    let name = &journey.name;
    let (error, code) = (ask.argument("error"), ask.argument("code"));
    if !error.is_empty() || code.is_empty() {
        let words = plain(&format!("{error} {}", ask.argument("error_description")));
        let words = if words.is_empty() { "it gave no code" } else { &words };
        let text = format!("{name} did not sign you in: {words}. Begin again, or ask who runs {name}.");
        return refuse(guest, StatusCode::FORBIDDEN, &text);
    }
    let back = Return {
        code,
        redirect_uri: &journey.redirect_uri,
        verifier: &journey.verifier,
        issuer: Some(ask.argument("iss")).filter(|issuer| !issuer.is_empty()),
    };
    let id_token = match portal.sign_ins.redeem(name, &back).await {
        Ok(token) => token,
        Err(cause) => {
            let text = format!("{name} did not confirm who you are: {cause}. Begin again; the server's log has more.");
            return refuse(guest, StatusCode::BAD_GATEWAY, &text);
        }
    };
    if !has_nonce(id_token.expose(), &journey.nonce) {
        let text = format!("What {name} answered belongs to another sign-in (nonce). Begin again.");
        return refuse(guest, StatusCode::FORBIDDEN, &text);
    }
    match log_in(guest.transport, guest.base_url, Proof::IdToken(&id_token), Api::Management).await {
        Ok(Tokens { access, refresh: Some(refresh), .. }) => {
            let management = Management::with_token(guest.transport.clone(), guest.base_url, access);
            welcome(guest, management, Login::Refresh(refresh), &journey.then).await
        }
        Ok(_) => refuse(guest, StatusCode::BAD_GATEWAY, "The server gave no token that lasts."),
        Err(ServiceError::SignIn { refusal, .. }) => {
            let text = format!("{name} confirmed who you are, but: {}", sentence(&refusal.message));
            refuse(guest, StatusCode::FORBIDDEN, &text)
        }
        Err(error) => refuse(guest, StatusCode::BAD_GATEWAY, &sentence(&error.to_string())),
    }
}

/// An issuer's words, short and in one line.
fn plain(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ISSUER_WORDS_CHARS_MAX).collect();
    text.trim().trim_end_matches('.').to_owned()
}
