//! Pages of the event log, and who reads how far.

use std::sync::Arc;

use roadstead_hub::EventStart;
use roadstead_model::{Right, UnixMillis};
use serde_json::{Value, json};

use crate::world::{NOW_S, World, device_token, key};

async fn send(world: &World, device: &str, body: &str) {
    let token = device_token(device, &key(1));
    let headers =
        [("Authorization", token.as_str()), ("iothub-contenttype", "application/json"), ("iothub-app-k", "v")];
    let answer = world.send(&format!("POST /devices/{device}/messages/events"), &headers, body).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    world.clock.advance_ms(1000);
}

/// The page, what its header says of the next, and the numbers in its bodies.
async fn page(world: &World, query: &str, headers: &[(&str, &str)]) -> (Value, Option<String>, Vec<i64>) {
    let answer = world.ask_with(&format!("GET /messages/events/log{query}"), headers, json!(null)).await;
    let next = answer.header("x-ms-continuation").map(str::to_owned);
    let page = answer.ok();
    let numbers = page["events"].as_array().unwrap().iter().map(|event| event["body"]["n"].as_i64().unwrap()).collect();
    (page, next, numbers)
}

#[tokio::test]
async fn there_and_back() {
    let world = World::new().await;
    for device in ["dev1", "dev2"] {
        world.device(device).await;
    }
    for n in 0..5 {
        send(&world, if n % 2 == 0 { "dev1" } else { "dev2" }, &format!(r#"{{"n":{n}}}"#)).await;
    }
    let two = ("x-ms-max-item-count", "2");
    let (first, next, numbers) = page(&world, "", &[two]).await;
    assert_eq!((numbers, first.get("older"), &first["examined"]), (vec![0, 1], None, &json!(2)));
    let event = &first["events"][0];
    assert_eq!(
        (&event["annotations"]["iothub-connection-device-id"], &event["applicationProperties"]),
        (&json!("dev1"), &json!({"k": "v"}))
    );
    let next = next.unwrap();
    assert_eq!(first["newer"], json!(next));
    let (second, next, numbers) = page(&world, "", &[two, ("x-ms-continuation", &next)]).await;
    assert_eq!(numbers, [2, 3]);
    let back = second["older"].as_str().unwrap();
    assert_eq!(page(&world, "", &[two, ("x-ms-continuation", back)]).await.0["events"], first["events"]);
    let (last, none, numbers) = page(&world, "", &[two, ("x-ms-continuation", &next.unwrap())]).await;
    assert_eq!((numbers, none, last.get("newer")), (vec![4], None, None));

    let (newest, next, numbers) = page(&world, "?order=newest", &[two]).await;
    assert_eq!((numbers, newest.get("newer"), newest["older"].as_str()), (vec![3, 4], None, next.as_deref()));
    let time = |second: i64| format!("enqueuedTime={}", (NOW_S + second) * 1000);
    assert_eq!(page(&world, &format!("?{}", time(3)), &[]).await.2, [3, 4]);
    assert_eq!(page(&world, &format!("?{}&order=newest", time(3)), &[]).await.2, [0, 1, 2]);
    assert_eq!(page(&world, "?deviceId=dev2", &[]).await.2, [1, 3]);
    let partition = &event["partition"];
    assert_eq!(page(&world, &format!("?partition={partition}&from=1&deviceId=dev1"), &[]).await.2, [2, 4]);
    let (nobody, next, numbers) = page(&world, "?deviceId=nobody", &[]).await;
    assert_eq!((numbers, next), (Vec::new(), None));
    assert!(nobody["examined"].is_u64());
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    for (query, continuation, says) in [
        ("partition=x", "", "partition `x` is not a number from 0 to 18446744073709551615"),
        ("partition=-1", "", "partition `-1` is not a number from 0 to"),
        ("partition=70000", "", "there is no partition `70000`: this hub has 2, numbered from 0"),
        ("partition=2", "", "there is no partition `2`: this hub has 2, numbered from 0"),
        ("from=3", "", "name it with `partition`"),
        ("partition=0&from=3&enqueuedTime=5", "", "two places to begin"),
        ("enqueuedTime=noon", "", "not a number of milliseconds since 1970"),
        ("order=random", "", "neither `oldest` nor `newest`"),
        ("", "18,0", "not a continuation that this service gave"),
        ("", "older:18", "not a continuation that this service gave"),
        ("", "older:18,0,0", "not a continuation that this service gave"),
    ] {
        let line = format!("GET /messages/events/log?{query}");
        let answer = world.ask_with(&line, &[("x-ms-continuation", continuation)], json!(null)).await;
        let (status, code, text) = answer.hub_refusal();
        assert_eq!((status, &*code), (400, "ArgumentInvalid"), "{query}");
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn how_far_consumer_groups_are() {
    let world = World::new().await;
    world.device("dev1").await;
    for n in 0..3 {
        send(&world, "dev1", &n.to_string()).await;
    }
    let ask = async || world.ask_as(Right::ServiceConnect, "GET /statistics/consumers", json!(null)).await.ok();
    let nobody = ask().await;
    let groups = nobody["consumerGroups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["consumerGroup"]), (1, &json!("$Default")));
    assert!(nobody["eventBytes"].as_u64().unwrap() > 0);
    let partitions = groups[0]["partitions"].as_array().unwrap();
    let at = partitions.iter().position(|held| held.get("lastEnqueuedTime").is_some()).unwrap();
    let newest = UnixMillis((NOW_S + 2) * 1000).iso();
    let unread = json!({"partitionId": at.to_string(), "readers": 0, "firstSequenceNumber": 0,
        "lastEnqueuedSequenceNumber": 2, "lastEnqueuedTime": newest});
    assert_eq!(partitions[at], unread, "no lag is made up");
    let empty = json!({"partitionId": (1 - at).to_string(), "readers": 0, "firstSequenceNumber": 0});
    assert_eq!(partitions[1 - at], empty);

    let partition = at.to_string();
    let opened = world.hub.read_partition("$Default", &partition, EventStart::First, None, Arc::default()).await;
    let mut reader = opened.unwrap();
    let events = reader.peek(1 << 20).await.unwrap();
    reader.take(&events[0]);
    reader.note_delivered();
    let mut expected = unread;
    expected["readers"] = json!(1);
    expected["deliveredSequenceNumber"] = json!(0);
    expected["deliveredTime"] = json!(UnixMillis((NOW_S + 3) * 1000).iso());
    expected["lag"] = json!(2);
    assert_eq!(ask().await["consumerGroups"][0]["partitions"][at], expected);
    drop(reader);
    expected["readers"] = json!(0);
    assert_eq!(ask().await["consumerGroups"][0]["partitions"][at], expected);
}
