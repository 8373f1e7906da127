use std::time::Duration;

use roadstead_hub::{HubError, IfMatch, Operation};
use roadstead_model::{HubSettings, Properties, ThrottleProfile, Tier};
use roadstead_store::HubLog;

use crate::world::{World, id, sas_spec};

/// A hub as slow as Azure's smallest.
fn slow() -> World {
    World::with(HubSettings { throttle: Some(ThrottleProfile { tier: Tier::S1, units: 1 }), ..HubSettings::default() })
}

fn refused<T>(result: Result<T, HubError>) -> Option<Operation> {
    match result {
        Ok(_) => None,
        Err(HubError::Throttled { operation, .. }) => Some(operation),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn connections_are_throttled_after_the_login_was_judged() {
    let world = slow();
    let device = world.device("a").await;
    assert!(matches!(world.login("a", "nonsense", false).await, Err(HubError::Unauthorized(_))));
    for _ in 0..100 {
        drop(world.connect(&device).await);
    }
    let token = world.token_for(&device, crate::world::HOST);
    let Err(HubError::Throttled { operation, retry_after_s }) = world.login("a", &token, false).await else { panic!() };
    assert_eq!((operation, retry_after_s), (Operation::Connect, 1));
    world.clock.advance_ms(10);
    assert!(world.login("a", &token, false).await.is_ok());
}

#[tokio::test]
async fn telemetry_of_a_session_is_slowed_down_and_then_refused() {
    let world = slow();
    let device = world.device("a").await;
    let session = world.connect(&device).await;
    for _ in 0..100 {
        session.send(&mut Properties::new(), b"{}").unwrap();
    }
    assert_eq!(session.take_pause(), Duration::ZERO);
    session.send(&mut Properties::new(), b"{}").unwrap();
    session.send(&mut Properties::new(), b"{}").unwrap();
    assert_eq!(session.take_pause(), Duration::from_millis(20), "the longest of what was sent");
    assert_eq!(session.take_pause(), Duration::ZERO);
    let sent = (0..2000).take_while(|_| session.send(&mut Properties::new(), b"{}").is_ok()).count();
    assert_eq!(sent, 998);
    assert_eq!(refused(session.send(&mut Properties::new(), b"{}")), Some(Operation::TelemetrySend));
    assert_eq!(world.log.bounds(0).next + world.log.bounds(1).next, 1100, "what is refused is not stored");
}

#[tokio::test]
async fn each_operation_of_back_ends_and_devices_has_its_rate() {
    let world = slow();
    let device = world.device("a").await;
    let token = world.policy_token("device");
    let session = world.connect(&device).await;
    let mut made = 0;
    let operation = loop {
        match refused(world.hub.create_device(sas_spec(&format!("d{made}"))).await) {
            None => made += 1,
            Some(operation) => break operation,
        }
    };
    assert_eq!((made, operation), (99, Operation::Registry), "the first device counted too");
    assert_eq!(refused(world.hub.delete_device(&id("d1"), IfMatch::Any).await), Some(Operation::Registry));
    assert_eq!(refused(world.hub.read_identity(&id("d1").into()).await), Some(Operation::Registry));
    assert_eq!(refused(session.twin().await), None, "each operation has its own");
    for _ in 0..50 {
        session.report(serde_json::Map::new(), None).await.unwrap();
    }
    assert_eq!(refused(session.report(serde_json::Map::new(), None).await), Some(Operation::TwinUpdate));
    for _ in 0..20 {
        world.hub.query("SELECT * FROM devices", None, 1).await.unwrap();
    }
    assert_eq!(refused(world.hub.query("SELECT * FROM devices", None, 1).await), Some(Operation::Query));
    let batch = vec![(Properties::new(), b"{}".to_vec()); 60];
    assert_eq!(refused(world.hub.send_once(world.once("a", &token), &batch).await), None);
    assert_eq!(refused(world.hub.send_once(world.once("a", &token), &batch).await), Some(Operation::TelemetrySend));
    for _ in 0..1000 {
        world.hub.receive_message(world.once("a", &token)).await.unwrap();
    }
    let received = world.hub.receive_message(world.once("a", &token)).await;
    assert_eq!(refused(received), Some(Operation::MessageReceive));
    for _ in 0..100 {
        let started = world.hub.start_upload(world.once("a", &token), "log.txt").await;
        assert!(matches!(started, Err(HubError::UploadsMissing)), "counted, and told that there is no place for files");
    }
    assert_eq!(refused(world.hub.start_upload(world.once("a", &token), "log.txt").await), Some(Operation::UploadStart));
}

#[tokio::test]
async fn a_hub_is_not_slow_by_itself() {
    let world = World::new();
    let device = world.device("a").await;
    let session = world.connect(&device).await;
    for _ in 0..2000 {
        session.send(&mut Properties::new(), b"{}").unwrap();
    }
    assert_eq!(session.take_pause(), Duration::ZERO);
}
