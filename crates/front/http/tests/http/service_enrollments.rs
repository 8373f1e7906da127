//! Individual enrollments over the service API.

use roadstead_model::Right;
use roadstead_sas::sign;
use serde_json::{Value, json};

use crate::world::{HOST, NOW_S, World, key, leaf};

const VERSION: &str = "?api-version=2021-10-01";

/// A public key that some TPM may have.
const ENDORSEMENT_KEY: &str = concat!(
    "AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEAxcXFxcXFxcXFxcXFxcXF",
    "xcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXF",
    "xcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXF",
    "xcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXF",
    "xcXFxcXFxcXFxcXFxcXFxQ==",
);

/// As `az iot dps enrollment create` sends it.
fn az_body(id: &str) -> Value {
    json!({"registrationId": id, "deviceId": "thermo-1", "optionalDeviceInformation": {},
        "attestation": {"type": "symmetricKey", "symmetricKey": {}}, "capabilities": {"iotEdge": false},
        "initialTwin": {"tags": {}, "properties": {"desired": {}}},
        "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true}})
}

#[tokio::test]
async fn an_enrollment_is_created_shown_changed_and_deleted() {
    let world = World::new().await;
    let created = world.ask(&format!("PUT /enrollments/dev-01{VERSION}"), az_body("dev-01")).await.ok();
    let keys = created["attestation"]["symmetricKey"].clone();
    assert_eq!(keys["primaryKey"].as_str().unwrap().len(), 88);
    assert_eq!(created["provisioningStatus"], "enabled");
    assert!(created["etag"].as_str().unwrap().starts_with('"'), "{created}");
    for (member, value) in az_body("dev-01").as_object().unwrap() {
        if member != "attestation" {
            assert_eq!(created[member], *value, "{member}");
        }
    }
    let mut hidden = created.clone();
    hidden["attestation"] = json!({"type": "symmetricKey"});
    for path in ["/enrollments/dev-01", "/ENROLLMENTS/DEV-01", "/enrollments%2Fdev-01"] {
        assert_eq!(world.ask(&format!("GET {path}{VERSION}"), json!(null)).await.ok(), hidden, "{path}");
    }
    for body in [json!(null), json!({})] {
        let mechanism = world.ask("POST /enrollments/dev-01/attestationmechanism", body).await.ok();
        assert_eq!(mechanism, json!({"type": "symmetricKey", "symmetricKey": keys}));
    }
    // An update sends back what GET gave: the keys stay. az sends `*`, node and C# the etag.
    hidden["provisioningStatus"] = json!("disabled");
    let etag = created["etag"].as_str().unwrap();
    let changed = world.ask_with("PUT /enrollments/dev-01", &[("If-Match", etag)], hidden).await.ok();
    assert_eq!((&changed["attestation"]["symmetricKey"], &changed["provisioningStatus"]), (&keys, &json!("disabled")));
    assert_eq!(changed["createdDateTimeUtc"], created["createdDateTimeUtc"]);

    let stale = world.ask_with("DELETE /enrollments/dev-01", &[("If-Match", etag)], json!(null)).await;
    assert_eq!(stale.dps_refusal().0, 412_201);
    let bare = changed["etag"].as_str().unwrap().trim_matches('"');
    let deleted = world.ask_with("DELETE /enrollments/dev-01", &[("If-Match", bare)], json!(null)).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    for line in
        ["GET /enrollments/dev-01", "DELETE /enrollments/dev-01", "POST /enrollments/dev-01/attestationmechanism"]
    {
        let expected = (404_201, "there is no enrollment `dev-01`".to_owned());
        assert_eq!(world.ask(line, json!(null)).await.dps_refusal(), expected, "{line}");
    }
}

#[tokio::test]
async fn what_a_put_depends_on() {
    let world = World::new().await;
    let put = async |if_match: Option<&str>, etag: Option<&str>| {
        let mut body = az_body("dev-01");
        body["etag"] = json!(etag);
        let headers: Vec<_> = if_match.map(|etag| ("If-Match", etag)).into_iter().collect();
        world.ask_with("PUT /enrollments/dev-01", &headers, body).await
    };
    assert_eq!(put(Some("\"x\""), None).await.dps_refusal().0, 412_201, "nothing there has that etag");
    assert_eq!(put(None, Some("\"x\"")).await.dps_refusal().0, 412_201);
    let first = put(None, None).await.ok();
    assert_eq!(put(None, None).await.dps_refusal().0, 409_201);
    assert_eq!(put(None, Some("")).await.dps_refusal().0, 409_201, "an empty etag is none");
    let second = put(None, first["etag"].as_str()).await.ok();
    assert_eq!(put(None, first["etag"].as_str()).await.dps_refusal().0, 412_201);
    assert_eq!(
        put(first["etag"].as_str(), second["etag"].as_str()).await.dps_refusal().0,
        412_201,
        "the header decides"
    );
    put(Some("\"*\""), first["etag"].as_str()).await.ok();
    put(None, Some("*")).await.ok();
    world.ask("DELETE /enrollments/dev-01", json!(null)).await;
    put(Some("*"), None).await.ok();
}

#[tokio::test]
async fn a_client_certificate_is_shown_by_what_it_says() {
    let world = World::new().await;
    let own = leaf("dev-01");
    let attestation =
        json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": own.to_pem()}}}});
    let created = world.enroll("dev-01", json!({"attestation": attestation})).await;
    let info = json!({"subjectName": "CN=dev-01", "sha1Thumbprint": own.sha1().to_string(),
        "sha256Thumbprint": own.sha256().to_string(), "issuerName": "CN=factory-ca",
        "notBeforeUtc": created["attestation"]["x509"]["clientCertificates"]["primary"]["info"]["notBeforeUtc"],
        "notAfterUtc": created["attestation"]["x509"]["clientCertificates"]["primary"]["info"]["notAfterUtc"],
        "serialNumber": own.serial(), "version": 3});
    let shown = json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"info": info}}}});
    assert_eq!(created["attestation"], shown);
    assert!(info["notAfterUtc"].as_str().unwrap().starts_with("2028-01-1"), "{info}");
    // What was shown can be sent back, with a second certificate beside it.
    let mut body = world.ask("GET /enrollments/dev-01", json!(null)).await.ok();
    assert_eq!(body["attestation"], shown);
    let whole = world.ask("POST /enrollments/dev-01/attestationmechanism", json!(null)).await.ok();
    let primary = &whole["x509"]["clientCertificates"]["primary"];
    let base64: String = own.to_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!((&primary["certificate"], &primary["info"]), (&json!(base64), &info));
    body["attestation"]["x509"]["clientCertificates"]["secondary"] = json!({"certificate": leaf("dev-01").to_pem()});
    let changed = world.ask("PUT /enrollments/dev-01", body).await.ok();
    let certificates = &changed["attestation"]["x509"]["clientCertificates"];
    assert_eq!(certificates["primary"], shown["x509"]["clientCertificates"]["primary"]);
    assert_eq!(certificates["secondary"]["info"]["subjectName"], "CN=dev-01");
}

