//! Messages from the cloud over HTTPS: from the back end's POST to its feedback.

use roadstead_model::Right;
use serde_json::{Value, json};

use crate::{
    pipe::Answer,
    world::{World, device_token, key, policy_token},
};

const PATH: &str = "/devices/dev1/messages/devicebound";
const VERSION: &str = "?api-version=2021-04-12";

async fn send(world: &World, headers: &[(&str, &str)], body: &str) -> Answer {
    let token = policy_token("ServiceConnect");
    let headers = [&[("Authorization", token.as_str()), ("iothub-to", PATH)], headers].concat();
    world.send(&format!("POST /messages/devicebound{VERSION}"), &headers, body).await
}

async fn as_device(world: &World, line: &str, headers: &[(&str, &str)]) -> Answer {
    let token = device_token("dev1", &key(1));
    world.send(line, &[&[("Authorization", token.as_str())], headers].concat(), "").await
}

/// The lock of the next message, which has this body.
async fn receive(world: &World, body: &str) -> String {
    let answer = as_device(world, &format!("GET {PATH}{VERSION}"), &[]).await;
    assert_eq!((answer.status, answer.text()), (200, body));
    answer.header("etag").unwrap().trim_matches('"').to_owned()
}

async fn with_device() -> World {
    let world = World::new().await;
    world.device("dev1").await;
    world
}

#[tokio::test]
async fn a_message_arrives_with_its_properties_and_is_settled_in_every_spelling() {
    let world = with_device().await;
    let empty = as_device(&world, &format!("GET {PATH}{VERSION}"), &[]).await;
    assert_eq!((empty.status, empty.text(), empty.header("etag")), (204, "", None));

    let headers = [("iothub-messageid", "m1"), ("iothub-ack", "full"), ("iothub-app-color", "dark red")];
    let sent = send(&world, &headers, "hello").await;
    assert_eq!((sent.status, sent.text()), (204, ""));
    let first =
        as_device(&world, "GET /Devices/dev1/messages/deviceBound", &[("iothub-messagelocktimeout", "60")]).await;
    assert_eq!((first.status, first.text()), (200, "hello"));
    for (name, value) in [
        ("iothub-messageid", "m1"),
        ("iothub-to", PATH),
        ("iothub-ack", "full"),
        ("iothub-app-color", "dark red"),
        ("iothub-sequencenumber", "1"),
        ("iothub-deliverycount", "0"),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    let etag = first.header("etag").unwrap();
    assert!(etag.len() == 38 && etag.starts_with('"') && etag.ends_with('"'), "a quoted UUID: {etag}");
    let lock = etag.trim_matches('"');
    let abandon = as_device(&world, &format!("POST {PATH}/{lock}/abandon{VERSION}"), &[("IfMatch", "bogus")]).await;
    assert_eq!((abandon.status, abandon.text()), (204, ""));

    let again = as_device(&world, &format!("GET {PATH}"), &[]).await;
    assert_eq!(again.header("iothub-deliverycount"), Some("1"));
    let quoted = again.header("etag").unwrap().to_owned();
    let lock = quoted.trim_matches('"');
    let completed = as_device(&world, &format!("DELETE {PATH}/{lock}{VERSION}"), &[("If-Match", &quoted)]).await;
    assert_eq!((completed.status, completed.text()), (204, ""));

    let spellings = ["?api-version=2021-04-12&reject", "?reject=&api-version=1", "?reject=true", "?%3Freject=true"];
    for spelling in spellings {
        send(&world, &[("iothub-ack", "negative"), ("iothub-messageid", spelling)], "x").await;
        let lock = receive(&world, "x").await;
        let rejected = as_device(&world, &format!("DELETE {PATH}/{lock}{spelling}"), &[("If-Match", &lock)]).await;
        assert_eq!((rejected.status, rejected.text()), (204, ""), "{spelling}");
    }
    world.clock.advance_ms(15_000);
    let feedback = world.ask_as(Right::ServiceConnect, "GET /messages/serviceBound/feedback", Value::Null).await;
    assert_eq!(feedback.header("content-type"), Some("application/vnd.microsoft.iothub.feedback.json"));
    assert_eq!(feedback.header("iothub-userid"), Some("plant"));
    let records: Vec<Value> = serde_json::from_slice(&feedback.body).unwrap();
    let heard: Vec<_> = records.iter().map(|r| (r["originalMessageId"].clone(), r["statusCode"].clone())).collect();
    let mut expected = vec![(json!("m1"), json!("Success"))];
    expected.extend(spellings.map(|spelling| (json!(spelling), json!("Rejected"))));
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn lost_locks() {
    let world = with_device().await;
    send(&world, &[], "a").await;
    send(&world, &[], "b").await;
    let (a, b) = (receive(&world, "a").await, receive(&world, "b").await);
    for (line, if_match) in [
        (format!("DELETE {PATH}/{}", "0".repeat(32)), "*"),
        (format!("DELETE {PATH}/no-lock?reject"), "*"),
        (format!("POST {PATH}/no-lock/abandon"), "*"),
        (format!("DELETE {PATH}/{a}"), &*b),
    ] {
        let (status, name, _) = as_device(&world, &line, &[("If-Match", if_match)]).await.hub_refusal();
        assert_eq!((status, &*name), (412, "DeviceMessageLockLost"), "{line}");
    }
    assert_eq!(as_device(&world, &format!("DELETE {PATH}/{a}"), &[("If-Match", "*")]).await.status, 204);
    world.clock.advance_ms(60_000);
    assert_eq!(as_device(&world, &format!("DELETE {PATH}/{b}"), &[]).await.hub_refusal().0, 412);
    receive(&world, "b").await;
}

#[tokio::test]
async fn purged_messages_and_feedback_given_back() {
    let world = with_device().await;
    for id in ["m1", "m2"] {
        send(&world, &[("iothub-ack", "full"), ("iothub-messageid", id)], id).await;
    }
    let purged =
        world.ask_as(Right::ServiceConnect, &format!("DELETE /devices/dev1/commands{VERSION}"), Value::Null).await;
    assert_eq!(purged.ok(), json!({"totalMessagesPurged": 2, "deviceId": "dev1", "moduleId": null}));
    let feedback = async |line: &str| world.ask_as(Right::ServiceConnect, line, Value::Null).await;
    assert_eq!(feedback("GET /messages/servicebound/feedback").await.status, 204, "more may come");
    world.clock.advance_ms(15_000);
    for (verb, end) in [("POST", "/abandon"), ("DELETE", "")] {
        let batch = feedback("GET /messages/servicebound/feedback").await;
        assert_eq!(batch.status, 200);
        let lock = batch.header("etag").unwrap().trim_matches('"').to_owned();
        let line = format!("{verb} /messages/serviceBound/feedback/{lock}{end}");
        assert_eq!(feedback(&line).await.status, 204);
        assert_eq!(feedback(&line).await.hub_refusal().1, "DeviceMessageLockLost");
    }
    assert_eq!(feedback("GET /messages/serviceBound/feedback").await.status, 204);
}

#[tokio::test]
async fn whom_a_message_is_for() {
    let world = with_device().await;
    let addressed = async |address: &str| {
        let token = policy_token("ServiceConnect");
        let headers = [("Authorization", token.as_str()), ("iothub-to", address)];
        world.send("POST /messages/deviceBound", &headers, "x").await
    };
    for (address, status, name) in [
        ("/devices/dev9/messages/devicebound", 404, "DeviceNotFound"),
        ("/devices/dev1/messages/events", 400, "ArgumentInvalid"),
        ("/devices/dev1/modules/m/messages/devicebound", 400, "ArgumentInvalid"),
        ("", 400, "ArgumentInvalid"),
    ] {
        let refusal = addressed(address).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, name), "{address}");
    }
    assert_eq!(addressed("/devices/dev%31/messages/deviceBound").await.status, 204, "percent-encoded, as node does");
}

