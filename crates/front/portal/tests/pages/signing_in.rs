use crate::world::{World, read};
use roadstead_front_portal::limits;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_password_opens_a_session_and_leads_where_it_was_wanted() {
    let world = World::new();
    let refused = world.get("", "/portal/hubs/g/h?x=1").await;
    assert_eq!(refused.header("location"), "/portal/sign-in?then=%2Fportal%2Fhubs%2Fg%2Fh%3Fx%3D1");
    let page = world.get("", refused.header("location")).await;
    assert!(page.text.contains("name=\"then\" value=\"/portal/hubs/g/h?x=1\""), "{}", page.text);
    let form = "username=alice&password=right&then=/portal/hubs/g/h";
    let answer = world.post("", "/portal/sign-in", form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/portal/hubs/g/h"));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-roadstead=") && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(world.get(&answer.cookie(), "/portal/").await.status, 200);
    let asked = world.api.asked.lock();
    assert!(asked.iter().all(|(_, path, token, _)| path.ends_with("/token") || token == "Bearer access"));
}

/// A server that sees one twice ends the login.
#[tokio::test]
async fn no_refresh_token_is_shown_twice() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    for _ in 0..3 {
        for path in ["/portal/hubs/g/h/devices", "/portal/dps/g/d/enrollments"] {
            assert_eq!(world.get(&cookie, path).await.status, 200);
        }
        world.clock.0.fetch_add(limits::SESSION_IDLE_MS - 1, Ordering::Relaxed);
    }
    let asked = world.api.asked.lock();
    let token = |body: &str| body.split('&').find_map(|field| field.strip_prefix("refresh_token=")).map(str::to_owned);
    let shown: Vec<String> = asked.iter().filter_map(|(.., body)| token(body)).collect();
    let mut once = shown.clone();
    once.sort();
    once.dedup();
    assert!(shown.len() >= 6 && once.len() == shown.len(), "{shown:?}");
}

#[tokio::test]
async fn what_does_not_open_one() {
    let world = World::new();
    for (form, status, words) in [
        ("username=alice&password=wrong", 403, "Unknown user name, or wrong password."),
        ("username=&password=right", 400, "Type a user name and its password."),
        ("", 400, "Type a user name and its password."),
    ] {
        let answer = world.post("", "/portal/sign-in", form).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (status, ""), "{form}");
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let answer = world.send("POST", "/portal/sign-in", &form, "username=alice&password=right").await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "another site's form");
    for path in ["/portal/", "/portal/audit", "/portal/hubs/g/h/devices/x", "/portal/nonsense"] {
        assert_eq!(world.get("__Host-roadstead=AAAA", path).await.status, 303, "{path}");
    }
}

#[tokio::test]
async fn a_link_opens_one_once() {
    let world = World::new();
    let link = world.invite();
    let entered = world.get("", &link).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, "/portal/"));
    assert_eq!(world.get(&entered.cookie(), "/portal/").await.status, 200);
    let again = world.get("", &link).await;
    assert_eq!((again.status.as_u16(), again.header("set-cookie")), (403, ""));
    assert!(again.text.contains("This link was used already"));
    let late = world.invite();
    world.clock.0.fetch_add(limits::LINK_LIFETIME_MS, Ordering::Relaxed);
    assert_eq!(world.get("", &late).await.status, 403);
}

#[tokio::test]
async fn signing_out_ends_this_one_and_everywhere_all() {
    let world = World::new();
    let (first, token) = world.sign_in().await;
    let (second, _) = world.sign_in().await;
    let (third, third_token) = world.sign_in().await;
    let out = world.post(&first, "/portal/sign-out", &format!("csrf={token}")).await;
    assert_eq!((out.status.as_u16(), out.cookie().as_str()), (303, "__Host-roadstead="));
    let is_in = async |cookie: &str| world.get(cookie, "/portal/").await.status == 200;
    assert_eq!([is_in(&first).await, is_in(&second).await, is_in(&third).await], [false, true, true]);
    let page = world.get(&third, "/portal/sessions").await.text;
    assert_eq!(page.matches("192.0.2.7</td>").count(), 2, "{page}");
    world.post(&third, "/portal/sign-out-everywhere", &format!("csrf={third_token}")).await;
    assert_eq!([is_in(&second).await, is_in(&third).await], [false, false]);
    assert!(world.api.asked.lock().iter().any(|(_, path, ..)| path == "/v1.0/me/revokeSignInSessions"));
}

#[tokio::test]
async fn sessions_end_even_when_tokens_cannot_be_ended() {
    let world = World::new();
    let (first, token) = world.sign_in().await;
    let (second, _) = world.sign_in().await;
    let broken = serde_json::json!({"error": {"code": "ServiceUnavailable", "message": "away for a while"}});
    world.api.answers.lock().push(("/revokeSignInSessions", 503, broken));
    let answer = world.post(&first, "/portal/sign-out-everywhere", &format!("csrf={token}")).await;
    assert!(answer.text.contains("away for a while") && answer.cookie() == "__Host-roadstead=", "{}", answer.text);
    for cookie in [first, second] {
        assert_eq!(world.get(&cookie, "/portal/").await.status, 303);
    }
}

