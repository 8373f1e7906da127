//! Tokens of those who logged in. That every route takes them as it should, `routes` tries.

use serde_json::{Value, json};

use crate::world::{World, policy_token};

#[tokio::test]
async fn roles_tell_reading_from_writing() {
    let world = World::new().await;
    world.device("d").await;
    world.enroll("d", json!({})).await;
    let query = json!({"query": "select * from devices"});
    for (line, body, reader_may) in [
        ("GET /devices/d", Value::Null, true),
        ("GET /devices", Value::Null, true),
        ("GET /twins/d", Value::Null, true),
        ("POST /devices/query", query, true),
        ("GET /statistics/devices", Value::Null, true),
        ("GET /devices/d/modules", Value::Null, true),
        ("PATCH /twins/d", json!({"tags": {"a": 1}}), false),
        ("POST /devices/keys/regenerate", json!({"policyKey": "primaryKey", "devices": [{"id": "d"}]}), false),
        ("DELETE /devices/d/commands", Value::Null, false),
        ("GET /messages/servicebound/feedback", Value::Null, false),
        ("PUT /devices/d/modules/m", json!({"deviceId": "d", "moduleId": "m"}), false),
        ("GET /enrollments/d", Value::Null, true),
        ("POST /enrollments/query", json!({"query": "SELECT *"}), true),
        ("POST /enrollments/d/attestationmechanism", Value::Null, false),
        ("DELETE /enrollments/d", Value::Null, false),
        ("DELETE /devices/d", Value::Null, false),
    ] {
        let ask = async |token: &str| {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let headers = [("Authorization", token), ("Content-Type", "application/json")];
            world.send(line, &headers, body).await
        };
        assert_eq!(ask("Bearer reader").await.status < 300, reader_may, "{line}");
        let writer = ask("bearer  writer").await;
        assert!(writer.status < 300, "{line}: {writer:?}");
    }
}

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let world = World::new().await;
    let delete = world.send("DELETE /devices/d", &[("Authorization", "Bearer reader")], "").await;
    let (status, code, message) = delete.hub_refusal();
    assert_eq!((status, code.as_str()), (401, "IotHubUnauthorizedAccess"));
    assert!(message.contains("`reader` has no role that allows to change a hub's data here"), "{message}");
    let late = world.send("GET /enrollments/d", &[("Authorization", "Bearer late")], "").await;
    let body: Value = serde_json::from_slice(&late.body).unwrap();
    assert_eq!(body["message"], "Unauthorized: the bearer token expired 7 s ago; log in again");
    let sas = world.send("GET /devices/d", &[("Authorization", &policy_token("owner"))], "").await;
    assert_eq!(sas.status, 404, "a signature is still what it was");
}
