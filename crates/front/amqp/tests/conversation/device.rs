//! Devices: who they are, and what they send.

use roadstead_amqp_proto::{
    DeliveryState, Disposition, Performative, Protocol, condition,
    message::{BATCH_FORMAT, MessageId, MessageWriter, Properties},
    sasl::{SaslInit, SaslRequest},
};
use roadstead_front_amqp::limits;
use roadstead_hub::{AuthSpec, Beginning, IdentitySpec, ModuleSpec, StoredEvent};
use roadstead_model::{DeviceId, DeviceStatus, ModuleId, Property, Secret, SystemProperty};
use roadstead_sas::{SasKey, sign};
use roadstead_store::{HubLog, StoreError};

use crate::{
    client::{Client, receiver, sender},
    dps_world::leaf,
    world::{HOST, KEY, NOW_S, TOKEN_S, World, token, token_of},
};

pub const EVENTS: &str = "/devices/cam-1/messages/events";

pub fn id(device: &str) -> DeviceId {
    DeviceId::parse(device).unwrap()
}

/// A world with these devices, all with the same key.
pub async fn world_of(devices: &[&str]) -> World {
    let world = World::new().await;
    for device in devices {
        let auth = AuthSpec::Sas { primary: Some(Secret::new(KEY)), secondary: None };
        world.hub.create_device(IdentitySpec::new(id(device), auth)).await.unwrap();
    }
    world
}

/// A token of a device's own.
pub fn own_token(device: &str, expiry_s: i64) -> String {
    sign(&format!("{HOST}/devices/{device}"), &SasKey::from_base64(KEY).unwrap(), expiry_s, None)
}

/// A client with a token of cam-1.
pub async fn cam(world: &World) -> Client {
    let mut client = world.stranger().await;
    assert_eq!(client.put_token(&own_token("cam-1", NOW_S + TOKEN_S)).await, (200, "OK".to_owned()));
    client
}

pub async fn stored(world: &World) -> Vec<StoredEvent> {
    [world.log.read(0, 0, usize::MAX).await.unwrap(), world.log.read(1, 0, usize::MAX).await.unwrap()].concat()
}

pub fn bodies(events: &[StoredEvent]) -> Vec<&[u8]> {
    events.iter().map(|event| event.view().unwrap().body).collect()
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MessageWriter::new(&mut bytes).data(body);
    bytes
}

#[tokio::test]
async fn telemetry_is_accepted_once_it_is_durable() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, "amqps://hub1.example/devices/cam%2D1/messages/events/")).await;
    assert!(world.hub.is_connected(&id("cam-1")));
    world.log.hold();
    for body in [&b"1"[..], b"2", b"3"] {
        client.transfers(0, &message(body)).await;
    }
    while stored(&world).await.len() < 3 {
        tokio::task::yield_now().await;
    }
    world.log.release(Ok(()));
    let (said, _) = client.hears().await;
    let Performative::Disposition(Disposition { first, last, settled: true, state: Some(state), .. }) = said else {
        panic!("{said:?}")
    };
    assert_eq!((first, last, state), (1, Some(3), DeliveryState::Accepted), "in one word, behind the token");
    world.log.hold();
    client.transfers(0, &message(b"4")).await;
    while stored(&world).await.len() < 4 {
        tokio::task::yield_now().await;
    }
    world.log.release(Err(StoreError::Full("the disk".to_owned())));
    let (said, _) = client.hears().await;
    let Performative::Disposition(Disposition { state: Some(DeliveryState::Rejected(Some(error))), .. }) = said else {
        panic!("{said:?}")
    };
    assert_eq!(&*error.condition, condition::RESOURCE_LIMIT_EXCEEDED);
    assert_eq!(client.asks(0, &message(b"5")).await, DeliveryState::Accepted, "the link is as good as before");
    client.closes().await;
    while world.hub.is_connected(&id("cam-1")) {
        tokio::task::yield_now().await;
    }
}

