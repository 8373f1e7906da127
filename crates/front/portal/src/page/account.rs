//! Coming and going: signing in by password or link, the sessions there are, signing out.

use crate::ask::{Ask, ROOT};
use crate::call::{Call, Frame, href, text};
use crate::fault::{Fault, sentence};
use crate::moment::Moment;
use crate::portal::Portal;
use crate::reply::{self, Body, see_other, set_cookie};
use crate::session::{Login, Visitor};
use askama::Template;
use http::{Method, Response, StatusCode};
use roadstead_service::{Api, Management, Proof, ServiceError, Tokens, Transport, log_in};
use roadstead_wire::percent;
use serde_json::Value;
use std::net::SocketAddr;
use zeroize::Zeroizing;

/// Somebody who is not signed in.
pub(crate) struct Guest<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) ask: &'a Ask,
    pub(crate) transport: &'a Transport,
    pub(crate) base_url: &'a str,
    pub(crate) address: SocketAddr,
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    frame: Frame,
    fault: Option<String>,
    name: String,
    then: String,
    elsewhere: Vec<Elsewhere>,
}

/// Another issuer where one may sign in.
struct Elsewhere {
    name: String,
    href: String,
}

pub(crate) fn show_sign_in(guest: &Guest<'_>, is_signed_in: bool) -> Response<Body> {
    if is_signed_in {
        return see_other(&there(guest.ask.argument("then")));
    }
    let fault = (guest.ask.argument("undone") == "1").then(|| UNDONE.to_owned());
    sign_in_page(guest, StatusCode::OK, fault, guest.ask.argument("then"))
}

const UNDONE: &str = "You were signed out, so what you sent was not done. Sign in, and send it again.";

/// Where one signs in and is led to a page of ours. `is_lost`: by a form that came too late, which is said there.
pub(crate) fn sign_in_href(then: &str, is_lost: bool) -> String {
    let undone = if is_lost { "&undone=1" } else { "" };
    format!("{ROOT}/sign-in?then={}{undone}", percent::encode(then))
}

fn sign_in_page(guest: &Guest<'_>, status: StatusCode, fault: Option<String>, then: &str) -> Response<Body> {
    let (name, then) = (guest.ask.field("username").to_owned(), then.to_owned());
    let link = |name: String| {
        let query = if then.is_empty() { String::new() } else { format!("?then={}", percent::encode(&then)) };
        Elsewhere { href: href(&["out", &name]) + &query, name }
    };
    let elsewhere = guest.portal.sign_ins.names().into_iter().map(link).collect();
    let frame = guest.portal.bare_frame("Sign in", "", Vec::new());
    reply::page(status, &SignIn { frame, fault, name, then, elsewhere })
}

/// The page to sign in on, which says why that did not work. `then`: where it was wanted.
pub(crate) fn refuse(guest: &Guest<'_>, status: StatusCode, text: &str, then: &str) -> Response<Body> {
    sign_in_page(guest, status, Some(text.to_owned()), then)
}

/// The same for somebody who was signed in and is not any more. `words`: of the server, why.
pub(crate) fn sign_in_again(guest: &Guest<'_>, words: &str) -> Response<Body> {
    let (then, undone) = match guest.ask.method {
        Method::POST => ("", " What you sent was not done."),
        _ => (guest.ask.url.as_str(), ""),
    };
    let fault = format!("You are not signed in any more: {}{undone}", sentence(words));
    let mut response = sign_in_page(guest, StatusCode::UNAUTHORIZED, Some(fault), then);
    set_cookie(&mut response, "");
    response
}

/// Where to go after signing in: pages of ours only.
pub(crate) fn there(then: &str) -> String {
    let comes_and_goes = ["/portal/in/", "/portal/out/", "/portal/back/"].iter().any(|begin| then.starts_with(begin));
    let is_ours = then.starts_with("/portal/") && !then.contains(['\\', '\r', '\n']) && !comes_and_goes;
    if is_ours { then.to_owned() } else { format!("{ROOT}/") }
}

pub(crate) async fn sign_in(guest: &Guest<'_>) -> Response<Body> {
    let ask = guest.ask;
    let then = ask.field("then");
    // There is no session yet that a token could be of: that it comes from here is what keeps other sites from signing
    // somebody in as somebody else.
    if !ask.is_from_here() {
        return sign_in_page(guest, StatusCode::FORBIDDEN, Some(Fault::Forged.text()), then);
    }
    let (name, password) = (ask.field("username").trim(), Zeroizing::new(ask.field("password").to_owned()));
    if name.is_empty() || password.is_empty() {
        let text = "Type a user name and its password.".to_owned();
        return sign_in_page(guest, StatusCode::BAD_REQUEST, Some(text), then);
    }
    let proof = Proof::Password { name, password: &password };
    match log_in(guest.transport, guest.base_url, proof, Api::Management).await {
        Ok(Tokens { access, refresh: Some(refresh), .. }) => {
            welcome(
                guest,
                Management::with_token(guest.transport.clone(), guest.base_url, access),
                Login::Refresh(refresh),
                &there(then),
            )
            .await
        }
        Ok(_) => {
            sign_in_page(guest, StatusCode::BAD_GATEWAY, Some("The server gave no token that lasts.".to_owned()), then)
        }
        Err(ServiceError::SignIn { refusal, .. }) => {
            sign_in_page(guest, StatusCode::FORBIDDEN, Some(sentence(&refusal.message)), then)
        }
        Err(error) => sign_in_page(guest, StatusCode::BAD_GATEWAY, Some(sentence(&error.to_string())), then),
    }
}

