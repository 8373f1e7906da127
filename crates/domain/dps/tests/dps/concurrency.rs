//! Races and crashes: never two hubs, never a device without one.

use std::sync::atomic::Ordering;

use roadstead_model::{AllocationPolicy, Provisioning, Substatus};
use roadstead_store::StoreError;

use crate::world::*;

fn least_loaded() -> Provisioning {
    Provisioning { allocation: Some(AllocationPolicy::GeoLatency), ..provisioning() }
}

#[tokio::test]
async fn a_crash_before_the_record_is_healed_by_the_next_register() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.records.fail_next_commit(StoreError::Full("no space left on device".into()));
    let refusal = world.register("dev-01", &key(1)).await.unwrap_err();
    assert_eq!(refusal.code(), 500_001);
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A], "the hub came first");
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
}

#[tokio::test]
async fn a_crash_in_a_move_loses_no_data() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    let on = |hub: &str| Provisioning { hubs: vec![hub.to_owned()], ..provisioning() };
    world.enroll("dev-01", on(HUB_A)).await;
    world.register("dev-01", &key(1)).await.unwrap();
    let reported = map(serde_json::json!({"uptime": 77}));
    world.hubs.change(HUB_A, "dev-01", |device| device.twin.reported = reported.clone());
    world.enroll("dev-01", on(HUB_B)).await;
    world.records.fail_next_commit(StoreError::Unavailable("gone".into()));
    assert_eq!(world.register("dev-01", &key(1)).await.unwrap_err().code(), 500_001);
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::DeviceDataMigrated));
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_B]);
    assert_eq!(world.hubs.find(HUB_B, "dev-01").unwrap().twin.reported, reported);
}

#[tokio::test]
async fn registers_at_once_give_one_hub() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.enroll("dev-01", least_loaded()).await;
    let key = key(1);
    let (first, second, third) =
        tokio::join!(world.register("dev-01", &key), world.register("DEV-01", &key), world.register("dev-01", &key));
    let first = first.unwrap();
    assert_eq!(second.unwrap(), first);
    assert_eq!(third.unwrap(), first);
    assert_eq!(world.hubs.hubs_of("dev-01"), [assigned(&first).0]);
    assert_eq!(world.hubs.overlaps.load(Ordering::SeqCst), 0, "one after the other");
}

#[tokio::test]
async fn two_nodes_at_once_give_one_hub() {
    for round in 0..8 {
        let world = World::new().await;
        world.link(vec![link(HUB_A), link(HUB_B)]).await;
        let device = format!("dev-{round}");
        world.enroll(&device, least_loaded()).await;
        // The nodes believe in different loads, so each would choose another hub.
        world.hubs.load(HUB_A, 100);
        world.enroll("early", least_loaded()).await;
        world.register("early", &key(1)).await.unwrap();
        world.hubs.load(HUB_A, 0);
        world.hubs.load(HUB_B, 100);
        let other_node = world.another_node().await.session(id(&device));
        let text = token(&device, &key(1));
        let evidence = roadstead_auth::Evidence { token: Some(&text), chain: &[] };
        let key = key(1);
        let (here, there) = tokio::join!(world.register(&device, &key), other_node.register(&evidence, request()));
        let (here, there) = (here.unwrap(), there.unwrap().state.unwrap());
        let record = world.instance.find_registration(&id(&device)).await.unwrap();
        assert_eq!(assigned(&here), assigned(&there));
        assert_eq!(world.hubs.hubs_of(&device), [assigned(&here).0]);
        assert_eq!(record.etag, here.etag.unwrap());
    }
}

#[tokio::test]
async fn a_lost_race_without_end_is_told() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    for _ in 0..3 {
        world.records.fail_next_commit(StoreError::Conflict { index: 0 });
    }
    let refusal = world.register("dev-01", &key(1)).await.unwrap_err();
    let text = "Precondition failed: `dev-01` is being changed by other requests at the same time";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (409_203, text));
    assert_eq!(assigned(&world.register("dev-01", &key(1)).await.unwrap()).0, HUB_A);
}
