//! `$management` and `$cbs`.

use crate::client::{Asking, Line};
use crate::world::{ENTITY, World, member};
use fe2o3_amqp::types::messaging::{Body, MessageId};
use fe2o3_amqp::types::primitives::{Binary, Uuid, Value};

#[tokio::test]
async fn the_endpoint_and_its_partitions() {
    let world = World::start().await;
    world.device("d").await;
    for number in 0..3 {
        world.send("d", format!("{number}")).await;
    }
    let mut line = Line::open(&world).await;
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    let answer = asking.read(&[("name", ENTITY), ("type", "com.microsoft:eventhub")]).await;
    assert_eq!((answer.status, answer.description.as_str()), (200, "OK"));
    let Body::Value(hub) = answer.body else { panic!("{:?}", answer.body) };
    let Value::Array(ids) = member(&hub.0, "partition_ids") else { panic!("{hub:?}") };
    let ids = ids.clone().into_inner();
    assert_eq!(member(&hub.0, "partition_count"), &Value::Int(i32::try_from(ids.len()).unwrap()));
    assert!(matches!(member(&hub.0, "created_at"), Value::Timestamp(at) if at.milliseconds() > 0));
    let mut ends = Vec::new();
    for id in &ids {
        let Value::String(id) = id else { panic!("{ids:?}") };
        let about = [("name", ENTITY), ("type", "com.microsoft:partition"), ("partition", id)];
        let answer = asking.read(&about).await;
        let Body::Value(partition) = answer.body else { panic!("{:?}", answer.body) };
        let is_empty = member(&partition.0, "is_partition_empty") == &Value::Bool(true);
        let Value::Long(last) = member(&partition.0, "last_enqueued_sequence_number") else { panic!("{partition:?}") };
        assert_eq!(member(&partition.0, "last_enqueued_offset"), &Value::String(last.to_string()));
        assert_eq!(is_empty, *last == -1);
        ends.push(*last);
    }
    ends.sort_unstable();
    assert_eq!(ends, [-1, -1, -1, 2]);
}

#[tokio::test]
async fn what_is_not_there_is_answered_so() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    for (about, status) in [
        (&[("name", "other"), ("type", "com.microsoft:eventhub")][..], 404),
        (&[("name", ENTITY), ("type", "com.microsoft:partition"), ("partition", "99")], 404),
        (&[("name", ENTITY), ("type", "com.microsoft:partition"), ("partition", "x")], 404),
        (&[("name", ENTITY), ("type", "com.microsoft:queue")], 400),
    ] {
        let answer = asking.read(about).await;
        assert_eq!(answer.status, status, "{about:?}: {answer:?}");
    }
}

#[tokio::test]
async fn answers_carry_the_questions_id_with_its_type() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    for id in [
        MessageId::Ulong(0),
        MessageId::Ulong(u64::MAX),
        MessageId::Uuid(Uuid::from([7; 16])),
        MessageId::Binary(Binary::from(vec![0, 255])),
        MessageId::String("ü".to_owned()),
    ] {
        let about = [("operation", "READ"), ("name", ENTITY), ("type", "com.microsoft:eventhub")];
        let answer = asking.ask(id.clone(), &about, Value::Null).await;
        assert_eq!(answer.correlation_id, Some(id));
    }
}
