//! Twins, one by one and as rows of a query.

use serde_json::{Value, json};

use crate::world::World;

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap()).collect()
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
async fn a_query_goes_from_page_to_page() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.device(id).await;
    }
    world
        .ask("PUT /devices/d", json!({"deviceId": "d", "authentication": {"type": "certificateAuthority"}}))
        .await
        .ok();
    let everything = json!({"query": "select * from devices"});
    let first = world.ask_with("POST /devices/query", &[("x-ms-max-item-count", "3")], everything.clone()).await;
    assert_eq!(first.header("x-ms-item-type"), Some("Twin"));
    assert_eq!(ids(&first.ok()), ["a", "b", "c"]);
    let next = [("x-ms-max-item-count", "3"), ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let last = world.ask_with("POST /devices/query", &next, everything.clone()).await;
    let rows = last.ok();
    assert_eq!((ids(&rows), last.header("x-ms-continuation")), (vec!["d"], None));
    assert_eq!(rows[0]["authentication"], json!({"type": "certificateAuthority"}), "as tutorials ask for it");
    // az asks for 1000 at a time, other clients for no number; a count that is none is passed over.
    for headers in [&[("x-ms-max-item-count", "1000")][..], &[], &[("x-ms-max-item-count", "many")]] {
        let all = world.ask_with("POST /devices/query", headers, json!({"query": " SELECT  *\nFROM devices "})).await;
        assert_eq!((ids(&all.ok()), all.header("x-ms-continuation")), (vec!["a", "b", "c", "d"], None));
    }
}

#[tokio::test]
async fn other_queries_are_refused() {
    let world = World::new().await;
    for body in [
        json!({"query": "select deviceId from devices"}),
        json!({"query": "select * from devices where tags.site = 'a'"}),
        json!({"query": ""}),
        json!({}),
        json!(null),
        json!(["select * from devices"]),
        json!({"query": 1}),
    ] {
        let refusal = world.ask("POST /devices/query", body.clone()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (400, "IotHubFormatError"), "{body}");
    }
}
