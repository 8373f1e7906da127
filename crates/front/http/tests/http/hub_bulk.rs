//! Many identities in one request.

use roadstead_model::Right;
use serde_json::{Value, json};

use crate::world::World;

const LINE: &str = "POST /devices?api-version=2021-04-12";

/// Status, and `device[/module]` with code and operation of each error.
async fn bulk(world: &World, body: Value) -> (u16, Vec<(String, String, String)>) {
    let answer = world.ask(LINE, body).await;
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let id = match error["moduleId"].as_str() {
                Some(module) => format!("{}/{module}", text(&error["deviceId"])),
                None => text(&error["deviceId"]),
            };
            assert!(!text(&error["errorStatus"]).is_empty(), "{error}");
            (id, text(&error["errorCode"]), text(&error["operation"]))
        })
        .collect();
    assert_eq!((body["isSuccessful"].as_bool(), &body["warnings"]), (Some(errors.is_empty()), &json!([])));
    (answer.status, errors)
}

fn failed(id: &str, code: &str, operation: &str) -> (String, String, String) {
    (id.to_owned(), code.to_owned(), operation.to_owned())
}

async fn show(world: &World, path: &str) -> Value {
    world.ask(&format!("GET {path}?api-version=2021-04-12"), json!(null)).await.ok()
}

/// A device that comes from another hub brings what it reported there.
#[tokio::test]
async fn reported_properties_come_along() {
    let world = World::new().await;
    let reported = |fw: &str| json!({"fw": fw, "$metadata": {}, "$version": 9});
    let first = json!([
        {"id": "a", "importMode": "create", "properties": {"desired": {"rate": 5}, "reported": reported("1.2")}},
        {"id": "a", "moduleId": "m", "importMode": "create", "properties": {"reported": reported("0.1")}},
        {"id": "b", "importMode": "create", "properties": {"reported": {"a b": 1}}}
    ]);
    assert_eq!(bulk(&world, first).await, (400, vec![failed("b", "ArgumentInvalid", "create")]));
    let properties = show(&world, "/twins/a").await["properties"].clone();
    assert_eq!((&properties["desired"]["rate"], &properties["reported"]["fw"]), (&json!(5), &json!("1.2")));
    assert_eq!(properties["reported"]["$version"], 1);
    assert_eq!(show(&world, "/twins/a/modules/m").await["properties"]["reported"]["fw"], "0.1");
    let second = json!([{"id": "a", "importMode": "updateTwin", "properties": {"reported": {}}}]);
    assert_eq!(bulk(&world, second).await, (200, Vec::new()));
    let properties = show(&world, "/twins/a").await["properties"].clone();
    assert_eq!((&properties["desired"]["rate"], properties["reported"].get("fw")), (&json!(5), None));
    assert_eq!(properties["reported"]["$version"], 2);
}

