//! Several enrollments in one request.

use roadstead_model::Right;
use serde_json::{Value, json};

use crate::world::World;

fn individual(id: &str, etag: Value) -> Value {
    json!({"registrationId": id, "attestation": {"type": "symmetricKey"}, "etag": etag})
}

fn group(id: &str, etag: Value) -> Value {
    json!({"enrollmentGroupId": id, "attestation": {"type": "symmetricKey"}, "etag": etag})
}

/// Ids and codes of what failed.
fn failed(result: &Value, id: &str) -> Vec<(String, u64)> {
    let errors = result["errors"].as_array().unwrap();
    assert_eq!(result["isSuccessful"], errors.is_empty());
    let read = |error: &Value| {
        assert!(error["errorStatus"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
        (error[id].as_str().unwrap().to_owned(), error["errorCode"].as_u64().unwrap())
    };
    errors.iter().map(read).collect()
}

#[tokio::test]
async fn each_change_stands_for_itself() {
    let world = World::new().await;
    for (path, members, id, one) in [
        ("/enrollments", "enrollments", "registrationId", individual as fn(&str, Value) -> Value),
        ("/enrollmentGroups", "enrollmentGroups", "enrollmentGroupId", group),
    ] {
        let bulk = async |mode: &str, items: Value| {
            let line = format!("POST {path}?api-version=2021-10-01");
            let answer = world.ask(&line, json!({"mode": mode, members: items})).await;
            failed(&answer.ok(), id)
        };
        let none: Vec<(String, u64)> = Vec::new();
        assert_eq!(bulk("create", json!([one("a", json!(null)), one("b", json!(null))])).await, none);
        let mixed = json!([one("a", json!(null)), one("c_", json!(null)), one("c", json!("ignored"))]);
        let mut failures = bulk("create", mixed).await;
        failures.sort();
        assert_eq!(failures, [("a".to_owned(), 409_201), ("c_".to_owned(), 400_004)]);
        let changes = json!([one("a", json!(null)), one("z", json!(null))]);
        assert_eq!(bulk("update", changes).await, [("z".to_owned(), 404_201)]);
        let etag = world.ask(&format!("GET {path}/b"), json!(null)).await.ok()["etag"].clone();
        // As node spells the mode.
        assert_eq!(bulk("updateIfMatchEtag", json!([one("b", etag.clone())])).await, none);
        let stale = bulk("updateIfMatchETag", json!([one("b", etag), one("a", json!(null))])).await;
        let stale: std::collections::BTreeMap<String, u64> = stale.into_iter().collect();
        assert_eq!(stale, [("a".to_owned(), 400_004), ("b".to_owned(), 412_201)].into());
        let gone = json!([one("a", json!(null)), one("z", json!(null)), one("b", json!("x"))]);
        assert_eq!(bulk("delete", gone).await, [("z".to_owned(), 404_201)]);
        let left = world.ask(&format!("POST {path}/query"), json!({"query": "*"})).await.ok();
        assert_eq!((left.as_array().unwrap().len(), &left[0][id]), (1, &json!("c")));
        assert_eq!(bulk("delete", json!([])).await, none);
    }
}

#[tokio::test]
async fn refused_as_a_whole() {
    let world = World::new().await;
    let eleven: Vec<Value> = (0..11).map(|i| individual(&format!("dev-{i}"), json!(null))).collect();
    let groups: Vec<Value> = (0..11).map(|i| group(&format!("group-{i}"), json!(null))).collect();
    for (path, body, text) in [
        ("/enrollments", json!({"mode": "create", "enrollments": eleven}), "enrollments: has 11 entries, at most 10"),
        (
            "/enrollmentGroups",
            json!({"mode": "create", "enrollmentGroups": groups}),
            "enrollmentGroups: has 11 entries",
        ),
        ("/enrollments", json!({"mode": "replace", "enrollments": []}), "body: "),
        ("/enrollments", json!({"mode": "create"}), "body: "),
        ("/enrollmentGroups", json!(null), "body: "),
    ] {
        let (code, found) = world.ask(&format!("POST {path}"), body).await.dps_refusal();
        assert!(code == 400_004 && found.starts_with(text), "{path}: {code} {found}");
        let right = world.ask_as(Right::EnrollmentRead, &format!("POST {path}"), json!({})).await;
        assert_eq!(right.dps_refusal().0, 401_002);
    }
    let listed = world.ask("POST /enrollments/query", json!({"query": ""})).await;
    assert_eq!(listed.text(), "[]");
}