/// A section after another, as the C SDK orders them: the body comes last but for nothing.
fn c_message(name: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.properties(&Properties {
        message_id: Some(MessageId::String(name)),
        content_type: Some("application/json"),
        ..Properties::default()
    });
    message.application_properties(|map| {
        map.string("k", "v");
        map.int("n", 7);
        map.string("iothub-connection-device-id", "another");
        map.string("iothub-creation-time-utc", "2026-11-22T00:00:00Z");
    });
    message.message_annotations(|map| map.string("dt-subject", "thermostat1"));
    message.data(body);
    bytes
}

#[tokio::test]
async fn a_batch_of_the_c_sdk() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    let mut batch = Vec::new();
    let mut writer = MessageWriter::new(&mut batch);
    writer.data(&c_message("a", b"{}"));
    writer.data(&c_message("b", b"[]"));
    client.transfers_as(0, BATCH_FORMAT, false, &batch).await;
    let (said, _) = client.hears().await;
    let Performative::Disposition(Disposition { state: Some(state), .. }) = said else { panic!("{said:?}") };
    assert_eq!(state, DeliveryState::Accepted);
    let events = stored(&world).await;
    assert_eq!(bodies(&events), [b"{}", b"[]"]);
    let view = events[0].view().unwrap();
    let expected = [
        Property::System(SystemProperty::MessageId, "a"),
        Property::System(SystemProperty::ContentType, "application/json"),
        Property::System(SystemProperty::Subject, "thermostat1"),
        Property::Application("k", Some("v")),
        Property::Application("n", Some("7")),
        Property::System(SystemProperty::CreationTime, "2026-11-22T00:00:00Z"),
    ];
    assert_eq!(view.properties.collect::<Vec<_>>(), expected);
    assert_eq!(view.device_id, "cam-1");

    let mut batch = Vec::new();
    let mut writer = MessageWriter::new(&mut batch);
    writer.data(&message(b"small"));
    writer.data(&message(&vec![0; 256 * 1024 + 1]));
    client.transfers_as(0, BATCH_FORMAT, false, &batch).await;
    let refused = loop {
        if let Performative::Disposition(Disposition { state: Some(state), .. }) = client.hears().await.0 {
            break state;
        }
    };
    let DeliveryState::Rejected(Some(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(&*error.condition, condition::MESSAGE_SIZE_EXCEEDED);
    assert_eq!(stored(&world).await.len(), 2, "all or none");
}

#[tokio::test]
async fn what_is_no_telemetry_is_rejected_and_the_link_stays() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    for (format, payload, expected) in [
        (0, b"\x00\x53\x75".to_vec(), condition::DECODE_ERROR),
        (1, message(b"x"), condition::NOT_IMPLEMENTED),
        (BATCH_FORMAT, message(b"no message"), condition::DECODE_ERROR),
        (0, message(&vec![0; 256 * 1024 + 1]), condition::MESSAGE_SIZE_EXCEEDED),
    ] {
        client.transfers_as(0, format, false, &payload).await;
        let state = loop {
            if let Performative::Disposition(Disposition { state: Some(state), .. }) = client.hears().await.0 {
                break state;
            }
        };
        let DeliveryState::Rejected(Some(error)) = state else { panic!("{state:?}") };
        assert_eq!(&*error.condition, expected, "{:?}", error.description);
    }
    client.transfers_as(0, 0, true, &message(b"settled")).await;
    assert_eq!(client.asks(0, &message(b"good")).await, DeliveryState::Accepted);
    assert_eq!(bodies(&stored(&world).await), [&b"settled"[..], b"good"]);
}

