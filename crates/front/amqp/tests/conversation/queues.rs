//! Feedback and notifications of files.

use roadstead_amqp_proto::{
    Attach, DeliveryState, Modified, Performative, ReceiverSettleMode, ValueRef, message::Message,
};
use roadstead_hub::limits::FEEDBACK_WAIT_MS;
use roadstead_model::{DeviceId, Feedback, FileNotification, MessageOutcome, UnixMillis};
use roadstead_store::{Records, Write};
use serde_json::{Value, json};

use crate::{
    client::{body, receiver},
    world::{NOW_S, World},
};

const FEEDBACK: &str = "/messages/serviceBound/feedback";
const FILES: &str = "/messages/servicebound/filenotifications";

fn second(name: &str, handle: u32, source: &str) -> Attach {
    Attach { rcv_settle_mode: ReceiverSettleMode::Second, ..receiver(name, handle, source) }
}

async fn add_feedback(world: &World, message_id: &str) {
    let device = DeviceId::parse("dev1").unwrap();
    let generation = world.hub.find_device(&device).await.unwrap().generation;
    let feedback = Feedback {
        message_id: message_id.to_owned(),
        device,
        generation,
        outcome: MessageOutcome::Success,
        at: UnixMillis(NOW_S * 1000 - FEEDBACK_WAIT_MS),
    };
    world.records.commit(vec![Write::AddFeedback(world.hub.resource().key, feedback)]).await.unwrap();
}

async fn add_file(world: &World, name: &str) {
    let told = FileNotification {
        device: DeviceId::parse("dev1").unwrap(),
        blob_uri: format!("https://store.example/{name}"),
        blob_name: name.to_owned(),
        last_updated: UnixMillis(NOW_S * 1000),
        blob_bytes: 123,
        enqueued: UnixMillis(NOW_S * 1000),
    };
    world.records.commit(vec![Write::AddFileNotification(world.hub.resource().key, told)]).await.unwrap();
}

fn ids(body: &[u8]) -> Vec<String> {
    let records: Vec<Value> = serde_json::from_slice(body).unwrap();
    records.iter().map(|record| record["originalMessageId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn feedback_is_taken_given_back_and_taken_again() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(second("f", 0, FEEDBACK)).await;
    client.credits(0, 0, 10).await;
    add_feedback(&world, "m1").await;
    let (id, tag, message) = client.hears_message().await;
    assert_eq!((tag.len(), ids(&body(&message))), (16, vec!["m1".to_owned()]));
    let decoded = Message::decode(&message).unwrap();
    assert_eq!(decoded.properties.content_type, Some("application/vnd.microsoft.iothub.feedback.json"));
    assert_eq!(decoded.properties.user_id, Some(&b"Hub1"[..]));
    assert_eq!(decoded.message_annotations.find("iothub-enqueuedtime"), Some(ValueRef::Timestamp(NOW_S * 1000)));
    assert_eq!(settled(&mut client, id, DeliveryState::Released).await, DeliveryState::Accepted);
    let (id, _, message) = client.hears_message().await;
    assert_eq!(ids(&body(&message)), ["m1"]);
    // Settled by the client itself: there is no answer.
    client.settles(id, true, DeliveryState::Modified(Box::<Modified>::default())).await;
    let (_, _, message) = client.hears_message().await;
    assert_eq!(ids(&body(&message)), ["m1"]);
}

/// Says what became of a delivery without settling it; tells the answer.
async fn settled(client: &mut crate::client::Client, id: u32, state: DeliveryState) -> DeliveryState {
    client.settles(id, false, state).await;
    let Performative::Disposition(answer) = client.hears().await.0 else { panic!() };
    assert_eq!((answer.first, answer.settled), (id, true));
    answer.state.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_or_rejected_is_gone() {
    for state in [DeliveryState::Accepted, DeliveryState::Rejected(None)] {
        let world = World::new().await;
        add_feedback(&world, "m1").await;
        let mut client = world.client().await;
        client.attaches(second("f", 0, FEEDBACK)).await;
        client.credits(0, 0, 10).await;
        let (id, _, _) = client.hears_message().await;
        assert_eq!(settled(&mut client, id, state).await, DeliveryState::Accepted);
        let kept = world.records.list_feedback(world.hub.resource().key, 10).await.unwrap();
        assert_eq!(kept, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_over_is_told_of() {
    let world = World::new().await;
    add_feedback(&world, "m1").await;
    let mut client = world.client().await;
    client.attaches(second("f", 0, FEEDBACK)).await;
    client.credits(0, 0, 1).await;
    let (id, _, _) = client.hears_message().await;
    world.clock.advance_ms(3_600_000 / 2);
    let DeliveryState::Rejected(Some(error)) = settled(&mut client, id, DeliveryState::Accepted).await else {
        panic!()
    };
    assert_eq!(&*error.condition, "com.microsoft:message-lock-lost");
}

#[tokio::test(start_paused = true)]
async fn files_are_told_of_one_by_one() {
    let world = World::new().await;
    add_file(&world, "dev1/a.bin").await;
    let mut client = world.client().await;
    client.attaches(second("n", 0, FILES)).await;
    client.credits(0, 0, 10).await;
    let (first, tag, message) = client.hears_message().await;
    let told: Value = serde_json::from_slice(&body(&message)).unwrap();
    let expected = json!({"deviceId": "dev1", "blobUri": "https://store.example/dev1/a.bin", "blobName": "dev1/a.bin",
        "lastUpdatedTime": "2027-01-15T08:00:00+00:00", "blobSizeInBytes": 123, "enqueuedTimeUtc": "2027-01-15T08:00:00.0000000Z"});
    assert_eq!((tag.len(), told), (16, expected));
    add_file(&world, "dev1/b.bin").await;
    let (second, _, message) = client.hears_message().await;
    assert_eq!(serde_json::from_slice::<Value>(&body(&message)).unwrap()["blobName"], "dev1/b.bin");
    assert_eq!(settled(&mut client, first, DeliveryState::Released).await, DeliveryState::Accepted);
    let (again, _, message) = client.hears_message().await;
    assert_eq!(serde_json::from_slice::<Value>(&body(&message)).unwrap()["blobName"], "dev1/a.bin");
    for id in [second, again] {
        assert_eq!(settled(&mut client, id, DeliveryState::Accepted).await, DeliveryState::Accepted);
    }
    let kept = world.records.list_file_notifications(world.hub.resource().key, 10).await.unwrap();
    assert_eq!(kept, []);
}
