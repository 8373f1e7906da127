//! `$cbs` and `$management`.

use roadstead_amqp_proto::{
    DeliveryState, MapRef, ValueRef, condition,
    message::{Body, Message, MessageId},
};
use roadstead_front_amqp::limits;
use roadstead_model::UnixMillis;

use crate::{
    client::{CBS, Client, FROM_START, reader, receiver, request, sender, status},
    world::{HOST, NOW_S, TOKEN_S, World, token, token_of},
};

#[tokio::test]
async fn tokens_are_judged_at_once() {
    let world = World::new().await;
    let mut client = world.stranger().await;
    assert_eq!(client.put_token(&token("sb://hub1.example/hub1")).await, (200, "OK".to_owned()));
    for (token, words) in [
        (token_of("service", HOST, NOW_S - 400), "the token expired 400 s ago"),
        (token("hub2.example"), "not for `hub1.example`"),
        (token_of("nobody", HOST, NOW_S + TOKEN_S), "there is no access policy `nobody`"),
        (String::new(), "does not begin with"),
        (
            roadstead_sas::sign(HOST, &roadstead_sas::SasKey::from_bytes(vec![1; 32]), NOW_S + 9, Some("service")),
            "not signed",
        ),
        (
            roadstead_sas::sign(HOST, &roadstead_sas::SasKey::from_bytes(vec![1; 32]), NOW_S + 9, None),
            "neither an access policy",
        ),
    ] {
        let (code, description) = client.renews_token(&token).await;
        assert!(code == 401 && description.contains(words), "{code} {description}");
    }
    client.attaches(reader("r", 0, "0", FROM_START)).await;
}

#[tokio::test]
async fn tokens_of_a_connection_are_bounded_and_renewed() {
    let world = World::new().await;
    let mut client = world.client().await;
    for number in 1..limits::TOKENS_MAX {
        assert_eq!(client.renews_token(&token(&format!("{HOST}/devices/{number}"))).await.0, 200);
    }
    let (code, description) = client.renews_token(&token(&format!("{HOST}/devices/more"))).await;
    assert!(code == 403 && description.contains("which is the limit"), "{code} {description}");
    assert_eq!(client.renews_token(&token_of("service", HOST, NOW_S + 2 * TOKEN_S)).await.0, 200, "a renewed one");
}

#[tokio::test(start_paused = true)]
async fn links_end_with_the_token_unless_it_is_renewed() {
    let world = World::new().await;
    let (mut client, mut other) = (world.client().await, world.client().await);
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    other.attaches(reader("r", 0, "0", FROM_START)).await;
    assert_eq!(other.renews_token(&token_of("service", HOST, NOW_S + 2 * TOKEN_S)).await.0, 200);
    world.clock.advance_ms((TOKEN_S + 301) * 1000);
    let heard = async {
        loop {
            // Someone must be heard, or the connection is idle.
            client.says(&[0, 0, 0, 8, 2, 0, 0, 0]).await;
            other.says(&[0, 0, 0, 8, 2, 0, 0, 0]).await;
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            if let Ok(error) = tokio::time::timeout(std::time::Duration::from_secs(1), client.hears_detach(0)).await {
                return error;
            }
        }
    };
    let error = heard.await;
    assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    assert!(error.description.unwrap().starts_with("the token expired and was not renewed"));
    world.store(0, b"1");
    other.credits(0, 0, 10).await;
    assert_eq!(other.hears_body().await, b"1");
}

#[tokio::test]
async fn an_answer_names_its_request_by_type_and_finds_its_link() {
    let world = World::new().await;
    let mut client = world.client().await;
    let put = [("operation", "put-token")];
    for id in [MessageId::Uuid([7; 16]), MessageId::Ulong(3), MessageId::String("a"), MessageId::Binary(b"x")] {
        client.transfers(CBS[0], &request(id, &put, Some(&token(HOST)))).await;
        let answer = client.hears_answer().await;
        assert_eq!(status(&answer, id).0, 200);
    }
    let id = MessageId::String("b");
    client.transfers(CBS[0], &request(id, &[("operation", "delete-token")], None)).await;
    let answer = client.hears_answer().await;
    assert_eq!(status(&answer, id).0, 400);
    let DeliveryState::Rejected(Some(error)) = client.asks(CBS[0], b"\0\x53\x99").await else { panic!() };
    assert_eq!(&*error.condition, condition::DECODE_ERROR);
}

async fn manage(client: &mut Client, properties: &[(&str, &str)]) -> (i32, Vec<u8>) {
    let id = MessageId::Uuid([1; 16]);
    client.transfers(10, &request(id, properties, None)).await;
    let answer = client.hears_answer().await;
    (status(&answer, id).0, answer)
}

fn map(answer: &[u8]) -> MapRef<'_> {
    let Body::Value(ValueRef::Map(map)) = Message::decode(answer).unwrap().body else { panic!() };
    map
}

async fn managing(world: &World, with_token: bool) -> Client {
    let mut client = if with_token { world.client().await } else { world.stranger().await };
    client.attaches(sender("m-s", 10, "$management")).await;
    client.attaches(receiver("m-r", 11, "hub1/$management")).await;
    client.credits(11, 0, 100).await;
    client
}