#[tokio::test]
async fn only_a_token_for_the_device_opens_its_links() {
    let world = world_of(&["cam-1", "cam-2"]).await;
    let mut client = world.stranger().await;
    let refusal = client.is_refused(sender("a", 0, EVENTS)).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
    let (status, why) = client.put_token(&own_token("cam-9", NOW_S + TOKEN_S)).await;
    assert_eq!(status, 401, "{why}");
    for (token, why) in [
        (own_token("cam-1", NOW_S - 301), "expired"),
        (own_token("cam-1", NOW_S + TOKEN_S).replace("sig=", "sig=A"), ""),
        (sign(HOST, &SasKey::from_base64(KEY).unwrap(), NOW_S + 1, None), "neither"),
    ] {
        let (status, said) = client.renews_token(&token).await;
        assert!(status == 401 && said.contains(why), "{said}");
    }
    assert_eq!(client.renews_token(&own_token("cam-1", NOW_S + TOKEN_S)).await.0, 200);
    let refusal = client.is_refused(sender("b", 0, "/devices/cam-2/messages/events")).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
    for (attach, expected) in [
        (receiver("c", 0, EVENTS), condition::NOT_FOUND),
        (sender("d", 0, "/devices/cam-1/messages/devicebound"), condition::NOT_FOUND),
        (sender("e", 0, "/devices/cam-1/shadow"), condition::NOT_FOUND),
        (sender("f", 0, "/messages/devicebound"), condition::UNAUTHORIZED_ACCESS),
    ] {
        assert_eq!(&*client.is_refused(attach).await.condition, expected);
    }
    client.attaches(sender("g", 0, EVENTS)).await;
    // A policy speaks for every device.
    assert_eq!(client.renews_token(&token_of("device", HOST, NOW_S + TOKEN_S)).await.0, 200);
    client.attaches(sender("h", 1, "/devices/cam-2/messages/events")).await;
}

#[tokio::test]
async fn a_device_logs_in_with_plain() {
    let world = world_of(&["cam-1"]).await;
    for (user, token, expected) in [
        ("cam-1@sas.hub1", own_token("cam-1", NOW_S + TOKEN_S), 0),
        ("cam-2@sas.hub1", own_token("cam-1", NOW_S + TOKEN_S), 1),
        ("cam-1@sas.hub1", token(HOST), 1),
        ("cam-1@sas.hub1", String::new(), 1),
    ] {
        let (io, _) = world.pipe();
        let mut client = Client::new(io);
        client.says(&Protocol::Sasl.bytes()).await;
        client.hears_bytes(8).await;
        client.hears_frame().await.unwrap();
        let response = format!("\0{user}\0{token}");
        let init = SaslInit { mechanism: "PLAIN", initial_response: Some(response.as_bytes()), hostname: None };
        let mut bytes = Vec::new();
        SaslRequest::Init(init).write(&mut bytes);
        client.says(&bytes).await;
        let outcome = client.hears_frame().await.unwrap();
        assert_eq!(outcome[7], expected, "{user}");
        if expected == 0 {
            client.says(&Protocol::Amqp.bytes()).await;
            client.hears_bytes(8).await;
            client.begin(HOST).await;
            client.attaches(sender("d2c", 0, EVENTS)).await;
            assert_eq!(client.asks(0, &message(b"x")).await, DeliveryState::Accepted);
        }
    }
}

#[tokio::test]
async fn many_devices_and_modules_share_a_connection() {
    let world = world_of(&["cam-1", "cam-2"]).await;
    let spec = ModuleSpec {
        device: id("cam-1"),
        id: ModuleId::parse("filter").unwrap(),
        auth: AuthSpec::Sas { primary: Some(Secret::new(KEY)), secondary: None },
        managed_by: None,
    };
    world.hub.create_module(spec, Beginning::default()).await.unwrap();
    let mut client = cam(&world).await;
    for device in ["cam-2", "cam-1/modules/filter"] {
        assert_eq!(client.renews_token(&own_token(device, NOW_S + TOKEN_S)).await.0, 200, "{device}");
    }
    for (handle, address) in
        [(0, EVENTS), (1, "/devices/cam-2/messages/events"), (2, "/devices/cam-1/modules/filter/messages/events")]
    {
        client.attaches(sender(address, handle, address)).await;
        assert_eq!(client.asks(handle, &message(&[b'0' + handle as u8])).await, DeliveryState::Accepted);
    }
    let mut events = stored(&world).await;
    events.sort_by(|a, b| a.view().unwrap().body.cmp(b.view().unwrap().body));
    let senders: Vec<_> = events
        .iter()
        .map(|event| event.view().unwrap())
        .map(|view| (view.device_id.to_owned(), view.module_id.map(str::to_owned)))
        .collect();
    let expected = [("cam-1", None), ("cam-2", None), ("cam-1", Some("filter"))];
    assert_eq!(senders, expected.map(|(device, module)| (device.to_owned(), module.map(str::to_owned))));

    let spec = IdentitySpec { status: DeviceStatus::Disabled, ..IdentitySpec::new(id("cam-2"), keys()) };
    world.hub.update_device(spec, roadstead_hub::IfMatch::Any).await.unwrap();
    let error = client.hears_detach(1).await;
    assert_eq!(&*error.condition, condition::NOT_ALLOWED);
    assert_eq!(client.asks(0, &message(b"still here")).await, DeliveryState::Accepted);
    assert!(world.hub.is_connected(&id("cam-1")) && !world.hub.is_connected(&id("cam-2")));
}

