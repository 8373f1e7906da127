//! Which page a request is for, and who asks for it.

use crate::ask::{self, Ask, ROOT};
use crate::asset::Assets;
use crate::call::{Call, Frame};
use crate::fault::Fault;
use crate::journey::{Journeys, SignIns};
use crate::link::Links;
use crate::page::{
    self, account, audit, calendar, certificates, connect, create, device, devices, dps, elsewhere, enrollments,
    event_log, events, hub, live, overview, policies, refusals, registration, settings, timeline, twin, twin_history,
    uploads,
};
use crate::reply::{self, Body, COOKIE, see_other};
use crate::session::{Note, Session, Sessions};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use roadstead_model::{Clock, Random};
use roadstead_service::{Credentials, Kind, Transport};
use std::net::SocketAddr;
use std::sync::Arc;

/// The way to the server's APIs.
pub trait Door: Send + Sync {
    /// As somebody at this address: what the audit log says and attempts to sign in are counted by.
    fn transport(&self, from: SocketAddr) -> Transport;
}

/// The pages.
pub struct Portal {
    door: Arc<dyn Door>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) links: Mutex<Links>,
    pub(crate) sign_ins: Arc<dyn SignIns>,
    pub(crate) journeys: Journeys,
    assets: Assets,
}

impl Portal {
    /// Nobody is signed in.
    pub fn new(
        door: Arc<dyn Door>,
        sign_ins: Arc<dyn SignIns>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (sessions, links) = (Mutex::default(), Mutex::default());
        let journeys = Journeys::new(&*random);
        Self { door, clock, random, sessions, links, sign_ins, journeys, assets: Assets::new() }
    }

    /// Whether a request is for a page: below `/portal`, or a browser's for `/`.
    pub fn claims(method: &Method, path: &str, headers: &HeaderMap) -> bool {
        ask::claims(method, path, headers)
    }

    /// The path of a link that signs in as this service principal, once and soon: `/portal/in/…`. It is a secret.
    pub fn invite(&self, credentials: Credentials) -> String {
        let code = self.links.lock().make(credentials, &*self.random, self.clock.now());
        format!("{ROOT}/in/{}", code.as_str())
    }

    /// Answers a request from `address` of which the body was read and bounded. `base_url` is how the browser reached the
    /// server, `https://localhost:8443`.
    pub async fn answer(&self, request: Request<Bytes>, base_url: &str, address: SocketAddr) -> Response<Body> {
        let ask = Ask::read(request).await;
        let mut response = Box::pin(self.route(&ask, base_url, address)).await;
        reply::protect(&mut response);
        if ask.method == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        response
    }

    async fn route(&self, ask: &Ask, base_url: &str, address: SocketAddr) -> Response<Body> {
        let words: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
        let is_post = ask.method == Method::POST;
        if !is_post && !matches!(ask.method, Method::GET | Method::HEAD) {
            return reply::text(
                StatusCode::METHOD_NOT_ALLOWED,
                "Pages are asked for with GET, forms sent with POST.\n",
            );
        }
        if !ask.url.starts_with(ROOT) {
            return see_other(&format!("{ROOT}/"));
        }
        let transport = self.door.transport(address);
        let found = ask.cookie(COOKIE).and_then(|cookie| self.session_of(cookie, ask));
        let guest = account::Guest { portal: self, ask, transport: &transport, base_url, address };
        match (is_post, words.as_slice()) {
            (false, ["assets", name]) => {
                return match self.assets.find(name) {
                    Some(asset) => reply::asset(asset.content_type.clone(), asset.bytes),
                    None => reply::text(StatusCode::NOT_FOUND, "There is no such file.\n"),
                };
            }
            (false, ["in", code]) if ask.method == Method::GET => return account::enter(&guest, code).await,
            (false, ["out", name]) if ask.method == Method::GET => return elsewhere::depart(&guest, name).await,
            (false, ["back", name]) if ask.method == Method::GET => return elsewhere::come_back(&guest, name).await,
            (false, ["sign-in"]) => return account::show_sign_in(&guest, found.is_some()),
            (true, ["sign-in"]) => return account::sign_in(&guest).await,
            _ => {}
        }
        let Some(session) = found else { return Self::ask_to_sign_in(ask) };
        let call = Call { portal: self, ask, session, transport: transport.clone(), base_url };
        let answered = if is_post && !(ask.is_from_here() && ask.has_token(&call.session.csrf)) {
            Err(Fault::Forged)
        } else {
            self.run(&call, is_post, &words).await
        };
        match answered {
            Ok(response) => response,
            Err(Fault::SignedOut) => {
                self.end(&call.session);
                match call.session.refusal.get() {
                    Some(words) if !wants_stream(ask) => account::sign_in_again(&guest, words),
                    _ => Self::ask_to_sign_in(ask),
                }
            }
            // What was asked for by a button is answered on the page that has it.
            Err(fault) if is_post && !matches!(fault, Fault::Forged) && back(ask).is_some() => {
                let text = fault.sentences();
                call.session.leave_note(Note { text, is_fault: true });
                see_other(&back(ask).unwrap_or_default())
            }
            Err(fault) => page::fault::show(&call, &fault),
        }
    }

