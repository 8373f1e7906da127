//! To another issuer and back.

use crate::world::{Answer, HOSTILE, World};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use roadstead_front_portal::{Departure, Return, SignIns, limits};
use roadstead_model::Secret;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

const NAME: &str = "Plant & Co";

/// Two issuers, and what they were told.
#[derive(Default)]
pub struct Issuers {
    /// State, nonce, challenge, redirect URI.
    departed: Mutex<Vec<[String; 4]>>,
    /// Code, redirect URI, verifier, iss.
    redeemed: Mutex<Vec<[String; 4]>>,
    /// Instead of the right one.
    nonce: Mutex<Option<&'static str>>,
}

#[async_trait]
impl SignIns for Issuers {
    fn names(&self) -> Vec<String> {
        vec![NAME.to_owned(), HOSTILE.to_owned()]
    }

    async fn depart(&self, name: &str, departure: &Departure<'_>) -> Result<String, String> {
        if name != NAME {
            return Err(format!("it is down {HOSTILE}"));
        }
        let Departure { redirect_uri, state, nonce, challenge } = departure;
        self.departed.lock().push([state, nonce, challenge, redirect_uri].map(|text| (*text).to_owned()));
        Ok(format!("https://login.example/authorize?state={state}"))
    }

    async fn redeem(&self, _: &str, back: &Return<'_>) -> Result<Secret, String> {
        let Return { code, redirect_uri, verifier, issuer } = *back;
        self.redeemed.lock().push([code, redirect_uri, verifier, issuer.unwrap_or_default()].map(str::to_owned));
        if code != "good" {
            return Err(format!("invalid_grant: {HOSTILE}"));
        }
        let departed = self.departed.lock();
        let [_, nonce, ..] = departed.iter().find(|[.., challenge, _]| *challenge == digest(verifier)).unwrap();
        let nonce = self.nonce.lock().unwrap_or(nonce);
        Ok(Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({"nonce": nonce}).to_string()))))
    }
}

/// `S256` of PKCE.
fn digest(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

const OUT: &str = "/portal/out/Plant%20%26%20Co";
const COOKIE: &str = "__Host-roadstead-way-";
const BACK: &str = "/portal/back/Plant%20%26%20Co";

async fn depart(world: &World, cookie: &str, url: &str) -> Answer {
    world.send("GET", url, &[("cookie", cookie), ("sec-fetch-site", "same-origin")], "").await
}

async fn come_back(world: &World, cookie: &str, place: &str, query: &str) -> Answer {
    world.send("GET", &format!("{place}?{query}"), &[("cookie", cookie), ("sec-fetch-site", "cross-site")], "").await
}

/// A browser's cookies.
#[derive(Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn depart(&mut self, world: &World, url: &str) -> String {
        let departed = depart(world, &self.header(), url).await;
        self.keep(&departed);
        state(&departed).to_owned()
    }

    async fn come_back(&mut self, world: &World, state: &str) -> Answer {
        let back = come_back(world, &self.header(), BACK, &format!("code=good&state={state}")).await;
        self.keep(&back);
        back
    }

    fn journeys(&self) -> usize {
        self.0.keys().filter(|name| name.starts_with(COOKIE)).count()
    }
}

fn state(departed: &Answer) -> &str {
    departed.header("location").strip_prefix("https://login.example/authorize?state=").unwrap()
}

