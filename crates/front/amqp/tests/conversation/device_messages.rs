//! Messages to devices, and how they are settled.

use roadstead_amqp_proto::{
    DeliveryState, Detach, Disposition, Modified, Performative, ReceiverSettleMode, Role, ValueRef,
    message::{Message, MessageId},
};
use roadstead_hub::{LockToken, NewMessage};
use roadstead_model::{Ack, MessageOutcome, Properties, SystemProperty};
use roadstead_store::Records;

use crate::{
    client::{Client, body, receiver},
    device::{cam, id, world_of},
    world::World,
};

const DEVICEBOUND: &str = "/devices/cam-1/messages/deviceBound";

async fn send(world: &World, name: &str) {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, name);
    properties.push_system(SystemProperty::Ack, "full");
    properties.push_application("colour", Some("red"));
    let message = NewMessage { properties, body: name.as_bytes().to_vec(), ack: Ack::Full, expiry: None };
    world.hub.send_message(&id("cam-1"), message).await.unwrap();
}

async fn waiting(world: &World) -> usize {
    world.records.list_messages(world.hub.resource().key, &id("cam-1"), 0, 100).await.unwrap().len()
}

async fn wait_until_gone(world: &World) -> Vec<MessageOutcome> {
    while waiting(world).await > 0 {
        tokio::task::yield_now().await;
    }
    let kept = world.records.list_feedback(world.hub.resource().key, 100).await.unwrap();
    kept.into_iter().map(|(_, feedback)| feedback.outcome).collect()
}

async fn listening(world: &World) -> Client {
    let mut client = cam(world).await;
    client.attaches(receiver("c2d", 0, DEVICEBOUND)).await;
    client.credits(0, 0, 10).await;
    client
}

#[tokio::test]
async fn a_message_as_the_sdks_read_it() {
    let world = world_of(&["cam-1"]).await;
    send(&world, "before").await;
    let mut client = listening(&world).await;
    let (number, tag, bytes) = client.hears_message().await;
    let message = Message::decode(&bytes).unwrap();
    assert_eq!((tag.len(), body(&bytes)), (16, b"before".to_vec()));
    assert_eq!(message.header.unwrap().delivery_count, 0);
    let annotations = message.message_annotations;
    let Some(ValueRef::String(shown)) = annotations.find("x-opt-lock-token") else { panic!("{annotations:?}") };
    assert_eq!(LockToken::parse(shown).map(LockToken::bytes).unwrap().to_vec(), tag);
    assert_eq!(annotations.find("iothub-deliverycount"), Some(ValueRef::Ubyte(0)));
    assert!(matches!(annotations.find("x-opt-sequence-number"), Some(ValueRef::Ulong(_))));
    assert!(matches!(annotations.find("iothub-enqueuedtime"), Some(ValueRef::Timestamp(_))));
    assert_eq!(message.properties.message_id, Some(MessageId::String("before")));
    assert_eq!(message.properties.to, Some(DEVICEBOUND));
    let application = message.application_properties;
    assert_eq!(application.find("iothub-ack"), Some(ValueRef::String("full")));
    assert_eq!(application.find("colour"), Some(ValueRef::String("red")));
    client.settles(number, true, DeliveryState::Accepted).await;
    assert_eq!(wait_until_gone(&world).await, [MessageOutcome::Success]);
    send(&world, "after").await;
    assert_eq!(client.hears_body().await, b"after");
}

#[tokio::test]
async fn every_outcome_means_what_it_says() {
    let world = world_of(&["cam-1"]).await;
    let mut client = listening(&world).await;
    send(&world, "m").await;
    let modified = DeliveryState::Modified(Box::new(Modified { delivery_failed: true, ..Modified::default() }));
    for (attempt, outcome) in [DeliveryState::Released, modified, DeliveryState::Rejected(None)].into_iter().enumerate()
    {
        let (number, _, bytes) = client.hears_message().await;
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(message.header.unwrap().delivery_count as usize, attempt);
        client.settles(number, false, outcome).await;
        let (said, _) = client.hears().await;
        let Performative::Disposition(Disposition { role, first, settled: true, state, .. }) = said else {
            panic!("{said:?}")
        };
        assert_eq!((role, first, state), (Role::Sender, number, Some(DeliveryState::Accepted)));
    }
    assert_eq!(wait_until_gone(&world).await, [MessageOutcome::Rejected]);
}

#[tokio::test]
async fn what_a_link_leaves_behind_waits_again() {
    let world = world_of(&["cam-1"]).await;
    let mut client = listening(&world).await;
    send(&world, "m").await;
    let (number, ..) = client.hears_message().await;
    client.sends(Performative::Detach(Detach { handle: 0, closed: true, error: None }), b"").await;
    assert!(matches!(client.hears().await.0, Performative::Detach(_)));
    let mut attach = receiver("again", 1, DEVICEBOUND);
    attach.rcv_settle_mode = ReceiverSettleMode::Second;
    client.attaches(attach).await;
    client.credits(1, 0, 10).await;
    let (again, _, bytes) = client.hears_message().await;
    assert!(again > number);
    assert_eq!(Message::decode(&bytes).unwrap().header.unwrap().delivery_count, 0, "nobody gave it back");
    drop(client);
    let mut other = listening(&world).await;
    assert_eq!(other.hears_body().await, b"m", "a lost connection holds nothing back");
}

#[tokio::test]
async fn a_late_word_is_refused() {
    let world = world_of(&["cam-1"]).await;
    let mut client = listening(&world).await;
    send(&world, "m").await;
    let (number, ..) = client.hears_message().await;
    world.clock.advance_ms(roadstead_hub::limits::MESSAGE_LOCK_MS);
    client.settles(number, false, DeliveryState::Accepted).await;
    let mut is_refused = false;
    let mut is_sent_again = false;
    while !(is_refused && is_sent_again) {
        match client.hears().await.0 {
            Performative::Disposition(Disposition { state: Some(DeliveryState::Rejected(Some(error))), .. }) => {
                assert_eq!(&*error.condition, "com.microsoft:message-lock-lost");
                is_refused = true;
            }
            Performative::Transfer(_) => is_sent_again = true,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waiting(&world).await, 1);
}

#[tokio::test]
async fn credit_bounds_what_is_in_hand() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(receiver("c2d", 0, DEVICEBOUND)).await;
    for number in 0..20 {
        send(&world, &number.to_string()).await;
    }
    client.credits(0, 0, 2).await;
    assert_eq!([client.hears_body().await, client.hears_body().await], [b"0", b"1"]);
    client.credits(0, 2, 30).await;
    for number in 2..20 {
        assert_eq!(client.hears_body().await, number.to_string().as_bytes());
    }
}
