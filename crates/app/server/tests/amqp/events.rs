//! Reading the built-in endpoint.

use crate::client::{
    Asking, Line, Opening, PATIENCE, Wire, body, detached, find_events, partition, reader, recv, refusal, source,
};
use crate::world::{ENTITY, HOST, World, member};
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::definitions::{
    AmqpError, ErrorCondition, Fields, LinkError, ReceiverSettleMode, SenderSettleMode,
};
use fe2o3_amqp::types::messaging::{Body, Modified};
use fe2o3_amqp::types::primitives::{SimpleValue, Symbol, Value};
use fe2o3_amqp::{Delivery, Receiver, Session};

const START: &str = "amqp.annotation.x-opt-offset > '-1'";

fn annotation(delivery: &Delivery<Body<Value>>, name: &str) -> Value {
    let annotations = delivery.message().message_annotations.as_ref().unwrap();
    annotations.0.get(&name.into() as &fe2o3_amqp::types::messaging::annotations::OwnedKey).unwrap().clone()
}

#[tokio::test]
async fn from_every_position() {
    let world = World::start().await;
    world.device("d").await;
    for number in 0..5 {
        world.send("d", format!("{number}")).await;
    }
    let mut line = Line::open(&world).await;
    let (number, bodies) = find_events(&mut line.session, 5).await;
    assert_eq!(bodies, [b"0", b"1", b"2", b"3", b"4"]);
    let mut whole = reader(&mut line.session, &number, START, CreditMode::default()).await.unwrap();
    let mut times = Vec::new();
    for at in 0..5 {
        let delivery = recv(&mut whole).await.unwrap();
        assert_eq!(annotation(&delivery, "x-opt-offset"), Value::String(at.to_string()));
        let Value::Timestamp(time) = annotation(&delivery, "x-opt-enqueued-time") else { panic!("{delivery:?}") };
        times.push(time.milliseconds());
    }
    let before = times[0] - 1;
    for (selector, first) in [
        ("amqp.annotation.x-opt-offset > '2'".to_owned(), "3"),
        ("amqp.annotation.x-opt-offset >= '2'".to_owned(), "2"),
        ("amqp.annotation.x-opt-sequence-number > '1'".to_owned(), "2"),
        ("amqp.annotation.x-opt-sequence-number >= 1".to_owned(), "1"),
        (format!("amqp.annotation.x-opt-enqueued-time > '{before}'"), "0"),
        (format!("amqp.annotation.x-opt-enqueuedtimeutc > {before}"), "0"),
    ] {
        let mut reader = reader(&mut line.session, &number, &selector, CreditMode::default()).await.unwrap();
        assert_eq!(body(&recv(&mut reader).await.unwrap()), first.as_bytes(), "{selector}");
        reader.close().await.unwrap();
    }
    let latest = "amqp.annotation.x-opt-offset > '@latest'";
    let mut latest = reader(&mut line.session, &number, latest, CreditMode::default()).await.unwrap();
    world.send("d", "new").await;
    assert_eq!(body(&recv(&mut latest).await.unwrap()), b"new");
    assert_eq!(body(&recv(&mut whole).await.unwrap()), b"new");
}

#[tokio::test]
async fn a_filter_that_is_not_understood() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    for selector in ["colour = 'red'", "amqp.annotation.x-opt-offset > 'x'", "amqp.annotation.x-opt-offset > '99'"] {
        let refused = refusal(&mut line.session, source(&partition("0"), Some(selector))).await;
        assert_eq!(refused.condition, ErrorCondition::Custom("com.microsoft:argument-error".into()), "{refused}");
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    for address in [
        partition("4"),
        partition("x"),
        format!("{ENTITY}/ConsumerGroups/absent/Partitions/0"),
        "other/ConsumerGroups/$Default/Partitions/0".to_owned(),
        ENTITY.to_owned(),
        "nonsense/nothing".to_owned(),
    ] {
        let refused = refusal(&mut line.session, source(&address, Some(START))).await;
        assert_eq!(refused.condition, ErrorCondition::AmqpError(AmqpError::NotFound), "{address}: {refused}");
    }
}

