//! Custom allocation.

use roadstead_auth::Evidence;
use roadstead_dps::{AllocationAnswer, OperationStatus, RegistrationRequest, RegistrationState, WebhookError};
use roadstead_model::{
    AllocationPolicy, AttestedBy, InitialTwin, Provisioning, ReprovisionPolicy, Secret, Substatus, Webhook,
};
use serde_json::{Value, json};

use crate::world::*;

fn custom(reprovision: Option<ReprovisionPolicy>) -> Provisioning {
    let url = Secret::new("https://fn.example.test/api/alloc?code=hidden");
    let webhook = Some(Webhook { url, api_version: "2021-10-01".to_owned() });
    Provisioning { allocation: Some(AllocationPolicy::Custom), webhook, reprovision, ..provisioning() }
}

fn answer(hub: &str) -> AllocationAnswer {
    let initial_twin = Some(InitialTwin { tags: map(json!({})), desired: map(json!({"rate": 1})) });
    AllocationAnswer { hub: hub.to_owned(), initial_twin, payload: Some(map(json!({"plan": "b"}))) }
}

async fn world() -> World {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.enroll("dev-01", custom(None)).await;
    world
}

async fn register(world: &World) -> OperationStatus {
    let request = RegistrationRequest { payload: Some(json!({"model": "m7"})), ..request() };
    let token = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&token), chain: &[] };
    world.session("dev-01").register(&evidence, request).await.unwrap()
}

async fn poll(world: &World, operation_id: &str) -> Option<RegistrationState> {
    let token = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&token), chain: &[] };
    world.session("dev-01").operation_status(&evidence, operation_id).await.unwrap().state
}

/// Asks until the operation is final, and gives the background its turns in between.
async fn finished(world: &World, operation_id: &str) -> RegistrationState {
    for _ in 0..1000 {
        if let Some(state) = poll(world, operation_id).await {
            return state;
        }
        tokio::task::yield_now().await;
    }
    panic!("the operation never ends");
}

#[tokio::test]
async fn answers_assigning_and_then_what_the_webhook_chose() {
    let world = world().await;
    let first = register(&world).await;
    assert_eq!(first.state, None);
    assert_eq!(poll(&world, &first.operation_id).await, None);
    let second = register(&world).await;
    assert_eq!(second, first, "a register while one runs is the same operation");
    world.webhook.answer(Ok(answer("B.example")));
    let state = finished(&world, &first.operation_id).await;
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::InitialAssignment));
    assert_eq!(state.payload.map(Value::from), Some(json!({"plan": "b"})));
    assert_eq!(world.hubs.find(HUB_B, "dev-01").unwrap().twin.desired, map(json!({"rate": 1})));
    let requests = world.webhook.requests.lock();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].registration_id, id("dev-01"));
    assert_eq!((requests[0].attested, requests[0].current.clone()), (AttestedBy::SymmetricKey, None));
    assert_eq!(requests[0].payload, Some(json!({"model": "m7"})));
    assert_eq!(requests[0].linked_hubs, [HUB_A, HUB_B]);
}

#[tokio::test]
async fn failures_are_told_and_forget_no_assignment() {
    for (result, message) in [
        (Err(WebhookError::Status(400)), "Custom allocation failed with status code: 400"),
        (Err(WebhookError::Timeout(10_000)), "Custom allocation failed: no answer within 10000 ms"),
        (Err(WebhookError::BadAnswer("not JSON".into())), "Custom allocation failed: not JSON"),
        (Ok(answer("c.example")), "Custom allocation failed: the webhook chose `c.example`, which is not eligible"),
    ] {
        let world = world().await;
        world.webhook.answer(result.clone());
        let operation = register(&world).await.operation_id;
        assert_eq!(failed(&finished(&world, &operation).await), (400_207, message));

        world.webhook.answer(Ok(answer(HUB_A)));
        let operation = register(&world).await.operation_id;
        assert_eq!(assigned(&finished(&world, &operation).await).0, HUB_A);

        world.webhook.answer(result);
        let operation = register(&world).await.operation_id;
        assert_eq!(failed(&finished(&world, &operation).await), (400_207, message));
        let record = world.instance.find_registration(&id("dev-01")).await.unwrap();
        assert!(matches!(record.status, roadstead_model::RegistrationStatus::Assigned { .. }), "{record:?}");
        assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A]);
    }
}

#[tokio::test]
async fn is_asked_on_every_register_and_moves_only_whom_it_may() {
    let policy = |update_hub_assignment, migrate_device_data| {
        Some(ReprovisionPolicy { update_hub_assignment, migrate_device_data })
    };
    for (reprovision, chosen, hub, rate) in [
        (policy(true, true), HUB_B, HUB_B, 9),
        (policy(true, false), HUB_B, HUB_B, 1),
        (policy(true, false), HUB_A, HUB_A, 5),
        (policy(false, false), HUB_A, HUB_A, 9),
    ] {
        let world = world().await;
        world.webhook.answer(Ok(answer(HUB_A)));
        let operation = register(&world).await.operation_id;
        finished(&world, &operation).await;
        world.hubs.change(HUB_A, "dev-01", |device| device.twin.desired = map(json!({"rate": 9})));
        world.enroll("dev-01", custom(reprovision)).await;
        let moved = AllocationAnswer { payload: Some(map(json!({"plan": "c"}))), ..answer(chosen) };
        world.webhook.answer(Ok(moved));
        let operation = register(&world).await.operation_id;
        let state = finished(&world, &operation).await;
        assert_eq!(assigned(&state).0, hub, "{reprovision:?}");
        assert_eq!(state.payload.map(Value::from), Some(json!({"plan": "c"})), "{reprovision:?}");
        assert_eq!(world.hubs.find(hub, "dev-01").unwrap().twin.desired, map(json!({"rate": rate})), "{reprovision:?}");
        let requests = world.webhook.requests.lock();
        let (current, _) = requests[1].current.clone().unwrap();
        assert_eq!(current, HUB_A);
        let free = reprovision.unwrap().update_hub_assignment;
        assert_eq!(requests[1].linked_hubs.len(), if free { 2 } else { 1 }, "{reprovision:?}");
    }
}

#[tokio::test]
async fn the_chosen_hub_goes_by_any_of_its_names() {
    let world = world().await;
    world.hubs.alias(HUB_B, "b.azure-devices.net");
    world.webhook.answer(Ok(answer("B.azure-devices.net")));
    let first = register(&world).await;
    let state = finished(&world, &first.operation_id).await;
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::InitialAssignment));
}
