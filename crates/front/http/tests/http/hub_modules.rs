//! The modules of a device.

use roadstead_model::Right;
use roadstead_sas::sign;
use serde_json::{Value, json};

use crate::world::{HOST, NOW_S, World, base64, device_token, key};

const VERSION: &str = "?api-version=2021-04-12";

fn line(method: &str, module: &str) -> String {
    format!("{method} /devices/dev1/modules/{module}{VERSION}")
}

fn body(module: &str) -> Value {
    json!({"deviceId": "dev1", "moduleId": module, "managedBy": "me",
        "authentication": {"type": "sas", "symmetricKey": {"primaryKey": base64(5), "secondaryKey": ""}}})
}

#[tokio::test]
async fn a_module_is_created_shown_changed_and_deleted() {
    let world = World::new().await;
    let orphan = world.ask(&line("PUT", "m"), body("m")).await.hub_refusal();
    assert_eq!((orphan.0, &*orphan.1), (404, "DeviceNotFound"));
    world.device("dev1").await;
    assert_eq!(world.ask(&format!("GET /devices/dev1/modules{VERSION}"), json!(null)).await.ok(), json!([]));

    let created = world.ask(&line("PUT", "m"), body("m")).await;
    let module = created.ok();
    assert_eq!(created.header("etag").unwrap(), format!("\"{}\"", module["etag"].as_str().unwrap()));
    assert_eq!(
        (&module["deviceId"], &module["moduleId"], &module["managedBy"]),
        (&json!("dev1"), &json!("m"), &json!("me"))
    );
    let keys = &module["authentication"]["symmetricKey"];
    assert_eq!((&keys["primaryKey"], keys["secondaryKey"].as_str().unwrap().len()), (&json!(base64(5)), 44));
    let again = world.ask(&line("PUT", "m"), body("m")).await.hub_refusal();
    assert_eq!((again.0, &*again.1), (409, "ModuleAlreadyExistsOnDevice"));

    for path in ["/devices/dev1/modules/m", "/devices%2Fdev1%2Fmodules%2Fm", "/Devices/dev1/Modules/m/"] {
        let shown = world.ask(&format!("GET {path}{VERSION}"), json!(null)).await;
        assert_eq!((shown.header("etag"), shown.ok()), (created.header("etag"), module.clone()), "{path}");
    }
    let bare = json!({"deviceId": "dev1", "moduleId": "m"});
    let changed = world.ask_with(&line("PUT", "m"), &[("If-Match", "\"*\"")], bare.clone()).await.ok();
    assert_eq!((&changed["managedBy"], &changed["authentication"]), (&json!(null), &module["authentication"]));
    let old = module["etag"].as_str().unwrap();
    for method in ["PUT", "DELETE"] {
        let stale = world.ask_with(&line(method, "m"), &[("If-Match", old)], bare.clone()).await.hub_refusal();
        assert_eq!((stale.0, &*stale.1), (412, "PreconditionFailed"), "{method}");
    }
    assert_eq!(world.ask(&format!("GET /devices/dev1/modules/{VERSION}"), json!(null)).await.ok(), json!([changed]));
    assert_eq!(world.ask(&line("DELETE", "m"), json!(null)).await.status, 204);
    for (method, headers) in [("GET", &[][..]), ("DELETE", &[]), ("PUT", &[("If-Match", "*")])] {
        let refusal = world.ask_with(&line(method, "m"), headers, bare.clone()).await.hub_refusal();
        let expected = (404, "ModuleNotFound".to_owned(), "module `dev1/m` is not registered".to_owned());
        assert_eq!(refusal, expected, "{method}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = World::new().await;
    world.device("dev1").await;
    for (path, body, text) in [
        ("m", body("other"), "the body names module `dev1/other`, the path `dev1/m`"),
        ("m", json!({"deviceId": "dev2", "moduleId": "m"}), "the body names module `dev2/m`, the path `dev1/m`"),
        ("m%23", body("m#"), "module id `m#` may not contain '#'"),
        ("m", json!({"moduleId": "m"}), "the body: "),
    ] {
        let refusal = world.ask(&line("PUT", path), body).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (400, "ArgumentInvalid"), "{text}");
        assert!(refusal.2.starts_with(text), "{}", refusal.2);
    }
    let reader = world.ask_as(Right::RegistryRead, &line("PUT", "m"), body("m")).await.hub_refusal();
    assert_eq!((reader.0, &*reader.1), (401, "IotHubUnauthorizedAccess"));
    world.ask_as(Right::RegistryWrite, &line("PUT", "m"), body("m")).await.ok();
    world.ask_as(Right::RegistryRead, &line("GET", "m"), json!(null)).await.ok();
}

/// As the edge's identity service does it.
#[tokio::test]
async fn a_device_manages_its_modules_with_its_own_key() {
    let world = World::new().await;
    world.device("dev1").await;
    world.device("dev2").await;
    let own = device_token("dev1", &key(1));
    let ask = async |method: &str, token: &str, if_match: Option<&str>| {
        let body = if method == "PUT" { body("m").to_string() } else { String::new() };
        let mut headers = vec![("Authorization", token)];
        headers.extend(if_match.map(|etag| ("If-Match", etag)));
        world.send(&line(method, "m"), &headers, body).await
    };
    ask("PUT", &own, None).await.ok();
    ask("PUT", &own, Some("*")).await.ok();
    assert_eq!(ask("GET", &own, None).await.ok()["moduleId"], "m");
    for stranger in [device_token("dev2", &key(1)), device_token("dev1", &key(9))] {
        let refusal = ask("GET", &stranger, None).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorized"));
    }
    assert_eq!(ask("DELETE", &own, Some("*")).await.status, 204);
    // Its own identity is not for a device to read.
    let refusal =
        world.send(&format!("GET /devices/dev1{VERSION}"), &[("Authorization", &own)], "").await.hub_refusal();
    assert_eq!(refusal.0, 401);
}

#[tokio::test]
async fn a_module_sends_telemetry_of_its_own() {
    let world = World::new().await;
    world.device("dev1").await;
    world.ask(&line("PUT", "m"), body("m")).await.ok();
    let resource = format!("{HOST}/devices/dev1/modules/m");
    let send = async |signer: u8| {
        let token = sign(&resource, &key(signer), NOW_S + 60, None);
        world
            .send(&format!("POST /devices/dev1/modules/m/messages/events{VERSION}"), &[("Authorization", &token)], "{}")
            .await
    };
    assert_eq!(send(5).await.status, 204);
    let refusal = send(1).await.hub_refusal();
    assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorized"), "the key of the device");
    let events = world.events().await;
    let event = events[0].view().unwrap();
    assert_eq!((events.len(), event.device_id, event.module_id), (1, "dev1", Some("m")));
}

#[tokio::test]
async fn edge_devices_and_their_children() {
    let world = World::new().await;
    let edge = json!({"deviceId": "edge1", "capabilities": {"iotEdge": true}});
    let edge = world.ask(&format!("PUT /devices/edge1{VERSION}"), edge).await.ok();
    let scope = edge["deviceScope"].as_str().unwrap();
    assert_eq!(scope, format!("ms-azure-iot-edge://edge1-{}", edge["generationId"].as_str().unwrap()));
    let modules = world.ask(&format!("GET /devices/edge1/modules{VERSION}"), json!(null)).await.ok();
    assert_eq!((&modules[0]["moduleId"], &modules[1]["moduleId"]), (&json!("$edgeAgent"), &json!("$edgeHub")));
    assert_eq!((&modules[0]["managedBy"], &modules[0]["authentication"]["type"]), (&json!("iotEdge"), &json!("none")));

    let leaf = json!({"deviceId": "leaf1", "deviceScope": scope});
    let leaf = world.ask(&format!("PUT /devices/leaf1{VERSION}"), leaf).await.ok();
    assert_eq!((&leaf["deviceScope"], &leaf["parentScopes"]), (&json!(scope), &json!([scope])));
    let twin = world.ask(&format!("GET /twins/leaf1{VERSION}"), json!(null)).await.ok();
    assert_eq!((&twin["deviceScope"], &twin["parentScopes"]), (&json!(scope), &json!([scope])));
    // As node and az change a device: with everything that they read.
    let again = world.ask_with(&format!("PUT /devices/leaf1{VERSION}"), &[("If-Match", "*")], leaf.clone()).await.ok();
    assert_eq!(again["parentScopes"], leaf["parentScopes"]);
    let nowhere = json!({"deviceId": "leaf2", "deviceScope": "ms-azure-iot-edge://edge2-1"});
    let refusal = world.ask(&format!("PUT /devices/leaf2{VERSION}"), nowhere).await.hub_refusal();
    assert_eq!((refusal.0, &*refusal.1), (400, "ArgumentInvalid"));
}
