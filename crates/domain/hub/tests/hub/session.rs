//! Sessions: opened by the right credentials only, ended at once when their ground is gone.

use futures_util::FutureExt;
use roadstead_hub::{CloseReason, EventPosition, HubError, IfMatch};
use roadstead_model::{DeviceStatus, Properties, Property, Subscription, SystemProperty};
use roadstead_store::StoreError;

use crate::world::{HOST, World, id, sas_spec};

fn subscription(filter: &str) -> Subscription {
    Subscription { filter: filter.to_owned(), qos: 1 }
}

#[tokio::test]
async fn a_device_gets_in_by_its_own_key_under_any_name_of_the_hub() {
    let world = World::new();
    let device = world.device("dev1").await;
    for host in [HOST, "HUB1.example", "localhost"] {
        let session = world.login("dev1", &world.token_for(&device, host), true).await.unwrap();
        assert_eq!(session.id().to_string(), "dev1");
        assert!(world.hub.is_connected(&id("dev1")));
    }
    assert!(!world.hub.is_connected(&id("dev1")), "dropping a session ends it");
    assert_eq!(world.hub.connected_count(), 0);
}

#[tokio::test]
async fn a_policy_speaks_for_devices_only_with_device_connect() {
    let world = World::new();
    world.device("dev1").await;
    assert!(world.login("dev1", &world.policy_token("device"), true).await.is_ok());
    let refused = world.login("dev1", &world.policy_token("service"), true).await;
    assert!(matches!(refused, Err(HubError::Unauthorized(_))), "{refused:?}");
}

#[tokio::test]
async fn strangers_stay_out() {
    let world = World::new();
    let (first, second) = (world.device("dev1").await, world.device("dev2").await);
    let foreign = world.login("dev2", &world.token_for(&first, HOST), true).await;
    assert!(matches!(foreign, Err(HubError::Unauthorized(_))), "{foreign:?}");
    let elsewhere = world.login("dev2", &world.token_for(&second, "other.example"), true).await;
    assert!(matches!(elsewhere, Err(HubError::Unauthorized(_))), "{elsewhere:?}");
    let unknown = world.login("nobody", &world.policy_token("device"), true).await;
    assert!(matches!(unknown, Err(HubError::UnknownDevice(_))), "{unknown:?}");
    let malformed = world.login("a/b", &world.policy_token("device"), true).await;
    assert!(matches!(malformed, Err(HubError::ImpossibleId(_))), "{malformed:?}");
    assert_eq!(world.hub.connected_count(), 0);
}

#[tokio::test]
async fn the_newest_connection_wins() {
    let world = World::new();
    let device = world.device("dev1").await;
    let old = world.connect(&device).await;
    let new = world.connect(&device).await;
    assert_eq!(old.closed().await, CloseReason::TakenOver);
    let mut properties = Properties::new();
    assert!(matches!(old.send(&mut properties, b"late"), Err(HubError::Closed(CloseReason::TakenOver))));
    drop(old);
    assert!(new.closed().now_or_never().is_none());
    assert!(new.send(&mut properties, b"on time").is_ok());
}

#[tokio::test]
async fn disabling_changing_or_deleting_a_device_ends_its_session() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    let disabled = roadstead_hub::IdentitySpec { status: DeviceStatus::Disabled, ..sas_spec("dev1") };
    world.hub.update_device(disabled, IfMatch::Any).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::DeviceDisabled);
    let refused = world.login("dev1", &world.token_for(&device, HOST), true).await;
    assert!(matches!(refused, Err(HubError::DeviceDisabled(_))), "{refused:?}");

    world.hub.update_device(sas_spec("dev1"), IfMatch::Any).await.unwrap();
    let session = world.connect(&device).await;
    let other_key = roadstead_model::Secret::new("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let auth = roadstead_hub::AuthSpec::Sas { primary: Some(other_key), secondary: None };
    world.hub.update_device(roadstead_hub::IdentitySpec { auth, ..sas_spec("dev1") }, IfMatch::Any).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::CredentialsChanged);

    let device = world.hub.find_device(&id("dev1")).await.unwrap();
    let session = world.connect(&device).await;
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::DeviceDeleted);
}