#[tokio::test]
async fn no_more_than_the_credit() {
    let world = World::start().await;
    world.device("d").await;
    for number in 0..6 {
        world.send("d", format!("{number}")).await;
    }
    let mut line = Line::open(&world).await;
    let (number, _) = find_events(&mut line.session, 6).await;
    // The library ends the link with an error if more comes than it asked for.
    let mut manual = reader(&mut line.session, &number, START, CreditMode::Manual).await.unwrap();
    manual.set_credit(2).await.unwrap();
    assert_eq!(body(&recv(&mut manual).await.unwrap()), b"0");
    assert_eq!(body(&recv(&mut manual).await.unwrap()), b"1");
    manual.drain().await.unwrap();
    manual.set_credit(1).await.unwrap();
    assert_eq!(body(&recv(&mut manual).await.unwrap()), b"2");
    manual.set_credit(10).await.unwrap();
    for expected in [b"3", b"4", b"5"] {
        assert_eq!(body(&recv(&mut manual).await.unwrap()), expected);
    }
    world.send("d", "6").await;
    assert_eq!(body(&recv(&mut manual).await.unwrap()), b"6");
}

#[tokio::test]
async fn long_events_in_short_frames() {
    let world = World::start().await;
    world.device("d").await;
    let sent: Vec<Vec<u8>> = [0, 1, 400, 600, 20_000, 200_000]
        .map(|len| (0..len).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect())
        .into();
    for body in &sent {
        world.send("d", body.clone()).await;
    }
    for (wire, max_frame_size) in [(Wire::Plain, 512), (Wire::Tls, 512), (Wire::Plain, 5000), (Wire::Tls, 1 << 20)] {
        let mut line = Line::of(&world, Opening { wire, max_frame_size, ..Opening::default() }).await;
        let (_, found) = find_events(&mut line.session, sent.len()).await;
        assert!(found == sent, "frames of {max_frame_size} bytes over {wire:?}");
        line.connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_event_with_everything() {
    let world = World::start().await;
    world.device("d").await;
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = [
        ("iothub-messageid", "m1"),
        ("iothub-correlationid", "c1"),
        ("iothub-userid", "u1"),
        ("iothub-contenttype", "application/json"),
        ("iothub-contentencoding", "utf-8"),
        ("iothub-app-alert", "true"),
    ];
    world.hub.send_event("d", &headers.map(header), b"{}".to_vec()).await.unwrap();
    let mut line = Line::open(&world).await;
    let (number, _) = find_events(&mut line.session, 1).await;
    let mut reader = reader(&mut line.session, &number, START, CreditMode::default()).await.unwrap();
    let delivery = recv(&mut reader).await.unwrap();
    assert_eq!(annotation(&delivery, "iothub-connection-device-id"), Value::String("d".to_owned()));
    assert_eq!(annotation(&delivery, "x-opt-partition-key"), Value::String("d".to_owned()));
    assert_eq!(annotation(&delivery, "iothub-message-source"), Value::String("Telemetry".to_owned()));
    assert!(matches!(annotation(&delivery, "x-opt-sequence-number"), Value::Long(0)));
    let message = delivery.into_message();
    let properties = message.properties.unwrap();
    assert_eq!(properties.message_id, Some("m1".to_owned().into()));
    assert_eq!(properties.correlation_id, Some("c1".to_owned().into()));
    assert_eq!(properties.user_id.unwrap().to_vec(), b"u1");
    assert_eq!(properties.content_type, Some(Symbol::from("application/json")));
    assert_eq!(properties.content_encoding, Some(Symbol::from("utf-8")));
    let alert = message.application_properties.unwrap().get("alert").cloned();
    assert_eq!(alert, Some(SimpleValue::String("true".to_owned())));
}

#[tokio::test]
async fn a_higher_owner_level_takes_the_partition() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let attach = async |line: &mut Line, level: i64| {
        let mut properties = Fields::new();
        properties.insert("com.microsoft:epoch".into(), Value::Long(level));
        Receiver::builder()
            .name(format!("level-{level}"))
            .source(source(&partition("1"), Some(START)))
            .properties(properties)
            .attach(&mut line.session)
            .await
            .unwrap()
    };
    let stolen = ErrorCondition::LinkError(LinkError::Stolen);
    let mut first = attach(&mut line, 1).await;
    let _second = attach(&mut line, 2).await;
    assert_eq!(detached(recv(&mut first).await.unwrap_err()).condition, stolen);
    // Who comes with less is told so, and the session goes on.
    let mut late = attach(&mut line, 1).await;
    assert_eq!(detached(recv(&mut late).await.unwrap_err()).condition, stolen);
}

#[tokio::test]
async fn every_way_to_settle() {
    let world = World::start().await;
    world.device("d").await;
    for number in 0..4 {
        world.send("d", format!("{number}")).await;
    }
    let mut line = Line::open(&world).await;
    let (number, _) = find_events(&mut line.session, 4).await;
    let unchanged = Modified { delivery_failed: None, undeliverable_here: None, message_annotations: None };
    for (snd, rcv) in [
        (SenderSettleMode::Mixed, ReceiverSettleMode::First),
        (SenderSettleMode::Settled, ReceiverSettleMode::First),
        (SenderSettleMode::Unsettled, ReceiverSettleMode::First),
        (SenderSettleMode::Unsettled, ReceiverSettleMode::Second),
    ] {
        let attached = Receiver::builder()
            .name(format!("settles-{snd:?}-{rcv:?}"))
            .source(source(&partition(&number), Some(START)))
            .sender_settle_mode(snd)
            .receiver_settle_mode(rcv)
            .attach(&mut line.session)
            .await;
        let mut receiver = attached.unwrap();
        for outcome in 0..4 {
            let delivery = tokio::time::timeout(PATIENCE, receiver.recv::<Body<Value>>()).await.unwrap().unwrap();
            assert_eq!(body(&delivery), [b'0' + outcome]);
            match outcome {
                0 => receiver.accept(&delivery).await.unwrap(),
                1 => receiver.release(&delivery).await.unwrap(),
                2 => receiver.reject(&delivery, None).await.unwrap(),
                _ => receiver.modify(&delivery, unchanged.clone()).await.unwrap(),
            }
        }
        // Whatever was said of them, they are read and stay where they are.
        receiver.close().await.unwrap();
    }
}

#[tokio::test]
async fn from_the_hubs_own_address_to_the_endpoint() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let port = world.server.amqp.port();
    for (address, rest) in [
        (format!("amqps://{HOST}/messages/events/$management"), "$management"),
        ("/messages/events/ConsumerGroups/$Default/Partitions/0".to_owned(), "ConsumerGroups/$Default/Partitions/0"),
    ] {
        let error = refusal(&mut line.session, source(&address, None)).await;
        assert_eq!(error.condition, ErrorCondition::LinkError(LinkError::Redirect));
        let info = error.info.unwrap();
        let find = |key: &str| info.get(&Symbol::from(key)).cloned();
        assert_eq!(find("hostname"), Some(Value::String(HOST.to_owned())));
        assert_eq!(find("network-host"), Some(Value::String(HOST.to_owned())));
        assert_eq!(find("port"), Some(Value::Uint(port.into())));
        assert_eq!(find("address"), Some(Value::String(format!("amqps://{HOST}:{port}/{ENTITY}/{rest}"))));
    }
}

