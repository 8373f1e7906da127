//! Messages to devices.

use roadstead_amqp_proto::{
    DeliveryState, Performative, condition,
    message::{MessageId, MessageWriter, Properties},
};
use roadstead_hub::limits::{CLOUD_MESSAGE_BYTES_MAX, MESSAGE_LIFE_MS_MAX};
use roadstead_model::{Ack, DeviceId, SystemProperty};
use roadstead_store::Records;

use crate::{
    client::sender,
    device::{id, world_of},
    world::{HOST, NOW_S, World, token_of},
};

fn message(to: &str, expiry: Option<i64>, ack: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.properties(&Properties {
        message_id: Some(MessageId::String("m1")),
        to: Some(to),
        absolute_expiry_time: expiry,
        ..Properties::default()
    });
    message.application_properties(|map| {
        map.string("iothub-ack", ack);
        map.string("a", "b");
    });
    message.data(body);
    bytes
}

const DEV1: &str = "/devices/dev1/messages/devicebound";

#[tokio::test]
async fn a_message_is_accepted_when_it_is_queued() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(sender("c2d", 0, "amqps://hub1.example:5671/messages/deviceBound")).await;
    for to in [DEV1, "/devices/dev%31/messages/deviceBound"] {
        assert_eq!(client.asks(0, &message(to, None, "full", b"hello")).await, DeliveryState::Accepted);
    }
    let device = DeviceId::parse("dev1").unwrap();
    let queued = world.records.list_messages(world.hub.resource().key, &device, 0, 10).await.unwrap();
    assert_eq!(queued.len(), 2);
    assert_eq!((queued[0].ack, &*queued[0].body), (Ack::Full, &b"hello"[..]));
    assert_eq!(queued[0].properties.find_system(SystemProperty::MessageId), Some("m1"));
    assert_eq!(queued[0].properties.find_system(SystemProperty::To), Some(DEV1));
}

#[tokio::test]
async fn refusals_are_outcomes_and_leave_the_link() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(sender("c2d", 0, "/messages/devicebound")).await;
    let late = NOW_S * 1000 + MESSAGE_LIFE_MS_MAX + 1000;
    for (message, condition, words) in [
        (
            message("/devices/dev2/messages/devicebound", None, "none", b""),
            condition::NOT_FOUND,
            "`dev2` is not registered",
        ),
        (message("dev1", None, "none", b""), "com.microsoft:argument-error", "`dev1` is no address of a device"),
        (
            message("/devices/dev1/modules/m/messages/devicebound", None, "none", b""),
            "com.microsoft:argument-error",
            "modules",
        ),
        (message(DEV1, None, "maybe", b""), "com.microsoft:argument-error", "not `maybe`"),
        (message(DEV1, Some(late), "none", b""), "com.microsoft:argument-out-of-range", "more than 2 days"),
        (
            message(DEV1, None, "none", &vec![0; CLOUD_MESSAGE_BYTES_MAX + 1]),
            condition::MESSAGE_SIZE_EXCEEDED,
            "at most 65536",
        ),
        (b"\0\x53".to_vec(), condition::DECODE_ERROR, "byte"),
    ] {
        let DeliveryState::Rejected(Some(error)) = client.asks(0, &message).await else { panic!("{words}") };
        assert_eq!(&*error.condition, condition);
        assert!(error.description.as_ref().unwrap().contains(words), "{error}");
    }
    for _ in 0..50 {
        assert_eq!(client.asks(0, &message(DEV1, None, "none", b"")).await, DeliveryState::Accepted);
    }
    let DeliveryState::Rejected(Some(error)) = client.asks(0, &message(DEV1, None, "none", b"")).await else {
        panic!()
    };
    assert_eq!(&*error.condition, condition::RESOURCE_LIMIT_EXCEEDED);
    assert!(error.description.unwrap().contains("50 messages wait"));
}

#[tokio::test]
async fn credit_is_given_again_and_again() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(sender("c2d", 0, "/messages/devicebound")).await;
    for _ in 0..500 {
        let state = client.asks(0, &message("/devices/dev2/messages/devicebound", None, "none", b"")).await;
        assert!(matches!(state, DeliveryState::Rejected(_)));
    }
}

#[tokio::test]
async fn sending_needs_the_right() {
    let world = World::new().await;
    let mut client = world.stranger().await;
    assert_eq!(client.put_token(&token_of("registry", HOST, NOW_S + 60)).await.0, 200);
    let refusal = client.is_refused(sender("c2d", 0, "/messages/devicebound")).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
}

#[tokio::test]
async fn what_comes_together_is_queued_together() {
    const EACH: usize = 20;
    let devices = ["dev1", "cam-1", "cam-2"];
    let world = world_of(&devices[1..]).await;
    let mut client = world.client().await;
    client.attaches(sender("c2d", 0, "/messages/devicebound")).await;
    let before = world.records.commits();
    let bodies: Vec<String> = (0..EACH * devices.len()).map(|n| n.to_string()).collect();
    let mut unsettled = std::collections::BTreeSet::new();
    // The server does not get to read before all are written: a pipe holds them.
    for (device, body) in devices.iter().cycle().zip(&bodies) {
        let to = format!("/devices/{device}/messages/devicebound");
        unsettled.insert(client.transfers(0, &message(&to, None, "none", body.as_bytes())).await);
    }
    while !unsettled.is_empty() {
        let Performative::Disposition(said) = client.hears().await.0 else { continue };
        assert_eq!((said.settled, said.state), (true, Some(DeliveryState::Accepted)));
        for id in said.first..=said.last.unwrap() {
            assert!(unsettled.remove(&id), "{id} was settled before");
        }
    }
    let commits = world.records.commits() - before;
    assert!(commits <= 3, "{commits} commits for {} messages", bodies.len());
    for (at, device) in devices.into_iter().enumerate() {
        let queued = world.records.list_messages(world.hub.resource().key, &id(device), 0, 100).await.unwrap();
        let expected: Vec<_> =
            bodies.iter().skip(at).step_by(devices.len()).map(|body| body.as_bytes().to_vec()).collect();
        assert_eq!(queued.into_iter().map(|message| message.body).collect::<Vec<_>>(), expected);
    }
}

/// Each hears what became of its own message, whatever became of those beside it.
#[tokio::test]
async fn refusals_beside_messages_that_are_queued() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(sender("c2d", 0, "/messages/devicebound")).await;
    let mut expected = std::collections::BTreeMap::new();
    for (to, is_accepted) in
        [(DEV1, true), ("/devices/nobody/messages/devicebound", false), ("dev1", false), (DEV1, true)]
    {
        expected.insert(client.transfers(0, &message(to, None, "none", b"x")).await, is_accepted);
    }
    while !expected.is_empty() {
        let Performative::Disposition(said) = client.hears().await.0 else { continue };
        for id in said.first..=said.last.unwrap() {
            assert_eq!(expected.remove(&id), Some(said.state == Some(DeliveryState::Accepted)), "{id}");
        }
    }
    client.transfers_as(0, 0, true, &message(DEV1, None, "none", b"settled")).await;
    client.closes().await;
    let queued = world.records.list_messages(world.hub.resource().key, &id("dev1"), 0, 10).await.unwrap();
    assert_eq!(queued.len(), 3, "what came just before the goodbye, too");
}