#[tokio::test]
async fn a_closed_hub_lets_nobody_in() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    world.hub.close(CloseReason::ShuttingDown);
    assert_eq!(session.closed().await, CloseReason::ShuttingDown);
    drop(session);
    let late = world.login("dev1", &world.token_for(&device, HOST), true).await;
    assert!(matches!(late, Err(HubError::Closed(CloseReason::ShuttingDown))), "{late:?}");
    assert_eq!(world.hub.connected_count(), 0);
}

#[tokio::test]
async fn a_session_that_was_taken_over_leaves_the_subscriptions_alone() {
    let world = World::new();
    let device = world.device("dev1").await;
    let mut old = world.connect(&device).await;
    let mut new = world.connect(&device).await;
    new.subscribe(vec![subscription("$iothub/twin/res/#")]).await.unwrap();
    let late = old.subscribe(vec![subscription("$iothub/methods/POST/#")]).await;
    assert!(matches!(late, Err(HubError::Closed(CloseReason::TakenOver))), "{late:?}");
    drop((old, new));
    assert_eq!(world.connect(&device).await.subscriptions(), [subscription("$iothub/twin/res/#")]);
}

#[tokio::test]
async fn persistent_sessions_are_remembered_and_clean_ones_forget() {
    let world = World::new();
    let device = world.device("dev1").await;
    let filters = ["$iothub/twin/res/#", "devices/dev1/messages/devicebound/#"];
    let mut session = world.connect(&device).await;
    assert!(!session.resumed());
    session.subscribe(filters.iter().map(|filter| subscription(filter)).collect()).await.unwrap();
    session.unsubscribe(&filters[1..]).await.unwrap();
    drop(session);

    let session = world.connect(&device).await;
    assert!(session.resumed());
    assert_eq!(session.subscriptions(), [subscription(filters[0])]);
    drop(session);

    let token = world.token_for(&device, HOST);
    let clean = world.login("dev1", &token, true).await.unwrap();
    assert!(!clean.resumed() && clean.subscriptions().is_empty());
    drop(clean);
    assert!(!world.connect(&device).await.resumed(), "the clean session ended the persistent one");
}

#[tokio::test]
async fn a_message_is_accepted_when_it_is_durable_and_not_before() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, "m1");
    world.log.hold();
    let ticket = session.send(&mut properties, b"{}").unwrap();
    let mut durable = Box::pin(session.durable(ticket));
    assert!(durable.as_mut().now_or_never().is_none());
    world.log.release(Ok(()));
    durable.await.unwrap();

    world.log.hold();
    let ticket = session.send(&mut properties, b"{}").unwrap();
    world.log.release(Err(StoreError::Full("no space left on device".into())));
    assert!(matches!(session.durable(ticket).await, Err(HubError::Full(_))));
}

#[tokio::test]
async fn oversized_messages_are_refused() {
    let world = World::new();
    let session = world.connect(&world.device("dev1").await).await;
    let mut properties = Properties::new();
    properties.push_application("k", Some("v"));
    let body = vec![0; 256 * 1024 - 2];
    assert!(session.send(&mut properties, &body).is_ok());
    let refused = session.send(&mut properties, &[&body[..], &[0]].concat());
    assert!(matches!(refused, Err(HubError::MessageTooLarge { bytes: 262_145, .. })), "{refused:?}");
}

#[tokio::test]
async fn readers_see_events_with_their_sender_and_follow_on() {
    let world = World::new();
    let session = world.connect(&world.device("dev1").await).await;
    let mut reader = world.hub.read_events(EventPosition::Latest).await.unwrap();
    assert!(reader.next().now_or_never().is_none());
    let mut properties = Properties::new();
    properties.push_application("k", Some("v"));
    session.send(&mut properties, b"one").unwrap();
    session.send(&mut properties, b"two").unwrap();
    let (_, first) = reader.next().await.unwrap();
    let view = first.view().unwrap();
    assert_eq!((view.device_id, view.body), ("dev1", &b"one"[..]));
    assert_eq!(view.properties.collect::<Vec<_>>(), [Property::Application("k", Some("v"))]);

    let resumed = EventPosition::Offsets(reader.positions());
    let mut again = world.hub.read_events(resumed).await.unwrap();
    for reader in [&mut reader, &mut again] {
        let (_, second) = reader.next().await.unwrap();
        assert_eq!(second.view().unwrap().body, b"two");
    }
}
