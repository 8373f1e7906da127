//! Twins of many devices on one connection, in a store that takes its time.

use std::{collections::BTreeSet, time::Duration};

use roadstead_amqp_proto::{
    Detach, End, Performative, ValueRef,
    message::{Message, MessageId},
};
use roadstead_front_amqp::limits;
use roadstead_model::IdentityId;
use roadstead_store::Records;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::{
    client::{Client, receiver, sender},
    device::{EVENTS, cam, id, world_of},
    device_requests::{ask, attaches_pair, of_channel},
    world::{HOST, NOW_S, TOKEN_S, World, token_of},
};

const COMMIT: Duration = Duration::from_millis(100);
const REPORTED: Option<&str> = Some("/properties/reported");

fn report(number: u64, body: &Json) -> Vec<u8> {
    ask(MessageId::Ulong(number), "PATCH", REPORTED, body.to_string().as_bytes())
}

async fn reported(world: &World, device: &str) -> Json {
    let found = world.records.find_twin(world.hub.resource().key, &IdentityId::from(id(device))).await.unwrap();
    Json::Object(found.unwrap().reported.value)
}

/// The next answer: the request's number, status and version.
async fn hears(client: &mut Client) -> (u64, i32, Option<i32>) {
    let (_, _, bytes) = client.hears_message().await;
    let answer = Message::decode(&bytes).unwrap();
    let Some(MessageId::Ulong(number)) = answer.properties.correlation_id else { panic!("{answer:?}") };
    let int = |name| match answer.message_annotations.find(name) {
        Some(ValueRef::Int(value)) => Some(value),
        _ => None,
    };
    (number, int("status").unwrap(), int("version"))
}

/// A client with the pair of each device, at the handles 2n and 2n+1.
async fn gateway(world: &World, devices: &[String]) -> Client {
    let mut client = world.stranger().await;
    assert_eq!(client.put_token(&token_of("device", HOST, NOW_S + TOKEN_S)).await.0, 200);
    for (at, device) in devices.iter().enumerate() {
        let handle = handle_of(at);
        attaches_pair(&mut client, &format!("/devices/{device}/twin"), device, [handle, handle + 1]).await;
    }
    client
}

/// Those of the token, 100 and 101, are left out.
fn handle_of(at: usize) -> u32 {
    let handle = 2 * u32::try_from(at).unwrap();
    if handle < 100 { handle } else { handle + 2 }
}

