//! Enrollment groups over the service API.

use roadstead_model::Right;
use roadstead_sas::derive_device_key;
use serde_json::{Value, json};

use crate::world::{HOST, ROOT, SCOPE, World, base64, key, registration_token};

fn by_key(id: &str) -> Value {
    let keys = json!({"primaryKey": base64(5), "secondaryKey": base64(6)});
    json!({"enrollmentGroupId": id, "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
}

#[tokio::test]
async fn a_group_by_key() {
    let world = World::new().await;
    let created = world.ask("PUT /enrollmentGroups/fleet-a?api-version=2021-10-01", by_key("fleet-a")).await.ok();
    assert_eq!(created["attestation"]["symmetricKey"]["secondaryKey"], base64(6));
    assert_eq!(world.ask("PUT /enrollmentGroups/fleet-a", by_key("fleet-a")).await.dps_refusal().0, 409_201);
    let shown = world.ask("GET /enrollmentgroups/fleet-a", json!(null)).await.ok();
    assert_eq!((&shown["attestation"], &shown["etag"]), (&json!({"type": "symmetricKey"}), &created["etag"]));
    // Node writes this path in lower case.
    let mechanism = world.ask("POST /enrollmentgroups/fleet-a/attestationmechanism", json!({})).await.ok();
    assert_eq!(mechanism, created["attestation"]);

    let own = derive_device_key(&key(5), "dev-01");
    let line = format!("PUT /{SCOPE}/registrations/dev-01/register");
    let registered = world.send(&line, &[("Authorization", &registration_token("dev-01", &own))], "").await;
    let group = &registered.json()["registrationState"]["symmetricKey"];
    assert_eq!((registered.status, group), (202, &json!({"enrollmentGroupId": "fleet-a"})));

    let stale = world.ask_with("PUT /enrollmentGroups/fleet-a", &[("If-Match", "x")], by_key("fleet-a")).await;
    assert_eq!(stale.dps_refusal().0, 412_201);
    let etag = created["etag"].as_str().unwrap();
    let disabled = json!({"enrollmentGroupId": "Fleet-A", "attestation": {"type": "symmetricKey"}, "provisioningStatus": "disabled"});
    let changed = world.ask_with("PUT /enrollmentGroups/fleet-a", &[("If-Match", etag)], disabled).await.ok();
    assert_eq!(changed["attestation"], created["attestation"], "keys that are left out stay");
    let deleted = world.ask_with("DELETE /enrollmentGroups/fleet-a", &[("If-Match", etag)], json!(null)).await;
    assert_eq!(deleted.dps_refusal().0, 412_201);
    assert_eq!(world.ask("DELETE /enrollmentGroups/fleet-a", json!(null)).await.status, 204);
    for line in ["GET /enrollmentGroups/fleet-a", "DELETE /enrollmentGroups/fleet-a"] {
        let expected = (404_201, "there is no enrollment group `fleet-a`".to_owned());
        assert_eq!(world.ask(line, json!(null)).await.dps_refusal(), expected, "{line}");
    }
}

#[tokio::test]
async fn groups_by_certificate() {
    let world = World::new().await;
    world.upload("root-ca", ROOT.certificate()).await;
    // As `az iot dps enrollment-group create --ca-name root-ca --iot-hub-host-name …` sends it.
    let body = json!({"enrollmentGroupId": "by-name", "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "root-ca"}}},
        "provisioningStatus": "enabled", "allocationPolicy": "static", "iotHubs": [HOST]});
    let created = world.ask("PUT /enrollmentGroups/by-name", body.clone()).await.ok();
    for member in ["attestation", "provisioningStatus", "allocationPolicy", "iotHubs"] {
        assert_eq!(created[member], body[member], "{member}");
    }
    let signing = json!({"primary": {"certificate": ROOT.certificate().to_pem()}});
    let twice = json!({"enrollmentGroupId": "by-pem", "attestation": {"type": "x509", "x509": {"signingCertificates": signing}}});
    let (code, text) = world.ask("PUT /enrollmentGroups/by-pem", twice.clone()).await.dps_refusal();
    assert_eq!(code, 409_201);
    assert!(text.contains("enrollment group `by-name`"), "{text}");
    assert_eq!(world.ask("DELETE /enrollmentGroups/by-name", json!(null)).await.status, 204);
    let created = world.ask("PUT /enrollmentGroups/by-pem", twice).await.ok();
    let info = &created["attestation"]["x509"]["signingCertificates"]["primary"]["info"];
    assert_eq!((&info["subjectName"], &info["version"]), (&json!("CN=factory-ca"), &json!(3)));
    let mut back = world.ask("GET /enrollmentGroups/by-pem", json!(null)).await.ok();
    back["iotHubHostName"] = json!(HOST);
    let changed = world.ask("PUT /enrollmentGroups/by-pem", back).await.ok();
    assert_eq!((&changed["attestation"], &changed["iotHubs"]), (&created["attestation"], &json!([HOST])));
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    let x509 = |x509: Value| json!({"enrollmentGroupId": "a", "attestation": {"type": "x509", "x509": x509}});
    for (path, body, text) in [
        ("a", by_key("b"), "enrollmentGroupId: is `b`, but the path says `a`"),
        ("a.", by_key("a."), "enrollmentGroupId: "),
        ("a", json!({"enrollmentGroupId": "a"}), "body: "),
        ("a", x509(json!({"clientCertificates": {}})), "attestation.x509: "),
        ("a", x509(json!({"signingCertificates": {}})), "attestation.x509.signingCertificates: "),
        ("a", x509(json!({"caReferences": {"primary": "no-ca"}})), "attestation.x509.caReferences.primary: "),
        ("a", x509(json!({"caReferences": {"primary": ""}})), "attestation.x509.caReferences: "),
    ] {
        let (code, found) = world.ask(&format!("PUT /enrollmentGroups/{path}"), body.clone()).await.dps_refusal();
        assert!(code == 400_004 && found.starts_with(text), "{body}: {code} {found}");
    }
}

#[tokio::test]
async fn queries_and_rights() {
    let world = World::new().await;
    for id in ["a", "b"] {
        world.ask(&format!("PUT /enrollmentGroups/{id}"), by_key(id)).await.ok();
    }
    let one = [("x-ms-max-item-count", "1")];
    let first = world.ask_with("POST /enrollmentGroups/query", &one, json!({"query": "SELECT *"})).await;
    let rows = first.ok();
    assert_eq!((&rows[0]["enrollmentGroupId"], rows.as_array().unwrap().len()), (&json!("a"), 1));
    assert_eq!(rows[0]["attestation"], json!({"type": "symmetricKey"}));
    assert_eq!(first.header("x-ms-item-type"), Some("enrollmentGroup"));
    let next = [one[0], ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let last = world.ask_with("POST /enrollmentGroups/query", &next, json!({"query": "SELECT *"})).await;
    assert_eq!((&last.ok()[0]["enrollmentGroupId"], last.header("x-ms-continuation")), (&json!("b"), None));
    for (line, right) in [
        ("GET /enrollmentGroups/a", Right::RegistrationStatusRead),
        ("POST /enrollmentGroups/query", Right::RegistrationStatusRead),
        ("POST /enrollmentGroups/a/attestationmechanism", Right::ServiceConfig),
        ("PUT /enrollmentGroups/a", Right::EnrollmentRead),
        ("DELETE /enrollmentGroups/a", Right::EnrollmentRead),
    ] {
        assert_eq!(world.ask_as(right, line, by_key("a")).await.dps_refusal().0, 401_002, "{line}");
        assert_eq!(world.send(line, &[], "{}").await.dps_refusal().0, 401_000, "{line}");
    }
}
