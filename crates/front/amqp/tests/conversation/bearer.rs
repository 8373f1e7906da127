//! Tokens of those who logged in, and what becomes of their links.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use roadstead_amqp_proto::{Performative, condition, message::MessageId};
use roadstead_auth::{AuthRefusal, BearerRefusal, Permission};
use roadstead_front_amqp::{BearerGrant, Bearers, limits};
use roadstead_model::{Clock, Guid, HubKey, PrincipalId, UnixSeconds};
use roadstead_testkit::FakeClock;
use tokio::time::Instant;

use crate::{
    client::{Client, FROM_START, reader, receiver, request, sender, status},
    world::{NOW_S, TOKEN_S, World, token},
};

const DEVICEBOUND: &str = "/messages/devicebound";
const FEEDBACK: &str = "/messages/servicebound/feedback";
const FILES: &str = "/messages/servicebound/filenotifications";
const NOTHING: &[Permission] = &[];
const READS: &[Permission] = &[Permission::ReadHubData];
const WRITES: &[Permission] = &[Permission::ReadHubData, Permission::WriteHubData];

/// Whose a token is, until when (seconds since 1970), and what that principal may.
type Known = Result<(u8, i64, &'static [Permission]), BearerRefusal>;

/// Who has logged in, by token.
pub struct LoggedIn {
    clock: Arc<FakeClock>,
    known: Mutex<HashMap<&'static str, Known>>,
}

impl LoggedIn {
    pub fn new(clock: Arc<FakeClock>) -> Self {
        Self { clock, known: Mutex::default() }
    }

    fn set(&self, token: &'static str, known: Known) {
        self.known.lock().unwrap().insert(token, known);
    }
}

impl Bearers for LoggedIn {
    fn judge(&self, token: &str, hub: HubKey, permission: Permission) -> Result<BearerGrant, AuthRefusal> {
        assert_eq!(hub, HubKey(7));
        let known = self.known.lock().unwrap().get(token).copied().unwrap_or(Err(BearerRefusal::Foreign));
        let (principal, expires_s, allowed) = known?;
        let by_s = self.clock.now().seconds().0 - expires_s;
        if by_s >= 0 {
            return Err(BearerRefusal::Expired { by_s }.into());
        }
        if !allowed.contains(&permission) {
            return Err(AuthRefusal::RoleLacks { name: "alice".to_owned(), permission });
        }
        let principal = PrincipalId(Guid::from_bytes([principal; 16]));
        Ok(BearerGrant { principal, expires: UnixSeconds(expires_s) })
    }
}

/// A client with `reader` of a principal who may only read.
async fn reads(world: &World) -> Client {
    world.bearers.set("reader", Ok((1, NOW_S + TOKEN_S, READS)));
    logs_in(world, "reader").await
}

async fn logs_in(world: &World, token: &str) -> Client {
    let mut client = world.stranger().await;
    client.attaches_cbs().await;
    assert_eq!(client.puts("jwt", token).await, (200, "OK".to_owned()));
    client
}

/// Asks what the built-in endpoint is, on links with these handles.
async fn describes(client: &mut Client, ask: u32, hear: u32) -> (i32, String) {
    client.attaches(sender("m-sender", ask, "$management")).await;
    client.attaches(receiver("m-receiver", hear, "$management")).await;
    client.credits(hear, 0, 10).await;
    let id = MessageId::Ulong(1);
    let properties = [("operation", "READ"), ("name", "hub1"), ("type", "com.microsoft:eventhub")];
    client.transfers(ask, &request(id, &properties, None)).await;
    status(&client.hears_answer().await, id)
}

#[tokio::test]
async fn every_client_says_in_its_own_way_that_it_has_one() {
    let world = World::new().await;
    world.bearers.set("reader", Ok((1, NOW_S + TOKEN_S, READS)));
    world.store(0, b"1");
    for (token_type, token) in [
        ("jwt", "reader"),
        ("bearer", "Bearer reader"),
        ("Bearer", "Bearer reader"),
        ("servicebus.windows.net:sastoken", "Bearer reader"),
    ] {
        let mut client = world.stranger().await;
        client.attaches_cbs().await;
        assert_eq!(client.puts(token_type, token).await, (200, "OK".to_owned()), "{token_type} {token}");
        client.attaches(reader("r", 0, "0", FROM_START)).await;
        client.credits(0, 0, 1).await;
        assert_eq!(client.hears_body().await, b"1", "{token_type} {token}");
    }
}

#[tokio::test]
async fn roles_tell_reading_from_writing() {
    let world = World::new().await;
    world.bearers.set("writer", Ok((2, NOW_S + TOKEN_S, WRITES)));
    let (mut reading, mut writing) = (reads(&world).await, logs_in(&world, "writer").await);
    for client in [&mut reading, &mut writing] {
        client.attaches(reader("r", 0, "0", FROM_START)).await;
        client.attaches(receiver("files", 1, FILES)).await;
        assert_eq!(describes(client, 2, 3).await.0, 200);
        let led = client.is_refused(receiver("e", 4, "/messages/events/$management")).await;
        assert_eq!(&*led.condition, condition::REDIRECT);
    }
    for link in [sender("c2d", 5, DEVICEBOUND), receiver("f", 6, FEEDBACK)] {
        let refusal = reading.is_refused(link.clone()).await;
        assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
        let text = refusal.description.unwrap();
        assert!(text.contains("`alice` has no role that allows to change a hub's data here"), "{text}");
        writing.attaches(link).await;
    }
}

#[tokio::test]
async fn tokens_that_open_nothing_are_refused_at_once() {
    let world = World::new().await;
    world.bearers.set("elsewhere", Err(BearerRefusal::Usage));
    world.bearers.set("signed out", Err(BearerRefusal::Revoked));
    world.bearers.set("late", Ok((1, NOW_S, READS)));
    world.bearers.set("nobody", Ok((1, NOW_S + TOKEN_S, NOTHING)));
    let mut client = world.stranger().await;
    client.attaches_cbs().await;
    for (token, words) in [
        ("elsewhere", "is for another API"),
        ("signed out", "was revoked"),
        ("late", "expired 0 s ago"),
        ("nobody", "`alice` has no role that allows to read a hub's data here"),
        ("eyJ0", "not issued by this server"),
        ("", "not issued by this server"),
    ] {
        let (code, description) = client.puts("jwt", token).await;
        assert!(code == 401 && description.contains(words), "{token}: {code} {description}");
    }
    let refusal = client.is_refused(reader("r", 0, "0", FROM_START)).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
    assert_eq!(describes(&mut client, 2, 3).await.0, 401);
    // It speaks for nobody's device either.
    let mut client = reads(&world).await;
    let refusal = client.is_refused(sender("d2c", 0, "/devices/dev1/messages/events")).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
}

#[tokio::test(start_paused = true)]
async fn who_is_signed_out_while_reading_loses_the_links_within_a_minute() {
    for (now, why) in [
        (Err(BearerRefusal::Revoked), "the bearer token was revoked"),
        (Ok((1, NOW_S + TOKEN_S, NOTHING)), "`alice` has no role that allows to read a hub's data here"),
    ] {
        let world = World::new().await;
        let mut client = reads(&world).await;
        client.attaches(reader("r", 0, "0", FROM_START)).await;
        client.credits(0, 0, 10).await;
        world.store(0, b"1");
        assert_eq!(client.hears_body().await, b"1");
        let began = Instant::now();
        world.bearers.set("reader", now);
        let error = client.hears_detach(0).await;
        assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
        let text = error.description.unwrap();
        assert!(text.starts_with("what the caller may do changed: ") && text.contains(why), "{text}");
        assert!(began.elapsed() <= limits::BEARER_LOOK + Duration::from_secs(1), "{:?}", began.elapsed());
        let refusal = client.is_refused(reader("again", 0, "0", FROM_START)).await;
        assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
        // Nothing speaks for it any more.
        let forgotten = Instant::now();
        let close = loop {
            if let Performative::Close(close) = client.hears().await.0 {
                break close;
            }
        };
        assert_eq!(&*close.error.unwrap().condition, condition::UNAUTHORIZED_ACCESS);
        assert!(forgotten.elapsed() <= limits::TOKEN_WAIT + Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_read_only_from_now_on_keeps_what_is_read() {
    let world = World::new().await;
    world.bearers.set("writer", Ok((2, NOW_S + TOKEN_S, WRITES)));
    let mut client = logs_in(&world, "writer").await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    client.attaches(sender("c2d", 1, DEVICEBOUND)).await;
    client.credits(0, 0, 10).await;
    // The first look changes nothing.
    tokio::time::sleep(limits::BEARER_LOOK + Duration::from_secs(1)).await;
    world.bearers.set("writer", Ok((2, NOW_S + TOKEN_S, READS)));
    let error = client.hears_detach(1).await;
    assert!(error.description.unwrap().contains("no role that allows to change a hub's data"));
    world.store(0, b"1");
    assert_eq!(client.hears_body().await, b"1");
    // Judged at each attach, not at the next look.
    world.bearers.set("writer", Err(BearerRefusal::Revoked));
    let refusal = client.is_refused(receiver("files", 2, FILES)).await;
    assert!(refusal.description.unwrap().contains("was revoked"));
}

#[tokio::test(start_paused = true)]
async fn links_end_with_the_token_unless_it_is_renewed() {
    let world = World::new().await;
    let (mut client, mut other) = (reads(&world).await, reads(&world).await);
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    other.attaches(reader("r", 0, "0", FROM_START)).await;
    world.bearers.set("renewed", Ok((1, NOW_S + 2 * TOKEN_S, READS)));
    assert_eq!(other.puts("jwt", "renewed").await.0, 200);
    world.clock.advance_ms(TOKEN_S * 1000 - 1);
    assert_eq!(other.puts("jwt", "reader").await.0, 200, "the older one again");
    assert_eq!(other.puts("jwt", "renewed").await.0, 200);
    world.clock.advance_ms(1);
    let error = client.hears_detach(0).await;
    assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    let text = error.description.unwrap();
    assert!(text.starts_with("the token expired and was not renewed"), "{text}");
    other.credits(0, 0, 10).await;
    world.store(0, b"1");
    assert_eq!(other.hears_body().await, b"1");
}

#[tokio::test(start_paused = true)]
async fn a_signature_beside_it_keeps_links_open() {
    let world = World::new().await;
    let mut client = reads(&world).await;
    assert_eq!(client.renews_token(&token("hub1.example")).await.0, 200);
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    client.credits(0, 0, 10).await;
    world.bearers.set("reader", Err(BearerRefusal::Revoked));
    tokio::time::sleep(limits::BEARER_LOOK + Duration::from_secs(1)).await;
    world.store(0, b"1");
    assert_eq!(client.hears_body().await, b"1");
}

#[tokio::test]
async fn tokens_of_one_principal_count_once() {
    let world = World::new().await;
    let mut client = reads(&world).await;
    for _ in 0..=limits::TOKENS_MAX {
        assert_eq!(client.puts("jwt", "reader").await.0, 200);
    }
}