#[tokio::test]
async fn a_tpm_is_shown_by_its_public_keys() {
    let world = World::new().await;
    let tpm = json!({"endorsementKey": ENDORSEMENT_KEY, "storageRootKey": ENDORSEMENT_KEY});
    let attestation = json!({"type": "tpm", "tpm": tpm});
    let created = world.enroll("dev-01", json!({"attestation": attestation})).await;
    assert_eq!(created["attestation"], attestation);
    let shown = world.ask("GET /enrollments/dev-01", json!(null)).await.ok();
    assert_eq!(shown, created);
    let mechanism = world.ask("POST /enrollments/dev-01/attestationmechanism", json!(null)).await.ok();
    assert_eq!(mechanism, attestation);
    let mut body = shown;
    body["attestation"]["tpm"] = json!({"endorsementKey": ENDORSEMENT_KEY, "storageRootKey": null});
    let changed = world.ask("PUT /enrollments/dev-01", body).await.ok();
    assert_eq!(changed["attestation"], json!({"type": "tpm", "tpm": {"endorsementKey": ENDORSEMENT_KEY}}));
    let group = json!({"enrollmentGroupId": "a", "attestation": attestation});
    let (code, text) = world.ask("PUT /enrollmentGroups/a", group).await.dps_refusal();
    assert_eq!((code, &*text), (400_004, "attestation.type: an enrollment group needs symmetricKey or x509"));
    let queried = world.ask("POST /enrollments/query", json!({"query": "*"})).await.ok();
    assert_eq!(queried[0]["attestation"]["type"], "tpm");
    world.ask("DELETE /enrollments/dev-01", json!(null)).await;
    assert_eq!(world.ask("GET /enrollments/dev-01", json!(null)).await.dps_refusal().0, 404_201);
}

