//! Feedback, taken with a lock.

use crate::client::{Line, PATIENCE, body};
use crate::world::World;
use fe2o3_amqp::types::definitions::ReceiverSettleMode;
use fe2o3_amqp::types::messaging::{ApplicationProperties, Body, Data, Message, Properties};
use fe2o3_amqp::types::primitives::{Binary, Symbol, Value};
use fe2o3_amqp::{Delivery, Receiver, Sender};
use roadstead_service::hub::Settlement;

const NODE: &str = "/messages/serviceBound/feedback";

/// Sends a message that the device completes.
async fn complete_one(world: &World, sender: &mut Sender, id: &str) {
    let message = Message::builder()
        .properties(
            Properties::builder().to("/devices/d/messages/devicebound".to_owned()).message_id(id.to_owned()).build(),
        )
        .application_properties(ApplicationProperties::builder().insert("iothub-ack", "full").build())
        .data(Binary::from(b"x".to_vec()))
        .build();
    let message: Message<Data> = message;
    assert!(sender.send(message).await.unwrap().is_accepted());
    let received = world.hub.receive_message("d", None).await.unwrap().expect("it was acknowledged");
    world.hub.settle_message("d", &received.lock_token, Settlement::Complete).await.unwrap();
}

async fn next(receiver: &mut Receiver) -> (Delivery<Body<Value>>, Vec<String>) {
    let delivery = tokio::time::timeout(PATIENCE, receiver.recv::<Body<Value>>()).await.unwrap().unwrap();
    let records: serde_json::Value = serde_json::from_slice(&body(&delivery)).unwrap();
    let ids = records.as_array().unwrap().iter().map(|record| record["originalMessageId"].as_str().unwrap().to_owned());
    let ids = ids.collect();
    (delivery, ids)
}

/// Once only: the hub tells of messages every few seconds, many together.
#[tokio::test]
async fn given_back_and_done_with() {
    let world = World::start().await;
    world.device("d").await;
    let mut line = Line::open(&world).await;
    let mut sender = Sender::attach(&mut line.session, "c2d", "/messages/devicebound").await.unwrap();
    let attached = Receiver::builder().name("feedback").source(NODE).receiver_settle_mode(ReceiverSettleMode::Second);
    let mut receiver = attached.attach(&mut line.session).await.unwrap();
    complete_one(&world, &mut sender, "m").await;
    let (delivery, ids) = next(&mut receiver).await;
    assert_eq!(ids, ["m"]);
    assert_eq!(delivery.delivery_tag().len(), 16);
    let content_type = delivery.message().properties.as_ref().and_then(|properties| properties.content_type.clone());
    assert_eq!(content_type, Some(Symbol::from("application/vnd.microsoft.iothub.feedback.json")));
    receiver.release(&delivery).await.unwrap();
    let (delivery, ids) = next(&mut receiver).await;
    assert_eq!(ids, ["m"], "it comes again");
    receiver.accept(&delivery).await.unwrap();
    receiver.close().await.unwrap();
    line.connection.close().await.unwrap();
}
