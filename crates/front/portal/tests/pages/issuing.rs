//! CAs that the server holds.

use crate::world::{KEY, World, issued, reader};
use serde_json::{Value, json};

const HELD: &str = "/portal/dps/g/d/certificates/held";

fn answer() -> Value {
    let mut answer = issued();
    answer["commonName"] = "thermo:7".into();
    answer["certificate"] = "CERTIFICATE\n".into();
    answer["chain"] = "CHAIN\n".into();
    answer["privateKey"] = format!("{KEY}\n").into();
    answer
}

#[tokio::test]
async fn a_key_is_in_the_file_that_a_button_gives_and_nowhere_else() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    world.api.answers.lock().push(("/held/issue", 200, answer()));
    let page = world.get(&cookie, HELD).await;
    assert!(page.text.contains("Issue and download") && page.text.contains("within 30 days"), "{}", page.text);
    let file = world.post(&cookie, HELD, &format!("do=issue&id=thermo%3A7&days=30&csrf={token}")).await;
    assert_eq!((file.status.as_u16(), file.text), (200, format!("{KEY}\nCHAIN\n")));
    for (header, value) in [
        ("content-disposition", "attachment; filename=\"thermo_7.pem\""),
        ("content-type", "application/x-pem-file"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(file.headers[header], value, "{header}");
    }
    let asked = world.api.asked.lock().iter().rev().find(|(_, path, ..)| path.ends_with("/issue")).cloned().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&asked.3).unwrap(), json!({"commonName": "thermo:7", "days": 30}));
    assert!(!world.get(&cookie, HELD).await.text.contains(KEY));
    for form in ["do=issue", "do=issue&id=x&days=many"] {
        let before = world.api.asked.lock().iter().filter(|(_, path, ..)| path.ends_with("/issue")).count();
        let refused = world.post(&cookie, HELD, &format!("{form}&csrf={token}")).await;
        assert_eq!(refused.status, 400, "{form}");
        let after = world.api.asked.lock().iter().filter(|(_, path, ..)| path.ends_with("/issue")).count();
        assert_eq!(before, after, "{form}");
    }
}

#[tokio::test]
async fn a_reader_sees_what_was_issued_and_no_button() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.roles.lock() = reader();
    world.api.answers.lock().push(("/held/issue", 200, answer()));
    let page = world.get(&cookie, HELD).await;
    assert!(page.text.contains("within 30 days") && !page.text.contains("download"), "{}", page.text);
    for (path, form) in [
        (HELD, "do=issue&id=x"),
        ("/portal/dps/g/d/certificates", "do=make&certificate=ca"),
        ("/portal/dps/g/d/connect/x", "do=issue&id=x&ca=held"),
        ("/portal/connect", "by=here&id=x&dps=g%2Fd"),
    ] {
        let refused = world.post(&cookie, path, &format!("{form}&csrf={token}")).await;
        assert!(refused.status == 403 && !refused.text.contains(KEY), "{path}: {}", refused.status);
    }
    assert!(!world.api.asked.lock().iter().any(|(_, path, ..)| path.ends_with("/issue") || path.ends_with("/create")));
}

#[tokio::test]
async fn the_walk_uses_a_held_ca_and_its_group() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let instance = json!({"name": "d", "properties": {"serviceOperationsHostName": "d.localhost", "iotHubs": [{"name": "h.localhost"}]}});
    let instances = json!({"value": [{"id": "/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d", "name": "d"}]});
    let held = |name: &str, year: u16| {
        json!({"name": name, "properties": {"expiry": format!("Sat, 21 Nov {year} 21:09:03 GMT"),
        "roadstead": {"holdsKey": true}}})
    };
    let group = |ca: &str| json!({"enrollmentGroupId": "held", "attestation": {"type": "x509", "x509": {"caReferences": {"primary": ca}}}});
    let here = "/portal/dps/g/d/connect/thermo-7?ca=held";
    for (cas, found, location) in [
        (json!([held("over", 2025), held("held", 2027)]), (200, group("held")), here),
        (json!([held("held", 2027)]), (404, json!({})), here),
        (json!([]), (404, json!({})), "/portal/dps/g/d/connect/thermo-7?ca=devices"),
        (json!([held("held", 2027)]), (200, group("another")), ""),
    ] {
        *world.api.answers.lock() = vec![
            ("/provisioningServices", 200, instances.clone()),
            ("/d", 200, instance.clone()),
            ("/certificates", 200, json!({"value": cas})),
            ("/devices/create", 200, json!({"name": "devices"})),
            ("/enrollments/thermo-7", 404, json!({})),
        ];
        *world.api.once.lock() =
            vec![("/enrollmentGroups/held", found.0, found.1.clone()), ("/enrollmentGroups/devices", 404, json!({}))];
        let answer =
            world.post(&cookie, "/portal/connect", &format!("dps=g%2Fd&by=here&id=thermo-7&csrf={token}")).await;
        assert_eq!(answer.header("location"), location, "{}", answer.text);
        assert_eq!(answer.text.contains("does not name the CA"), location.is_empty());
    }
    world.api.answers.lock().insert(0, ("/issued", 200, json!({"value": []})));
    let page = world.get(&cookie, here).await;
    assert!(page.text.contains("Waiting: download it below."), "{}", page.text);
    assert!(page.text.contains("data-from=\"/portal/dps/g/d/connect/thermo-7?ca=held\""), "{}", page.text);
    assert!(page.text.contains("key_file=\"thermo-7.pem\""), "one file holds both: {}", page.text);
}

#[tokio::test]
async fn the_calendar_has_whatever_enrollments_and_groups_hold() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let certificate = |end: &str| json!({"info": {"notAfterUtc": format!("{end}T00:00:00Z")}});
    let one = json!({"registrationId": "thermo-7", "attestation": {"type": "x509", "x509": {"clientCertificates":
        {"primary": certificate("2027-01-01"), "secondary": certificate("2027-02-01")}}}});
    let group = json!({"enrollmentGroupId": "fleet", "attestation": {"type": "x509", "x509": {"signingCertificates":
        {"primary": certificate("2027-03-01")}}}});
    *world.api.answers.lock() =
        vec![("/enrollments/query", 200, json!([one])), ("/enrollmentGroups/query", 200, json!([group]))];
    let page = world.get(&cookie, "/portal/certificates").await.text;
    for (end, here) in [
        ("2027-01-01 00:00:00 UTC", "/portal/dps/g/d/enrollments/of/thermo-7"),
        ("2027-02-01 00:00:00 UTC", "/portal/dps/g/d/enrollments/of/thermo-7"),
        ("2027-03-01 00:00:00 UTC", "/portal/dps/g/d/groups/of/fleet"),
    ] {
        let row = page.split("<tr>").find(|row| row.contains(end)).unwrap_or_else(|| panic!("no {end} in {page}"));
        assert!(row.contains(&format!("href=\"{here}\"")), "{row}");
    }
    assert!(page.contains("ended in the last 90 days"), "{page}");
}
