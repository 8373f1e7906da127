//! Messages to devices: queued, delivered, settled.

use futures_util::FutureExt;
use roadstead_hub::{
    Delivery, HubError, IfMatch, Interests, LockToken, NewMessage, Notice, Session, Settlement, limits,
};
use roadstead_model::{Ack, MessageOutcome, Properties, SystemProperty, UnixMillis};
use roadstead_store::StoreError;

use crate::world::{World, id};

pub const LISTENING: Interests = Interests { methods: false, desired: false, messages: true };

pub fn message(name: &str) -> NewMessage {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, name);
    NewMessage { properties, body: name.as_bytes().to_vec(), ack: Ack::Full, expiry: None }
}

pub async fn send(world: &World, names: &[&str]) {
    for name in names {
        world.hub.send_message(&id("dev1"), message(name)).await.unwrap();
    }
}

fn names(deliveries: &[Delivery]) -> Vec<(&str, bool)> {
    let name = |delivery: &Delivery| delivery.message.properties.find_system(SystemProperty::MessageId).is_some();
    assert!(deliveries.iter().all(name));
    deliveries.iter().map(|d| (std::str::from_utf8(&d.message.body).unwrap(), d.redelivered)).collect()
}

fn sequences(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.message.sequence).collect()
}

/// What senders would hear, oldest first.
pub async fn outcomes(world: &World) -> Vec<(String, MessageOutcome)> {
    let kept = world.records.list_feedback(roadstead_model::HubKey(7), 1000).await.unwrap();
    kept.into_iter().map(|(_, feedback)| (feedback.message_id, feedback.outcome)).collect()
}

async fn receive(world: &World) -> Option<(LockToken, String)> {
    let token = world.policy_token("device");
    let received = world.hub.receive_message(world.once("dev1", &token)).await.unwrap();
    received.map(|(token, message)| (token, String::from_utf8(message.body).unwrap()))
}

async fn settle(world: &World, token: LockToken, settlement: Settlement) -> Result<(), HubError> {
    world.hub.settle_message(world.once("dev1", &world.policy_token("device")), token, settlement).await
}

async fn listening(world: &World) -> Session {
    let session = world.login("dev1", &world.policy_token("device"), false).await.unwrap();
    session.attend(LISTENING);
    session
}

#[tokio::test]
async fn a_session_gets_its_messages_in_order_and_completes_them() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a", "b", "c"]).await;
    let session = listening(&world).await;
    let first = session.fetch_messages(2).await.unwrap();
    assert_eq!(names(&first), [("a", false), ("b", false)]);
    let rest = session.fetch_messages(2).await.unwrap();
    assert_eq!(names(&rest), [("c", false)], "what was sent is not sent again");
    session.complete(&sequences(&first)).await.unwrap();
    session.complete(&sequences(&first)).await.unwrap();
    let success = |name: &str| (name.to_owned(), MessageOutcome::Success);
    assert_eq!(outcomes(&world).await, [success("a"), success("b")]);
    assert_eq!(world.hub.find_identity(&id("dev1").into()).await.unwrap().queued, 1);
}

#[tokio::test]
async fn what_a_session_did_not_complete_is_sent_again_first() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a", "b"]).await;
    let session = listening(&world).await;
    let sent = session.fetch_messages(9).await.unwrap();
    session.complete(&sequences(&sent[..1])).await.unwrap();
    send(&world, &["c"]).await;
    drop(session);
    let session = listening(&world).await;
    let again = session.fetch_messages(9).await.unwrap();
    assert_eq!(names(&again), [("b", true), ("c", false)]);
    assert_eq!(again[0].message.delivery_count, 0, "only who abandons counts");
    let successor = listening(&world).await;
    assert_eq!(names(&successor.fetch_messages(1).await.unwrap()), [("b", true)]);
    let late = session.fetch_messages(9).await;
    assert!(matches!(late, Err(HubError::Closed(_))), "{late:?}");
}

