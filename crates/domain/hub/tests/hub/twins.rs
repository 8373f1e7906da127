//! Twins: written by one after the other, told in that order, and to readers of the hub's events.

use std::sync::Arc;

use futures_util::{FutureExt, future::join_all};
use roadstead_hub::{
    DesiredChange, HubError, IfMatch, Interests, Notice, SectionChange, StoredEvent, TwinChange, TwinWrite,
};
use roadstead_model::{
    EventSource, EventSwitches, Hub as HubResource, HubKey, HubSettings, IdentityId, Property, SystemProperty,
};
use roadstead_store::{HubLog, StoreError};
use serde_json::{Map, Value, json};

use crate::world::{World, id};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn desired(value: Value) -> TwinChange {
    TwinChange { desired: SectionChange::Write(map(value)), ..TwinChange::default() }
}

fn dev1() -> IdentityId {
    id("dev1").into()
}

/// Turns on the events beside telemetry.
fn tell(world: &World, events: EventSwitches) {
    let settings = HubSettings { events, ..HubSettings::default() };
    world.hub.set_resource(Arc::new(HubResource { settings, ..(*world.hub.resource()).clone() }));
}

async fn events(world: &World) -> Vec<StoredEvent> {
    [world.log.read(0, 0, usize::MAX).await.unwrap(), world.log.read(1, 0, usize::MAX).await.unwrap()].concat()
}

const LISTENING: Interests = Interests { methods: false, desired: true, messages: false };

#[tokio::test]
async fn a_device_reads_and_reports() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    let twin = session.twin().await.unwrap();
    assert_eq!((twin.desired.version, twin.reported.version), (1, 1));
    assert_eq!(session.report(map(json!({"a": 1, "$version": 40})), None).await.unwrap(), 2);
    assert_eq!(session.report(map(json!({"b": 2})), Some(2)).await.unwrap(), 3);
    let late = session.report(map(json!({"c": 3})), Some(2)).await;
    assert!(matches!(late, Err(HubError::TwinVersionMismatch { expected: 2, version: 3, .. })), "{late:?}");
    let bad = session.report(map(json!({"c": 3, "a b": 1})), None).await;
    assert!(matches!(bad, Err(HubError::TwinInvalid { .. })), "{bad:?}");
    let twin = session.twin().await.unwrap();
    assert_eq!((Value::from(twin.reported.value), twin.reported.version), (json!({"a": 1, "b": 2}), 3));

    let successor = world.connect(&device).await;
    assert!(matches!(session.report(Map::new(), None).await, Err(HubError::Closed(_))));
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert!(successor.report(Map::new(), None).await.is_err());
}

#[tokio::test]
async fn changes_of_desired_properties_reach_who_listens() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    let dev1 = dev1();
    let change = |value, write| world.hub.update_twin(&dev1, desired(value), write, IfMatch::Any);
    change(json!({"a": 1}), TwinWrite::Patch).await.unwrap();
    assert_eq!(session.take_notices(), [], "nobody listens yet");
    session.attend(LISTENING);
    change(json!({"a": null, "b": {"c": 2}}), TwinWrite::Patch).await.unwrap();
    change(json!({"d": 4, "e": null}), TwinWrite::Replace).await.unwrap();
    let tags = TwinChange { tags: SectionChange::Write(map(json!({"t": 1}))), ..TwinChange::default() };
    world.hub.update_twin(&dev1, tags, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    let record = world
        .hub
        .update_twin(
            &dev1,
            TwinChange { desired: SectionChange::Clear, ..TwinChange::default() },
            TwinWrite::Patch,
            IfMatch::Any,
        )
        .await
        .unwrap();
    assert!(record.presence.connected && record.twin.desired.value.is_empty());
    session.woken().await;
    let told = |properties, version| Notice::DesiredChanged(DesiredChange { properties: map(properties), version });
    let expected = [told(json!({"a": null, "b": {"c": 2}}), 3), told(json!({"d": 4}), 4), told(json!({"d": null}), 5)];
    assert_eq!(session.take_notices(), expected);
}

