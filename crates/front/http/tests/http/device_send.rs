//! Telemetry over HTTPS.

use roadstead_model::{Property, SystemProperty as P};
use roadstead_sas::{SasKey, sign};
use roadstead_store::StoreError;
use serde_json::json;

use crate::{
    pipe::Pipe,
    world::{HOST, NOW_S, World, base64, caller, device_token, key, leaf, policy_token, request},
};

const BATCH: &str = "application/vnd.microsoft.iothub.json";

/// As captured from the node SDK: chunked, without Content-Type.
fn node_request(token: &str) -> String {
    format!(
        "POST /devices/dev1/messages/events?api-version=2021-04-12 HTTP/1.1\r\n\
         iothub-to: /devices/dev1/messages/events\r\n\
         User-Agent: azure-iot-device/1.18.4 (node v20.20.2; Debian 12; x64)\r\n\
         Authorization: {token}\r\niothub-app-k1: v\r\nIoTHub-MessageId: id/1\r\n\
         iothub-contenttype: application/json\r\niothub-contentencoding: utf-8\r\n\
         Host: {HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         4\r\n{{\"t\"\r\n3\r\n:1}}\r\n0\r\n\r\n"
    )
}

#[tokio::test]
async fn a_message_of_the_node_sdk() {
    let world = World::new().await;
    world.device("dev1").await;
    let answer = world.raw(node_request(&device_token("dev1", &key(1))).as_bytes()).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (204, "", None));
    let events = world.events().await;
    let [event] = &*events else { panic!("{events:?}") };
    let view = event.view().unwrap();
    assert_eq!((view.device_id, view.body), ("dev1", &br#"{"t":1}"#[..]));
    let expected = [
        Property::System(P::To, "/devices/dev1/messages/events"),
        Property::Application("k1", Some("v")),
        Property::System(P::MessageId, "id/1"),
        Property::System(P::ContentType, "application/json"),
        Property::System(P::ContentEncoding, "utf-8"),
    ];
    assert_eq!(view.properties.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn every_credential_of_a_device_and_every_spelling_of_its_path() {
    let world = World::new().await;
    world.device("dev1").await;
    for (path, token) in [
        ("/devices/dev1/messages/events?api-version=2016-11-14", device_token("dev1", &key(2))),
        ("/devices%2Fdev1%2Fmessages%2Fevents", device_token("dev1", &key(1))),
        ("/Devices/dev1/Messages/Events/", device_token("dev1", &key(1))),
        ("/devices/dev1/messages/events", policy_token("DeviceConnect")),
    ] {
        let headers = [("authorization", token.as_str()), ("Content-Type", "application/json")];
        let answer = world.send(&format!("POST {path}"), &headers, r#"{"t":1}"#).await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
    }
    let own = leaf("dev2");
    let auth = json!({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": own.sha1().to_string()}});
    world.ask("PUT /devices/dev2", json!({"deviceId": "dev2", "authentication": auth})).await.ok();
    let send = request("POST /devices/dev2/messages/events", &[], b"x");
    assert_eq!(Pipe::open(&world.front, caller(&[&own])).ask(&send).await.status, 204);
    let (status, name, _) = Pipe::open(&world.front, caller(&[&leaf("dev2")])).ask(&send).await.hub_refusal();
    assert_eq!((status, &*name), (401, "IotHubUnauthorized"));
    let events = world.events().await;
    assert_eq!(events.len(), 5);
    for event in &events {
        let said = event.view().unwrap().properties.collect::<Vec<_>>();
        assert!(said.is_empty(), "a plain Content-Type is no property: {said:?}");
    }
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let world = World::new().await;
    world.device("dev1").await;
    let token = device_token("dev1", &key(1));
    let send = async |content_type: &str, body: &str| {
        let headers = [("Authorization", token.as_str()), ("Content-Type", content_type)];
        world.send("POST /devices/dev1/messages/events", &headers, body).await
    };
    let node = r#"[{"body": "eyJ0IjoxfQ==", "properties":{"iothub-app-k1":"v"}},{"body": "dHdv"}]"#;
    assert_eq!(send(BATCH, node).await.status, 204);
    assert_eq!(
        send(&format!("{BATCH}; charset=utf-8"), r#"[{"body":"text","base64Encoded":false}]"#).await.status,
        204
    );
    let events = world.events().await;
    let bodies: Vec<_> = events.iter().map(|event| event.view().unwrap().body).collect();
    assert_eq!(bodies, [&br#"{"t":1}"#[..], b"two", b"text"]);
    let first = events[0].view().unwrap().properties.collect::<Vec<_>>();
    assert_eq!(first, [Property::Application("k1", Some("v"))]);

    for (body, status, code, text) in [
        (r#"[{"body":"dHdv"},{"body":"%"}]"#, 400, "ArgumentInvalid", "the body of message 1 is not base64"),
        (r#"{"body":"dHdv"}"#, 400, "ArgumentInvalid", "the batch is not a JSON array of messages"),
        ("", 400, "ArgumentInvalid", "the batch is not a JSON array of messages"),
    ] {
        let refusal = send(BATCH, body).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, code), "{body}");
        assert!(refusal.2.starts_with(text), "{}", refusal.2);
    }
    let half = "QUFB".repeat(45_000);
    let large = send(BATCH, &format!(r#"[{{"body":"{half}"}},{{"body":"{half}"}}]"#)).await.hub_refusal();
    let text = "the message has 270000 bytes with its properties, at most 262144 are allowed";
    assert_eq!(large, (413, "MessageTooLarge".to_owned(), text.to_owned()));
    assert_eq!(world.events().await.len(), 3, "nothing of a refused batch is kept");
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    world.device("dev1").await;
    world.ask("PUT /devices/off", json!({"deviceId": "off", "status": "disabled"})).await.ok();
    let off = world.ask("GET /devices/off", json!(null)).await.ok();
    let off = off["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap();
    let off = device_token("off", &SasKey::from_base64(off).unwrap());
    let expired = sign(&format!("{HOST}/devices/dev1"), &key(1), NOW_S - 301, None);
    for (device, token, status, code) in [
        ("dev1", "", 401, "IotHubUnauthorized"),
        ("dev1", "Bearer x", 401, "IotHubUnauthorized"),
        ("dev1", &*device_token("dev1", &key(3)), 401, "IotHubUnauthorized"),
        ("dev1", &*device_token("dev2", &key(1)), 401, "IotHubUnauthorized"),
        ("dev1", &*expired, 401, "IotHubUnauthorized"),
        ("dev1", &*policy_token("ServiceConnect"), 401, "IotHubUnauthorizedAccess"),
        ("dev9", &*device_token("dev9", &key(1)), 401, "IotHubUnauthorized"),
        ("dev1/modules/m", &*device_token("dev1", &key(1)), 401, "IotHubUnauthorized"),
        ("off", &*off, 403, "DeviceDisabled"),
        ("a%20b", &*device_token("a b", &key(1)), 401, "IotHubUnauthorized"),
    ] {
        let line = format!("POST /devices/{device}/messages/events");
        let refusal = world.send(&line, &[("Authorization", token)], "x").await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, code), "{device} {token}");
        for secret in [&base64(1), "sig="] {
            assert!(!refusal.2.contains(secret), "{}", refusal.2);
        }
    }
    let token = device_token("dev1", &key(1));
    let large = vec![0; 256 * 1024 + 1];
    let large = world.send("POST /devices/dev1/messages/events", &[("Authorization", &token)], large).await;
    assert_eq!(large.hub_refusal().1, "MessageTooLarge");
    assert_eq!(world.events().await, []);
}

#[tokio::test]
async fn what_is_not_durable_is_not_acknowledged() {
    let world = World::new().await;
    world.device("dev1").await;
    world.log.hold();
    let request = node_request(&device_token("dev1", &key(1)));
    let (answer, ()) = tokio::join!(world.raw(request.as_bytes()), async {
        while world.events().await.is_empty() {
            tokio::task::yield_now().await;
        }
        world.log.release(Err(StoreError::Full("no space left".to_owned())));
    });
    assert_eq!(answer.hub_refusal().1, "ServiceUnavailable");
    let body = String::from_utf8_lossy(&answer.body);
    assert!(body.contains("cannot store more") && !body.contains("no space left"), "the cause is the log's: {body}");
}
