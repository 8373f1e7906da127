//! Readers of partitions.

use roadstead_amqp_proto::{
    DeliveryState, Flow, Performative, ReceiverSettleMode, SenderSettleMode, Value, ValueRef, condition,
    message::Message,
};
use roadstead_front_amqp::limits;
use roadstead_model::UnixMillis;

use crate::{
    client::{FROM_START, body, reader, receiver, sender},
    world::{HOST, NOW_S, World, token, token_of},
};

#[tokio::test]
async fn filters_choose_where_to_begin() {
    let world = World::new().await;
    for number in 0..5 {
        world.store(0, &[b'0' + number]);
    }
    let time = NOW_S * 1000;
    for (filter, first) in [
        (FROM_START.to_owned(), "0"),
        ("amqp.annotation.x-opt-offset > '1'".to_owned(), "2"),
        ("amqp.annotation.x-opt-offset >= '1'".to_owned(), "1"),
        ("amqp.annotation.x-opt-offset > 3".to_owned(), "4"),
        ("amqp.annotation.x-opt-sequence-number > '1'".to_owned(), "2"),
        (format!("amqp.annotation.x-opt-enqueued-time > '{}'", time + 1), "2"),
        (format!("amqp.annotation.x-opt-enqueuedtimeutc >= {}", time + 1), "1"),
        ("amqp.annotation.x-opt-offset > '@latest'".to_owned(), "new"),
        ("amqp.annotation.x-opt-offset > '4'".to_owned(), "new"),
    ] {
        let mut client = world.client().await;
        client.attaches(reader("r", 0, "0", &filter)).await;
        client.credits(0, 0, 1).await;
        if first == "new" {
            client
                .sends(
                    Performative::Flow(Flow {
                        echo: true,
                        incoming_window: 100,
                        next_incoming_id: Some(2),
                        ..Flow::default()
                    }),
                    b"",
                )
                .await;
            assert!(matches!(client.hears().await.0, Performative::Flow(_)), "nothing is sent");
            world.store(0, b"new");
        }
        assert_eq!(String::from_utf8(client.hears_body().await).unwrap(), first, "{filter}");
        if first == "new" {
            return;
        }
    }
}

#[tokio::test]
async fn events_come_as_they_are_stored_within_the_credit() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(reader("r", 0, "1", FROM_START)).await;
    client.attaches(reader("other", 1, "0", FROM_START)).await;
    client.credits(0, 0, 3).await;
    client.credits(1, 0, 3).await;
    world.store(1, b"1");
    world.store(0, b"0");
    let mut bodies = [client.hears_body().await, client.hears_body().await];
    bodies.sort();
    assert_eq!(bodies, [b"0", b"1"]);
    for number in 2..5_u8 {
        world.store(1, &[b'0' + number]);
    }
    let (id, tag, message) = client.hears_message().await;
    assert_eq!((body(&message), tag), (b"2".to_vec(), 1_u64.to_be_bytes().to_vec()));
    let message = Message::decode(&message).unwrap();
    assert_eq!(message.message_annotations.find("x-opt-offset"), Some(ValueRef::String("1")));
    client.settles(id, true, DeliveryState::Accepted).await;
    assert_eq!(client.hears_body().await, b"3");
    client.credits(0, 3, 1).await;
    assert_eq!(client.hears_body().await, b"4", "not before there was credit");
    client.closes().await;
}

#[tokio::test]
async fn who_settles_second_is_answered_accepted() {
    let world = World::new().await;
    world.store(0, b"1");
    let mut client = world.client().await;
    let mut attach = reader("r", 0, "0", FROM_START);
    attach.rcv_settle_mode = ReceiverSettleMode::Second;
    client.attaches(attach).await;
    client.credits(0, 0, 1).await;
    let (id, _, _) = client.hears_message().await;
    client.settles(id, false, DeliveryState::Released).await;
    let Performative::Disposition(answer) = client.hears().await.0 else { panic!() };
    assert_eq!((answer.first, answer.settled, answer.state), (id, true, Some(DeliveryState::Accepted)));
}