#[tokio::test]
async fn a_condition_names_the_twins_etag() {
    let world = World::new();
    world.device("dev1").await;
    let (dev1, dev9) = (dev1(), IdentityId::from(id("dev9")));
    let known = world.hub.find_identity(&dev1).await.unwrap();
    let on = |etag| world.hub.update_twin(&dev1, desired(json!({"a": 1})), TwinWrite::Patch, IfMatch::Etag(etag));
    assert!(matches!(on(known.device.etag.clone()).await, Err(HubError::EtagMismatch { .. })));
    let changed = on(known.twin.etag.clone()).await.unwrap();
    assert!(matches!(on(known.twin.etag).await, Err(HubError::EtagMismatch { .. })));
    assert_eq!(changed.twin, world.hub.find_identity(&dev1).await.unwrap().twin);
    let nobody = world.hub.update_twin(&dev9, desired(json!({})), TwinWrite::Patch, IfMatch::Any);
    assert!(matches!(nobody.await, Err(HubError::DeviceNotFound(_))));
}

/// However writers meet, none is lost, and what the device hears is in the order of versions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_take_turns() {
    const EACH: i32 = 40;
    let versions_told: Vec<i64> = (2..i64::from(EACH) + 2).collect();
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    session.attend(LISTENING);
    let back_ends = join_all((0..EACH).map(|n| {
        let hub = world.hub.clone();
        tokio::spawn(async move {
            hub.update_twin(&dev1(), desired(json!({format!("k{n}"): n})), TwinWrite::Patch, IfMatch::Any).await
        })
    }));
    let reports = join_all((0..EACH).map(|n| session.report(map(json!({format!("r{n}"): n})), None)));
    let (changed, mut versions) = tokio::join!(back_ends, reports);
    assert!(changed.into_iter().all(|change| change.unwrap().is_ok()));
    versions.sort_by_key(|version| *version.as_ref().unwrap());
    let versions: Vec<i64> = versions.into_iter().map(Result::unwrap).collect();
    assert_eq!(versions, versions_told);
    let twin = world.hub.find_identity(&dev1()).await.unwrap().twin;
    assert_eq!((twin.desired.value.len(), twin.reported.value.len()), (40, 40));
    assert_eq!(twin.version, 2 + 2 * i64::from(EACH));
    let heard: Vec<i64> = session
        .take_notices()
        .iter()
        .map(|notice| match notice {
            Notice::DesiredChanged(change) => change.version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(heard, versions_told);
}

#[tokio::test]
async fn nothing_is_told_unless_asked_for() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    session.report(map(json!({"a": 1})), None).await.unwrap();
    world.hub.update_twin(&dev1(), desired(json!({"a": 1})), TwinWrite::Patch, IfMatch::Any).await.unwrap();
    drop(session);
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert!(events(&world).await.is_empty());
}