#[tokio::test]
async fn what_answers_add_is_passed_over_when_it_comes_back() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    assert_eq!(world.register("dev-01").await.status, 202);
    let shown = world.ask("GET /enrollments/dev-01", json!(null)).await.ok();
    for (member, value) in [
        ("registrationState", shown["registrationState"].clone()),
        ("registrationState", json!({"status": null, "registrationId": null})),
        ("registrationState", json!({"status": "of another version"})),
        ("registrationState", json!("none")),
        ("createdDateTimeUtc", json!("2001-01-01T00:00:00Z")),
        ("lastUpdatedDateTimeUtc", json!(null)),
        ("credentialPolicyName", json!("of a later version")),
    ] {
        let mut body = shown.clone();
        body[member] = value.clone();
        let changed = world.ask_with("PUT /enrollments/dev-01", &[("If-Match", "*")], body).await.ok();
        assert_eq!(changed["createdDateTimeUtc"], shown["createdDateTimeUtc"], "{member} {value}");
        let now = world.ask("GET /enrollments/dev-01", json!(null)).await.ok();
        assert_eq!(now["registrationState"], shown["registrationState"], "{member} {value}");
    }
}

#[tokio::test]
async fn the_registration_is_shown_once_there_is_one() {
    let world = World::new().await;
    world.enroll("dev-01", json!({"deviceId": "thermo-1"})).await;
    assert_eq!(world.ask("GET /enrollments/dev-01", json!(null)).await.ok().get("registrationState"), None);
    assert_eq!(world.register("dev-01").await.status, 202);
    let state = world.ask("GET /enrollments/dev-01", json!(null)).await.ok()["registrationState"].clone();
    assert_eq!((&state["status"], &state["assignedHub"]), (&json!("assigned"), &json!(HOST)));
    assert_eq!(state["deviceId"], "thermo-1");
    let queried = world.ask("POST /enrollments/query", json!({"query": "*"})).await.ok();
    assert_eq!(queried[0].get("registrationState"), None);
}

