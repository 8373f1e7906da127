//! Tokens of those who logged in, and what nobody may do without some token: tried on every route there is.

use roadstead_model::Right;
use roadstead_sas::sign;
use serde_json::{Value, json};

use crate::world::{HOST, NOW_S, SCOPE, World, key, policy_token};

/// What a lock of a message looks like: another text is no lock, whoever sends it.
const LOCK: &str = "00000000-0000-4000-8000-000000000001";

/// Method and path of each arm that a `match` in `route.rs` has, something in place of each name: a route that is added there
/// is tried here.
fn routes() -> Vec<String> {
    let arms = include_str!("../../src/route.rs").split("(&Method::").skip(1);
    // Methods joined with `|` are parts of one arm: those without a pattern take that of the next part with one.
    let mut routes = Vec::new();
    for arm in arms {
        let (methods, rest) = arm.split_once(", [").expect("a pattern follows the methods");
        let pattern = rest.split_once("])").expect("which ends").0;
        let segments: Vec<&str> = pattern.split(", ").map(|segment| segment.trim_matches('"')).collect();
        let is_device_of_dps = segments[0] == "_";
        let filled = segments.iter().enumerate().map(|(at, segment)| match *segment {
            "_" | ".." if at == 0 && is_device_of_dps => SCOPE,
            "_" if at > 0 && segments[at - 1] == "devicebound" => LOCK,
            "_" | ".." => "d",
            word => word,
        });
        let path = filled.collect::<Vec<_>>().join("/");
        routes.extend(methods.split("&Method::").map(|part| format!("{} /{path}", part.trim_end_matches([' ', '|']))));
    }
    routes
}

/// What any of them takes for a body; what is unreadable is refused before anybody is asked who sends it.
fn body() -> Value {
    json!({"registrationId": "d", "deviceId": "d", "moduleId": "d", "blobName": "x", "correlationId": "x",
        "isSuccess": true, "statusCode": 200, "statusDescription": "x"})
}

#[tokio::test]
async fn no_route_answers_without_the_right_to_it() {
    let world = World::new().await;
    let all = routes();
    assert!(all.len() > 40 && all.contains(&"PATCH /twins/d/modules/d".to_owned()), "{all:?}");
    let bad_tokens = [
        String::new(),
        "Bearer x".to_owned(),
        "Bearer late".to_owned(),
        "Basic eDp5".to_owned(),
        sign(HOST, &key(9), NOW_S - 301, Some("owner")),
        sign(HOST, &key(77), NOW_S + 600, Some("owner")),
        sign("elsewhere.example", &key(9), NOW_S + 600, Some("owner")),
    ];
    for route in all {
        for token in &bad_tokens {
            let answer = world.send(&route, &[("Authorization", token)], body().to_string()).await;
            assert_eq!(answer.status, 401, "{route} with `{token}`: {answer:?}");
        }
        let mut refused = 0;
        for right in Right::ALL {
            refused += usize::from(world.ask_as(right, &route, body()).await.status == 401);
        }
        assert!(refused > 0, "{route}: some right is not enough");
    }
}

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