#[tokio::test]
async fn a_token_that_counts_no_longer_signs_out() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    world.api.answers.lock().push((
        "/subscriptions",
        401,
        serde_json::json!({"error": {"code": "ExpiredAuthenticationToken"}}),
    ));
    let answer = world.get(&cookie, "/portal/").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/portal/sign-in?then=%2Fportal%2F"));
    world.api.answers.lock().clear();
    assert_eq!(world.get(&cookie, "/portal/").await.status, 303, "the session is over");
}

/// A page that is left open asks for its parts that move; nobody is there.
#[tokio::test]
async fn a_page_that_asks_by_itself_is_no_use() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let pass = |ms: i64| world.clock.0.fetch_add(ms, Ordering::Relaxed);
    pass(limits::SESSION_IDLE_MS - 1);
    assert_eq!(world.refresh(&cookie, "/portal/").await.status, 200);
    assert_eq!(world.get(&cookie, "/portal/").await.status, 200, "not yet an hour");
    pass(limits::SESSION_IDLE_MS - 1);
    assert_eq!(world.refresh(&cookie, "/portal/").await.status, 200);
    pass(1);
    assert_eq!(world.refresh(&cookie, "/portal/").await.header("location"), "/portal/sign-in?then=%2Fportal%2F");
    assert_eq!(world.get(&cookie, "/portal/").await.status, 303);
}

/// A stream stays open, so nothing looks its session up.
#[tokio::test]
async fn who_follows_messages_is_told_when_the_session_is_over() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    world.api.is_streaming.store(true, Ordering::Relaxed);
    let stream = world.open("GET", "/portal/hubs/g/h/devices/x/live", &[("cookie", &cookie)], "").await;
    assert_eq!(stream.status(), 200);
    world.clock.0.fetch_add(limits::SESSION_IDLE_MS, Ordering::Relaxed);
    let told = tokio::time::timeout(Duration::from_secs(30), read(stream)).await.unwrap();
    assert_eq!(told.text, ": here\n\nevent: over\ndata: signed out\n\n");
}

/// Of two tabs, one asks for its parts that move just when the other was told what was done.
#[tokio::test]
async fn a_note_is_for_a_page_that_is_looked_at() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let here = "/portal/hubs/g/h/devices/x";
    world.post(&cookie, here, &format!("do=disable&csrf={token}")).await;
    let words = "It is disabled: its connections are closed";
    for page in ["/portal/", here] {
        assert!(!world.refresh(&cookie, page).await.text.contains(words), "{page}");
    }
    assert!(world.get(&cookie, here).await.text.contains(words));
}

/// The session ended while a form was open: nobody is left believing that it was sent.
#[tokio::test]
async fn a_form_that_came_too_late_is_told_of() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let there = "/portal/hubs/g/h/devices/x";
    let form = format!("do=disable&csrf={token}");
    let late = "/portal/sign-in?then=%2Fportal%2Fhubs%2Fg%2Fh%2Fdevices%2Fx&undone=1";
    // A token that counts no longer, first: it ends the session.
    world.api.answers.lock().push(("/subscriptions", 401, serde_json::json!({})));
    for _ in 0..2 {
        assert_eq!(world.submit(&cookie, there, &form).await.header("location"), late);
    }
    assert_eq!(world.post(&cookie, there, &form).await.header("location"), "/portal/sign-in?then=&undone=1");
    let page = world.get("", late).await.text;
    assert!(page.contains("what you sent was not done") && page.contains(&format!("value=\"{there}\"")), "{page}");
    assert!(!world.get("", "/portal/sign-in").await.text.contains("not done"));
    let out = world.post(&cookie, "/portal/sign-out", &form).await;
    assert_eq!(out.header("location"), "/portal/sign-in?then=", "who wanted to go is gone");
}

#[tokio::test]
async fn who_gets_no_new_tokens_is_told_why() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let words = "the refresh token is of no use: the issuer is not there";
    let refusal = serde_json::json!({"error": "invalid_grant", "error_description": words});
    world.api.answers.lock().push(("/token", 400, refusal));
    world.clock.0.fetch_add(limits::SESSION_IDLE_MS - 1, Ordering::Relaxed);
    let page = world.get(&cookie, "/portal/audit").await;
    assert_eq!((page.status.as_u16(), page.cookie().as_str()), (401, "__Host-roadstead="));
    let shown = "You are not signed in any more: The refresh token is of no use: the issuer is not there.";
    assert!(page.text.contains(shown), "{}", page.text);
    assert!(page.text.contains("name=\"then\" value=\"/portal/audit\""), "{}", page.text);
    assert_eq!(world.get(&cookie, "/portal/audit").await.status, 303, "the session is over");
    let posted = world.post(&cookie, "/portal/create", &format!("csrf={token}")).await;
    assert_eq!(posted.header("location"), "/portal/sign-in?then=&undone=1");
}
