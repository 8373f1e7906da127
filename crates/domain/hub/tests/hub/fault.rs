use std::time::Duration;

use roadstead_hub::{Fault, FaultKind, HubError};
use roadstead_model::{HubSettings, Properties};

use crate::world::{HOST, World};

fn world() -> World {
    World::with(HubSettings { fault_injection: true, ..HubSettings::default() })
}

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, delay: Duration::from_secs(2), duration: Duration::from_secs(5) }
}

#[tokio::test]
async fn a_device_that_asked_for_it_finds_the_hub_unreachable_for_a_while() {
    let world = world();
    let (device, other) = (world.device("a").await, world.device("b").await);
    let (token, others) = (world.token_for(&device, HOST), world.token_for(&other, HOST));
    let session = world.connect(&device).await;
    assert!(session.takes_faults());
    session.inject(fault(FaultKind::Unreachable)).unwrap();
    assert!(world.login("a", &token, false).await.is_ok(), "not before the delay is over");
    world.clock.advance_ms(2000);
    let rejected = world.login("a", &token, false).await;
    assert!(matches!(rejected, Err(HubError::FaultInjected(FaultKind::Unreachable))), "{rejected:?}");
    assert!(world.login("b", &others, false).await.is_ok(), "others are not concerned");
    assert!(matches!(world.login("a", "nonsense", false).await, Err(HubError::Unauthorized(_))));
    world.clock.advance_ms(5000);
    assert!(world.login("a", &token, false).await.is_ok());
}

#[tokio::test]
async fn messages_without_a_session_are_refused_while_the_fault_lasts() {
    let world = world();
    world.device("a").await;
    let token = world.policy_token("device");
    let message = [(Properties::new(), b"{}".to_vec())];
    for kind in [FaultKind::Throttled, FaultKind::QuotaExceeded, FaultKind::Unauthorized] {
        world.hub.inject_once(world.once("a", &token), fault(kind)).await.unwrap();
        world.hub.send_once(world.once("a", &token), &message).await.unwrap();
        world.clock.advance_ms(2000);
        let refused = world.hub.send_once(world.once("a", &token), &message).await;
        assert!(matches!(refused, Err(HubError::FaultInjected(injected)) if injected == kind), "{refused:?}");
        world.clock.advance_ms(5000);
        world.hub.send_once(world.once("a", &token), &message).await.unwrap();
    }
    let stranger = world.hub.inject_once(world.once("a", "nonsense"), fault(FaultKind::Throttled)).await;
    assert!(matches!(stranger, Err(HubError::Unauthorized(_))));
}

#[tokio::test]
async fn a_hub_that_no_longer_allows_faults_forgets_those_it_has() {
    let world = world();
    let device = world.device("a").await;
    let token = world.token_for(&device, HOST);
    let session = world.connect(&device).await;
    session.inject(Fault { delay: Duration::ZERO, ..fault(FaultKind::Unreachable) }).unwrap();
    assert!(world.login("a", &token, false).await.is_err());
    let mut resource = (*world.hub.resource()).clone();
    resource.settings.fault_injection = false;
    world.hub.set_resource(resource.into());
    assert!(!session.takes_faults());
    assert!(world.login("a", &token, false).await.is_ok());
}