#[tokio::test]
async fn readers_hear_of_identities_and_their_twins() {
    let world = World::new();
    tell(&world, EventSwitches { twin_changes: true, device_lifecycle: true, connection_state: false });
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    session.report(map(json!({"r": 1, "$version": 9})), None).await.unwrap();
    world.hub.update_twin(&dev1(), desired(json!({"a": null, "b": 1})), TwinWrite::Patch, IfMatch::Any).await.unwrap();
    world.hub.update_twin(&dev1(), desired(json!({"c": 1})), TwinWrite::Replace, IfMatch::Any).await.unwrap();
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();

    let mut told = Vec::new();
    for event in events(&world).await {
        let view = event.view().unwrap();
        assert_eq!((view.device_id, view.module_id, view.generation), ("dev1", None, device.generation));
        let find = |name: &str| {
            view.properties.clone().find_map(|property| match property {
                Property::Application(found, value) if found == name => value.map(str::to_owned),
                _ => None,
            })
        };
        let system = |wanted| {
            view.properties.clone().find_map(|property| match property {
                Property::System(found, value) if found == wanted => Some(value),
                _ => None,
            })
        };
        assert_eq!((find("hubName").as_deref(), find("deviceId").as_deref()), (Some("hub1"), Some("dev1")));
        assert_eq!(find("operationTimestamp").as_deref(), Some("2026-11-21T20:02:50.0000000Z"));
        for (property, expected) in [
            (SystemProperty::UserId, "hub1"),
            (SystemProperty::ContentType, "application/json"),
            (SystemProperty::ContentEncoding, "utf-8"),
        ] {
            assert_eq!(system(property), Some(expected));
        }
        assert_eq!(system(SystemProperty::CorrelationId).unwrap().len(), 32);
        let schema = system(SystemProperty::MessageSchema).unwrap().to_owned();
        let body: Value = serde_json::from_slice(view.body).unwrap();
        told.push((view.source, find("opType").unwrap(), schema, body));
    }
    let labels: Vec<_> = told.iter().map(|(source, operation, schema, _)| (*source, &**operation, &**schema)).collect();
    let (twins, lifecycle) = ("twinChangeNotification", "deviceLifecycleNotification");
    let expected = [
        (EventSource::DeviceLifecycle, "createDeviceIdentity", lifecycle),
        (EventSource::TwinChange, "updateTwin", twins),
        (EventSource::TwinChange, "updateTwin", twins),
        (EventSource::TwinChange, "replaceTwin", twins),
        (EventSource::DeviceLifecycle, "deleteDeviceIdentity", lifecycle),
    ];
    assert_eq!(labels, expected);
    let reported = &told[1].3["properties"]["reported"];
    assert_eq!((&told[1].3["version"], &reported["r"], &reported["$version"]), (&json!(3), &json!(1), &json!(2)));
    let changed = &told[2].3["properties"]["desired"];
    assert_eq!((&changed["a"], &changed["b"], &changed["$version"]), (&json!(null), &json!(1), &json!(2)));
    let whole = &told[3].3;
    assert_eq!((&whole["deviceId"], &whole["version"]), (&json!("dev1"), &json!(5)));
    assert_eq!((&whole["properties"]["desired"]["c"], &whole["properties"]["reported"]["r"]), (&json!(1), &json!(1)));
    assert_eq!(told[4].3["properties"], whole["properties"], "the last twin");
}

#[tokio::test]
async fn a_change_is_answered_when_its_event_is_durable_or_lost() {
    let world = World::new();
    world.device("dev1").await;
    tell(&world, EventSwitches { twin_changes: true, ..EventSwitches::default() });
    for (outcome, lost) in [(Ok(()), 0), (Err(StoreError::Full("no space".to_owned())), 1)] {
        world.log.hold();
        let hub = world.hub.clone();
        let change = tokio::spawn(async move {
            hub.update_twin(&dev1(), desired(json!({"a": 1})), TwinWrite::Patch, IfMatch::Any).await
        });
        let before = events(&world).await.len();
        while events(&world).await.len() == before {
            tokio::task::yield_now().await;
        }
        assert!(!change.is_finished());
        world.log.release(outcome);
        let changed = change.await.unwrap().expect("what is done is not refused");
        assert_eq!(changed.twin, world.records.find_twin(HubKey(7), &dev1()).await.unwrap().unwrap());
        assert_eq!(world.hub.lost_event_count(), lost);
    }
}

/// Who asks for a change and goes away does not keep it from being told.
#[tokio::test]
async fn a_change_ends_without_its_caller() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    session.attend(LISTENING);
    let dev1 = dev1();
    let asked = world.hub.update_twin(&dev1, desired(json!({"a": 1})), TwinWrite::Patch, IfMatch::Any);
    assert!(asked.now_or_never().is_none(), "dropped before it could answer");
    session.woken().await;
    assert_eq!(session.take_notices().len(), 1);
}
