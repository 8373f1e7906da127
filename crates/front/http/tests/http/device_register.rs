//! Devices register with DPS over HTTPS.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_sas::{SasKey, sign};
use roadstead_testkit::SoftTpm;
use serde_json::{Value, json};
use tokio::task::yield_now;

use crate::{
    pipe::{Answer, Pipe},
    world::{HOST, NOW_S, SCOPE, World, caller, key, leaf, registration_token, request},
};

/// The keys that the tests' enrollments have.
fn token(id: &str) -> String {
    registration_token(id, &key(3))
}

async fn poll(world: &World, id: &str, operation_id: &str) -> Answer {
    let line = format!("GET /{SCOPE}/registrations/{id}/operations/{operation_id}?api-version=2019-03-31");
    // Node sends a body with it.
    world.send(&line, &[("Authorization", &token(id))], "{}").await
}

#[tokio::test]
async fn register_poll_and_look_up() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    // As the docs' curl sends it.
    let body = br#"{"registrationId":"dev-01"}"#;
    let registered = world
        .raw(
            format!(
                "PUT /{SCOPE}/registrations/dev-01/register?api-version=2021-06-01 HTTP/1.1\r\nHost: dps.example.test:443\r\n\
                 UserAgent: iot-sdk\r\nContent-Type: application/json\r\nContent-Encoding: utf-8\r\nAccept: application/json\r\n\
                 Authorization: {}\r\nContent-Length: {}\r\n\r\n{}",
                token("dev-01"),
                body.len(),
                String::from_utf8_lossy(body),
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(registered.status, 202, "the C# SDK takes nothing else: {registered:?}");
    let location = "https://dps.example.test:443/0ne00ABC123/registrations/dev-01/register";
    assert_eq!((registered.header("location"), registered.header("retry-after")), (Some(location), None));
    let operation = registered.json();
    let state = &operation["registrationState"];
    assert_eq!((&operation["status"], &state["status"]), (&json!("assigned"), &json!("assigned")));
    assert_eq!((&state["assignedHub"], &state["deviceId"]), (&json!(HOST), &json!("dev-01")));
    assert_eq!((&state["substatus"], &state["symmetricKey"]), (&json!("initialAssignment"), &json!({})));

    let polled = poll(&world, "dev-01", operation["operationId"].as_str().unwrap()).await;
    assert_eq!((polled.header("location"), polled.ok()), (None, operation.clone()));

    // The scope in another case; no body, or one with a registration id.
    for body in ["", r#"{"registrationId":"dev-01"}"#] {
        let line = "POST /0NE00abc123/Registrations/dev-01?api-version=2021-06-01";
        let looked_up = world.send(line, &[("Authorization", &token("dev-01"))], body).await;
        assert_eq!(looked_up.ok(), *state);
    }
}

#[tokio::test]
async fn register_is_accepted_whatever_becomes_of_it() {
    let world = World::new().await;
    world.enroll("off", json!({"provisioningStatus": "disabled"})).await;
    let off = world.register("off").await;
    let state = &off.json()["registrationState"];
    assert_eq!((off.status, &state["status"], &state["errorCode"]), (202, &json!("disabled"), &json!(403_001)));
    assert_eq!((off.header("retry-after"), &state["errorMessage"]), (None, &json!("enrollment `off` is disabled")));
    let id = off.json()["operationId"].as_str().unwrap().to_owned();
    assert_eq!(poll(&world, "off", &id).await.ok()["status"], "disabled");

    world.enroll("nowhere", json!({})).await;
    world.unlink().await;
    let failed = world.register("nowhere").await;
    let state = &failed.json()["registrationState"];
    assert_eq!((failed.status, &state["status"], &state["errorCode"]), (202, &json!("failed"), &json!(400_208)));
    let id = failed.json()["operationId"].as_str().unwrap().to_owned();
    assert_eq!(poll(&world, "nowhere", &id).await.ok()["status"], "failed");
}

#[tokio::test]
async fn a_webhook_makes_the_device_wait() {
    let world = World::new().await;
    let custom = json!({"webhookUrl": "https://fn.example/alloc?code=c2VjcmV0", "apiVersion": "2021-10-01"});
    world.enroll("dev-01", json!({"allocationPolicy": "custom", "customAllocationDefinition": custom})).await;
    let registered = world.register("dev-01").await;
    let operation = registered.json();
    assert_eq!((registered.status, &operation["status"]), (202, &json!("assigning")));
    assert_eq!(registered.header("retry-after"), Some("2"));
    assert_eq!(operation.get("registrationState"), None);
    let id = operation["operationId"].as_str().unwrap();
    let waiting = poll(&world, "dev-01", id).await;
    assert_eq!((waiting.status, waiting.header("retry-after"), waiting.json()), (202, Some("2"), operation.clone()));
    assert_eq!(waiting.header("location"), registered.header("location"));
    world.webhook.0.add_permits(1);
    for _ in 0..100 {
        let polled = poll(&world, "dev-01", id).await;
        if polled.status == 200 {
            assert_eq!(polled.json()["registrationState"]["assignedHub"], HOST);
            return;
        }
        yield_now().await;
    }
    panic!("never assigned");
}

#[tokio::test]
async fn by_certificate() {
    let world = World::new().await;
    let own = leaf("dev-01");
    let attestation =
        json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": own.to_pem()}}}});
    world.enroll("dev-01", json!({"attestation": attestation})).await;
    let register = request(&format!("PUT /{SCOPE}/registrations/dev-01/register?api-version=2019-03-31"), &[], b"{}");
    let registered = Pipe::open(&world.front, caller(&[&own])).ask(&register).await;
    assert_eq!((registered.status, &registered.json()["registrationState"]["x509"]), (202, &json!({})));
    let (code, text) = Pipe::open(&world.front, caller(&[&leaf("dev-01")])).ask(&register).await.dps_refusal();
    assert!(code == 401_002 && text.starts_with("Invalid certificate: "), "{code} {text}");
    let stranger = request(&format!("PUT /{SCOPE}/registrations/dev-02/register"), &[], b"{}");
    let (code, text) = Pipe::open(&world.front, caller(&[&leaf("dev-02")])).ask(&stranger).await.dps_refusal();
    assert!(code == 401_002 && text.starts_with("CA certificate not found: "), "{code} {text}");
    let other = request(&format!("PUT /{SCOPE}/registrations/dev-03/register"), &[], b"{}");
    assert_eq!(Pipe::open(&world.front, caller(&[&own])).ask(&other).await.dps_refusal().0, 401_002);
}

#[tokio::test]
async fn by_tpm() {
    let world = World::new().await;
    let tpm = SoftTpm::new();
    let keys = json!({"endorsementKey": tpm.endorsement_key(), "storageRootKey": tpm.storage_root_key()});
    let enrolled = json!({"type": "tpm", "tpm": {"endorsementKey": tpm.endorsement_key()}});
    world.enroll("dev-01", json!({"attestation": enrolled})).await;
    let register = async |token: &str| {
        let line = format!("PUT /{SCOPE}/registrations/dev-01/register?api-version=2019-03-31");
        let body = json!({"registrationId": "dev-01", "tpm": keys}).to_string();
        world.send(&line, &[("Authorization", token)], body).await
    };
    let key_in =
        |blob: &Value| SasKey::from_bytes(tpm.activate(&STANDARD.decode(blob.as_str().unwrap()).unwrap()).unwrap());
    let challenged = register("").await;
    let challenge = challenged.json();
    let members: Vec<&str> = challenge.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((challenged.status, members), (401, vec!["authenticationKey", "keyName", "message"]));
    assert_eq!(challenge["keyName"], "registration");

    let token = registration_token("dev-01", &key_in(&challenge["authenticationKey"]));
    let registered = register(&token).await;
    let state = &registered.json()["registrationState"];
    assert_eq!((registered.status, &state["status"]), (202, &json!("assigned")));
    let hub_key = key_in(&state["tpm"]["authenticationKey"]);
    let id = registered.json()["operationId"].as_str().unwrap().to_owned();
    let line = format!("GET /{SCOPE}/registrations/dev-01/operations/{id}?api-version=2019-03-31");
    let polled = world.send(&line, &[("Authorization", &token)], "{}").await.ok();
    assert_eq!(key_in(&polled["registrationState"]["tpm"]["authenticationKey"]), hub_key);
    // Back ends see the registration, and no key of it.
    let seen = world.ask("GET /registrations/dev-01", json!(null)).await;
    assert_eq!((seen.ok()["status"].clone(), seen.text().contains("authenticationKey")), (json!("assigned"), false));
    assert_eq!(
        register(&registration_token("dev-01", &hub_key)).await.dps_refusal().0,
        401_002,
        "that key is the hub's"
    );
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    let own = token("dev-01");
    let expired = sign(&format!("{SCOPE}/registrations/dev-01"), &key(3), NOW_S - 301, None);
    let register = |scope: &str, id: &str| format!("PUT /{scope}/registrations/{id}/register");
    let tpm = r#"{"registrationId":"dev-01","tpm":{"endorsementKey":"e","storageRootKey":"s"}}"#;
    let stranger = token("dev-02");
    for (line, token, body, code, text) in [
        (register(SCOPE, "dev-01"), "", "{}", 401_000, "Unauthorized: "),
        (register(SCOPE, "dev-01"), &*expired, "{}", 401_002, "Unauthorized: the token expired"),
        (register(SCOPE, "dev-01"), &stranger, "{}", 401_002, "Unauthorized: "),
        (register(SCOPE, "dev-02"), &stranger, "{}", 401_002, "Unauthorized: there is no individual enrollment"),
        (register("0ne00000000", "dev-01"), &own, "{}", 401_002, "Unauthorized: no DPS instance has the ID scope"),
        (register("nonsense", "dev-01"), &own, "{}", 401_002, "Unauthorized: no DPS instance has the ID scope"),
        (register(SCOPE, "dev_"), &own, "{}", 400_004, "registrationId: "),
        (register(SCOPE, "dev-01"), &own, "{", 400_004, "body: "),
        (register(SCOPE, "dev-01"), &own, "[]", 400_004, "body: "),
        (register(SCOPE, "dev-01"), &own, r#"{"registrationId":"dev-02"}"#, 400_004, "registrationId: `dev-02` is not"),
        (register(SCOPE, "dev-01"), "", tpm, 400_004, "tpm: enrollment `dev-01` is not one by TPM"),
        (register(SCOPE, "dev-02"), "", &tpm.replace("dev-01", "dev-02"), 404_201, "there is no enrollment `dev-02`"),
        (format!("GET /{SCOPE}/registrations/dev-01/operations/5.1.a"), &own, "", 404_202, "there is no operation"),
        (format!("GET /{SCOPE}/registrations/dev-01/operations/5.1.a"), "", "", 401_000, "Unauthorized: "),
        (format!("POST /{SCOPE}/registrations/dev-01"), &own, "{}", 404_202, "there is no registration of `dev-01`"),
        (format!("POST /{SCOPE}/registrations/dev-01"), "", "{}", 401_000, "Unauthorized: "),
        (format!("POST /{SCOPE}/registrations/dev-01"), &own, "{", 400_004, "body: "),
    ] {
        let answer = world.send(&line, &[("Authorization", token)], body).await;
        let (found, message) = answer.dps_refusal();
        assert_eq!((found, message.starts_with(text)), (code, true), "{line} {body}: {found} {message}");
        assert_eq!(answer.json()["timestampUtc"], "2027-01-15T08:00:00.0000000Z");
    }
}

#[tokio::test]
async fn old_firmware_stays_where_it_is() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    let substatus = async |version: &str| {
        let line = format!("PUT /{SCOPE}/registrations/dev-01/register?api-version={version}");
        let answer = world.send(&line, &[("Authorization", &token("dev-01"))], "").await;
        answer.json()["registrationState"]["substatus"].clone()
    };
    assert_eq!(substatus("2018-04-01").await, Value::from("initialAssignment"));
    // The device comes again without a change: nothing is written, whatever the version.
    let before = world.records.commits();
    assert_eq!(substatus("2018-04-01").await, Value::from("initialAssignment"));
    substatus("2019-03-31").await;
    assert_eq!(world.records.commits(), before);
}
