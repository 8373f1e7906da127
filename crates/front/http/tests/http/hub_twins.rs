//! Twins, read and written by back ends.

use roadstead_model::{
    DeviceAuth, DeviceId, Etag, GenerationId, HubKey, IdentityId, InitialTwin, Module, ModuleId, Right, Twin,
    UnixMillis,
};
use roadstead_store::{Expect, Records, Write};
use serde_json::{Value, json};

use crate::world::World;

/// Properties without what the hub adds to them.
fn plain(section: &Value) -> Value {
    section
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| !key.starts_with('$'))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// A module of `dev1`, as the registry would make it.
async fn module(world: &World) {
    let module = Module {
        device: DeviceId::parse("dev1").unwrap(),
        id: ModuleId::parse("m1").unwrap(),
        generation: GenerationId(1),
        etag: Etag::from_client("bTE="),
        auth: DeviceAuth::CertificateAuthority { through: None },
        managed_by: None,
        created: UnixMillis(0),
    };
    let twin = Twin::new(&InitialTwin::default(), UnixMillis(0));
    let batch = vec![
        Write::PutTwin(HubKey(7), module.identity(), twin, Expect::Any),
        Write::PutModule(HubKey(7), module, Expect::Absent),
    ];
    world.records.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_twin() {
    let world = World::new().await;
    world.device("dev1").await;
    let shown = world.ask("GET /twins/dev1?api-version=2021-04-12", json!(null)).await;
    assert_eq!(shown.header("etag"), Some("\"AAAAAAAAAAE=\""));
    let twin = shown.ok();
    assert_eq!((&twin["deviceId"], &twin["authenticationType"]), (&json!("dev1"), &json!("sas")));
    assert_eq!(twin.get("authentication"), None);
    let refusal = world.ask("GET /twins/dev9", json!(null)).await.hub_refusal();
    assert_eq!((refusal.0, &*refusal.1), (404, "DeviceNotFound"));
    assert_eq!(world.ask("GET /twins/a%23", json!(null)).await.hub_refusal().1, "ArgumentInvalid");
}

#[tokio::test]
async fn patches_merge_and_replacements_replace() {
    let world = World::new().await;
    world.device("dev1").await;
    let patch = json!({"tags": {"site": "north", "row": {"n": 1}}, "properties": {"desired": {"rate": 5, "old": 1}}});
    let patched = world.ask("PATCH /twins/dev1?api-version=2021-04-12", patch).await;
    assert_eq!(patched.header("etag"), Some("\"AAAAAAAAAAI=\""));
    let twin = patched.ok();
    assert_eq!((&twin["etag"], &twin["version"]), (&json!("AAAAAAAAAAI="), &json!(3)));
    let desired = &twin["properties"]["desired"];
    assert_eq!((plain(desired), &desired["$version"]), (json!({"rate": 5, "old": 1}), &json!(2)));
    assert_eq!(desired["$metadata"]["rate"]["$lastUpdatedVersion"], 2);

    let patch = json!({"tags": {"row": {"n": null, "m": 2}}, "properties": {"desired": {"old": null}}});
    let twin = world.ask("PATCH /twins/dev1", patch).await.ok();
    assert_eq!(twin["tags"], json!({"site": "north", "row": {"m": 2}}));
    assert_eq!(plain(&twin["properties"]["desired"]), json!({"rate": 5}));

    // Clients send back what they read.
    let mut sent = twin.clone();
    sent["properties"]["desired"]["rate"] = json!(6);
    let replaced = world.ask("PUT /twins/dev1", sent).await.ok();
    assert_eq!(plain(&replaced["properties"]["desired"]), json!({"rate": 6}));
    assert_eq!((&replaced["tags"], &replaced["properties"]["desired"]["$version"]), (&twin["tags"], &json!(4)));
    let replaced = world.ask("PUT /twins/dev1", json!({"tags": {"new": 1}})).await.ok();
    assert_eq!(
        (&replaced["tags"], plain(&replaced["properties"]["desired"])),
        (&json!({"new": 1}), json!({"rate": 6}))
    );

    let cleared = world.ask("PATCH /twins/dev1", json!({"tags": null, "properties": {"desired": null}})).await.ok();
    assert_eq!((&cleared["tags"], plain(&cleared["properties"]["desired"])), (&json!({}), json!({})));
    let untouched = world.ask("PATCH /twins/dev1", json!({"properties": {"reported": {"x": 1}}})).await.ok();
    assert_eq!(untouched["version"], cleared["version"], "what only the device writes is passed over");
    assert_eq!(world.ask("GET /twins/dev1", json!(null)).await.ok(), untouched);
}

#[tokio::test]
async fn conditions_in_every_spelling() {
    let world = World::new().await;
    world.device("dev1").await;
    for if_match in ["\"AAAAAAAAAAE=\"", "AAAAAAAAAAI=", "W/\"AAAAAAAAAAM=\"", "*", "\"*\""] {
        world.ask_with("PATCH /twins/dev1", &[("If-Match", if_match)], json!({"tags": {"a": if_match}})).await.ok();
    }
    for line in ["PATCH /twins/dev1", "PUT /twins/dev1"] {
        let stale = world.ask_with(line, &[("If-Match", "\"AAAAAAAAAAE=\"")], json!({"tags": {"a": 0}})).await;
        let refusal = stale.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (412, "PreconditionFailed"), "{line}");
    }
    assert_eq!(world.ask("GET /twins/dev1", json!(null)).await.ok()["etag"], "AAAAAAAAAAY=");
}

