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

/// Newest first, each with who made it and what its sections became; of a module as of a device.
#[tokio::test]
async fn what_back_ends_made_of_a_twin_is_told() {
    let world = World::new().await;
    world.device("dev1").await;
    module(&world).await;
    assert_eq!(world.ask("GET /twins/dev1/history", json!(null)).await.ok(), json!([]));
    world
        .ask("PATCH /twins/dev1", json!({"tags": {"site": "north"}, "properties": {"desired": {"a": 1, "b": 2}}}))
        .await
        .ok();
    let bearer = [("Authorization", "Bearer writer")];
    let patch = json!({"properties": {"desired": {"b": null}}}).to_string();
    assert_eq!(world.send("PATCH /twins/dev1", &bearer, patch).await.status, 200);
    world.ask("PUT /twins/dev1", json!({"properties": {"desired": {"c": 3}}})).await.ok();
    let bulk = json!([{"id": "dev1", "importMode": "updateTwin", "tags": {"site": "south"}}]);
    world.ask("POST /devices", bulk).await.ok();
    world.ask("PATCH /twins/dev1/modules/m1", json!({"tags": {"of": "m1"}})).await.ok();
    // Refused, or nothing written: nothing to keep.
    assert_ne!(world.ask("PATCH /twins/dev1", json!({"tags": {"a b": 1}})).await.status, 200);
    world.ask("PATCH /twins/dev1", json!({})).await.ok();

    let found = world.ask("GET /twins/dev1/history?api-version=2021-04-12", json!(null)).await.ok();
    let told: Vec<Value> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([
                one["version"],
                one["operation"],
                one["actor"],
                one["name"],
                one["tags"],
                one["properties"]["desired"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([6, "replace", "policy", "owner", {"site": "south"}, null]),
            json!([5, "replace", "policy", "owner", null, {"c": 3, "$version": 4}]),
            json!([4, "patch", "principal", "writer", null, {"a": 1, "$version": 3}]),
            json!([3, "patch", "policy", "owner", {"site": "north"}, {"a": 1, "b": 2, "$version": 2}]),
        ]
    );
    let two = [("x-ms-max-item-count", "2")];
    let first = world.ask_with("GET /twins/dev1/history", &two, json!(null)).await;
    let next = [("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let rest = world.ask_with("GET /twins/dev1/history", &next, json!(null)).await;
    assert_eq!((first.ok().as_array().unwrap().len(), rest.ok()[0]["version"].as_i64()), (2, Some(4)));
    let module = world.ask("GET /twins/dev1/modules/m1/history", json!(null)).await.ok();
    assert_eq!((module[0]["tags"].clone(), module.as_array().unwrap().len()), (json!({"of": "m1"}), 1));
    for (line, status) in [("GET /twins/dev9/history", 404), ("GET /twins/dev1/modules/m9/history", 404)] {
        assert_eq!(world.ask(line, json!(null)).await.hub_refusal().0, status, "{line}");
    }
    // What a bulk request makes begins with what it says; without a word there is no past.
    let made = json!([
        {"id": "dev2", "importMode": "create", "tags": {"site": "west"}, "properties": {"desired": {"hz": 5}}},
        {"id": "dev3", "importMode": "createOrUpdate"}
    ]);
    world.ask("POST /devices", made).await.ok();
    let module = json!([{"id": "dev2", "moduleId": "m2", "importMode": "create", "tags": {"of": "m2"}}]);
    world.ask("POST /devices", module).await.ok();
    let begun = world.ask("GET /twins/dev2/history", json!(null)).await.ok();
    assert_eq!(begun.as_array().unwrap().len(), 1, "{begun}");
    let first = &begun[0];
    assert_eq!(
        json!([first["operation"], first["name"], first["tags"], first["properties"]["desired"]["hz"]]),
        json!(["replace", "owner", {"site": "west"}, 5])
    );
    assert_eq!(world.ask("GET /twins/dev3/history", json!(null)).await.ok(), json!([]));
    assert_eq!(world.ask("GET /twins/dev2/modules/m2/history", json!(null)).await.ok()[0]["tags"], json!({"of": "m2"}));
    let foreign = [("x-ms-continuation", "x")];
    assert_eq!(world.ask_with("GET /twins/dev1/history", &foreign, json!(null)).await.hub_refusal().0, 400);
    world.ask_with("DELETE /devices/dev1", &[("If-Match", "*")], json!(null)).await;
    world.device("dev1").await;
    assert_eq!(world.ask("GET /twins/dev1/history", json!(null)).await.ok(), json!([]), "another device of that id");
}