#[tokio::test]
async fn a_session_has_a_bounded_number_in_flight() {
    let world = World::new();
    world.device("dev1").await;
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    send(&world, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let session = listening(&world).await;
    let sent = session.fetch_messages(100).await.unwrap();
    assert_eq!(sent.len(), limits::IN_FLIGHT_MAX);
    assert_eq!(session.fetch_messages(100).await.unwrap(), []);
    session.complete(&sequences(&sent[..3])).await.unwrap();
    assert_eq!(session.fetch_messages(100).await.unwrap().len(), 3);
}

#[tokio::test]
async fn only_a_session_that_listens_is_woken() {
    let world = World::new();
    world.device("dev1").await;
    let session = world.login("dev1", &world.policy_token("device"), false).await.unwrap();
    send(&world, &["a"]).await;
    assert_eq!(session.take_notices(), []);
    session.attend(LISTENING);
    send(&world, &["b"]).await;
    session.woken().now_or_never().unwrap();
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    // What HTTPS holds comes free when it is abandoned, or when its lock ends.
    let (token, name) = receive(&world).await.unwrap();
    assert_eq!(name, "a");
    assert_eq!(names(&session.fetch_messages(9).await.unwrap()), [("b", false)]);
    settle(&world, token, Settlement::Abandon).await.unwrap();
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    receive(&world).await.unwrap();
    world.clock.advance_ms(60_000);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    let freed = session.fetch_messages(9).await.unwrap();
    assert_eq!((names(&freed), freed[0].message.delivery_count), (vec![("a", false)], 1));
}

#[tokio::test]
async fn over_https_each_message_is_locked_until_it_is_settled() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a", "b", "c"]).await;
    let (a, name) = receive(&world).await.unwrap();
    assert_eq!(name, "a");
    let (b, name) = receive(&world).await.unwrap();
    assert_eq!(name, "b");
    settle(&world, a, Settlement::Complete).await.unwrap();
    settle(&world, b, Settlement::Reject).await.unwrap();
    let expected = [("a".to_owned(), MessageOutcome::Success), ("b".to_owned(), MessageOutcome::Rejected)];
    assert_eq!(outcomes(&world).await, expected);
    let (c, _) = receive(&world).await.unwrap();
    assert_eq!(receive(&world).await, None);
    world.clock.advance_ms(59_999);
    assert_eq!(receive(&world).await, None);
    world.clock.advance_ms(1);
    let (again, name) = receive(&world).await.unwrap();
    assert_eq!(name, "c");
    for lost in [a, b, c, LockToken::parse(&"0".repeat(32)).unwrap()] {
        for settlement in [Settlement::Complete, Settlement::Reject, Settlement::Abandon] {
            let refused = settle(&world, lost, settlement).await;
            assert!(matches!(refused, Err(HubError::LockLost)), "{refused:?}");
        }
    }
    settle(&world, again, Settlement::Complete).await.unwrap();
}

#[tokio::test]
async fn a_message_abandoned_too_often_is_given_up() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a"]).await;
    for _ in 0..10 {
        let (token, _) = receive(&world).await.unwrap();
        settle(&world, token, Settlement::Abandon).await.unwrap();
    }
    assert_eq!(receive(&world).await, None);
    assert_eq!(outcomes(&world).await, [("a".to_owned(), MessageOutcome::DeliveryCountExceeded)]);
}

#[tokio::test]
async fn expired_messages_are_not_delivered_and_their_senders_hear_of_it() {
    let world = World::new();
    world.device("dev1").await;
    let now = world.hub.find_device(&id("dev1")).await.unwrap().created;
    let brief = |name| NewMessage { expiry: Some(now.plus_ms(1000)), ..message(name) };
    let expired = |name: &str| (name.to_owned(), MessageOutcome::Expired);
    for name in ["a", "b"] {
        world.hub.send_message(&id("dev1"), brief(name)).await.unwrap();
    }
    send(&world, &["c"]).await;
    let session = listening(&world).await;
    let sent = session.fetch_messages(1).await.unwrap();
    world.clock.advance_ms(1000);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!(outcomes(&world).await, [expired("b")], "what the device has is left to it for a while");
    assert_eq!(names(&session.fetch_messages(9).await.unwrap()), [("c", false)]);
    world.clock.advance_ms(60_000);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!(outcomes(&world).await, [expired("b"), expired("a")]);
    session.complete(&sequences(&sent)).await.unwrap();
    assert_eq!(outcomes(&world).await.len(), 2, "one message has one end");

    world.hub.send_message(&id("dev1"), NewMessage { expiry: Some(UnixMillis(0)), ..message("dead") }).await.unwrap();
    assert_eq!(session.fetch_messages(9).await.unwrap(), []);
    assert_eq!(outcomes(&world).await[2..], [expired("dead")]);
}