#[tokio::test]
async fn a_modules_twin_is_its_own() {
    let world = World::new().await;
    world.device("dev1").await;
    module(&world).await;
    let patch = json!({"tags": {"a": 1}, "properties": {"desired": {"b": 2}}});
    let patched = world.ask("PATCH /twins/dev1/modules/m1?api-version=2021-04-12", patch).await.ok();
    assert_eq!((&patched["moduleId"], &patched["deviceEtag"]), (&json!("m1"), &json!("bTE=")));
    assert_eq!((&patched["tags"], &patched["authenticationType"]), (&json!({"a": 1}), &json!("certificateAuthority")));
    assert_eq!(world.ask("GET /twins/dev1/modules/m1", json!(null)).await.ok(), patched);
    assert_eq!(world.ask("GET /twins/dev1", json!(null)).await.ok()["tags"], json!({}));
    assert_eq!(world.ask("GET /twins/dev1/modules/m2", json!(null)).await.hub_refusal().0, 404);
    let id = IdentityId::from_text("dev1/m1").unwrap();
    let stored = world.records.find_twin(HubKey(7), &id).await.unwrap().unwrap();
    assert_eq!(stored.version, 3);
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    world.device("dev1").await;
    let desired = |value: Value| json!({"properties": {"desired": value}});
    let big = |bytes: usize| (0..=bytes / 4096).map(|n| (n.to_string(), json!("x".repeat(4096)))).collect::<Value>();
    for (line, body, status, code, text) in [
        ("PATCH /twins/dev9", json!({"tags": {}}), 404, "DeviceNotFound", "device `dev9` is not registered"),
        ("PUT /twins/a%23", json!({"tags": {}}), 400, "ArgumentInvalid", ""),
        ("PATCH /twins/dev1", json!(null), 400, "ArgumentInvalid", "the body: "),
        ("PATCH /twins/dev1", json!([]), 400, "ArgumentInvalid", "the body: expected an object"),
        ("PATCH /twins/dev1", json!({"tags": 1}), 400, "ArgumentInvalid", "the body: "),
        ("PUT /twins/dev1", desired(json!([1])), 400, "ArgumentInvalid", "the body: "),
        ("PATCH /twins/dev1", desired(json!({"a.b": 1})), 400, "ArgumentInvalid", "properties.desired: the key `a.b`"),
        ("PATCH /twins/dev1", json!({"tags": {"$a": 1}}), 400, "ArgumentInvalid", "tags: the key `$a` contains '$'"),
        (
            "PATCH /twins/dev1",
            json!({"tags": big(8192)}),
            403,
            "TwinSizeExceeded",
            "tags would have 12291 bytes, at most 8192",
        ),
        ("PUT /twins/dev1", desired(big(32768)), 403, "TwinSizeExceeded", "properties.desired would have 36873 bytes"),
    ] {
        let refusal = world.ask(line, body.clone()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, code), "{line}");
        assert!(refusal.2.starts_with(text), "{line}: {}", refusal.2);
    }
    let twin = world.ask("GET /twins/dev1", json!(null)).await.ok();
    assert_eq!(twin["version"], 2, "a refused change changes nothing");
    for line in ["PATCH /twins/dev1", "PUT /twins/dev1", "GET /twins/dev1/modules/m1"] {
        let refusal = world.ask_as(Right::RegistryWrite, line, json!({"tags": {}})).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (401, "IotHubUnauthorizedAccess"), "{line}");
    }
}
