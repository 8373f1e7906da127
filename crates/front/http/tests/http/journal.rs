//! Every refusal of a device is one entry of the journal, with the code and the words of the answer; and who may read it.

use roadstead_model::Right;
use roadstead_sas::{SasKey, derive_device_key, sign};
use serde_json::{Value, json};

use crate::world::{HOST, NOW_S, SCOPE, World, base64, device_token, key, policy_token, registration_token};

/// The entries of one id.
async fn entries(world: &World, path: &str) -> Vec<Value> {
    match world.ask(&format!("GET {path}?api-version=2021-04-12"), json!(null)).await.ok() {
        Value::Array(entries) => entries,
        other => panic!("{other}"),
    }
}

fn token(resource: &str, key: &SasKey, expiry_s: i64) -> String {
    sign(resource, key, expiry_s, None)
}

async fn disable(world: &World, id: &str) {
    let body = json!({"deviceId": id, "status": "disabled"});
    world.ask_with(&format!("PUT /devices/{id}"), &[("If-Match", "*")], body).await.ok();
}

#[tokio::test]
async fn every_refusal_of_a_hub_is_one_entry() {
    let world = World::new().await;
    world.device("dev1").await;
    world.device("off").await;
    disable(&world, "off").await;
    let own = format!("{HOST}/devices/dev1");
    let later = NOW_S + 3600;
    let large = vec![b'x'; 300 * 1024];
    let cases: [(&str, &str, &str, String, &[u8]); 11] = [
        ("unknownDevice", "nobody", "nobody/messages/events", device_token("nobody", &key(1)), b"x"),
        ("unknownModule", "dev1/cam", "dev1/modules/cam/messages/events", device_token("dev1", &key(1)), b"x"),
        ("wrongKey", "dev1", "dev1/messages/events", device_token("dev1", &key(9)), b"x"),
        ("noCredentials", "dev1", "dev1/messages/events", String::new(), b"x"),
        ("badToken", "dev1", "dev1/messages/events", "SharedAccessSignature sr=a&sig=c2VjcmV0".to_owned(), b"x"),
        ("tokenExpired", "dev1", "dev1/messages/events", token(&own, &key(1), NOW_S - 3600), b"x"),
        ("wrongAudience", "dev1", "dev1/messages/events", token("other.example/devices/dev1", &key(1), later), b"x"),
        ("wrongPolicy", "dev1", "dev1/messages/events", policy_token("RegistryRead"), b"x"),
        ("deviceDisabled", "off", "off/messages/events", device_token("off", &key(1)), b"x"),
        ("tooLarge", "dev1", "dev1/messages/events", device_token("dev1", &key(1)), &large),
        ("badRequest", "dev1", "dev1/files/notifications", device_token("dev1", &key(1)), b"{"),
    ];
    for (cause, id, path, token, body) in cases {
        let answer = world.send(&format!("POST /devices/{path}"), &[("Authorization", &token)], body).await;
        let (status, _, text) = answer.hub_refusal();
        let timeline = match id.split_once('/') {
            Some((device, module)) => format!("/devices/{device}/modules/{module}/timeline"),
            None => format!("/devices/{id}/timeline"),
        };
        let all = entries(&world, &timeline).await;
        let found: Vec<&Value> = all.iter().filter(|entry| entry["cause"] == cause).collect();
        let [entry] = &found[..] else { panic!("{cause}: {all:?}") };
        assert_eq!((&entry["event"], &entry["message"]), (&json!("refused"), &json!(text)), "{cause}");
        assert!(entry["code"].as_str().unwrap().starts_with(&status.to_string()), "{cause}: {entry}");
        assert_eq!(
            (&entry["protocol"], &entry["address"], &entry["target"], &entry["count"]),
            (&json!("https"), &json!("192.0.2.7"), &json!(HOST), &json!(1)),
            "{cause}"
        );
        assert!(!entry["mend"]["text"].as_str().unwrap().is_empty());
        assert!(!entry.to_string().contains("c2VjcmV0"), "{entry}");
    }
    let all = entries(&world, "/refusals/devices").await;
    assert_eq!(all.len(), 11, "each is there once");
    let endless = vec![b'x'; 600 * 1024];
    let answer = world.send("POST /devices/vast/messages/events", &[], endless).await;
    let (_, _, text) = answer.hub_refusal();
    let [entry] = &entries(&world, "/devices/vast/timeline").await[..] else { panic!() };
    assert_eq!((&entry["cause"], &entry["message"]), (&json!("tooLarge"), &json!(text)), "not even read");
    let command = &entries(&world, "/devices/off/timeline").await[0]["mend"]["command"];
    let expected = "roadstead iot hub device-identity update --hub-name plant --device-id off --status enabled";
    assert_eq!(command, &json!(expected));
}