#[tokio::test]
async fn there_and_back_is_signed_in() {
    let world = World::new();
    let page = world.get("", "/portal/sign-in?then=/portal/audit").await.text;
    assert!(
        page.contains("href=\"/portal/out/Plant%20%26%20Co?then=%2Fportal%2Faudit\">Continue with Plant &#38; Co<"),
        "{page}"
    );
    let departed = depart(&world, "", &format!("{OUT}?then=%2Fportal%2Faudit")).await;
    assert_eq!(departed.status, 303, "{}", departed.text);
    let cookie = departed.header("set-cookie");
    assert!(cookie.starts_with(&format!("{COOKIE}{}=", state(&departed))), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
    let query = format!("code=good&state={}&iss=https%3A%2F%2Flogin.example", state(&departed));
    let back = come_back(&world, &departed.cookie(), BACK, &query).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, "/portal/audit"), "{}", back.text);
    let cookies: Vec<_> = back.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("__Host-roadstead=") && !cookies[0].contains("Max-Age"), "{cookies:?}");
    let gone = format!("{COOKIE}{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", state(&departed));
    assert_eq!(cookies[1], gone);
    assert_eq!(world.get(&back.cookie(), "/portal/").await.status, 200);

    let [sent, nonce, challenge, to] = world.issuers.departed.lock()[0].clone();
    let [code, redirect_uri, verifier, issuer] = world.issuers.redeemed.lock()[0].clone();
    assert_eq!((to, redirect_uri), (format!("https://h.localhost{BACK}"), format!("https://h.localhost{BACK}")));
    assert_eq!((code.as_str(), issuer.as_str()), ("good", "https://login.example"));
    assert_eq!(challenge, digest(&verifier), "PKCE, S256");
    let sealed = departed.cookie().split_once('=').unwrap().1.to_owned();
    let mut secrets = [sent, nonce, challenge, verifier, sealed];
    assert!(secrets.iter().all(|secret| secret.len() >= 43));
    secrets.sort();
    assert!(secrets.windows(2).all(|two| two[0] != two[1]), "each is another one");
    let asked = world.api.asked.lock();
    let (.., body) = asked.iter().find(|(_, path, ..)| path.ends_with("/token")).unwrap();
    assert!(body.contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"), "{body}");
    assert!(body.contains("subject_token=e30."), "{body}");
}

#[tokio::test]
async fn who_comes_back_otherwise_is_not() {
    for (what, query, words) in [
        ("another browser", "code=good&state=STATE", "belongs to no sign-in that this browser began"),
        ("another's journey under this state", "code=good&state=STATE", "belongs to no sign-in"),
        ("another issuer's place", "code=good&state=STATE", "belongs to no sign-in"),
        ("a made-up state", "code=good&state=x", "belongs to no sign-in"),
        ("none", "code=good", "belongs to no sign-in"),
        ("late", "code=good&state=STATE", "belongs to no sign-in"),
        ("a bad code", "code=bad&state=STATE", "did not confirm who you are: invalid_grant:"),
        (
            "refused",
            "error=access_denied&error_description=not+today.&state=STATE",
            "did not sign you in: access_denied not today. Begin",
        ),
        (
            "hostile",
            "error=%3Cscript%3Ealert(1)%3C/script%3E&state=STATE",
            "did not sign you in: &#60;script&#62;alert(1)",
        ),
        ("no code", "state=STATE", "it gave no code"),
        ("another nonce", "code=good&state=STATE", "belongs to another sign-in (nonce)"),
        (
            "a stranger",
            "code=good&state=STATE",
            "confirmed who you are, but: The issuer&#39;s user lena is no user here.",
        ),
    ] {
        let world = World::new();
        let departed = depart(&world, "", &format!("{OUT}?then=%2Fportal%2Fhubs%2Fg%2Fh")).await;
        let (mut jar, state) = (Jar::default(), state(&departed));
        jar.keep(&departed);
        let other = depart(&world, "", OUT).await.cookie();
        let cookie = match what {
            "another browser" => other,
            "another's journey under this state" => format!("{COOKIE}{state}={}", other.split_once('=').unwrap().1),
            _ => jar.header(),
        };
        match what {
            "late" => drop(world.clock.0.fetch_add(limits::JOURNEY_LIFETIME_MS, Ordering::Relaxed)),
            "another nonce" => *world.issuers.nonce.lock() = Some("other"),
            "a stranger" => world.api.answers.lock().push((
                "/token",
                400,
                json!({"error": "invalid_request", "error_description": "the issuer's user lena is no user here"}),
            )),
            _ => {}
        }
        let query = query.replace("STATE", state);
        let place = if what == "another issuer's place" { "/portal/back/Other" } else { BACK };
        let back = come_back(&world, &cookie, place, &query).await;
        assert!(back.status.as_u16() >= 400 && back.text.contains(words), "{what}: {} {}", back.status, back.text);
        assert!(!back.text.contains("<script>"), "{what}");
        let is_ours = !words.contains("belongs to no sign-in");
        assert_eq!(
            back.text.contains("name=\"then\" value=\"/portal/hubs/g/h\""),
            is_ours,
            "{what}: where it was wanted stays"
        );
        let mut given = back.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        assert!(given.all(|cookie| !cookie.starts_with("__Host-roadstead=")), "{what}: no session");
        jar.keep(&back);
        *world.issuers.nonce.lock() = None;
        world.api.answers.lock().clear();
        let again = jar.come_back(&world, state).await;
        let is_untouched = ["another browser", "a made-up state", "none"].contains(&what);
        assert_eq!(again.status.as_u16(), if is_untouched { 303 } else { 403 }, "{what}: a state is good for once");
    }
}