#[tokio::test]
async fn a_sweep_gets_past_what_devices_have_in_hand() {
    let world = World::new();
    let token = world.policy_token("device");
    let now = world.device("dev1").await.created;
    let expiring = |name: &str, ms| NewMessage { expiry: Some(now.plus_ms(ms)), ..message(name) };
    let mut sessions = Vec::new();
    for device in 0..=limits::SWEEP_PAGE / limits::IN_FLIGHT_MAX {
        let device = format!("busy{device}");
        world.device(&device).await;
        for _ in 0..limits::IN_FLIGHT_MAX {
            world.hub.send_message(&id(&device), expiring("in hand", 1000)).await.unwrap();
        }
        let session = world.login(&device, &token, false).await.unwrap();
        session.attend(LISTENING);
        assert_eq!(session.fetch_messages(limits::IN_FLIGHT_MAX).await.unwrap().len(), limits::IN_FLIGHT_MAX);
        sessions.push(session);
    }
    world.hub.send_message(&id("dev1"), expiring("nobody's", 1001)).await.unwrap();
    world.clock.advance_ms(1001);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!(outcomes(&world).await, [("nobody's".to_owned(), MessageOutcome::Expired)]);
}

#[tokio::test]
async fn queues_are_bounded_and_purged() {
    let world = World::new();
    world.device("dev1").await;
    let now = world.hub.find_device(&id("dev1")).await.unwrap().created;
    let brief = NewMessage { expiry: Some(now.plus_ms(1000)), ..message("brief") };
    world.hub.send_message(&id("dev1"), brief).await.unwrap();
    let names: Vec<String> = (1..50).map(|n| n.to_string()).collect();
    send(&world, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let full = world.hub.send_message(&id("dev1"), message("x")).await;
    assert!(matches!(full, Err(HubError::QueueFull { depth_max: 50, .. })), "{full:?}");
    world.clock.advance_ms(1000);
    send(&world, &["takes the place of the expired one"]).await;
    let (lock, _) = receive(&world).await.unwrap();
    assert_eq!(world.hub.purge_messages(&id("dev1")).await.unwrap(), 50);
    assert_eq!(world.hub.purge_messages(&id("dev1")).await.unwrap(), 0);
    assert!(matches!(settle(&world, lock, Settlement::Complete).await, Err(HubError::LockLost)));
    let outcomes = outcomes(&world).await;
    assert_eq!(outcomes.len(), 51);
    assert!(outcomes[1..].iter().all(|(_, outcome)| *outcome == MessageOutcome::Purged));
}

#[tokio::test]
async fn refused() {
    let world = World::new();
    let nobody = world.hub.send_message(&id("dev1"), message("x")).await;
    assert!(matches!(nobody, Err(HubError::DeviceNotFound(_))), "{nobody:?}");
    assert!(matches!(world.hub.purge_messages(&id("dev1")).await, Err(HubError::DeviceNotFound(_))));
    world.device("dev1").await;
    let stranger = world.policy_token("service");
    let refused = world.hub.receive_message(world.once("dev1", &stranger)).await;
    assert!(matches!(refused, Err(HubError::Unauthorized(_))), "{refused:?}");
}

#[tokio::test]
async fn a_device_registered_anew_knows_nothing_of_the_old_ones_messages() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["old"]).await;
    let (lock, _) = receive(&world).await.unwrap();
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    world.clock.advance_ms(1);
    world.device("dev1").await;
    send(&world, &["new"]).await;
    assert!(matches!(settle(&world, lock, Settlement::Complete).await, Err(HubError::LockLost)));
    assert_eq!(receive(&world).await.unwrap().1, "new");
}

#[tokio::test]
async fn what_is_not_durable_is_not_acknowledged() {
    use std::sync::Arc;
    let records = Arc::new(roadstead_testkit::MemoryRecords::new());
    let clock = Arc::new(roadstead_testkit::FakeClock::at(UnixMillis(1_795_291_370_000)));
    let world = World::over(records.clone(), clock, roadstead_model::HubSettings::default());
    world.device("dev1").await;
    records.fail_next_commit(StoreError::Full("no space".to_owned()));
    assert!(matches!(world.hub.send_message(&id("dev1"), message("a")).await, Err(HubError::Full(_))));
    assert_eq!(receive(&world).await, None);
    send(&world, &["b"]).await;
    let (token, _) = receive(&world).await.unwrap();
    records.fail_next_commit(StoreError::Full("no space".to_owned()));
    assert!(matches!(settle(&world, token, Settlement::Complete).await, Err(HubError::Full(_))));
    assert_eq!(outcomes(&world).await, []);
    settle(&world, token, Settlement::Complete).await.unwrap();
    let before = records.commits();
    send(&world, &["c", "d"]).await;
    let session = listening(&world).await;
    let sent = session.fetch_messages(9).await.unwrap();
    session.complete(&sequences(&sent)).await.unwrap();
    assert_eq!(records.commits() - before, 3, "acknowledgements that come together are one commit");
}