#[tokio::test]
async fn the_endpoint_and_its_partitions_are_described() {
    let world = World::new().await;
    world.store(1, b"1");
    world.store(1, b"2");
    let mut client = managing(&world, true).await;
    let (code, answer) =
        manage(&mut client, &[("operation", "READ"), ("name", "hub1"), ("type", "com.microsoft:eventhub")]).await;
    assert_eq!(code, 200);
    let hub = map(&answer);
    assert_eq!(hub.find("name"), Some(ValueRef::String("hub1")));
    assert_eq!(hub.find("type"), Some(ValueRef::String("com.microsoft:eventhub")));
    assert_eq!(hub.find("created_at"), Some(ValueRef::Timestamp(5)));
    assert_eq!(hub.find("partition_count"), Some(ValueRef::Int(2)));
    let Some(ValueRef::Array(ids)) = hub.find("partition_ids") else { panic!() };
    assert_eq!(ids.values().collect::<Vec<_>>(), [ValueRef::String("0"), ValueRef::String("1")]);
    let partition =
        |id| [("operation", "READ"), ("name", "Hub1"), ("type", "com.microsoft:partition"), ("partition", id)];
    let (code, answer) = manage(&mut client, &partition("1")).await;
    assert_eq!(code, 200);
    let found = map(&answer);
    assert_eq!(found.find("begin_sequence_number"), Some(ValueRef::Long(0)));
    assert_eq!(found.find("last_enqueued_sequence_number"), Some(ValueRef::Long(1)));
    assert_eq!(found.find("last_enqueued_offset"), Some(ValueRef::String("1")));
    assert_eq!(found.find("last_enqueued_time_utc"), Some(ValueRef::Timestamp(UnixMillis(NOW_S * 1000 + 1).0)));
    assert_eq!(found.find("is_partition_empty"), Some(ValueRef::Boolean(false)));
    let (_, answer) = manage(&mut client, &partition("0")).await;
    assert_eq!(map(&answer).find("is_partition_empty"), Some(ValueRef::Boolean(true)));
    assert_eq!(map(&answer).find("last_enqueued_offset"), Some(ValueRef::String("-1")));
    for (properties, expected) in [
        (&partition("2")[..], 404),
        (&partition("x"), 404),
        (&[("operation", "READ"), ("name", "other"), ("type", "com.microsoft:eventhub")], 404),
        (&[("operation", "READ"), ("name", "hub1"), ("type", "other")], 400),
        (&[("operation", "DELETE"), ("name", "hub1"), ("type", "com.microsoft:eventhub")], 400),
    ] {
        assert_eq!(manage(&mut client, properties).await.0, expected, "{properties:?}");
    }
}

#[tokio::test]
async fn questions_need_a_token() {
    let world = World::new().await;
    let mut client = managing(&world, false).await;
    let question = [("operation", "READ"), ("name", "hub1"), ("type", "com.microsoft:eventhub")];
    assert_eq!(manage(&mut client, &question).await.0, 401);
    let token = token("sb://hub1.example/hub1/$management");
    let with_token = [&question[..], &[("security_token", token.as_str())]].concat();
    assert_eq!(manage(&mut client, &with_token).await.0, 200);
    let refusal = client.is_refused(receiver("x", 12, "other/$management")).await;
    assert_eq!(&*refusal.condition, condition::NOT_FOUND);
}

#[tokio::test]
async fn links_of_strangers_are_bounded() {
    let world = World::new().await;
    let mut client = world.stranger().await;
    let max = u32::try_from(limits::NODE_LINKS_MAX).unwrap();
    for handle in 0..max {
        client.attaches(sender(&handle.to_string(), handle, "$cbs")).await;
    }
    let refusal = client.is_refused(sender("one more", max, "$management")).await;
    assert_eq!(&*refusal.condition, condition::RESOURCE_LIMIT_EXCEEDED);
}

/// It asks with long ids and takes no answers.
#[tokio::test]
async fn answers_that_strangers_do_not_take_are_bounded() {
    const ID_BYTES: usize = 50_000;
    let world = World::new().await;
    let mut client = world.stranger().await;
    client.attaches(sender("ask", 0, "$cbs")).await;
    for handle in 1..20 {
        client.attaches(receiver(&handle.to_string(), handle, "$cbs")).await;
    }
    let id = "i".repeat(ID_BYTES);
    let mut waiting = 0;
    let refused = loop {
        let question = request(MessageId::String(&id), &[("operation", "put-token")], Some("none"));
        match client.asks(0, &question).await {
            DeliveryState::Accepted => waiting += 1,
            DeliveryState::Rejected(Some(error)) => break error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(&*refused.condition, condition::RESOURCE_LIMIT_EXCEEDED);
    assert_eq!(waiting, limits::REPLY_BYTES_WAITING_MAX.div_ceil(ID_BYTES + 200));
    for handle in 1..20 {
        client.credits(handle, 0, 100).await;
    }
    for _ in 0..waiting {
        client.hears_message().await;
    }
}