#[tokio::test]
async fn every_mode() {
    let world = World::new().await;
    let first = json!([
        {"id": "a", "moduleId": "m", "importMode": "create", "tags": {"of": "module"}},
        {"id": "a", "importMode": "create", "status": "enabled", "tags": {"site": "north"},
         "properties": {"desired": {"rate": 5}, "reported": {}}, "capabilities": {"iotEdge": false}, "parentScopes": []},
        {"id": "b", "importMode": "createOrUpdate", "status": "disabled", "statusReason": "new"},
        {"id": "c"},
        {"id": "d", "importMode": "createOrUpdateIfMatchETag"}
    ]);
    assert_eq!(bulk(&world, first).await, (200, Vec::new()));
    let twin = show(&world, "/twins/a").await;
    assert_eq!((&twin["tags"], &twin["properties"]["desired"]["rate"]), (&json!({"site": "north"}), &json!(5)));
    assert_eq!(show(&world, "/twins/a/modules/m").await["tags"], json!({"of": "module"}));
    let (a, b) = (show(&world, "/devices/a").await, show(&world, "/devices/b").await);
    assert_eq!(b["status"], "disabled");

    let managed = json!({"deviceId": "a", "moduleId": "m", "managedBy": "me"});
    let module = "/devices/a/modules/m?api-version=2021-04-12";
    world.ask_with(&format!("PUT {module}"), &[("If-Match", "*")], managed).await.ok();
    assert_eq!(bulk(&world, json!([{"id": "a", "moduleId": "m"}])).await, (200, Vec::new()));
    assert_eq!(show(&world, "/devices/a/modules/m").await["managedBy"], "me");

    let second = json!([
        {"id": "a", "importMode": "Update", "status": "disabled", "tags": {"floor": 2}},
        {"id": "b", "importMode": "updateIfMatchETag", "eTag": "stale"},
        {"id": "c", "importMode": "updateTwin", "properties": {"desired": {"rate": 7}}},
        {"id": "d", "importMode": "create"},
        {"id": "e", "importMode": "Update"},
        {"id": "f g", "importMode": "create"},
        {"id": "h", "importMode": "deleteIfMatchETag"},
        {"id": "a", "moduleId": "n", "importMode": "delete"},
        {"id": "i", "importMode": "create", "tags": {"a.b": 1}}
    ]);
    let (status, mut errors) = bulk(&world, second).await;
    errors.sort();
    let expected = vec![
        failed("a/n", "ModuleNotFound", "delete"),
        failed("b", "PreconditionFailed", "updateIfMatchETag"),
        failed("d", "DeviceAlreadyExists", "create"),
        failed("e", "DeviceNotFound", "update"),
        failed("f g", "ArgumentInvalid", "create"),
        failed("h", "ArgumentInvalid", "deleteIfMatchETag"),
        failed("i", "ArgumentInvalid", "create"),
    ];
    assert_eq!((status, errors), (400, expected));
    let twin = show(&world, "/twins/a").await;
    assert_eq!((&twin["status"], &twin["tags"]), (&json!("disabled"), &json!({"floor": 2})));
    assert_eq!(twin["properties"]["desired"]["rate"], 5, "a section that is left out stays");
    assert_eq!(show(&world, "/devices/a").await["authentication"], a["authentication"]);
    assert_eq!(show(&world, "/twins/c").await["properties"]["desired"]["rate"], 7);

    let third = json!([
        {"id": "a", "importMode": "delete"},
        {"id": "b", "importMode": "deleteIfMatchETag", "eTag": b["etag"]},
        {"id": "c", "importMode": "updateTwinIfMatchETag", "twinETag": "stale", "tags": {}}
    ]);
    let stale = failed("c", "PreconditionFailed", "updateTwinIfMatchETag");
    assert_eq!(bulk(&world, third).await, (400, vec![stale]));
    let statistics = show(&world, "/statistics/devices").await;
    assert_eq!(statistics, json!({"totalDeviceCount": 2, "enabledDeviceCount": 2, "disabledDeviceCount": 0}));
}

#[tokio::test]
async fn what_is_named_twice_is_left_alone() {
    let world = World::new().await;
    let body = json!([{"id": "a"}, {"id": "b"}, {"id": "a", "importMode": "delete"}, {"id": "a", "moduleId": "m"}]);
    let expected = vec![
        failed("a", "DeviceDefinedMultipleTimes", "createOrUpdate"),
        failed("a", "DeviceDefinedMultipleTimes", "delete"),
        failed("a/m", "DeviceNotFound", "createOrUpdate"),
    ];
    assert_eq!(bulk(&world, body).await, (400, expected));
    assert_eq!(show(&world, "/devices/").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn so_many_and_no_more() {
    let world = World::new().await;
    let many = |count| (0..count).map(|at| json!({"id": format!("d{at}")})).collect::<Vec<_>>();
    assert_eq!(bulk(&world, json!(many(100))).await, (200, Vec::new()));
    for body in [json!(many(101)), json!({"id": "a"}), json!([{"id": 1}])] {
        let refusal = world.ask(LINE, body).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (400, "ArgumentInvalid"));
    }
    // Badly named ones count, too: the answer would have many times their bytes.
    let unnamed = |count| json!(vec![json!({"id": ""}); count]);
    let (status, errors) = bulk(&world, unnamed(100)).await;
    assert_eq!((status, errors.len()), (400, 100));
    for count in [101, 100_000] {
        let answer = world.ask(LINE, unnamed(count)).await;
        let refusal = answer.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (400, "ArgumentInvalid"));
        assert!(answer.body.len() < 1024 && answer.text().contains(&format!("has {count} identities, at most 100")));
    }
    let reader = world.ask_as(Right::RegistryRead, LINE, json!([])).await.hub_refusal();
    assert_eq!((reader.0, &*reader.1), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(bulk(&world, json!([])).await, (200, Vec::new()));
}