fn keys() -> AuthSpec {
    AuthSpec::Sas { primary: Some(Secret::new(KEY)), secondary: None }
}

#[tokio::test]
async fn the_newest_connection_of_a_device_wins() {
    let world = world_of(&["cam-1"]).await;
    let mut first = cam(&world).await;
    first.attaches(sender("d2c", 0, EVENTS)).await;
    let mut second = cam(&world).await;
    second.attaches(sender("d2c", 0, EVENTS)).await;
    assert_eq!(&*first.hears_detach(0).await.condition, condition::STOLEN);
    assert_eq!(second.asks(0, &message(b"x")).await, DeliveryState::Accepted);
    first.attaches(sender("d2c", 0, EVENTS)).await;
    assert_eq!(&*second.hears_detach(0).await.condition, condition::STOLEN);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_or_its_links_end() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    let grace_s = limits::TOKEN_GRACE.as_secs().cast_signed();
    assert_eq!(client.renews_token(&own_token("cam-1", NOW_S + 2 * TOKEN_S)).await.0, 200);
    world.clock.advance_ms((TOKEN_S + grace_s + 1) * 1000);
    // Time of the world and of the timers is not the same: any sign of life makes the front look at both.
    assert_eq!(client.asks(0, &message(b"x")).await, DeliveryState::Accepted);
    world.clock.advance_ms(TOKEN_S * 1000);
    client.says(&[0, 0, 0, 8, 2, 0, 0, 0]).await;
    loop {
        match client.hears_or_end().await.map(|(said, _)| said) {
            Some(Performative::Detach(detach)) => {
                assert_eq!(&*detach.error.unwrap().condition, condition::UNAUTHORIZED_ACCESS);
            }
            Some(Performative::Close(close)) => {
                assert_eq!(&*close.error.unwrap().condition, condition::UNAUTHORIZED_ACCESS);
                break;
            }
            Some(_) => {}
            None => panic!("hung up without a word"),
        }
    }
    assert!(!world.hub.is_connected(&id("cam-1")));
}

#[tokio::test]
async fn a_hub_that_closes_ends_the_sessions_first() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    world.hub.close(roadstead_hub::CloseReason::ShuttingDown);
    let Performative::End(end) = client.hears().await.0 else { panic!("node would wait for its links") };
    assert_eq!(&*end.error.unwrap().condition, condition::DETACH_FORCED);
    assert!(matches!(client.hears().await.0, Performative::Close(_)));
    assert!(!world.hub.is_connected(&id("cam-1")));
}

#[tokio::test]
async fn a_certificate_speaks_for_one_module() {
    let world = world_of(&["cam-1"]).await;
    let certificate = leaf("any name");
    for (module, certificate) in [("lens", &certificate), ("motor", &leaf("another"))] {
        let auth = AuthSpec::Thumbprints { primary: Some(certificate.sha1().to_string()), secondary: None };
        let id_ = ModuleId::parse(module).unwrap();
        let spec = ModuleSpec { device: id("cam-1"), id: id_, auth, managed_by: None };
        world.hub.create_module(spec, Beginning::default()).await.unwrap();
    }
    let (io, _) = world.pipe_with(&[certificate.der().to_vec()]);
    let mut client = Client::open(io, HOST).await;
    let error = client.is_refused(sender("other", 0, "/devices/cam-1/modules/motor/messages/events")).await;
    assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    client.attaches(sender("own", 1, "/devices/cam-1/modules/lens/messages/events")).await;
    assert_eq!(client.asks(1, &message(b"{}")).await, DeliveryState::Accepted);
    assert_eq!(stored(&world).await[0].view().unwrap().module_id, Some("lens"));
}