#[tokio::test]
async fn a_file_that_a_device_may_not_put_is_one_entry() {
    let world = World::new().await;
    world.device("dev1").await;
    let token = device_token("dev1", &key(1));
    let asked = json!({"blobName": "a.txt"}).to_string();
    let place = world.send("POST /devices/dev1/files", &[("Authorization", &token)], asked).await.ok();
    let sas = place["sasToken"].as_str().unwrap();
    let blob = [("x-ms-blob-type", "BlockBlob")];
    let md5 = [blob[0], ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    let put = async |path: &str, headers: &[(&str, &str)]| world.send(&format!("PUT {path}"), headers, "hello").await;
    let signed = format!("/uploads/dev1/a.txt{sas}");
    for (cause, path, headers) in [
        ("badRequest", "/uploads/dev1/a.txt".to_owned(), &blob[..]),
        ("badRequest", format!("/uploads/dev1/b.txt{sas}"), &blob[..]),
        ("badRequest", signed.clone(), &md5[..]),
    ] {
        world.clock.advance_ms(1);
        let answer = put(&path, headers).await;
        assert!(answer.status >= 400, "{path}");
        let found = entries(&world, "/devices/dev1/timeline").await;
        let code = format!("{} {}", answer.status, answer.header("x-ms-error-code").unwrap());
        assert_eq!((&found[0]["cause"], &found[0]["code"]), (&json!(cause), &json!(code)), "{path}: {found:?}");
        assert!(answer.text().contains(found[0]["message"].as_str().unwrap()), "{found:?}");
        assert!(!found[0].to_string().contains("sig="), "{found:?}");
    }
    disable(&world, "dev1").await;
    world.clock.advance_ms(1);
    assert_eq!(put(&signed, &blob).await.status, 403);
    let found = entries(&world, "/devices/dev1/timeline").await;
    assert_eq!(found[0]["cause"], "deviceDisabled", "{found:?}");
    let before = entries(&world, "/refusals/devices").await;
    assert_eq!(world.send("GET /uploads/dev1/a.txt", &[], "").await.status, 403);
    assert_eq!(entries(&world, "/refusals/devices").await, before, "who fetches is no device");
}

#[tokio::test]
async fn every_refusal_of_dps_is_one_entry() {
    let world = World::new().await;
    world.enroll("dev-01", json!({})).await;
    world.enroll("dev-off", json!({"provisioningStatus": "disabled"})).await;
    let own = |id: &str| format!("{SCOPE}/registrations/{id}");
    let with = |key: &SasKey, expiry_s| sign(&own("dev-01"), key, expiry_s, Some("registration"));
    for (cause, id, token) in [
        ("notEnrolled", "nobody", registration_token("nobody", &key(3))),
        ("wrongKey", "dev-01", registration_token("dev-01", &key(9))),
        ("tokenExpired", "dev-01", with(&key(3), NOW_S - 3600)),
        ("wrongAudience", "dev-01", registration_token("dev-02", &key(3))),
        ("wrongPolicy", "dev-01", sign(&own("dev-01"), &key(3), NOW_S + 3600, Some("other"))),
        ("noCredentials", "dev-01", String::new()),
    ] {
        let line = format!("PUT /{SCOPE}/registrations/{id}/register");
        let answer = world.send(&line, &[("Authorization", &token)], "{}").await;
        let (code, text) = answer.dps_refusal();
        let all = entries(&world, &format!("/registrations/{}/timeline", id.to_uppercase())).await;
        let found: Vec<&Value> = all.iter().filter(|entry| entry["cause"] == cause).collect();
        let [entry] = &found[..] else { panic!("{cause}: {all:?}") };
        let told = (&entry["code"], &entry["message"], &entry["target"]);
        assert_eq!(told, (&json!(code.to_string()), &json!(text), &json!(SCOPE)), "{cause}");
    }
    let token = registration_token("dev-off", &key(3));
    let line = format!("PUT /{SCOPE}/registrations/dev-off/register");
    let told = world.send(&line, &[("Authorization", &token)], "{}").await;
    assert_eq!((told.status, &told.json()["status"]), (202, &json!("disabled")));
    let [entry] = &entries(&world, "/registrations/dev-off/timeline").await[..] else { panic!() };
    assert_eq!((&entry["cause"], &entry["code"]), (&json!("enrollmentDisabled"), &json!("403001")));
    assert_eq!(entry["message"], told.json()["registrationState"]["errorMessage"]);
    // An ID scope that nobody has: every instance tells of it.
    let line = "PUT /0ne00FFFFFF/registrations/lost/register";
    assert_eq!(world.send(line, &[], "{}").await.dps_refusal().0, 401_002);
    let [entry] = &entries(&world, "/refusals/registrations").await[..1] else { panic!() };
    let told = (&entry["cause"], &entry["id"], &entry["target"]);
    assert_eq!(told, (&json!("unknownIdScope"), &json!("lost"), &json!("0ne00FFFFFF")));
    let line = format!("PUT /{SCOPE}/registrations/vast/register");
    let (code, text) = world.send(&line, &[], vec![b'x'; 97 * 1024]).await.dps_refusal();
    let [entry] = &entries(&world, "/registrations/vast/timeline").await[..] else { panic!() };
    let told = (&entry["cause"], &entry["code"], &entry["message"]);
    assert_eq!(told, (&json!("tooLarge"), &json!(code.to_string()), &json!(text)), "not even read");
    let registered = world.register("dev-01").await;
    assert_eq!(registered.status, 202);
    let last = entries(&world, "/registrations/dev-01/timeline").await.remove(0);
    assert_eq!(
        (&last["event"], &last["hub"], &last["enrollment"]),
        (&json!("registered"), &json!(HOST), &json!("dev-01"))
    );
}

#[tokio::test]
async fn every_back_end_that_is_not_let_in_is_one_entry() {
    let world = World::new().await;
    let signed = |key: &SasKey, expiry_s, policy| sign(HOST, key, expiry_s, Some(policy));
    let later = NOW_S + 600;
    for (cause, id, token) in [
        ("noCredentials", None, String::new()),
        ("badToken", None, "SharedAccessSignature sr=a&sig=c2VjcmV0".to_owned()),
        ("wrongPolicy", Some("policy/gone"), signed(&key(9), later, "gone")),
        ("wrongPolicy", Some("policy/DeviceConnect"), policy_token("DeviceConnect")),
        ("wrongKey", Some("policy/owner"), signed(&key(8), later, "owner")),
        ("tokenExpired", Some("policy/owner"), signed(&key(9), NOW_S - 3600, "owner")),
        ("wrongAudience", Some("policy/owner"), sign("other.example", &key(9), later, Some("owner"))),
        ("wrongPolicy", Some("principal/nobody"), "Bearer nobody".to_owned()),
        ("wrongPolicy", None, "Bearer late".to_owned()),
    ] {
        for (ask, list, kind) in [
            ("GET /devices/dev1", "/refusals/services", "hub"),
            ("GET /devices/dev1/modules", "/refusals/services", "hub"),
            ("GET /enrollments/dev-01", "/refusals/dpsServices", "dps"),
        ] {
            world.clock.advance_ms(1);
            let answer = world.send(ask, &[("Authorization", &token)], "").await;
            let text = if kind == "hub" { answer.hub_refusal().2 } else { answer.dps_refusal().1 };
            let found = entries(&world, list).await.remove(0);
            assert_eq!((&found["event"], &found["cause"]), (&json!("refused"), &json!(cause)), "{ask} {token}");
            assert_eq!(
                (found.get("id").and_then(Value::as_str), found["message"].as_str()),
                (id, Some(&*text)),
                "{ask}"
            );
            assert!(found["code"].as_str().unwrap().starts_with(&answer.status.to_string()), "{found}");
            assert_eq!((&found["address"], &found["target"]), (&json!("192.0.2.7"), &json!(HOST)));
            assert!(!found.to_string().contains("c2VjcmV0"), "{found}");
            if let Some(command) = found["mend"]["command"].as_str() {
                assert!(
                    command.starts_with("roadstead role ") || command.contains(&format!(" iot {kind} ")),
                    "{command}"
                );
            }
        }
    }
    let found = async |query: &str| world.ask(&format!("GET /refusals/services?{query}"), json!(null)).await.ok();
    let told = found("idPrefix=POLICY/o&cause=wrongKey").await;
    let [one] = &told.as_array().unwrap()[..] else { panic!("{told}") };
    let command = "roadstead iot hub connection-string show --hub-name plant --policy-name owner";
    assert_eq!((&one["mend"]["command"], &one["count"]), (&json!(command), &json!(2)));
    for list in ["/refusals/devices", "/refusals/registrations"] {
        assert_eq!(entries(&world, list).await, Vec::<Value>::new(), "{list}: they are no devices");
    }
    // One that is let in, and asks for what is not there.
    world.ask("GET /devices/nobody", json!(null)).await.hub_refusal();
    assert_eq!(found("cause=unknownDevice").await, json!([]));
}

#[tokio::test]
async fn what_back_ends_do_is_in_the_timeline() {
    let world = World::new().await;
    world.device("dev1").await;
    disable(&world, "dev1").await;
    let keys = json!({"primaryKey": base64(7), "secondaryKey": base64(8)});
    let auth = json!({"type": "sas", "symmetricKey": keys});
    let body = json!({"deviceId": "dev1", "status": "enabled", "authentication": auth});
    world.ask_with("PUT /devices/dev1", &[("If-Match", "*")], body).await.ok();
    let twin = world.ask("PATCH /twins/dev1", json!({"tags": {"site": "a"}})).await.ok();
    assert_eq!(world.ask_with("DELETE /devices/dev1", &[("If-Match", "*")], json!(null)).await.status, 204);
    let found = entries(&world, "/devices/dev1/timeline").await;
    let events: Vec<&str> = found.iter().rev().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["created", "disabled", "enabled", "credentialsChanged", "twinUpdated", "deleted"]);
    assert_eq!(found[1]["version"], twin["version"]);
    assert_eq!(entries(&world, "/devices/DEV1/timeline").await, Vec::<Value>::new());
}

