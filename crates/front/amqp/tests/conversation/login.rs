//! SASL, open, and the end.

use roadstead_amqp_proto::{
    Performative, Protocol, condition,
    sasl::{SaslInit, SaslRequest},
};
use roadstead_front_amqp::limits;
use roadstead_hub::CloseReason;
use roadstead_journal::RefusalFilter;
use roadstead_model::{JournalOwner, RefusalCause, What};

use crate::{
    client::{Client, FROM_START, reader},
    world::{HOST, NOW_S, TOKEN_S, World, token, token_of},
};

/// Chooses a mechanism, and says how that went.
async fn sasl(world: &World, mechanism: &str, response: Option<&[u8]>) -> (Client, u8) {
    let (io, _) = world.pipe();
    let mut client = Client::new(io);
    client.says(&Protocol::Sasl.bytes()).await;
    assert_eq!(client.hears_bytes(8).await, Protocol::Sasl.bytes());
    let offered = client.hears_frame().await.unwrap();
    let offered = String::from_utf8_lossy(&offered).into_owned();
    assert!(["MSSBCBS", "ANONYMOUS", "PLAIN", "EXTERNAL"].iter().all(|word| offered.contains(word)), "{offered}");
    let mut bytes = Vec::new();
    SaslRequest::Init(SaslInit { mechanism, initial_response: response, hostname: None }).write(&mut bytes);
    client.says(&bytes).await;
    let outcome = client.hears_frame().await.unwrap();
    // 00 53 44 c0 <size> 02 50 <code> 40
    let code = outcome[7];
    (client, code)
}

#[tokio::test]
async fn mechanisms_that_prove_nothing_let_in() {
    let world = World::new().await;
    for mechanism in ["MSSBCBS", "ANONYMOUS", "EXTERNAL"] {
        let (mut client, code) = sasl(&world, mechanism, None).await;
        assert_eq!(code, 0);
        client.says(&Protocol::Amqp.bytes()).await;
        assert_eq!(client.hears_bytes(8).await, Protocol::Amqp.bytes());
        client.begin(HOST).await;
        let refusal = client.is_refused(reader("r", 0, "0", FROM_START)).await;
        assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
        client.closes().await;
    }
}

#[tokio::test]
async fn plain_brings_a_token() {
    let world = World::new().await;
    let plain = |user: &str, token: &str| format!("\0{user}\0{token}").into_bytes();
    let (mut client, code) = sasl(&world, "PLAIN", Some(&plain("service@sas.root.hub1", &token(HOST)))).await;
    assert_eq!(code, 0);
    client.says(&Protocol::Amqp.bytes()).await;
    client.hears_bytes(8).await;
    client.begin(HOST).await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    client.closes().await;
    for (user, token) in [
        ("service@sas.root.hub2", token(HOST)),
        ("other@sas.root.hub1", token(HOST)),
        ("service", token(HOST)),
        ("dev1@sas.hub1", token(HOST)),
        ("service@sas.root.hub1", token("hub2.example")),
        ("service@sas.root.hub1", token_of("service", HOST, NOW_S - 301)),
        ("service@sas.root.hub1", token_of("nobody", HOST, NOW_S + TOKEN_S)),
        ("service@sas.root.hub1", String::new()),
    ] {
        let (mut client, code) = sasl(&world, "PLAIN", Some(&plain(user, &token))).await;
        assert_eq!(code, 1, "{user} {token}");
        assert!(client.hears_or_end().await.is_none());
    }
    for (mechanism, response) in [("PLAIN", None), ("PLAIN", Some(&b"no zero"[..])), ("GSSAPI", None)] {
        assert_eq!(sasl(&world, mechanism, response).await.1, 1, "{mechanism}");
    }
}

#[tokio::test]
async fn a_hub_that_is_not_here_is_told_of() {
    let world = World::new().await;
    let (io, served) = world.pipe();
    let mut client = Client::new(io);
    client.says(&Protocol::Amqp.bytes()).await;
    client.hears_bytes(8).await;
    let open =
        roadstead_amqp_proto::Open { hostname: Some("other.example".into()), ..roadstead_amqp_proto::Open::new("c") };
    client.sends(Performative::Open(Box::new(open)), b"").await;
    assert!(matches!(client.hears().await.0, Performative::Open(_)));
    let Performative::Close(close) = client.hears().await.0 else { panic!() };
    let error = close.error.unwrap();
    assert_eq!(&*error.condition, "com.microsoft:iot-hub-not-found-error");
    assert!(error.description.unwrap().contains("no hub here answers to the name `other.example`"));
    assert!(client.hears_or_end().await.is_none());
    served.await.unwrap();
}

#[tokio::test]
async fn a_hub_that_closes_says_why() {
    let world = World::new().await;
    let mut client = world.client().await;
    world.hub.close(CloseReason::ShuttingDown);
    let Performative::End(end) = client.hears().await.0 else { panic!("node would wait for its links") };
    assert_eq!(&*end.error.unwrap().condition, condition::DETACH_FORCED);
    let Performative::Close(close) = client.hears().await.0 else { panic!() };
    assert_eq!(&*close.error.unwrap().condition, condition::CONNECTION_FORCED);
    assert!(client.hears_or_end().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_never_opens_brings_no_token_or_falls_silent_is_hung_up_on() {
    let world = World::new().await;
    let (io, served) = world.pipe();
    let mut client = Client::new(io);
    client.says(&Protocol::Amqp.bytes()).await;
    client.hears_bytes(8).await;
    let began = tokio::time::Instant::now();
    assert!(client.hears_or_end().await.is_none());
    assert_eq!(began.elapsed().as_secs(), limits::OPEN_WAIT.as_secs());
    served.await.unwrap();

    let mut nobody = world.stranger().await;
    let began = tokio::time::Instant::now();
    let Performative::Close(close) = nobody.hears().await.0 else { panic!() };
    let error = close.error.unwrap();
    assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    assert_eq!(error.description.as_deref(), Some("no token that holds for 60 s: put one on $cbs"));
    assert_eq!(began.elapsed().as_secs(), limits::TOKEN_WAIT.as_secs());
    let (journal, owner) = (world.hub.journal(), world.hub.journal_owner());
    let noted = journal.refusals(&owner, &RefusalFilter::default(), None, 10).await.unwrap().items;
    let told = |cause, code: &str, owner: JournalOwner| {
        let is_it = |what: &What| matches!(what, What::Refused(one) if one.cause == cause && one.code == code);
        noted.iter().any(|one| one.id.is_empty() && one.owner == owner && is_it(&one.what))
    };
    assert!(told(RefusalCause::BadRequest, "connection closed", JournalOwner::NoHub), "{noted:?}");
    assert!(told(RefusalCause::NoCredentials, condition::UNAUTHORIZED_ACCESS, owner.clone()), "{noted:?}");

    let mut silent = world.client().await;
    let began = tokio::time::Instant::now();
    let Performative::Close(close) = silent.hears().await.0 else { panic!() };
    assert_eq!(&*close.error.unwrap().condition, condition::RESOURCE_LIMIT_EXCEEDED);
    assert_eq!(began.elapsed().as_millis() as u64, 2 * u64::from(limits::IDLE_TIME_OUT_MS));
}
