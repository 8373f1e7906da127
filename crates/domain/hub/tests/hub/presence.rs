//! Who is connected: seen at once, stored soon, told to readers of events once for each change.

use std::sync::Arc;

use futures_util::FutureExt;
use roadstead_auth::Evidence;
use roadstead_hub::{
    EventPosition, EventReader, HubError, IdentitySpec, IfMatch, Login, QueryRow, Session, SessionRequest, limits,
};
use roadstead_model::{
    Device, DeviceStatus, DisconnectReason, EventSource, EventSwitches, HubKey, HubSettings, IdentityId, Presence,
    Properties, Property, UnixMillis,
};
use roadstead_store::StoreError;
use roadstead_testkit::{FakeClock, MemoryRecords};

use crate::world::{HOST, World, id, sas_spec};

const START: UnixMillis = UnixMillis(1_795_291_370_000);

/// A hub whose store can be watched.
fn watched() -> (World, Arc<MemoryRecords>) {
    let records = Arc::new(MemoryRecords::new());
    let world = World::over(records.clone(), Arc::new(FakeClock::at(START)), HubSettings::default());
    (world, records)
}

fn dev1() -> IdentityId {
    id("dev1").into()
}

async fn seen(world: &World) -> Presence {
    let found = world.hub.find_identity(&dev1()).await.unwrap().presence;
    let listed = world.hub.list_identities(None, 10).await.unwrap().items.remove(0).presence;
    assert_eq!(found, listed);
    found
}

async fn stored(world: &World) -> Presence {
    world.records.find_identity(HubKey(7), &dev1()).await.unwrap().unwrap().presence
}

async fn connect_as(world: &World, device: &Device, model_id: &str) -> Session {
    let token = world.token_for(device, HOST);
    let login = Login { device_id: "dev1", module_id: None, evidence: Evidence { token: Some(&token), chain: &[] } };
    world.hub.connect(login, SessionRequest { clean: true, model_id: Some(model_id), origin: None }).await.unwrap()
}

#[tokio::test]
async fn coming_and_going_is_seen_at_once() {
    let world = World::new();
    let device = world.device("dev1").await;
    assert_eq!(seen(&world).await, Presence::default());

    let session = connect_as(&world, &device, "dtmi:x;1").await;
    let model_id = Some("dtmi:x;1".to_owned());
    let connected = Presence {
        connected: true,
        updated: Some(START),
        last_activity: Some(START),
        reason: None,
        model_id: model_id.clone(),
    };
    assert_eq!(seen(&world).await, connected);
    world.clock.advance_ms(1000);
    session.send(&mut Properties::new(), b"{}").unwrap();
    let active = UnixMillis(START.0 + 1000);
    assert_eq!(seen(&world).await, Presence { last_activity: Some(active), ..connected.clone() });

    world.clock.advance_ms(1000);
    session.end(DisconnectReason::ClientClosed);
    let gone = Presence {
        connected: false,
        updated: Some(UnixMillis(START.0 + 2000)),
        last_activity: Some(active),
        reason: Some(DisconnectReason::ClientClosed),
        model_id,
    };
    assert_eq!(seen(&world).await, gone);
    world.hub.flush_presence().await.unwrap();
    assert_eq!((stored(&world).await, seen(&world).await), (gone.clone(), gone));

    drop(world.connect(&device).await);
    let lost = seen(&world).await;
    assert_eq!((lost.reason, lost.model_id), (Some(DisconnectReason::ConnectionLost), None));
}

#[tokio::test]
async fn the_hubs_own_reason_stands() {
    let world = World::new();
    let session = world.connect(&world.device("dev1").await).await;
    let disabled = IdentitySpec { status: DeviceStatus::Disabled, ..sas_spec("dev1") };
    world.hub.update_device(disabled, IfMatch::Any).await.unwrap();
    let noticed = seen(&world).await;
    assert_eq!((noticed.connected, noticed.reason), (false, Some(DisconnectReason::Disabled)), "before its front did");
    session.end(DisconnectReason::ConnectionLost);
    assert_eq!(seen(&world).await.reason, Some(DisconnectReason::Disabled));
}