#[tokio::test]
async fn several_sessions_share_a_connection() {
    let world = World::start().await;
    for device in 0..12 {
        world.device(&format!("d{device}")).await;
    }
    let mut line = Line::open(&world).await;
    let mut readers = Vec::new();
    for number in ["0", "1", "2", "3"] {
        let mut session = Session::begin(&mut line.connection).await.unwrap();
        let reader = reader(&mut session, number, START, CreditMode::default()).await.unwrap();
        readers.push((session, reader));
    }
    for device in 0..12 {
        world.send(&format!("d{device}"), format!("d{device}")).await;
    }
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    let mut found = Vec::new();
    for (number, (session, reader)) in readers.iter_mut().enumerate() {
        let about = [("name", ENTITY), ("type", "com.microsoft:partition"), ("partition", &*number.to_string())];
        let answer = asking.read(&about).await;
        let Body::Value(state) = answer.body else { panic!("{:?}", answer.body) };
        let Value::Long(last) = member(&state.0, "last_enqueued_sequence_number") else { panic!("{state:?}") };
        for _ in 0..=*last {
            found.push(String::from_utf8(body(&recv(reader).await.unwrap())).unwrap());
        }
        session.end().await.unwrap();
    }
    found.sort();
    let mut expected: Vec<_> = (0..12).map(|device| format!("d{device}")).collect();
    expected.sort();
    assert_eq!(found, expected);
    line.connection.close().await.unwrap();
}