/// azure-eventhub for Python asks for unsettled events, and settles none.
#[tokio::test]
async fn who_never_settles_is_not_waited_for() {
    const EVENTS: u32 = 6000;
    let world = World::new().await;
    for _ in 0..EVENTS {
        world.store(0, b"1");
    }
    let mut client = world.client().await;
    let mut attach = reader("r", 0, "0", FROM_START);
    attach.snd_settle_mode = SenderSettleMode::Unsettled;
    client.attaches(attach).await;
    client.credits(0, 0, EVENTS).await;
    let (id, _, _) = client.hears_message().await;
    client.settles(id, true, DeliveryState::Accepted).await;
    for _ in 1..EVENTS {
        assert_eq!(client.hears_body().await, b"1");
    }
}

#[tokio::test]
async fn a_drained_reader_gets_its_credit_back() {
    let world = World::new().await;
    world.store(0, b"1");
    let mut client = world.client().await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    let drain = Flow {
        next_incoming_id: Some(2),
        incoming_window: 100,
        handle: Some(0),
        delivery_count: Some(0),
        link_credit: Some(10),
        drain: true,
        ..Flow::default()
    };
    client.sends(Performative::Flow(drain), b"").await;
    assert_eq!(client.hears_body().await, b"1");
    let Performative::Flow(flow) = client.hears().await.0 else { panic!() };
    assert_eq!((flow.delivery_count, flow.link_credit, flow.drain), (Some(10), Some(0), true));
}