#[tokio::test(start_paused = true)]
async fn many_devices_report_at_once() {
    let devices: Vec<String> = (0..100).map(|n| format!("cam-{n}")).collect();
    let world = world_of(&devices.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut client = gateway(&world, &devices).await;
    world.records.delay_commits(COMMIT);
    let began = Instant::now();
    // Two each: the second of a device stands behind its first.
    for round in 0..2_u64 {
        for at in 0..devices.len() {
            let number = round * 100 + at as u64;
            client.transfers_as(handle_of(at), 0, true, &report(number, &json!({"round": round, "at": at}))).await;
        }
    }
    let mut answers = BTreeSet::new();
    for _ in 0..200 {
        let (number, status, version) = hears(&mut client).await;
        assert_eq!((status, version), (204, Some(2 + (number >= 100) as i32)));
        assert!(answers.insert(number), "{number} is answered once");
        assert!(number < 100 || answers.contains(&(number - 100)), "in order for each device");
    }
    let took = began.elapsed();
    assert!(took < COMMIT * 10, "{took:?}: one after the other would take 20 s");
    for (at, device) in devices.iter().enumerate() {
        assert_eq!(reported(&world, device).await, json!({"round": 1, "at": at}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_twin_holds_up_nobody_else() {
    let world = world_of(&["cam-1", "cam-2"]).await;
    let mut client = gateway(&world, &["cam-1".to_owned(), "cam-2".to_owned()]).await;
    client.attaches(sender("d2c", 200, EVENTS)).await;
    world.records.delay_commits(Duration::from_secs(60));
    client.transfers_as(0, 0, true, &report(1, &json!({"slow": 1}))).await;
    // What needs no commit is answered while the other one waits; what is sent unsettled is settled with its answer.
    let began = Instant::now();
    client.transfers_as(2, 0, true, &ask(MessageId::Ulong(2), "GET", None, b" ")).await;
    assert_eq!(hears(&mut client).await.0, 2);
    let mut message = Vec::new();
    roadstead_amqp_proto::message::MessageWriter::new(&mut message).data(b"x");
    client.asks(200, &message).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(hears(&mut client).await, (1, 204, Some(2)));
    assert!(began.elapsed() >= Duration::from_secs(60));
}

/// The device is told of the change behind the answer, which has the twin as it was before.
#[tokio::test(start_paused = true)]
async fn what_changes_meanwhile_is_told_behind_the_answer() {
    let world = world_of(&["cam-1"]).await;
    let mut client = gateway(&world, &["cam-1".to_owned()]).await;
    let watch = ask(MessageId::Ulong(1), "PUT", Some("/notifications/twin/properties/desired"), b" ");
    client.transfers_as(0, 0, true, &watch).await;
    assert_eq!(hears(&mut client).await, (1, 200, None));
    world.records.delay_commits(COMMIT);
    client.transfers_as(0, 0, true, &report(2, &json!({"a": 1}))).await;
    tokio::time::sleep(COMMIT / 2).await;
    world.records.delay_commits(Duration::ZERO);
    let desired = roadstead_hub::SectionChange::Write(json!({"d": 1}).as_object().cloned().unwrap());
    let change = roadstead_hub::TwinChange {
        tags: roadstead_hub::SectionChange::Keep,
        desired,
        reported: roadstead_hub::SectionChange::Keep,
        by: None,
    };
    let hub = world.hub.clone();
    let changes = tokio::spawn(async move {
        let write = roadstead_hub::TwinWrite::Patch;
        hub.update_twin(&id("cam-1").into(), change, write, roadstead_hub::IfMatch::Any).await.unwrap();
    });
    assert_eq!(hears(&mut client).await, (2, 204, Some(2)));
    let (_, _, bytes) = client.hears_message().await;
    let told = Message::decode(&bytes).unwrap();
    assert_eq!(told.message_annotations.find("resource"), Some(ValueRef::String("/properties/desired")));
    changes.await.unwrap();
}

/// A client of cam-1 and cam-2 that asked three times for the first, the answers being a while away.
async fn asking() -> (World, Client) {
    let world = world_of(&["cam-1", "cam-2"]).await;
    let mut client = gateway(&world, &["cam-1".to_owned(), "cam-2".to_owned()]).await;
    world.records.delay_commits(COMMIT);
    for number in 0..3 {
        client.transfers_as(0, 0, true, &report(number, &json!({"n": number}))).await;
    }
    (world, client)
}

/// What was asked is done, though it is answered to nobody.
async fn all_is_done(world: &World) {
    let began = Instant::now();
    while reported(world, "cam-1").await["n"] != 2 {
        assert!(began.elapsed() < COMMIT * 10);
        tokio::time::sleep(COMMIT / 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn links_that_end_meanwhile() {
    for detached in [vec![0], vec![0, 1]] {
        let (world, mut client) = asking().await;
        for handle in &detached {
            let detach = Detach { handle: *handle, closed: true, error: None };
            client.sends(Performative::Detach(detach), b"").await;
        }
        for _ in &detached {
            assert!(matches!(client.hears().await.0, Performative::Detach(_)));
        }
        client.transfers_as(2, 0, true, &report(9, &json!({"b": 1}))).await;
        assert_eq!(hears(&mut client).await, (9, 204, Some(2)), "the first answer that comes is that of cam-2");
        if detached.len() == 2 {
            attaches_pair(&mut client, "/devices/cam-1/twin", "again", [4, 5]).await;
            client.transfers_as(4, 0, true, &report(10, &json!({"again": 1}))).await;
            assert_eq!(hears(&mut client).await, (10, 204, Some(5)), "behind what was asked before");
        }
        all_is_done(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_and_connections_that_end_meanwhile() {
    let (world, mut client) = asking().await;
    client.sends(Performative::End(End { error: None }), b"").await;
    assert!(matches!(client.hears().await.0, Performative::End(_)));
    all_is_done(&world).await;
    let (world, client) = asking().await;
    client.closes().await;
    all_is_done(&world).await;
    let (world, client) = asking().await;
    drop(client);
    all_is_done(&world).await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_bounded_and_none_is_lost() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(of_channel(sender("out", 0, "/devices/cam-1/twin"), "t")).await;
    client.attaches(of_channel(receiver("in", 1, "/devices/cam-1/twin"), "t")).await;
    client.credits(1, 0, 2000).await;
    world.records.delay_commits(Duration::from_millis(1));
    // Each counts for many: a few fill what a connection may hold, and the rest waits in the pipe.
    let body = json!({"text": "x".repeat(4000), "more": "y".repeat(4000)}).to_string();
    let count = u64::from(limits::TWIN_REQUESTS_MAX);
    let mut answered = 0;
    for number in 0..count {
        let request = ask(MessageId::Ulong(number), "PATCH", REPORTED, body.as_bytes());
        client.transfers_as(0, 0, true, &request).await;
        if number % 50 == 49 {
            for _ in 0..50 {
                assert_eq!(hears(&mut client).await.0, answered);
                answered += 1;
            }
        }
    }
    while answered < count {
        assert_eq!(hears(&mut client).await.0, answered);
        answered += 1;
    }
}
