//! Registering again: every row of the table, on real twins.

use std::sync::atomic::Ordering;

use roadstead_auth::Evidence;
use roadstead_dps::{AttestationDraft, LinkError, Precondition, RegistrationRequest};
use roadstead_model::{AllocationPolicy, DeviceAuth, DeviceId, Provisioning, ReprovisionPolicy, Substatus};
use serde_json::json;

use crate::world::*;

const MIGRATE: Option<ReprovisionPolicy> =
    Some(ReprovisionPolicy { update_hub_assignment: true, migrate_device_data: true });
const RESET: Option<ReprovisionPolicy> =
    Some(ReprovisionPolicy { update_hub_assignment: true, migrate_device_data: false });
const NEVER: Option<ReprovisionPolicy> =
    Some(ReprovisionPolicy { update_hub_assignment: false, migrate_device_data: false });
const NEVER_TOO: Option<ReprovisionPolicy> =
    Some(ReprovisionPolicy { update_hub_assignment: false, migrate_device_data: true });

fn on(hub: &str, reprovision: Option<ReprovisionPolicy>) -> Provisioning {
    let allocation = Some(AllocationPolicy::Static);
    Provisioning { hubs: vec![hub.to_owned()], allocation, reprovision, ..provisioning() }
}

/// A device on hub a that has lived: its twin differs from the initial one.
async fn lived(reprovision: Option<ReprovisionPolicy>) -> World {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.enroll("dev-01", on(HUB_A, reprovision)).await;
    world.register("dev-01", &key(1)).await.unwrap();
    world.hubs.change(HUB_A, "dev-01", |device| {
        device.twin.desired = map(json!({"rate": 9}));
        device.twin.reported = map(json!({"rate": 9, "uptime": 77}));
        device.twin.iot_edge = true;
    });
    world
}

#[tokio::test]
async fn every_row_of_the_table() {
    use Substatus::{DeviceDataMigrated, DeviceDataReset, InitialAssignment};
    for (policy, wanted, hub, substatus, keeps_data) in [
        (MIGRATE, HUB_A, HUB_A, InitialAssignment, true),
        (MIGRATE, HUB_B, HUB_B, DeviceDataMigrated, true),
        (None, HUB_B, HUB_B, DeviceDataMigrated, true),
        (RESET, HUB_A, HUB_A, DeviceDataReset, false),
        (RESET, HUB_B, HUB_B, DeviceDataReset, false),
        (NEVER, HUB_A, HUB_A, InitialAssignment, true),
        (NEVER, HUB_B, HUB_A, InitialAssignment, true),
        (NEVER_TOO, HUB_B, HUB_A, InitialAssignment, true),
    ] {
        let world = lived(policy).await;
        world.enroll("dev-01", on(wanted, policy)).await;
        let state = world.register("dev-01", &key(1)).await.unwrap();
        assert_eq!(assigned(&state), (hub, "dev-01", substatus), "{policy:?} {wanted}");
        assert_eq!(world.hubs.hubs_of("dev-01"), [hub], "{policy:?} {wanted}: one hub only");
        let twin = world.hubs.find(hub, "dev-01").unwrap().twin;
        let rate = if keeps_data { 9 } else { 5 };
        assert_eq!(twin.desired, map(json!({"rate": rate})), "{policy:?} {wanted}");
        assert_eq!(twin.reported.is_empty(), !keeps_data, "{policy:?} {wanted}");
        assert_eq!(twin.iot_edge, keeps_data, "{policy:?} {wanted}");
    }
}

#[tokio::test]
async fn a_hub_with_a_new_name_is_no_other_hub() {
    for policy in [MIGRATE, NEVER] {
        let world = lived(policy).await;
        world.hubs.alias(HUB_A, "c.example");
        world.link(vec![link("c.example")]).await;
        world.enroll("dev-01", on("c.example", policy)).await;
        let before = world.hubs.find(HUB_A, "dev-01");
        let state = world.register("dev-01", &key(1)).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment), "{policy:?}");
        assert_eq!(world.hubs.find(HUB_A, "dev-01"), before, "{policy:?}: not moved, not removed");
    }
}

#[tokio::test]
async fn old_firmware_stays_where_it_is() {
    for (api_version, hub) in [("2018-04-01", HUB_A), ("2019-03-31", HUB_B)] {
        let world = lived(None).await;
        world.enroll("dev-01", on(HUB_B, None)).await;
        let request = RegistrationRequest { api_version: api_version.to_owned(), ..request() };
        let token = token("dev-01", &key(1));
        let evidence = Evidence { token: Some(&token), chain: &[] };
        let status = world.session("dev-01").register(&evidence, request).await.unwrap();
        assert_eq!(assigned(&status.state.unwrap()).0, hub, "{api_version}");
    }
}

