//! What back ends hear of their messages.

use roadstead_hub::{HubError, IfMatch, LockToken};
use roadstead_model::{Clock, FileNotification, FileUploads, HubSettings, MessageOutcome};
use roadstead_store::Write;

use crate::{
    messages::{outcomes, send},
    world::{HOST, World, id},
};

async fn purged(world: &World, names: &[&str]) {
    send(world, names).await;
    world.hub.purge_messages(&id("dev1")).await.unwrap();
}

async fn receive(world: &World) -> Option<(LockToken, Vec<String>)> {
    let received = world.hub.receive_feedback().await.unwrap();
    received.map(|(token, batch)| (token, batch.into_iter().map(|feedback| feedback.message_id).collect()))
}

#[tokio::test]
async fn feedback_is_given_in_batches_and_once_at_a_time() {
    let world = World::new();
    let device = world.device("dev1").await;
    purged(&world, &["a", "b"]).await;
    assert_eq!(receive(&world).await, None, "more may come");
    world.clock.advance_ms(15_000);
    let (token, batch) = world.hub.receive_feedback().await.unwrap().unwrap();
    let found: Vec<_> = batch.iter().map(|f| (f.message_id.as_str(), f.outcome, f.generation)).collect();
    let expected = |name| (name, MessageOutcome::Purged, device.generation);
    assert_eq!(found, [expected("a"), expected("b")]);
    assert_eq!(receive(&world).await, None);
    world.hub.complete_feedback(token).await.unwrap();
    assert!(matches!(world.hub.complete_feedback(token).await, Err(HubError::LockLost)));
    assert_eq!((receive(&world).await, outcomes(&world).await.len()), (None, 0));

    let names: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    for name in &names {
        purged(&world, &[name]).await;
    }
    assert_eq!(receive(&world).await.unwrap().1, names[..64], "a full batch need not wait");
    assert_eq!(receive(&world).await, None);
}

#[tokio::test]
async fn feedback_that_is_not_completed_comes_again() {
    let world = World::new();
    world.device("dev1").await;
    purged(&world, &["a"]).await;
    world.clock.advance_ms(15_000);
    let (lost, _) = receive(&world).await.unwrap();
    world.clock.advance_ms(60_000);
    assert!(matches!(world.hub.complete_feedback(lost).await, Err(HubError::LockLost)));
    for _ in 0..10 {
        let (token, batch) = receive(&world).await.unwrap();
        assert_eq!(batch, ["a"]);
        world.hub.abandon_feedback(token).await.unwrap();
        assert!(matches!(world.hub.abandon_feedback(token).await, Err(HubError::LockLost)));
    }
    assert_eq!((receive(&world).await, outcomes(&world).await.len()), (None, 0), "given up");
}

#[tokio::test]
async fn feedback_does_not_outlive_its_time_nor_its_device() {
    let world = World::new();
    world.device("dev1").await;
    purged(&world, &["a"]).await;
    world.clock.advance_ms(15_000);
    let (token, _) = receive(&world).await.unwrap();
    world.hub.abandon_feedback(token).await.unwrap();
    world.clock.advance_ms(3_600_000 - 15_000 - 1);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!(outcomes(&world).await.len(), 1);
    world.clock.advance_ms(1);
    world.hub.sweep_messages().await.unwrap();
    assert_eq!((receive(&world).await, outcomes(&world).await.len()), (None, 0));

    purged(&world, &["b"]).await;
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    world.clock.advance_ms(15_000);
    world.device("dev1").await;
    assert_eq!((receive(&world).await, outcomes(&world).await.len()), (None, 0));
}

#[tokio::test]
async fn notifications_of_files_that_nobody_takes_are_dropped_in_time() {
    const LIFE_MS: i64 = 60_000;
    let files = FileUploads { notification_ttl_s: 60, ..FileUploads::default() };
    let world = World::with(HubSettings { files, ..HubSettings::default() });
    let told = |name: &str| {
        let notification = FileNotification {
            device: id("dev1"),
            blob_uri: format!("https://{HOST}/uploads/dev1/{name}"),
            blob_name: format!("dev1/{name}"),
            last_updated: world.clock.now(),
            blob_bytes: 1,
            enqueued: world.clock.now(),
        };
        world.records.commit(vec![Write::AddFileNotification(world.hub.resource().key, notification)])
    };
    told("early").await.unwrap();
    world.clock.advance_ms(1);
    told("late").await.unwrap();
    world.clock.advance_ms(LIFE_MS - 1);
    world.hub.sweep_messages().await.unwrap();
    let kept = world.records.list_file_notifications(world.hub.resource().key, 10).await.unwrap();
    assert_eq!(kept.iter().map(|(_, told)| told.blob_name.as_str()).collect::<Vec<_>>(), ["dev1/late"]);
}
