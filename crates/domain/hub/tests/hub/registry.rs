//! The registry: conditions of writes, generated and given credentials, provisioning.

use std::sync::Arc;

use futures_util::FutureExt;
use roadstead_hub::{
    Adopted, AuthSpec, DesiredChange, DeviceSpec, EventPosition, HubError, IdentityRecord, IdentitySpec, IfMatch,
    Interests, Known, Notice,
};
use roadstead_model::{
    DeviceAuth, DeviceStatus, Etag, EventSource, EventSwitches, Hub as HubResource, HubSettings, InitialTwin, Secret,
    Thumbprint,
};
use serde_json::{Map, json};

use crate::world::{World, id, sas_spec};

#[tokio::test]
async fn writes_happen_under_their_condition() {
    let world = World::new();
    let device = world.device("dev1").await;
    let again = world.hub.create_device(sas_spec("dev1")).await;
    assert!(matches!(again, Err(HubError::DeviceAlreadyExists(_))), "{again:?}");
    let stale = IfMatch::Etag(Etag::from_client("\"stale\""));
    let refused = world.hub.update_device(sas_spec("dev1"), stale.clone()).await;
    assert!(matches!(refused, Err(HubError::EtagMismatch { .. })), "{refused:?}");
    assert!(matches!(world.hub.delete_device(&id("dev1"), stale).await, Err(HubError::EtagMismatch { .. })));
    let changed = world.hub.update_device(sas_spec("dev1"), IfMatch::Etag(device.etag.clone())).await.unwrap();
    assert_ne!(changed.etag, device.etag);
    assert_eq!(changed.auth, device.auth, "keys that are left out stay");
    let absent = world.hub.update_device(sas_spec("dev2"), IfMatch::Any).await;
    assert!(matches!(absent, Err(HubError::DeviceNotFound(_))), "{absent:?}");
    assert!(matches!(world.hub.delete_device(&id("dev2"), IfMatch::Any).await, Err(HubError::DeviceNotFound(_))));
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert_ne!(world.device("dev1").await.generation, device.generation, "a device made again is another one");
}

#[tokio::test]
async fn credentials_that_cannot_work_are_refused() {
    let world = World::new();
    let sas = |primary: &str| AuthSpec::Sas { primary: Some(Secret::new(primary)), secondary: None };
    let pinned = |primary: Option<&str>| AuthSpec::Thumbprints { primary: primary.map(str::to_owned), secondary: None };
    for auth in [sas("not base64!"), sas("c2hvcnQ="), pinned(None), pinned(Some("")), pinned(Some("abc"))] {
        let spec = IdentitySpec { auth: auth.clone(), ..sas_spec("dev1") };
        let refused = world.hub.create_device(spec).await;
        assert!(matches!(refused, Err(HubError::Invalid(_))), "{auth:?}: {refused:?}");
    }
    let reason = IdentitySpec { status_reason: Some("r".repeat(129)), ..sas_spec("dev1") };
    assert!(matches!(world.hub.create_device(reason).await, Err(HubError::Invalid(_))));
    assert_eq!(world.hub.count_devices().await.unwrap().total, 0);
}

fn provisioned(known: Known) -> DeviceSpec {
    let Some(digest) = Thumbprint::parse(&"ab".repeat(32)) else { panic!("64 hex digits") };
    let serde_json::Value::Object(desired) = json!({"rate": 5}) else { panic!("an object") };
    DeviceSpec {
        id: id("dev1"),
        auth: DeviceAuth::Thumbprints { primary: Some(digest), secondary: None },
        iot_edge: false,
        initial_twin: InitialTwin { tags: Map::new(), desired },
        known,
    }
}

#[tokio::test]
async fn provisioning_creates_then_leaves_alone_what_is_right() {
    let world = World::new();
    world.hub.ensure_device(&provisioned(Known::Credentials)).await.unwrap();
    let IdentityRecord { device, twin, .. } = world.hub.find_identity(&id("dev1").into()).await.unwrap();
    assert_eq!(twin.desired.value["rate"], 5);
    world.hub.ensure_device(&provisioned(Known::Credentials)).await.unwrap();
    assert_eq!(world.hub.find_device(&id("dev1")).await.unwrap().etag, device.etag, "nothing was written");
}