#[tokio::test]
async fn queries() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.enroll(id, json!({})).await;
    }
    let ids = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["registrationId"].as_str().unwrap().to_owned()).collect()
    };
    let two = [("x-ms-max-item-count", "2")];
    let first = world.ask_with("POST /enrollments/query", &two, json!({"query": "SELECT * FROM enrollments"})).await;
    assert_eq!(ids(&first.ok()), ["a", "b"]);
    assert_eq!(first.json()[0]["attestation"], json!({"type": "symmetricKey"}), "no keys");
    assert_eq!(first.header("x-ms-item-type"), Some("enrollment"));
    assert_eq!(first.header("x-ms-max-item-count"), Some("2"));
    let next = [two[0], ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    // What the Azure CLI makes of its query.
    let garbled = json!({"query": "{'additional_properties': {}, 'query': 'SELECT *'}"});
    let last = world.ask_with("POST /enrollments/query", &next, garbled).await;
    assert_eq!((ids(&last.ok()), last.header("x-ms-continuation")), (vec!["c".to_owned()], None));
    for headers in [&[][..], &[("x-ms-max-item-count", "0")], &[("x-ms-max-item-count", "5000")]] {
        let all = world.ask_with("POST /enrollments/query", headers, json!({"query": ""})).await;
        assert_eq!(ids(&all.ok()).len(), 3);
    }
    let foreign = world.ask_with("POST /enrollments/query", &[("x-ms-continuation", "%")], json!({"query": ""})).await;
    assert_eq!(foreign.dps_refusal().1, "x-ms-continuation: is not a continuation that this service gave");
    for body in [json!({"query": "SELECT * WHERE registrationId = 'a'"}), json!([1]), json!({"query": 1})] {
        assert_eq!(world.ask("POST /enrollments/query", body.clone()).await.dps_refusal().0, 400_004, "{body}");
    }
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    let with = |settings: Value| {
        let mut body = az_body("a");
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        body
    };
    let weak = json!({"attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "c2hvcnQ="}}});
    let tpm = json!({"attestation": {"type": "tpm", "tpm": {"endorsementKey": "AToA"}}});
    let no_tpm = json!({"attestation": {"type": "tpm"}});
    let nothing = json!({"attestation": {"type": "none"}});
    let bad =
        json!({"attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": "AAAA"}}}}});
    for (path, body, text) in [
        ("a", json!(null), "body: "),
        ("a", json!(["a"]), "body: expected an object"),
        ("a", json!({"registrationId": "a"}), "body: missing field `attestation`"),
        ("b", az_body("a"), "registrationId: is `a`, but the path says `b`"),
        ("a_", az_body("a_"), "registrationId: registration id `a_` may not contain '_'"),
        ("a", with(json!({"deviceId": "a/b"})), "deviceId: "),
        ("a", with(weak), "attestation.symmetricKey.primaryKey: "),
        ("a", with(tpm), "attestation.tpm.endorsementKey: is no TPM2B_PUBLIC: it ends too early"),
        ("a", with(no_tpm), "attestation.tpm: is missing"),
        ("a", with(nothing), "attestation.type: an enrollment needs symmetricKey, x509 or tpm"),
        ("a", with(bad), "attestation.x509.clientCertificates.primary: "),
        ("a", with(json!({"iotHubs": ["other.example"]})), "iotHubs: `other.example` is not linked"),
        ("a", with(json!({"allocationPolicy": "custom"})), "customAllocationDefinition: "),
        ("a", with(json!({"allocationPolicy": "random"})), "body: `random` is no "),
    ] {
        let (code, found) = world.ask(&format!("PUT /enrollments/{path}"), body.clone()).await.dps_refusal();
        assert!(code == 400_004 && found.starts_with(text), "{body}: {code} {found}");
    }
    assert_eq!(world.ask("GET /enrollments/a_", json!(null)).await.dps_refusal().0, 400_004);
}

#[tokio::test]
async fn each_route_asks_for_its_right() {
    let world = World::new().await;
    world.enroll("a", json!({})).await;
    for (line, enough, too_little) in [
        ("GET /enrollments/a", Right::EnrollmentRead, Right::RegistrationStatusWrite),
        ("POST /enrollments/query", Right::EnrollmentRead, Right::ServiceConfig),
        ("POST /enrollments/a/attestationmechanism", Right::EnrollmentRead, Right::DeviceConnect),
        ("PUT /enrollments/b", Right::EnrollmentWrite, Right::EnrollmentRead),
        ("DELETE /enrollments/b", Right::EnrollmentWrite, Right::EnrollmentRead),
    ] {
        let body = if line.starts_with("PUT") { az_body("b") } else { json!({}) };
        let (code, text) = world.ask_as(too_little, line, body.clone()).await.dps_refusal();
        assert!(code == 401_002 && text.contains(" lacks "), "{line}: {code} {text}");
        assert_eq!(world.send(line, &[], body.to_string()).await.dps_refusal().0, 401_000, "{line}");
        let answer = world.ask_as(enough, line, body).await;
        assert!(matches!(answer.status, 200 | 204), "{line}: {answer:?}");
    }
    // A token for a part of the API opens that part only.
    let part = sign(&format!("{HOST}/enrollments"), &key(9), NOW_S + 60, Some("owner"));
    let headers = [("Authorization", part.as_str())];
    assert_eq!(world.send("GET /enrollments/a", &headers, "").await.status, 200);
    assert_eq!(world.send("GET /registrations/a", &headers, "").await.dps_refusal().0, 401_002);
}
