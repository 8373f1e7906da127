use std::{pin::pin, sync::Arc, task::Poll};

use roadstead_resources::{HubSpec, ResourceError};
use roadstead_store::StoreError;

use crate::world::World;

#[tokio::test]
async fn everything_is_told_at_opening() {
    let world = World::with_group().await;
    let hub = world.hub("plant").await;
    let dps = world.dps("gate").await;
    let (later, ears) = world.reopened().await;
    assert_eq!(ears.heard(), ["hub plant at plant.localhost", "dps gate with 0 links"]);
    let directory = later.directory();
    assert_eq!((directory.find_hub("iot-rg", "plant"), directory.find_dps("iot-rg", "gate")), (Some(&hub), Some(&dps)));
}

#[tokio::test]
async fn a_failed_write_shows_and_tells_nothing() {
    let world = World::with_group().await;
    world.records.fail_next_commit(StoreError::Full("no space left on device".into()));
    let full = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), None).await;
    assert_eq!(full.unwrap_err().to_string(), "there is no room to store the change: no space left on device");
    assert!(world.resources.directory().find_hub_by_name("plant").is_none());
    assert!(world.ears.heard().is_empty());
    world.hub("plant").await;
}

#[tokio::test]
async fn after_a_lost_race_the_snapshot_catches_up() {
    let world = World::with_group().await;
    let made = world.hub("plant").await;
    let (other, _) = world.reopened().await;
    let theirs = other
        .put_hub("iot-rg", "plant", HubSpec { retention_days: Some(3), ..HubSpec::default() }, None)
        .await
        .unwrap();
    world.ears.heard();
    let lost = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), Some(made.etag.as_str())).await;
    assert!(matches!(lost, Err(ResourceError::Conflict)));
    assert_eq!(world.ears.heard(), ["hub plant at plant.localhost"]);
    assert_eq!(world.resources.directory().find_hub_by_name("plant"), Some(&theirs.record));
    let stale = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), Some(made.etag.as_str())).await;
    assert!(matches!(stale, Err(ResourceError::EtagMismatch { .. })));
}

#[tokio::test]
async fn a_write_runs_to_its_end_though_its_caller_leaves() {
    let world = Arc::new(World::with_group().await);
    {
        let mut call = pin!(world.resources.put_hub("iot-rg", "plant", HubSpec::default(), None));
        let first_poll = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        assert!(first_poll.is_pending(), "the write is under way when the caller leaves");
    }
    let next = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), None).await.unwrap();
    assert!(!next.created, "the first write went through");
    assert_eq!(world.ears.heard().len(), 2);
}
