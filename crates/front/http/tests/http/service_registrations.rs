//! Registrations over the service API.

use roadstead_model::Right;
use roadstead_sas::derive_device_key;
use serde_json::json;

use crate::world::{HOST, SCOPE, World, base64, key, registration_token};

#[tokio::test]
async fn shown_and_deleted() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    let expected = (404_202, "there is no registration of `dev-01`".to_owned());
    assert_eq!(world.ask("GET /registrations/dev-01", json!(null)).await.dps_refusal(), expected);
    assert_eq!(world.register("dev-01").await.status, 202);
    let shown = world.ask("GET /registrations/DEV-01?api-version=2021-10-01", json!(null)).await.ok();
    assert_eq!((&shown["registrationId"], &shown["status"]), (&json!("dev-01"), &json!("assigned")));
    assert_eq!((&shown["assignedHub"], &shown["substatus"]), (&json!(HOST), &json!("initialAssignment")));
    let stale = world.ask_with("DELETE /registrations/dev-01", &[("If-Match", "\"x\"")], json!(null)).await;
    assert_eq!(stale.dps_refusal().0, 412_201);
    let etag = [("If-Match", shown["etag"].as_str().unwrap())];
    assert_eq!(world.ask_with("DELETE /registrations/dev-01", &etag, json!(null)).await.status, 204);
    assert_eq!(world.ask("DELETE /registrations/dev-01", json!(null)).await.dps_refusal().0, 404_202);
    assert_eq!(world.ask("GET /registrations/a_", json!(null)).await.dps_refusal().0, 400_004);
}

#[tokio::test]
async fn by_group() {
    let world = World::new().await;
    let keys = json!({"primaryKey": base64(5), "secondaryKey": base64(6)});
    let group = json!({"enrollmentGroupId": "fleet-a", "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
    world.ask("PUT /enrollmentGroups/fleet-a", group).await.ok();
    for id in ["dev-1", "dev-2", "dev-3"] {
        let token = registration_token(id, &derive_device_key(&key(5), id));
        let line = format!("PUT /{SCOPE}/registrations/{id}/register");
        assert_eq!(world.send(&line, &[("Authorization", &token)], "").await.status, 202);
    }
    // az sends no body.
    let two = [("x-ms-max-item-count", "2")];
    let first = world.ask_with("POST /registrations/fleet-a/query?api-version=2021-10-01", &two, json!(null)).await;
    let rows = first.ok();
    assert_eq!((&rows[0]["deviceId"], rows.as_array().unwrap().len()), (&json!("dev-1"), 2));
    assert_eq!(first.header("x-ms-item-type"), Some("deviceRegistration"));
    let next = [two[0], ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let last = world.ask_with("POST /registrations/fleet-a/query", &next, json!({"query": "SELECT *"})).await;
    assert_eq!((&last.ok()[0]["deviceId"], last.header("x-ms-continuation")), (&json!("dev-3"), None));
    let none = world.ask("POST /registrations/fleet-b/query", json!(null)).await;
    assert_eq!(none.text(), "[]");
}

#[tokio::test]
async fn each_route_asks_for_its_right() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    assert_eq!(world.register("dev-01").await.status, 202);
    for (line, enough, too_little) in [
        ("GET /registrations/dev-01", Right::RegistrationStatusRead, Right::EnrollmentWrite),
        ("POST /registrations/fleet-a/query", Right::RegistrationStatusRead, Right::EnrollmentRead),
        ("DELETE /registrations/dev-01", Right::RegistrationStatusWrite, Right::RegistrationStatusRead),
    ] {
        let (code, text) = world.ask_as(too_little, line, json!(null)).await.dps_refusal();
        assert!(code == 401_002 && text.contains(" lacks "), "{line}: {code} {text}");
        assert_eq!(world.send(line, &[], "").await.dps_refusal().0, 401_000, "{line}");
        let answer = world.ask_as(enough, line, json!(null)).await;
        assert!(matches!(answer.status, 200 | 204), "{line}: {answer:?}");
    }
}