#[tokio::test]
async fn refused() {
    let world = with_device().await;
    let far = "2027-01-17T08:00:01Z";
    for (headers, body, status, name) in [
        (vec![("iothub-ack", "maybe")], "", 400, "ArgumentInvalid"),
        (vec![("iothub-expiry", "soon")], "", 400, "ArgumentInvalid"),
        (vec![("iothub-expiry", far)], "", 403, "InvalidMessageExpiryTime"),
        (vec![], &*"x".repeat(64 * 1024), 413, "MessageTooLarge"),
    ] {
        let refusal = send(&world, &headers, body).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, name), "{headers:?}");
    }
    for _ in 0..50 {
        assert_eq!(send(&world, &[], "x").await.status, 204);
    }
    let full = send(&world, &[], "x").await.hub_refusal();
    assert_eq!((full.0, &*full.1), (403, "DeviceMaximumQueueDepthExceeded"));
    for line in [
        "POST /messages/devicebound",
        "DELETE /devices/dev1/commands",
        "GET /messages/serviceBound/feedback",
        "DELETE /messages/serviceBound/feedback/x",
        "POST /messages/serviceBound/feedback/x/abandon",
    ] {
        let refusal = world.ask_as(Right::RegistryWrite, line, Value::Null).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorizedAccess"), "{line}");
    }
    for line in [format!("GET {PATH}"), format!("DELETE {PATH}/{}", "0".repeat(32))] {
        let refusal = world.ask_as(Right::ServiceConnect, &line, Value::Null).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorizedAccess"), "{line}");
    }
    let stranger = world.send(&format!("GET {PATH}"), &[("Authorization", &device_token("dev2", &key(1)))], "").await;
    assert_eq!(stranger.hub_refusal().0, 401);
    let nobody = world.ask_as(Right::ServiceConnect, "DELETE /devices/dev9/commands", Value::Null).await.hub_refusal();
    assert_eq!((nobody.0, &*nobody.1), (404, "DeviceNotFound"));
}