#[tokio::test]
async fn pages_and_filters() {
    let world = World::new().await;
    for id in ["a1", "a2", "b1"] {
        let line = format!("POST /devices/{id}/messages/events");
        world.send(&line, &[("Authorization", &device_token(id, &key(1)))], "x").await.hub_refusal();
        world.clock.advance_ms(1000);
    }
    let ids = |found: &Value| -> Vec<String> {
        found.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    let two = [("x-ms-max-item-count", "2")];
    let first = world.ask_with("GET /refusals/devices?api-version=2021-04-12", &two, json!(null)).await;
    assert_eq!(ids(&first.ok()), ["b1", "a2"]);
    let next = [two[0], ("x-ms-continuation", first.header("x-ms-continuation").unwrap())];
    let last = world.ask_with("GET /refusals/devices", &next, json!(null)).await;
    assert_eq!((ids(&last.ok()), last.header("x-ms-continuation")), (vec!["a1".to_owned()], None));
    let since = roadstead_model::UnixMillis((NOW_S + 1) * 1000).iso();
    for (query, expected) in [
        ("idPrefix=a", vec!["a2", "a1"]),
        ("idPrefix=a&cause=unknownDevice&address=192.0.2.7", vec!["a2", "a1"]),
        ("cause=wrongKey", vec![]),
        ("lastOf=a1&lastOf=none&lastOf=b1", vec!["b1", "a1"]),
        ("lastOf=", vec!["b1", "a2", "a1"]),
        ("address=2001:db8::1", vec![]),
        (&*format!("since={since}"), vec!["b1", "a2"]),
    ] {
        let found = world.ask(&format!("GET /refusals/devices?{query}"), json!(null)).await;
        assert_eq!(ids(&found.ok()), expected, "{query}");
    }
    let many = "lastOf=a&".repeat(51);
    for query in ["cause=x", "address=here", "since=yesterday", "lastOf=a&idPrefix=a", &many] {
        let refused = world.ask(&format!("GET /refusals/devices?{query}"), json!(null)).await;
        assert_eq!(refused.hub_refusal().0, 400, "{query}");
        let refused = world.ask(&format!("GET /refusals/registrations?{query}"), json!(null)).await;
        assert_eq!(refused.dps_refusal().0, 400_004, "{query}");
    }
    let foreign = [("x-ms-continuation", "x")];
    assert_eq!(world.ask_with("GET /devices/a1/timeline", &foreign, json!(null)).await.hub_refusal().0, 400);
    assert_eq!(world.ask_with("GET /registrations/a1/timeline", &foreign, json!(null)).await.dps_refusal().0, 400_004);
}

#[tokio::test]
async fn who_may_read_identities_or_registrations_may_read_what_happened_to_them() {
    let world = World::new().await;
    for (line, enough, too_little) in [
        ("GET /devices/dev1/timeline", Right::RegistryRead, Right::ServiceConnect),
        ("GET /devices/dev1/modules/cam/timeline", Right::RegistryRead, Right::DeviceConnect),
        ("GET /refusals/devices", Right::RegistryRead, Right::DeviceConnect),
        ("GET /registrations/dev-01/timeline", Right::RegistrationStatusRead, Right::EnrollmentWrite),
        ("GET /refusals/registrations", Right::RegistrationStatusRead, Right::EnrollmentRead),
    ] {
        assert_eq!(world.ask_as(enough, line, json!(null)).await.text(), "[]", "{line}");
        assert_eq!(world.ask_as(too_little, line, json!(null)).await.status, 401, "{line}");
    }
    for (line, enough, too_little) in [
        ("GET /refusals/services", Right::RegistryRead, Right::ServiceConnect),
        ("GET /refusals/dpsServices", Right::RegistrationStatusRead, Right::EnrollmentRead),
    ] {
        assert_eq!(world.ask_as(too_little, line, json!(null)).await.status, 401, "{line}");
        let told = world.ask_as(enough, line, json!(null)).await.ok();
        assert_eq!(told[0]["id"], format!("policy/{}", too_little.as_str()), "{line}: {told}");
    }
}

#[tokio::test]
async fn a_device_of_a_group_tells_which() {
    let world = World::new().await;
    let keys = json!({"primaryKey": base64(5), "secondaryKey": base64(6)});
    let group = json!({"enrollmentGroupId": "fleet-a", "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
    world.ask("PUT /enrollmentGroups/fleet-a", group).await.ok();
    let token = registration_token("dev-1", &derive_device_key(&key(5), "dev-1"));
    let line = format!("PUT /{SCOPE}/registrations/dev-1/register");
    assert_eq!(world.send(&line, &[("Authorization", &token)], "").await.status, 202);
    let [entry] = &entries(&world, "/registrations/dev-1/timeline").await[..] else { panic!() };
    assert_eq!((&entry["enrollmentGroup"], entry.get("enrollment")), (&json!("fleet-a"), None));
}
