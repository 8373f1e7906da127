//! Messages to devices.

use crate::client::{Line, Opening, Wire};
use crate::world::World;
use fe2o3_amqp::link::SendError;
use fe2o3_amqp::types::definitions::{AmqpError, ErrorCondition, SenderSettleMode};
use fe2o3_amqp::types::messaging::{ApplicationProperties, Data, Message, Outcome, Properties};
use fe2o3_amqp::types::primitives::Binary;
use fe2o3_amqp::{Sendable, Sender};

const NODE: &str = "/messages/devicebound";
/// Messages that wait for one device.
const QUEUE_MAX: usize = 50;

fn message(to: &str, body: impl Into<Vec<u8>>) -> Message<Data> {
    let properties = Properties::builder().to(to.to_owned()).message_id("m1".to_owned());
    let named = ApplicationProperties::builder().insert("a", "b").insert("iothub-ack", "full");
    Message::builder()
        .properties(properties.build())
        .application_properties(named.build())
        .data(Binary::from(body.into()))
        .build()
}

fn rejection(outcome: Outcome) -> ErrorCondition {
    match outcome {
        Outcome::Rejected(rejected) => rejected.error.expect("a reason").condition,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn settled_by_what_became_of_them() {
    let world = World::start().await;
    world.device("dev%1").await;
    for wire in [Wire::Plain, Wire::Tls] {
        let mut line = Line::of(&world, Opening { wire, ..Opening::default() }).await;
        let mut sender = Sender::attach(&mut line.session, "c2d", NODE).await.unwrap();
        for to in ["/devices/dev%1/messages/devicebound", "/devices/dev%251/messages/deviceBound"] {
            assert!(sender.send(message(to, "hello")).await.unwrap().is_accepted(), "{to}");
            let received = world.hub.receive_message("dev%1", None).await.unwrap().expect("it was acknowledged");
            assert_eq!(received.body, b"hello");
            let find =
                |wanted: &str| received.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| &**value);
            assert_eq!(find("iothub-messageid"), Some("m1"));
            assert_eq!(find("iothub-app-a"), Some("b"));
            let complete = roadstead_service::hub::Settlement::Complete;
            world.hub.settle_message("dev%1", &received.lock_token, complete).await.unwrap();
        }
        for (to, expected) in [
            ("/devices/absent/messages/devicebound", AmqpError::NotFound.into()),
            ("/devices", ErrorCondition::Custom("com.microsoft:argument-error".into())),
            ("", ErrorCondition::Custom("com.microsoft:argument-error".into())),
        ] {
            assert_eq!(rejection(sender.send(message(to, "hello")).await.unwrap()), expected, "{to}");
        }
        sender.close().await.unwrap();
    }
}

#[tokio::test]
async fn of_many_frames() {
    let world = World::start().await;
    world.device("d").await;
    let mut line = Line::open(&world).await;
    let mut sender = Sender::attach(&mut line.session, "c2d", NODE).await.unwrap();
    let to = "/devices/d/messages/devicebound";
    // 64 KiB is what a message may have, its properties included: with them it takes two frames.
    for len in [0, 1, 60_000, 65_000] {
        let body: Vec<u8> = (0..len).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(sender.send(message(to, body.clone())).await.unwrap().is_accepted(), "{len} bytes");
        let received = world.hub.receive_message("d", None).await.unwrap().expect("it was acknowledged");
        assert!(received.body == body, "{len} bytes");
        let complete = roadstead_service::hub::Settlement::Complete;
        world.hub.settle_message("d", &received.lock_token, complete).await.unwrap();
    }
    // Four frames, and too much.
    let refused = rejection(sender.send(message(to, vec![7; 200_000])).await.unwrap());
    assert_eq!(refused, ErrorCondition::LinkError(fe2o3_amqp::types::definitions::LinkError::MessageSizeExceeded));
    assert_eq!(sender.max_message_size(), Some(256 * 1024));
    let beyond = sender.send(message(to, vec![7; 300_000])).await;
    assert!(matches!(beyond, Err(SendError::MessageSizeExceeded(_))), "{beyond:?}");
    assert!(sender.send(message(to, "still there")).await.unwrap().is_accepted());
}

#[tokio::test]
async fn many_under_way_at_once() {
    let world = World::start().await;
    world.device("d").await;
    let mut line = Line::open(&world).await;
    let mut sender = Sender::attach(&mut line.session, "c2d", NODE).await.unwrap();
    let to = "/devices/d/messages/devicebound";
    let mut under_way = Vec::new();
    for number in 0..QUEUE_MAX + 3 {
        under_way.push(sender.send_batchable(message(to, format!("{number}"))).await.unwrap());
    }
    for (number, outcome) in under_way.into_iter().enumerate() {
        let outcome = outcome.await.unwrap();
        if number < QUEUE_MAX {
            assert!(outcome.is_accepted(), "{number}: {outcome:?}");
        } else {
            assert_eq!(rejection(outcome), AmqpError::ResourceLimitExceeded.into(), "{number}");
        }
    }
    for number in 0..QUEUE_MAX {
        let received = world.hub.receive_message("d", None).await.unwrap().expect("it was acknowledged");
        assert_eq!(received.body, number.to_string().as_bytes(), "in order");
    }
}

#[tokio::test]
async fn settled_before_they_come() {
    let world = World::start().await;
    world.device("d").await;
    let mut line = Line::open(&world).await;
    let attached = Sender::builder()
        .name("c2d")
        .sender_settle_mode(SenderSettleMode::Settled)
        .target(NODE)
        .attach(&mut line.session)
        .await;
    let mut sender = attached.unwrap();
    for number in 0..3 {
        let sendable = Sendable::builder()
            .message(message("/devices/d/messages/devicebound", format!("{number}")))
            .settled(true)
            .build();
        sender.send(sendable).await.unwrap();
    }
    sender.close().await.unwrap(); // what came before the detach was dealt with before the answer to it
    for number in 0..3 {
        let received = world.hub.receive_message("d", None).await.unwrap().expect("it came");
        assert_eq!(received.body, number.to_string().as_bytes());
    }
}