#[tokio::test]
async fn each_tab_of_a_browser_comes_back_once() {
    let (world, mut jar) = (World::new(), Jar::default());
    let there = ["/portal/", "/portal/audit", "/portal/sessions"];
    let mut states = Vec::new();
    for then in there {
        states.push(jar.depart(&world, &format!("{OUT}?then={then}")).await);
    }
    for at in [1, 0, 2] {
        let back = jar.come_back(&world, &states[at]).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, there[at]), "{}", back.text);
        assert_eq!(world.get(&jar.header(), "/portal/").await.status, 200);
        assert_eq!(jar.come_back(&world, &states[at]).await.status, 403, "once");
    }
    assert_eq!(jar.journeys(), 0);
}

#[tokio::test]
async fn a_browser_with_too_many_tabs_forgets_the_oldest() {
    let (world, mut jar) = (World::new(), Jar::default());
    let mut states = Vec::new();
    for _ in 0..limits::JOURNEYS_OF_BROWSER_MAX + 2 {
        states.push(jar.depart(&world, OUT).await);
        world.clock.0.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(jar.journeys(), limits::JOURNEYS_OF_BROWSER_MAX);
    for (at, state) in states.iter().enumerate() {
        let status = jar.come_back(&world, state).await.status.as_u16();
        assert_eq!(status, if at < 2 { 403 } else { 303 }, "{at}");
    }
}

#[tokio::test]
async fn nobody_pushes_out_who_is_under_way() {
    let (world, mut jar) = (World::new(), Jar::default());
    let state = jar.depart(&world, OUT).await;
    for _ in 0..2000 {
        depart(&world, "", OUT).await;
    }
    let back = jar.come_back(&world, &state).await;
    assert_eq!(back.status, 303, "all of one address: {}", back.text);
}

#[tokio::test]
async fn only_our_page_leads_there() {
    let world = World::new();
    for (site, location) in [
        ("same-origin", "https://login.example/authorize"),
        ("cross-site", "/portal/sign-in"),
        ("same-site", "/portal/sign-in"),
        ("none", "/portal/sign-in"),
    ] {
        let answer = world.send("GET", OUT, &[("sec-fetch-site", site)], "").await;
        assert!(answer.header("location").starts_with(location), "{site}: {}", answer.header("location"));
    }
    let absent = depart(&world, "", "/portal/out/x").await;
    assert_eq!((absent.status.as_u16(), absent.header("set-cookie")), (404, ""));
    let down = depart(&world, "", &format!("/portal/out/{}", roadstead_wire::percent::encode(HOSTILE))).await;
    assert!(
        down.status == 502 && down.text.contains("cannot be reached: it is down") && !down.text.contains("<script>")
    );
    for method in ["POST", "HEAD"] {
        let answer = world.send(method, OUT, &[("sec-fetch-site", "same-origin")], "").await;
        assert!(answer.header("set-cookie").is_empty(), "{method}");
    }
}