#[tokio::test]
async fn a_take_over_is_no_absence() {
    let world = World::new();
    let device = world.device("dev1").await;
    let old = world.connect(&device).await;
    world.clock.advance_ms(5000);
    let new = world.connect(&device).await;
    old.end(DisconnectReason::ConnectionLost);
    let presence = seen(&world).await;
    assert_eq!((presence.connected, presence.updated), (true, Some(START)), "connected all the time");
    drop(new);
    assert!(!seen(&world).await.connected);
}

#[tokio::test(start_paused = true)]
async fn changes_are_stored_soon_and_in_batches() {
    let (world, records) = watched();
    let device = world.device("dev1").await;
    let commits = records.commits();
    for _ in 0..100 {
        drop(world.connect(&device).await);
    }
    let session = world.connect(&device).await;
    assert_eq!(stored(&world).await, Presence::default(), "nobody waited for it");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(stored(&world).await.connected);
    assert_eq!(records.commits() - commits, 1, "many changes, one write");
    drop(session);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(!stored(&world).await.connected);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_is_seen_and_stored_later() {
    let (world, records) = watched();
    let session = world.connect(&world.device("dev1").await).await;
    records.fail_next_commit(StoreError::Full("no space left on device".to_owned()));
    assert!(matches!(world.hub.flush_presence().await, Err(HubError::Full(_))));
    assert!(world.hub.find_identity(&dev1()).await.unwrap().presence.updated.is_some());
    records.fail_next_commit(StoreError::Full("no space left on device".to_owned()));
    tokio::time::sleep(limits::PRESENCE_DELAY * 2).await;
    assert_eq!(stored(&world).await, Presence::default());
    tokio::time::sleep(limits::PRESENCE_RETRY).await;
    assert!(stored(&world).await.connected);
    drop(session);
}

fn tell_connections(world: &World) {
    let mut resource = (*world.hub.resource()).clone();
    let events = EventSwitches { connection_state: true, ..EventSwitches::default() };
    resource.settings = HubSettings { events, ..resource.settings };
    world.hub.set_resource(resource.into());
}

/// Operation, reason and sequence number of the next event of the hub itself.
fn news(reader: &mut EventReader) -> (String, Option<DisconnectReason>, String) {
    let (_, event) = reader.next().now_or_never().expect("it is in the log").unwrap();
    let view = event.view().unwrap();
    assert_eq!((view.source, view.device_id), (EventSource::DeviceConnectionState, "dev1"));
    let application = |name| {
        view.properties.clone().find_map(|property| match property {
            Property::Application(found, Some(value)) if found == name => Some(value.to_owned()),
            _ => None,
        })
    };
    let reason = application("disconnectReason").map(|word| DisconnectReason::from_word(&word).expect("a word"));
    let body: serde_json::Value = serde_json::from_slice(view.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "the body is as Azure's");
    (application("opType").unwrap(), reason, body["sequenceNumber"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn readers_are_told_of_each_change_once_and_in_order() {
    let world = World::new();
    let device = world.device("dev1").await;
    tell_connections(&world);
    let mut reader = world.hub.read_events(EventPosition::Latest).await.unwrap();

    let old = world.connect(&device).await;
    let new = world.connect(&device).await;
    drop(old);
    new.end(DisconnectReason::KeepAliveTimeout);
    let again = world.connect(&device).await;
    let mut last = String::new();
    let timeout = Some(DisconnectReason::KeepAliveTimeout);
    for expected in [("deviceConnected", None), ("deviceDisconnected", timeout), ("deviceConnected", None)] {
        let (operation, reason, sequence) = news(&mut reader);
        assert_eq!((operation.as_str(), reason), expected);
        assert!(sequence.len() == 64 && sequence > last, "{sequence} after {last}");
        last = sequence;
    }
    assert!(reader.next().now_or_never().is_none(), "a take-over is no news");

    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    drop(again);
    let (operation, reason, _) = news(&mut reader);
    assert_eq!((operation.as_str(), reason), ("deviceDisconnected", Some(DisconnectReason::Deleted)));
    world.hub.flush_presence().await.unwrap();
}

#[tokio::test]
async fn a_closed_session_that_is_replaced_is_told_of_with_the_hubs_reason() {
    let world = World::new();
    let device = world.device("dev1").await;
    tell_connections(&world);
    let mut reader = world.hub.read_events(EventPosition::Latest).await.unwrap();
    let closed = world.connect(&device).await;
    for status in [DeviceStatus::Disabled, DeviceStatus::Enabled] {
        world.hub.update_device(IdentitySpec { status, ..sas_spec("dev1") }, IfMatch::Any).await.unwrap();
    }
    let next = world.connect(&device).await;
    closed.end(DisconnectReason::ConnectionLost);
    let disabled = Some(DisconnectReason::Disabled);
    for expected in [("deviceConnected", None), ("deviceDisconnected", disabled), ("deviceConnected", None)] {
        let (operation, reason, _) = news(&mut reader);
        assert_eq!((operation.as_str(), reason), expected);
    }
    drop(next);
}

#[tokio::test]
async fn a_query_for_activity_sees_what_the_twins_show() {
    let world = World::new();
    let device = world.device("dev1").await;
    world.device("dev2").await;
    let session = world.connect(&device).await;
    let shown = async || world.hub.find_identity(&dev1()).await.unwrap().presence.last_activity.unwrap().iso();
    let rows = async |text: &str| {
        let page = world.hub.query(text, None, 10).await.unwrap();
        page.rows
            .into_iter()
            .map(|row| match row {
                QueryRow::Values(values) => values["deviceId"].as_str().unwrap().to_owned(),
                QueryRow::Identity(record) => record.id().to_string(),
            })
            .collect::<Vec<_>>()
    };
    for _ in 0..3 {
        world.clock.advance_ms(60_000);
        session.heard();
        let at = shown().await;
        assert_eq!(rows(&format!("SELECT * FROM devices WHERE lastActivityTime = '{at}'")).await, ["dev1"]);
        assert_eq!(rows(&format!("SELECT deviceId FROM devices WHERE lastActivityTime < '{at}'")).await, ["dev2"]);
        let newest = world.hub.query("SELECT MAX(lastActivityTime) AS newest FROM devices", None, 10).await.unwrap();
        assert_eq!(newest.rows, [QueryRow::Values(serde_json::json!({ "newest": at }))]);
    }
    // The news that it came is stored after what it did since.
    world.clock.advance_ms(1000);
    drop(session);
    let session = world.connect(&device).await;
    world.clock.advance_ms(1000);
    session.heard();
    world.hub.flush_presence().await.unwrap();
    assert_eq!(stored(&world).await.last_activity.unwrap().iso(), shown().await);
    let at = shown().await;
    session.end(DisconnectReason::ClientClosed);
    assert_eq!(rows(&format!("SELECT * FROM devices WHERE lastActivityTime >= '{at}'")).await, ["dev1"]);
    assert_eq!(rows("SELECT * FROM devices WHERE disconnectReason = 'clientClosed'").await, ["dev1"]);
}

#[tokio::test]
async fn activity_is_stored_once() {
    let (world, records) = watched();
    let session = world.connect(&world.device("dev1").await).await;
    let ask =
        async || world.hub.query("SELECT * FROM devices WHERE lastActivityTime > '2026'", None, 10).await.unwrap();
    ask().await;
    let before = records.commits();
    ask().await;
    assert_eq!(records.commits(), before, "nothing was heard since");
    world.clock.advance_ms(1);
    session.heard();
    world.hub.query("SELECT * FROM devices WHERE connectionState = 'Connected'", None, 10).await.unwrap();
    assert_eq!(records.commits(), before, "nobody asked for it");
    records.fail_next_commit(StoreError::Full("no space left on device".to_owned()));
    ask().await;
    ask().await;
    assert_eq!(records.commits(), before + 1, "what failed is tried again");
}
