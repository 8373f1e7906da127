//! Hubs on other servers, which may be slow or away.

use std::time::Duration;

use roadstead_auth::Evidence;
use roadstead_dps::{LinkError, OperationStatus, RegistrationState, limits};
use roadstead_model::{AllocationPolicy, Provisioning, RegistrationStatus, Substatus};
use tokio::time::Instant;

use crate::world::*;

fn on(hub: &str) -> Provisioning {
    Provisioning { hubs: vec![hub.to_owned()], ..provisioning() }
}

fn away() -> LinkError {
    LinkError::Unreachable("connection refused".into())
}

async fn begin(world: &World, device: &str) -> OperationStatus {
    world.register_as(device, Some(&token(device, &key(1))), &[]).await.unwrap()
}

async fn poll(world: &World, device: &str, operation_id: &str) -> Option<RegistrationState> {
    let token = token(device, &key(1));
    let evidence = Evidence { token: Some(&token), chain: &[] };
    world.session(device).operation_status(&evidence, operation_id).await.unwrap().state
}

/// Asks as an SDK does, every two seconds, until the answer is final.
async fn finished(world: &World, device: &str, operation_id: &str) -> RegistrationState {
    for _ in 0..300 {
        if let Some(state) = poll(world, device, operation_id).await {
            return state;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    panic!("the operation never ends");
}

#[tokio::test(start_paused = true)]
async fn a_device_waits_for_a_hub_that_is_away_and_its_record_says_why() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.hubs.fail(HUB_A, Some(away()));
    let begun = begin(&world, "dev-01").await;
    assert_eq!(begun.state, None, "assigning");
    assert_eq!(begin(&world, "dev-01").await, begun, "a register while one runs is the same operation");
    let record = world.instance.find_registration(&id("dev-01")).await.unwrap();
    let message = "hub `a.example` cannot be reached now: connection refused".to_owned();
    assert_eq!(record.status, RegistrationStatus::Failed { code: 503_001, message });
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(poll(&world, "dev-01", &begun.operation_id).await, None, "still assigning");
    world.hubs.fail(HUB_A, None);
    let state = finished(&world, "dev-01", &begun.operation_id).await;
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A]);
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.hubs.fail(HUB_A, Some(away()));
    let begun = begin(&world, "dev-01").await;
    let state = finished(&world, "dev-01", &begun.operation_id).await;
    assert_eq!(failed(&state), (503_001, "hub `a.example` cannot be reached now: connection refused"));
    world.hubs.fail(HUB_A, None);
    assert_eq!(assigned(&world.register("dev-01", &key(1)).await.unwrap()).0, HUB_A);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_does_not_answer_costs_others_nothing() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.enroll("slow", on(HUB_A)).await;
    world.enroll("quick", on(HUB_B)).await;
    world.hubs.mute(HUB_A, true);
    let before = Instant::now();
    let begun = begin(&world, "slow").await;
    assert_eq!((begun.state.clone(), before.elapsed()), (None, limits::REGISTER_ANSWER));
    let before = Instant::now();
    assert_eq!(assigned(&world.register("quick", &key(1)).await.unwrap()).0, HUB_B);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_went_away_finds_its_operation_again() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.hubs.fail(HUB_A, Some(away()));
    let session = world.session("dev-01");
    let text = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&text), chain: &[] };
    {
        let given_up = tokio::time::timeout(Duration::from_millis(100), session.register(&evidence, request()));
        assert!(given_up.await.is_err());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = begin(&world, "dev-01").await;
    assert_eq!(begun.state, None);
    world.hubs.fail(HUB_A, None);
    assert_eq!(assigned(&finished(&world, "dev-01", &begun.operation_id).await).0, HUB_A);
}

#[tokio::test(start_paused = true)]
async fn the_least_loaded_hub_is_found_without_those_that_do_not_say() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    let least_loaded = || Provisioning { allocation: Some(AllocationPolicy::GeoLatency), ..provisioning() };
    world.hubs.load(HUB_B, 1000);
    world.hubs.mute(HUB_A, true);
    for (device, waited) in [("dev-01", limits::LOAD_WAIT), ("dev-02", Duration::ZERO)] {
        world.enroll(device, least_loaded()).await;
        let before = Instant::now();
        assert_eq!(assigned(&world.register(device, &key(1)).await.unwrap()).0, HUB_B);
        assert_eq!(before.elapsed(), waited, "one waits for the answer, the others know that it is late");
    }
}

#[tokio::test(start_paused = true)]
async fn a_registered_device_is_told_its_far_hub_while_that_is_away() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.register("dev-01", &key(1)).await.unwrap();
    world.hubs.fail(HUB_A, Some(away()));
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
}