/// Signs in by a link that `dev` printed.
pub(crate) async fn enter(guest: &Guest<'_>, code: &str) -> Response<Body> {
    let taken = guest.portal.links.lock().take(code, guest.portal.clock.now());
    let Some(credentials) = taken else {
        let text = "This link was used already, or is too old. `roadstead dev` prints a new one at each start.";
        return sign_in_page(guest, StatusCode::FORBIDDEN, Some(text.to_owned()), "");
    };
    match log_in(guest.transport, guest.base_url, Proof::Secret(&credentials), Api::Management).await {
        Ok(given) => {
            let management = Management::with_token(guest.transport.clone(), guest.base_url, given.access);
            welcome(guest, management, Login::Secret(credentials), &format!("{ROOT}/")).await
        }
        Err(error) => sign_in_page(guest, StatusCode::FORBIDDEN, Some(sentence(&error.to_string())), ""),
    }
}

pub(crate) async fn welcome(guest: &Guest<'_>, management: Management, login: Login, then: &str) -> Response<Body> {
    let me: Value = match management.show_me().await {
        Ok(me) => me,
        Err(error) => return sign_in_page(guest, StatusCode::BAD_GATEWAY, Some(sentence(&error.to_string())), then),
    };
    let name = match text(&me, "/userPrincipalName") {
        "" => text(&me, "/displayName"),
        name => name,
    };
    let visitor = Visitor {
        id: text(&me, "/id").to_owned(),
        name: name.to_owned(),
        address: guest.address.ip().to_canonical(),
        agent: guest.ask.header("user-agent").unwrap_or_default().to_owned(),
    };
    let (portal, now) = (guest.portal, guest.portal.clock.now());
    let (cookie, session) = portal.sessions.lock().open(visitor, login, &*portal.random, now);
    tracing::info!(name = session.visitor.name, address = %session.visitor.address, "signed in to the portal");
    let mut response = see_other(then);
    set_cookie(&mut response, &cookie);
    response
}

struct Row {
    number: u64,
    is_this: bool,
    address: String,
    agent: String,
    since: Option<Moment>,
    seen: Option<Moment>,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    frame: Frame,
    rows: Vec<Row>,
}

pub(crate) fn show_sessions(call: &Call<'_>) -> Response<Body> {
    let sessions = call.portal.sessions.lock().of_user(&call.session.visitor.id);
    let row = |session: &std::sync::Arc<crate::session::Session>| Row {
        number: session.number,
        is_this: session.number == call.session.number,
        address: session.visitor.address.to_string(),
        agent: browser(&session.visitor.agent),
        since: Moment::parse(&session.since.iso()),
        seen: Moment::parse(&session.seen().iso()),
    };
    let page = SessionsPage { frame: call.frame("Sessions", "", Vec::new()), rows: sessions.iter().map(row).collect() };
    reply::page(StatusCode::OK, &page)
}

/// What a browser calls itself, short where it is one that everybody knows.
fn browser(agent: &str) -> String {
    let known =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let systems =
        [("Android", "Android"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")];
    let find =
        |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&known), find(&systems)) {
        (Some(name), Some(system)) => format!("{name}, {system}"),
        _ if agent.is_empty() => "unknown".to_owned(),
        _ => agent.to_owned(),
    }
}

pub(crate) fn end_session(call: &Call<'_>, number: &str) -> Result<Response<Body>, Fault> {
    let number = number.parse().map_err(|_| Fault::invalid("There is no such session."))?;
    if number == call.session.number {
        return Ok(sign_out(call));
    }
    call.portal.sessions.lock().end(&call.session.visitor.id, number);
    Ok(call.done(&format!("{ROOT}/sessions"), "That session is ended."))
}

pub(crate) fn sign_out(call: &Call<'_>) -> Response<Body> {
    call.portal.end(&call.session);
    let mut response = see_other(&format!("{ROOT}/sign-in"));
    set_cookie(&mut response, "");
    response
}

/// Ends all sessions, and all tokens where they can be ended: those of the installation's first service principal end with
/// its secret only.
pub(crate) async fn sign_out_everywhere(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = if call.session.is_user { Some(call.management().await) } else { None };
    // Sessions end whatever becomes of the tokens.
    call.portal.sessions.lock().end_all(&call.session.visitor.id);
    let signed_out = match management {
        Some(Ok(management)) => management.sign_me_out().await.map_err(Fault::from),
        Some(Err(fault)) => Err(fault),
        None => Ok(()),
    };
    match signed_out {
        // The page of a form is not shown to who is signed out.
        Err(fault) if !matches!(fault, Fault::SignedOut) => {
            let mut response = super::fault::show(call, &fault);
            set_cookie(&mut response, "");
            Ok(response)
        }
        _ => Ok(sign_out(call)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_after_signing_in() {
        for (then, leads) in [
            ("/portal/hubs/g/h", "/portal/hubs/g/h"),
            ("", "/portal/"),
            ("//evil.example/portal/", "/portal/"),
            ("https://evil.example/", "/portal/"),
            ("/portal/\\evil", "/portal/"),
            ("/portalx", "/portal/"),
            ("/portal/\r\nset-cookie: a", "/portal/"),
            ("/portal/in/code", "/portal/"),
            ("/portal/out/Plant", "/portal/"),
            ("/portal/back/Plant?code=c&state=s", "/portal/"),
        ] {
            assert_eq!(there(then), leads, "{then}");
        }
    }

    #[test]
    fn browsers_have_names() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        assert_eq!(
            (browser(agent).as_str(), browser("curl/8").as_str(), browser("").as_str()),
            ("Chrome, Linux", "curl/8", "unknown")
        );
    }
}