#[tokio::test]
async fn nothing_changed_costs_no_write() {
    for policy in [None, MIGRATE, NEVER] {
        let world = lived(policy).await;
        let first = world.register("dev-01", &key(1)).await.unwrap();
        let before = (world.records.commits(), world.hubs.writes.load(Ordering::SeqCst));
        let reads = world.hubs.reads.load(Ordering::SeqCst);
        world.clock.advance_ms(60_000);
        assert_eq!(world.register("dev-01", &key(2)).await.unwrap(), first);
        assert_eq!((world.records.commits(), world.hubs.writes.load(Ordering::SeqCst)), before, "{policy:?}");
        assert_eq!(world.hubs.reads.load(Ordering::SeqCst), reads + 1, "{policy:?}");
    }
}

#[tokio::test]
async fn a_device_deleted_by_hand_is_made_again() {
    for policy in [MIGRATE, NEVER] {
        let world = lived(policy).await;
        world.hubs.delete(HUB_A, "dev-01");
        let state = world.register("dev-01", &key(1)).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
        assert_eq!(world.hubs.find(HUB_A, "dev-01").unwrap().twin.desired, map(json!({"rate": 5})), "{policy:?}");
    }
}

#[tokio::test]
async fn new_credentials_reach_the_hub_and_the_twin_stays() {
    for policy in [MIGRATE, NEVER] {
        let world = lived(policy).await;
        let mut draft = key_draft("dev-01", on(HUB_A, policy));
        let (primary, secondary) = (Some(secret(&key(5))), Some(secret(&key(6))));
        draft.attestation = AttestationDraft::SymmetricKey { primary, secondary };
        world.instance.put_enrollment(draft, Precondition::Any).await.unwrap();
        assert_eq!(world.register("dev-01", &key(1)).await.unwrap_err().code(), 401_002, "the old key is gone");
        let state = world.register("dev-01", &key(5)).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
        let device = world.hubs.find(HUB_A, "dev-01").unwrap();
        assert_eq!(device.auth, DeviceAuth::Sas { primary: secret(&key(5)), secondary: secret(&key(6)) });
        assert_eq!(device.twin.desired, map(json!({"rate": 9})), "{policy:?}");
    }
}

#[tokio::test]
async fn keys_changed_on_the_hub_by_hand_stay() {
    let world = lived(MIGRATE).await;
    let by_hand = DeviceAuth::Sas { primary: secret(&key(7)), secondary: secret(&key(8)) };
    world.hubs.change(HUB_A, "dev-01", |device| device.auth = by_hand.clone());
    world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(world.hubs.find(HUB_A, "dev-01").unwrap().auth, by_hand);
}

#[tokio::test]
async fn a_new_device_id_moves_the_device_on_its_hub() {
    let world = lived(MIGRATE).await;
    let mut draft = key_draft("dev-01", on(HUB_A, MIGRATE));
    draft.device_id = Some(DeviceId::parse("pump-7").unwrap());
    world.instance.put_enrollment(draft, Precondition::Any).await.unwrap();
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "pump-7", Substatus::DeviceDataMigrated));
    assert!(world.hubs.find(HUB_A, "dev-01").is_none());
    assert_eq!(world.hubs.find(HUB_A, "pump-7").unwrap().twin.desired, map(json!({"rate": 9})));
}

#[tokio::test]
async fn data_are_not_lost_to_a_hub_that_is_away() {
    let world = lived(MIGRATE).await;
    world.enroll("dev-01", on(HUB_B, MIGRATE)).await;
    world.hubs.fail(HUB_A, Some(LinkError::Unavailable("no route".into())));
    assert_eq!(world.register("dev-01", &key(1)).await.unwrap_err().code(), 503_001);
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A]);
    world.hubs.fail(HUB_A, None);
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::DeviceDataMigrated));
    assert_eq!(world.hubs.find(HUB_B, "dev-01").unwrap().twin.reported, map(json!({"rate": 9, "uptime": 77})));
}

#[tokio::test]
async fn a_registered_device_is_told_its_hub_while_that_is_away() {
    let world = lived(MIGRATE).await;
    world.hubs.fail(HUB_A, Some(LinkError::Unavailable("no route".into())));
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
}

#[tokio::test]
async fn a_hub_that_is_no_longer_linked() {
    // Never to move: the answer stays, though nothing can be looked after there.
    let world = lived(NEVER).await;
    world.link(vec![link(HUB_B)]).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
    // To move: nothing can be fetched from there, so the device begins anew.
    let world = lived(MIGRATE).await;
    world.enroll("dev-01", on(HUB_B, MIGRATE)).await;
    world.link(vec![link(HUB_B)]).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state).0, HUB_B);
    assert_eq!(world.hubs.find(HUB_B, "dev-01").unwrap().twin.desired, map(json!({"rate": 5})));
}

#[tokio::test]
async fn a_failure_does_not_forget_an_assignment() {
    let world = lived(MIGRATE).await;
    world.enroll("dev-01", on(HUB_B, MIGRATE)).await;
    world.link(vec![link(HUB_A)]).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(failed(&state).0, 400_208);
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::DeviceDataMigrated), "hub a was not forgotten");
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_B]);
}
