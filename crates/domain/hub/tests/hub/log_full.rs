//! A log that takes no events: what it would be told of is refused before it is done, and what is done is not refused.

use std::sync::Arc;

use roadstead_auth::Evidence;
use roadstead_hub::{
    Beginning, DeviceSpec, HubError, IfMatch, Interests, Known, Login, ModuleSpec, Notice, SectionChange,
    SessionRequest, TwinChange, TwinWrite,
};
use roadstead_model::{
    DeviceAuth, DeviceId, DisconnectReason, EventSwitches, Hub as HubResource, HubKey, HubSettings, IdentityId,
    InitialTwin, ModuleId,
};
use roadstead_store::{HubLog, StoreError};
use serde_json::{Map, json};

use crate::world::{HOST, World, id, sas_spec};

const EVERYTHING: EventSwitches = EventSwitches { twin_changes: true, device_lifecycle: true, connection_state: true };

fn full() -> StoreError {
    StoreError::Full("no space left on device".to_owned())
}

fn tell(world: &World, events: EventSwitches) {
    let settings = HubSettings { events, ..HubSettings::default() };
    world.hub.set_resource(Arc::new(HubResource { settings, ..(*world.hub.resource()).clone() }));
}

fn module(device: &str) -> ModuleSpec {
    let auth = roadstead_hub::AuthSpec::Sas { primary: None, secondary: None };
    ModuleSpec { device: id(device), id: ModuleId::parse("m").unwrap(), auth, managed_by: None }
}

fn provisioned(device: &str, known: Known) -> DeviceSpec {
    let initial_twin = InitialTwin::default();
    DeviceSpec { id: id(device), auth: DeviceAuth::None, iot_edge: false, initial_twin, known }
}

fn rate(value: i64) -> TwinChange {
    let desired = json!({ "rate": value }).as_object().cloned().unwrap();
    TwinChange { desired: SectionChange::Write(desired), ..TwinChange::default() }
}

#[tokio::test]
async fn what_cannot_be_told_of_is_not_done() {
    let world = World::new();
    let device = world.device("dev1").await;
    world.hub.create_module(module("dev1"), Beginning::default()).await.unwrap();
    let session = world.connect(&device).await;
    let dev1 = IdentityId::from(device.id.clone());
    let before = world.hub.find_identity(&dev1).await.unwrap();
    world.log.refuse(Some(full()));
    tell(&world, EVERYTHING);
    let hub = &world.hub;
    let module_id = ModuleId::parse("m").unwrap();
    let refused = [
        hub.create_device(sas_spec("dev2")).await.map(drop),
        hub.create_device_with(sas_spec("dev2"), Beginning::default()).await.map(drop),
        hub.ensure_device(&provisioned("dev2", Known::Keep)).await,
        hub.ensure_device(&provisioned("dev1", Known::Reset)).await,
        hub.create_module(ModuleSpec { id: ModuleId::parse("n").unwrap(), ..module("dev1") }, Beginning::default())
            .await
            .map(drop),
        hub.delete_module(&device.id, &module_id, IfMatch::Any).await,
        hub.delete_device(&device.id, IfMatch::Any).await,
        hub.update_twin(&dev1, rate(5), TwinWrite::Patch, IfMatch::Any).await.map(drop),
        session.report(Map::new(), None).await.map(drop),
    ];
    for (at, outcome) in refused.into_iter().enumerate() {
        assert!(matches!(outcome, Err(HubError::Full(_))), "{at}: {outcome:?}");
    }
    let after = world.hub.find_identity(&dev1).await.unwrap();
    assert_eq!((before.device, before.twin), (after.device, after.twin));
    assert!(matches!(hub.find_device(&id("dev2")).await, Err(HubError::DeviceNotFound(_))));
    assert_eq!(hub.list_modules(&device.id).await.unwrap().len(), 1);
    assert_eq!(hub.lost_event_count(), 0);
    // Who tells of nothing needs no log, and what is not told of none either.
    hub.update_device(sas_spec("dev1"), IfMatch::Any).await.unwrap();
    tell(&world, EventSwitches::default());
    session.report(Map::new(), None).await.unwrap();
    hub.create_device(sas_spec("dev2")).await.unwrap();
    world.log.refuse(None);
    tell(&world, EVERYTHING);
    hub.create_device(sas_spec("dev3")).await.unwrap();
    assert_eq!(hub.lost_event_count(), 0);
}

/// The log fails between the question whether it would take an event, and the event.
#[tokio::test]
async fn what_is_done_is_not_refused_for_its_event() {
    let world = World::new();
    tell(&world, EVERYTHING);
    let hub = world.hub.clone();
    let dev1: DeviceId = id("dev1");
    for (done, lost) in [("create", 1), ("change", 2), ("delete", 3)] {
        world.log.hold();
        let (hub, dev1) = (hub.clone(), dev1.clone());
        let queued = || world.log.bounds(0).next + world.log.bounds(1).next;
        let before = queued();
        let doing = tokio::spawn(async move {
            match done {
                "create" => hub.create_device(sas_spec("dev1")).await.map(drop),
                "change" => hub.update_twin(&dev1.into(), rate(5), TwinWrite::Patch, IfMatch::Any).await.map(drop),
                _ => hub.delete_device(&dev1, IfMatch::Any).await,
            }
        });
        while queued() == before {
            tokio::task::yield_now().await;
        }
        world.log.release(Err(full()));
        doing.await.unwrap().unwrap_or_else(|error| panic!("{done}: {error}"));
        assert_eq!(world.hub.lost_event_count(), lost, "{done}");
    }
    assert_eq!(world.records.find_device(HubKey(7), &dev1).await.unwrap(), None);
}

#[tokio::test]
async fn comings_and_goings_that_cannot_be_told_are_counted() {
    let world = World::new();
    let device = world.device("dev1").await;
    tell(&world, EVERYTHING);
    world.log.refuse(Some(full()));
    let token = world.token_for(&device, HOST);
    let login = Login { device_id: "dev1", module_id: None, evidence: Evidence { token: Some(&token), chain: &[] } };
    let session = world.hub.connect(login, SessionRequest::default()).await.unwrap();
    session.attend(Interests { methods: false, desired: true, messages: false });
    assert_eq!(session.take_notices(), [] as [Notice; 0]);
    session.end(DisconnectReason::ClientClosed);
    assert_eq!(world.hub.lost_event_count(), 2);
}
