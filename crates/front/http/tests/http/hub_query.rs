//! Twins as rows of a query.

use serde_json::{Value, json};

use crate::world::World;

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap()).collect()
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
async fn what_is_no_query_is_refused() {
    let world = World::new().await;
    for body in [
        json!({"query": "select * from devices where tags.site = 'a"}),
        json!({"query": "select * from devices order by deviceId"}),
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

#[tokio::test]
async fn a_refusal_points_at_the_place() {
    let world = World::new().await;
    let asked = json!({"query": "SELECT * FROM devices WHERE tags.a = AND b"});
    let (_, _, message) = world.ask("POST /devices/query", asked).await.hub_refusal();
    assert!(message.contains("line 1, column 38: expected a value, found `AND`"), "{message}");
    let header = [("x-ms-continuation", "nonsense")];
    let reply = world.ask_with("POST /devices/query", &header, json!({"query": "SELECT * FROM devices"})).await;
    let (status, code, message) = reply.hub_refusal();
    assert_eq!((status, &*code), (400, "ArgumentInvalid"));
    assert!(message.contains("begin the query again"), "{message}");
}

#[tokio::test]
async fn values_and_counts_are_raw() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.device(id).await;
    }
    let reply = world.ask("POST /devices/query", json!({"query": "SELECT COUNT() AS n FROM devices"})).await;
    assert_eq!((reply.header("x-ms-item-type"), reply.ok()), (Some("Raw"), json!([{"n": 3}])));
    let jobs = world.ask("POST /devices/query", json!({"query": "SELECT * FROM devices.jobs"})).await;
    assert_eq!((jobs.header("x-ms-item-type"), jobs.ok()), (Some("DeviceJob"), json!([])));
}

#[tokio::test]
async fn top_bounds_all_pages_together() {
    let world = World::new().await;
    for id in ["a", "b", "c", "d"] {
        world.device(id).await;
    }
    let asked = json!({"query": "SELECT TOP 3 deviceId FROM devices"});
    let first = world.ask_with("POST /devices/query", &[("x-ms-max-item-count", "2")], asked.clone()).await;
    assert_eq!(ids(&first.ok()), ["a", "b"]);
    let next = [("x-ms-max-item-count", "2"), ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let last = world.ask_with("POST /devices/query", &next, asked).await;
    assert_eq!((ids(&last.ok()), last.header("x-ms-continuation")), (vec!["c"], None));
}

/// What a query names is what a twin shows.
#[tokio::test]
async fn each_member_of_a_twin_can_be_selected() {
    let world = World::new().await;
    world.device("a").await;
    let whole = world.ask("POST /devices/query", json!({"query": "SELECT * FROM devices"})).await.ok();
    let mut twin = whole[0].as_object().unwrap().clone();
    twin.remove("authentication");
    let names: Vec<&str> = twin.keys().map(String::as_str).collect();
    let asked = json!({"query": format!("SELECT {} FROM devices", names.join(", "))});
    assert_eq!(world.ask("POST /devices/query", asked).await.ok()[0], Value::from(twin));
}