#[tokio::test]
async fn provisioning_changes_credentials_and_twin_only_as_told() {
    let world = World::new();
    let before = world.device("dev1").await;
    let disabled = IdentitySpec { status: DeviceStatus::Disabled, ..sas_spec("dev1") };
    world.hub.update_device(disabled, IfMatch::Any).await.unwrap();

    world.hub.ensure_device(&provisioned(Known::Keep)).await.unwrap();
    assert_eq!(world.hub.find_device(&id("dev1")).await.unwrap().auth, before.auth);

    world.hub.ensure_device(&provisioned(Known::Credentials)).await.unwrap();
    let IdentityRecord { device, twin, .. } = world.hub.find_identity(&id("dev1").into()).await.unwrap();
    assert!(matches!(device.auth, DeviceAuth::Thumbprints { .. }));
    assert_eq!(device.status, DeviceStatus::Disabled, "an administrator's word stands");
    assert!(twin.desired.value.is_empty());

    world.hub.ensure_device(&provisioned(Known::Reset)).await.unwrap();
    assert_eq!(world.hub.find_identity(&id("dev1").into()).await.unwrap().twin.desired.value["rate"], 5);

    let serde_json::Value::Object(reported) = json!({"seen": true}) else { panic!("an object") };
    let adopt = Known::Adopt(Box::new(Adopted { reported, ..Adopted::default() }));
    world.hub.ensure_device(&provisioned(adopt)).await.unwrap();
    let twin = world.hub.find_identity(&id("dev1").into()).await.unwrap().twin;
    assert!(twin.desired.value.is_empty());
    assert_eq!(twin.reported.value["seen"], true);

    world.hub.release_device(&id("dev1")).await.unwrap();
    world.hub.release_device(&id("dev1")).await.unwrap();
    assert!(matches!(world.hub.find_device(&id("dev1")).await, Err(HubError::DeviceNotFound(_))));
}

/// Who is connected hears of the twin that provisioning gives it, and nobody sees a version twice.
#[tokio::test]
async fn a_twin_that_starts_over_goes_on_in_its_versions() {
    let world = World::new();
    let device = world.device("dev1").await;
    let session = world.connect(&device).await;
    session.attend(Interests { methods: false, desired: true, messages: false });
    let keep_keys = |known| DeviceSpec { auth: device.auth.clone(), ..provisioned(known) };
    let adopted =
        Adopted { desired: map(json!({"speed": 1})), reported: map(json!({"seen": true})), ..Adopted::default() };
    let events = EventSwitches { twin_changes: true, ..EventSwitches::default() };
    let settings = HubSettings { events, ..HubSettings::default() };
    world.hub.set_resource(Arc::new(HubResource { settings, ..(*world.hub.resource()).clone() }));
    session.report(map(json!({"fw": 1})), None).await.unwrap();
    let mut reader = world.hub.read_events(EventPosition::Latest).await.unwrap();
    for (known, desired) in [
        (Known::Reset, json!({"rate": 5})),
        (Known::Adopt(Box::new(adopted)), json!({"speed": 1})),
        (Known::Reset, json!({"rate": 5})),
    ] {
        let before = world.hub.find_identity(&id("dev1").into()).await.unwrap().twin;
        world.hub.ensure_device(&keep_keys(known)).await.unwrap();
        let after = world.hub.find_identity(&id("dev1").into()).await.unwrap().twin;
        assert_eq!(
            (after.version, after.desired.version, after.reported.version),
            (before.version + 1, before.desired.version + 1, before.reported.version + 1)
        );
        assert_ne!(before.etag, after.etag);
        let change = DesiredChange { properties: map(desired), version: after.desired.version };
        assert_eq!(session.take_notices(), [Notice::DesiredChanged(change)]);
        let (_, event) = reader.next().now_or_never().expect("it is told").unwrap();
        let view = event.view().unwrap();
        assert_eq!(view.source, EventSource::TwinChange);
        let body: serde_json::Value = serde_json::from_slice(view.body).unwrap();
        assert_eq!((&body["version"], &body["deviceId"]), (&json!(after.version), &json!("dev1")));
    }
    let twin = session.twin().await.unwrap();
    assert_eq!((twin.reported.value, twin.reported.version), (Map::new(), 5));
    assert_eq!(session.report(map(json!({"fw": 2})), Some(5)).await.unwrap(), 6);
}

fn map(value: serde_json::Value) -> Map<String, serde_json::Value> {
    value.as_object().cloned().unwrap()
}