#[tokio::test]
async fn owner_levels_take_partitions_across_connections() {
    let world = World::new().await;
    let (mut first, mut second) = (world.client().await, world.client().await);
    let with_level = |handle, level: i64| {
        let mut attach = reader("r", handle, "0", FROM_START);
        attach.properties.0.push((Value::symbol("com.microsoft:epoch"), Value::Long(level)));
        attach
    };
    first.attaches(reader("plain", 1, "0", FROM_START)).await;
    second.attaches(with_level(0, 3)).await;
    let lost = first.hears_detach(1).await;
    assert_eq!(&*lost.condition, condition::STOLEN);
    for attach in [with_level(2, 2), reader("again", 3, "0", FROM_START)] {
        let refusal = first.is_refused(attach).await;
        assert_eq!(&*refusal.condition, condition::STOLEN);
        assert!(refusal.description.unwrap().contains("owner level (epoch) 3"));
    }
    first.attaches(reader("elsewhere", 4, "1", FROM_START)).await;
    first.attaches(with_level(5, 3)).await;
    assert_eq!(&*second.hears_detach(0).await.condition, condition::STOLEN);
    world.store(0, b"1");
    first.credits(5, 0, 1).await;
    assert_eq!(first.hears_body().await, b"1");
    first.closes().await;
    while world
        .hub
        .read_partition("$Default", "0", roadstead_hub::EventStart::First, None, std::sync::Arc::default())
        .await
        .is_err()
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_asked_is_told_where_the_partition_ends() {
    let world = World::new().await;
    world.store(0, b"1");
    world.store(0, b"2");
    let mut client = world.client().await;
    let mut attach = reader("r", 0, "0", FROM_START);
    attach.desired_capabilities = vec!["com.microsoft:enable-receiver-runtime-metric".into()];
    client.attaches(attach).await;
    client.credits(0, 0, 1).await;
    let (_, _, message) = client.hears_message().await;
    let annotations = Message::decode(&message).unwrap().delivery_annotations;
    assert_eq!(annotations.find("last_enqueued_sequence_number"), Some(ValueRef::Long(1)));
    assert_eq!(annotations.find("last_enqueued_offset"), Some(ValueRef::String("1")));
    assert_eq!(annotations.find("last_enqueued_time_utc"), Some(ValueRef::Timestamp(UnixMillis(NOW_S * 1000 + 1).0)));
    assert_eq!(annotations.find("runtime_info_retrieval_time_utc"), Some(ValueRef::Timestamp(NOW_S * 1000)));
}

#[tokio::test]
async fn what_cannot_be_attached_to_is_refused_with_the_reason() {
    let world = World::new().await;
    let mut client = world.client().await;
    let partition = |name: &str| receiver("r", 0, name);
    for (attach, condition, words) in [
        (partition("hub1/ConsumerGroups/other/Partitions/0"), condition::NOT_FOUND, "no consumer group `other`"),
        (
            partition("hub1/ConsumerGroups/$Default/Partitions/2"),
            condition::NOT_FOUND,
            "no partition `2`: this hub has 2",
        ),
        (partition("hub2/ConsumerGroups/$Default/Partitions/0"), condition::NOT_FOUND, "is called `hub1`"),
        (partition("hub1"), condition::NOT_FOUND, "hub1/ConsumerGroups/$Default/Partitions/0"),
        (partition(""), condition::NOT_FOUND, "nobody receives from ``"),
        (partition("/messages/devicebound"), condition::NOT_FOUND, "nobody receives from"),
        (sender("s", 0, "hub1"), condition::UNAUTHORIZED_ACCESS, "filled by the hub"),
        (sender("s", 0, "hub1/Partitions/0"), condition::UNAUTHORIZED_ACCESS, "filled by the hub"),
        (sender("s", 0, "/messages/events"), condition::NOT_FOUND, "nobody sends to"),
        (sender("s", 0, "/devices/dev1/shadow"), condition::NOT_FOUND, "no device sends to `devices/dev1/shadow`"),
        (reader("r", 0, "0", "colour = 'red'"), "com.microsoft:argument-error", "one comparison"),
        (
            reader("r", 0, "0", "amqp.annotation.x-opt-offset > '7'"),
            "com.microsoft:argument-error",
            "offset 8 was never stored",
        ),
    ] {
        let refusal = client.is_refused(attach.clone()).await;
        assert_eq!(&*refusal.condition, condition, "{attach:?}");
        assert!(refusal.description.as_ref().unwrap().contains(words), "{refusal}");
    }
    client.attaches(reader("r", 0, "0", FROM_START)).await;
}

#[tokio::test]
async fn readers_need_the_right_and_the_scope() {
    let world = World::new().await;
    for (token, words) in [
        (token_of("registry", HOST, NOW_S + 60), "policy `registry` lacks ServiceConnect"),
        (token("sb://hub1.example/hub1/consumergroups/other"), "the token is for"),
        (token("sb://hub1.example/hub1/ConsumerGroups/$Default/Partitions/1"), "the token is for"),
    ] {
        let mut client = world.stranger().await;
        assert_eq!(client.put_token(&token).await.0, 200);
        let refusal = client.is_refused(reader("r", 0, "0", FROM_START)).await;
        assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
        assert!(refusal.description.unwrap().contains(words));
    }
    for resource in
        ["sb://hub1.example/hub1", "sb://hub1.example:5672/hub1/consumergroups/$default", "amqps://hub1.example:5671/"]
    {
        let mut client = world.stranger().await;
        assert_eq!(client.put_token(&token(resource)).await.0, 200);
        client.attaches(reader("r", 0, "0", FROM_START)).await;
    }
}

#[tokio::test]
async fn the_hubs_own_address_leads_to_the_endpoint() {
    let world = World::new().await;
    let mut client = world.client().await;
    for (source, address) in [
        ("/messages/events/$management", "amqps://hub1.example:5671/hub1/$management"),
        (
            "amqps://hub1.example/messages/events/ConsumerGroups/$Default/Partitions/0",
            "amqps://hub1.example:5671/hub1/ConsumerGroups/$Default/Partitions/0",
        ),
    ] {
        let redirect = client.is_refused(receiver("r", 0, source)).await;
        assert_eq!(&*redirect.condition, condition::REDIRECT);
        assert_eq!(redirect.info.find("address"), Some(&Value::string(address)));
        assert_eq!(redirect.info.find("hostname"), Some(&Value::string(HOST)));
        assert_eq!(redirect.info.find("network-host"), Some(&Value::string(HOST)));
        assert_eq!(redirect.info.find("port"), Some(&Value::Uint(5671)));
    }
}

/// The pipe holds little, the client gives credit for everything and reads nothing for a while.
#[tokio::test]
async fn a_slow_reader_gets_everything_and_holds_nobody_up() {
    const EVENTS: usize = 400;
    let world = World::new().await;
    let body = |number: usize| format!("{number:010}").repeat(800).into_bytes();
    for number in 0..EVENTS {
        world.store(0, &body(number));
        world.store(1, b"x");
    }
    let mut slow = world.client().await;
    slow.attaches(reader("r", 0, "0", FROM_START)).await;
    slow.attaches(reader("s", 1, "1", FROM_START)).await;
    slow.credits(0, 0, 100_000).await;
    slow.credits(1, 0, 100_000).await;
    let mut quick = world.client().await;
    quick.attaches(reader("r", 0, "0", FROM_START)).await;
    quick.credits(0, 0, 100_000).await;
    for number in 0..EVENTS {
        let (id, _, message) = quick.hears_message().await;
        assert_eq!(crate::client::body(&message), body(number));
        quick.settles(id, true, DeliveryState::Accepted).await;
    }
    let (mut next, mut others) = (0, 0);
    while next < EVENTS || others < EVENTS {
        let (id, _, message) = slow.hears_message().await;
        slow.settles(id, true, DeliveryState::Accepted).await;
        match crate::client::body(&message) {
            found if found == b"x" => others += 1,
            found => {
                assert_eq!(found, body(next));
                next += 1;
            }
        }
    }
}

/// The largest event goes in several frames, and through a window of one frame at a time.
#[tokio::test]
async fn a_large_event_goes_in_many_frames() {
    let world = World::new().await;
    let large = vec![7; 256 * 1024];
    world.store(0, &large);
    world.store(0, b"after");
    let mut client = world.client().await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    let flow = |next, window, handle: Option<u32>| Flow {
        next_incoming_id: Some(next),
        incoming_window: window,
        handle,
        delivery_count: handle.map(|_| 0),
        link_credit: handle.map(|_| 10),
        ..Flow::default()
    };
    // One transfer came before: the answer of $cbs.
    client.sends(Performative::Flow(flow(2, 1, Some(0))), b"").await;
    let (mut got, mut frames) = (Vec::new(), 0);
    loop {
        let (said, payload) = client.hears().await;
        let Performative::Transfer(transfer) = said else { continue };
        frames += 1;
        assert!(payload.len() <= limits::FRAME_BYTES_MAX as usize);
        got.extend(payload);
        client.sends(Performative::Flow(flow(2 + frames, 1, None)), b"").await;
        if !transfer.more {
            break;
        }
    }
    assert_eq!((frames, body(&got)), (5, large));
    assert_eq!(client.hears_body().await, b"after");
}

#[tokio::test]
async fn events_that_are_larger_than_the_reader_takes_are_not_passed_over() {
    let world = World::new().await;
    world.store(0, &[7; 2000]);
    let mut client = world.client().await;
    let mut attach = reader("r", 0, "0", FROM_START);
    attach.max_message_size = Some(1000);
    client.attaches(attach).await;
    client.credits(0, 0, 1).await;
    let error = client.hears_detach(0).await;
    assert_eq!(&*error.condition, condition::MESSAGE_SIZE_EXCEEDED);
    assert!(error.description.unwrap().contains("offset 0"));
}

#[tokio::test]
async fn many_links_share_what_waits() {
    const LINKS: u32 = 60;
    let world = World::new().await;
    for _ in 0..20 {
        world.store(0, &[1; 10_000]);
    }
    let mut client = world.client().await;
    for handle in 0..LINKS {
        client.attaches(reader(&format!("r{handle}"), handle, "0", FROM_START)).await;
    }
    for handle in 0..LINKS {
        client.credits(handle, 0, 100).await;
    }
    for _ in 0..LINKS * 20 {
        let (id, _, message) = client.hears_message().await;
        assert_eq!(body(&message).len(), 10_000);
        client.settles(id, true, DeliveryState::Accepted).await;
    }
}