    async fn run(&self, call: &Call<'_>, is_post: bool, words: &[&str]) -> Result<Response<Body>, Fault> {
        let absent = || Fault::Absent { what: "page", name: call.ask.url.clone() };
        match (is_post, words) {
            (false, []) => overview::show(call).await,
            (false, ["audit"]) => audit::show(call).await,
            (false, ["certificates"]) => calendar::show(call).await,
            (false, ["connect"]) => connect::show(call).await,
            (true, ["connect"]) => connect::create(call).await,
            (false, ["create"]) => create::show(call).await,
            (true, ["create"]) => create::act(call).await,
            (false, ["sessions"]) => Ok(account::show_sessions(call)),
            (true, ["sessions", number]) => account::end_session(call, number),
            (true, ["sign-out"]) => Ok(account::sign_out(call)),
            (true, ["sign-out-everywhere"]) => account::sign_out_everywhere(call).await,
            (_, ["hubs", group, name, rest @ ..]) => {
                let at = call.at(Kind::Hub, group, name).await?;
                match (is_post, rest) {
                    (false, []) => hub::show(call, &at).await,
                    (true, []) => hub::act(call, &at).await,
                    (false, ["devices"]) => devices::show(call, &at).await,
                    (true, ["devices"]) => devices::create(call, &at).await,
                    (false, ["devices", id]) => device::show(call, &at, id, device::Shown::default()).await,
                    (false, ["devices", id, "live"]) => live::follow(call, &at, Some(id)).await,
                    (false, ["devices", id, "timeline"]) => timeline::of_device(call, &at, id, None).await,
                    (false, ["devices", id, "modules", module, "timeline"]) => {
                        timeline::of_device(call, &at, id, Some(module)).await
                    }
                    (false, ["refusals"]) => refusals::show(call, &at).await,
                    (false, ["settings"]) => settings::show(call, &at).await,
                    (true, ["settings"]) => settings::act(call, &at).await,
                    (false, ["live"]) => live::follow(call, &at, None).await,
                    (false, ["events"]) => events::show(call, &at),
                    (false, ["events", "log"]) => event_log::show(call, &at).await,
                    (false, ["devices", id, "twin", "history"]) => twin_history::show(call, &at, id).await,
                    (false, ["devices", id, "twin"]) => twin::edit(call, &at, id).await,
                    (true, ["devices", id, "twin"]) => twin::change(call, &at, id).await,
                    (false, ["devices", id, "uploads"]) => uploads::show(call, &at, id).await,
                    (true, ["devices", id, "uploads"]) => uploads::act(call, &at, id).await,
                    (false, ["devices", id, "uploads", name]) => uploads::fetch(call, &at, id, name).await,
                    (true, ["devices", id]) => device::act(call, &at, id).await,
                    (_, ["certificates", rest @ ..]) => certificates::route(call, &at, is_post, rest).await,
                    (false, ["policies"]) => Ok(policies::show(call, &at)),
                    (true, ["policies"]) => policies::act(call, &at).await,
                    _ => Err(absent()),
                }
            }
            (_, ["dps", group, name, rest @ ..]) => {
                let at = call.at(Kind::Dps, group, name).await?;
                match (is_post, rest) {
                    (false, []) => dps::show(call, &at).await,
                    (true, []) => dps::act(call, &at).await,
                    (_, ["certificates", rest @ ..]) => certificates::route(call, &at, is_post, rest).await,
                    (false, ["policies"]) => Ok(policies::show(call, &at)),
                    (true, ["policies"]) => policies::act(call, &at).await,
                    (false, ["refusals"]) => refusals::show(call, &at).await,
                    (false, ["registrations", id]) => registration::show(call, &at, id).await,
                    (true, ["registrations", id]) => registration::act(call, &at, id).await,
                    (false, ["connect", id]) => connect::follow(call, &at, id).await,
                    (true, ["connect", id]) => connect::issue(call, &at, id).await,
                    (_, ["enrollments" | "groups", ..]) => enrollments::route(call, &at, is_post, rest).await,
                    _ => Err(absent()),
                }
            }
            _ => Err(absent()),
        }
    }

    fn session_of(&self, cookie: &str, ask: &Ask) -> Option<Arc<Session>> {
        let (mut sessions, now) = (self.sessions.lock(), self.clock.now());
        if ask.is_by_itself() { sessions.look_up(cookie, now) } else { sessions.find(cookie, now) }
    }

    pub(crate) fn end(&self, session: &Session) {
        self.sessions.lock().end(&session.visitor.id, session.number);
    }

    fn ask_to_sign_in(ask: &Ask) -> Response<Body> {
        // A stream cannot sign in.
        if wants_stream(ask) {
            return reply::text(StatusCode::UNAUTHORIZED, "You are not signed in any more.\n");
        }
        if ask.method != Method::POST {
            return see_other(&account::sign_in_href(&ask.url, false));
        }
        // Who wanted to go is gone. Anything else has to be said: what was typed is lost.
        let is_lost = !matches!(ask.segments.as_slice(), [word] if word == "sign-out");
        see_other(&account::sign_in_href(&back(ask).unwrap_or_default(), is_lost))
    }

    /// What is around a page that nobody is signed in on.
    pub(crate) fn bare_frame(&self, title: &str, section: &'static str, above: Vec<(String, String)>) -> Frame {
        let asset = |name: &str| format!("{ROOT}/assets/{name}");
        Frame {
            title: title.to_owned(),
            user: String::new(),
            csrf: String::new(),
            style: asset(&self.assets.style.name),
            script: asset(&self.assets.script.name),
            picture: asset(&self.assets.picture.name),
            note: None,
            section,
            above,
            tabs: Vec::new(),
        }
    }
}

fn wants_stream(ask: &Ask) -> bool {
    ask.header("accept").is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The page whose form was sent, if it says so.
fn back(ask: &Ask) -> Option<String> {
    let referrer = ask.header("referer")?;
    let host = ask.header("host")?;
    let path = referrer.strip_prefix("https://")?.strip_prefix(host)?;
    path.starts_with(ROOT).then(|| path.to_owned())
}
