//! The device registry.

use roadstead_model::Right;
use serde_json::{Value, json};

use crate::world::{World, base64};

const VERSION: &str = "?api-version=2021-04-12";

/// As `az iot hub device-identity create` sends it.
fn az_body(id: &str) -> Value {
    json!({"deviceId": id, "status": "enabled", "authentication": {"symmetricKey": {}, "type": "sas"},
        "capabilities": {"iotEdge": false}})
}

#[tokio::test]
async fn a_device_is_created_shown_changed_and_deleted() {
    let world = World::new().await;
    let created = world.ask(&format!("PUT /devices/dev1{VERSION}"), az_body("dev1")).await;
    let device = created.ok();
    assert_eq!(created.header("etag").unwrap(), format!("\"{}\"", device["etag"].as_str().unwrap()));
    assert_eq!(device["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap().len(), 44);
    assert_eq!((&device["deviceId"], &device["connectionState"]), (&json!("dev1"), &json!("Disconnected")));

    // Node sends a body with GET; IoT Explorer encodes the whole path.
    for path in ["/devices/dev1", "/devices%2Fdev1", "/DEVICES/dev1/"] {
        let shown = world.ask(&format!("GET {path}{VERSION}"), json!({})).await;
        assert_eq!((shown.header("etag"), shown.ok()), (created.header("etag"), device.clone()), "{path}");
    }
    let disabled = json!({"deviceId": "dev1", "status": "disabled", "statusReason": "stolen"});
    let changed = world.ask_with("PUT /devices/dev1", &[("If-Match", "\"*\"")], disabled.clone()).await.ok();
    assert_eq!((&changed["status"], &changed["statusReason"]), (&json!("disabled"), &json!("stolen")));
    assert_eq!(changed["authentication"], device["authentication"], "keys that are left out stay");
    assert_eq!(changed["generationId"], device["generationId"]);

    let old = device["etag"].as_str().unwrap();
    let stale = world.ask_with("PUT /devices/dev1", &[("If-Match", old)], disabled.clone()).await.hub_refusal();
    assert_eq!((stale.0, &*stale.1), (412, "PreconditionFailed"));
    let current = format!("\"{}\"", changed["etag"].as_str().unwrap());
    world.ask_with("PUT /devices/dev1", &[("If-Match", &current)], disabled).await.ok();
    let stale = world.ask_with("DELETE /devices/dev1", &[("If-Match", &current)], json!(null)).await.hub_refusal();
    assert_eq!((stale.0, &*stale.1), (412, "PreconditionFailed"));
    let deleted = world.ask("DELETE /devices/dev1", json!(null)).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    for (line, headers) in
        [("GET /devices/dev1", &[][..]), ("DELETE /devices/dev1", &[]), ("PUT /devices/dev1", &[("If-Match", "*")])]
    {
        let refusal = world.ask_with(line, headers, az_body("dev1")).await.hub_refusal();
        let expected = (404, "DeviceNotFound".to_owned(), "device `dev1` is not registered".to_owned());
        assert_eq!(refusal, expected, "{line}");
    }
}

#[tokio::test]
async fn every_way_to_prove_itself() {
    let world = World::new().await;
    let print = "AB".repeat(20);
    for (id, authentication, kind) in [
        ("a", json!(null), "sas"),
        ("b", json!({"symmetricKey": {"primaryKey": base64(1), "secondaryKey": ""}}), "sas"),
        ("c", json!({"x509Thumbprint": {"primaryThumbprint": print}}), "selfSigned"),
        ("d", json!({"type": "certificateAuthority"}), "certificateAuthority"),
        ("e", json!({"type": "none"}), "none"),
    ] {
        let body = json!({"deviceId": id, "authentication": authentication});
        let shown = world.ask(&format!("PUT /devices/{id}"), body).await.ok();
        assert_eq!(shown["authentication"]["type"], kind, "{id}");
    }
    let b = world.ask("GET /devices/b", json!(null)).await.ok();
    assert_eq!(b["authentication"]["symmetricKey"]["primaryKey"], base64(1));
    let c = world.ask("GET /devices/c", json!(null)).await.ok();
    assert_eq!(c["authentication"]["x509Thumbprint"], json!({"primaryThumbprint": print, "secondaryThumbprint": null}));
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    world.device("dev1").await;
    let bad_key = json!({"deviceId": "a", "authentication": {"symmetricKey": {"primaryKey": "?"}}});
    for (line, body, status, code, text) in [
        ("PUT /devices/dev1", az_body("dev1"), 409, "DeviceAlreadyExists", "device `dev1` is registered already"),
        ("PUT /devices/a", az_body("b"), 400, "ArgumentInvalid", "the body names device `b`, the path `a`"),
        ("PUT /devices/a", json!(null), 400, "ArgumentInvalid", "the body: "),
        ("PUT /devices/a", json!(["a"]), 400, "ArgumentInvalid", "the body: expected an object"),
        ("PUT /devices/a", json!({"deviceId": "a", "status": "on"}), 400, "ArgumentInvalid", "the body: `on` is no"),
        ("PUT /devices/a", bad_key, 400, "ArgumentInvalid", "primaryKey: "),
        ("PUT /devices/a%2Bb", az_body("a+b"), 400, "ArgumentInvalid", "device id `a+b` may not contain '+'"),
        ("GET /devices/a+b", json!(null), 400, "ArgumentInvalid", "device id `a+b` may not contain '+'"),
        ("GET /devices?top=x", json!(null), 400, "ArgumentInvalid", "`top` must be a number of devices"),
    ] {
        let refusal = world.ask(line, body.clone()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, code), "{line} {body}");
        assert!(refusal.2.starts_with(text), "{}", refusal.2);
    }
}

#[tokio::test]
async fn lists_and_counts() {
    let world = World::new().await;
    for id in ["c", "a", "b"] {
        world.device(id).await;
    }
    world.ask("PUT /devices/d", json!({"deviceId": "d", "status": "disabled"})).await.ok();
    // With the trailing slash of the node SDK.
    for (path, expected) in [
        ("/devices/?api-version=2021-04-12", &["a", "b", "c", "d"][..]),
        ("/devices?top=2&api-version=2021-04-12", &["a", "b"]),
        ("/devices?top=0", &["a"]),
    ] {
        let listed = world.ask(&format!("GET {path}"), json!(null)).await.ok();
        let ids: Vec<_> =
            listed.as_array().unwrap().iter().map(|device| device["deviceId"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{path}");
        assert_eq!(listed[0]["authentication"]["symmetricKey"]["primaryKey"], base64(1));
    }
    let counts = json!({"totalDeviceCount": 4, "enabledDeviceCount": 3, "disabledDeviceCount": 1});
    assert_eq!(world.ask("GET /statistics/devices", json!(null)).await.ok(), counts);
    let connected = world.ask("GET /statistics/service", json!(null)).await.ok();
    assert_eq!(connected, json!({"connectedDeviceCount": 0}));
}

#[tokio::test]
async fn each_route_asks_for_its_right() {
    let world = World::new().await;
    world.device("dev1").await;
    for (line, enough, too_little) in [
        ("GET /devices/dev1", &[Right::RegistryRead, Right::RegistryWrite][..], Right::ServiceConnect),
        ("GET /devices", &[Right::RegistryRead], Right::DeviceConnect),
        ("GET /statistics/devices", &[Right::RegistryRead], Right::ServiceConnect),
        ("GET /statistics/service", &[Right::ServiceConnect], Right::RegistryWrite),
        ("GET /twins/dev1", &[Right::ServiceConnect], Right::RegistryWrite),
        ("POST /devices/query", &[Right::ServiceConnect], Right::DeviceConnect),
        ("PUT /devices/dev2", &[Right::RegistryWrite], Right::RegistryRead),
        ("DELETE /devices/dev2", &[Right::RegistryWrite], Right::RegistryRead),
    ] {
        let body = match line {
            "POST /devices/query" => json!({"query": "select * from devices"}),
            "PUT /devices/dev2" => az_body("dev2"),
            _ => json!(null),
        };
        let refusal = world.ask_as(too_little, line, body.clone()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorizedAccess"), "{line}");
        assert!(refusal.2.contains(" lacks "), "{}", refusal.2);
        for right in enough {
            let answer = world.ask_as(*right, line, body.clone()).await;
            assert!(matches!(answer.status, 200 | 204), "{line} {}: {answer:?}", right.as_str());
        }
        let refusal = world.send(line, &[], body.to_string()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorized"), "{line}");
    }
}
