//! CAs that the server holds.

use crate::world::{KEY, World, issued, reader};
use serde_json::{Value, json};

const LONG: &str = "12345678901234567890123456789012345678901234567890123456789012345";
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

fn held(name: &str, year: u16) -> Value {
    json!({"name": name, "properties": {"expiry": format!("Sat, 21 Nov {year} 21:09:03 GMT"), "roadstead": {"holdsKey": true}}})
}

fn group(id: &str, ca: &str, status: &str) -> Value {
    json!({"enrollmentGroupId": id, "provisioningStatus": status,
        "attestation": {"type": "x509", "x509": {"caReferences": {"primary": ca}}}})
}

/// One instance with a hub, with these CAs and enrollment groups.
fn instance(cas: &Value, groups: &Value) -> Vec<(&'static str, u16, Value)> {
    let instance = json!({"name": "d", "properties": {"serviceOperationsHostName": "d.localhost", "iotHubs": [{"name": "h.localhost"}]}});
    let instances = json!({"value": [{"id": "/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d", "name": "d"}]});
    vec![
        ("/provisioningServices", 200, instances),
        ("/d", 200, instance),
        ("/certificates", 200, json!({ "value": cas })),
        ("/enrollmentGroups/query", 200, groups.clone()),
        ("/devices/create", 200, json!({"name": "devices"})),
        ("/enrollments/thermo-7", 404, json!({})),
        ("/issued", 200, json!({"value": []})),
    ]
}

/// What was made: the last words of paths.
fn made(world: &World) -> Vec<String> {
    let asked = world.api.asked.lock();
    let made = asked.iter().filter(|(method, path, ..)| method == "PUT" || path.ends_with("/create"));
    made.map(|(_, path, ..)| path.rsplit('/').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn the_walk_uses_the_group_that_it_names() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    for (cas, groups, said, chosen, at, puts) in [
        // Whatever the group is called.
        (
            json!([held("over", 2025), held("plant", 2027)]),
            json!([group("fleet", "plant", "enabled")]),
            "by the enrollment group <b>fleet</b>",
            "fleet",
            "?ca=plant&group=fleet",
            &[][..],
        ),
        // A CA that no group names is opened to nobody.
        (
            json!([held("plant", 2027)]),
            json!([]),
            "lets every device register",
            "devices",
            "?ca=devices&group=devices",
            &["create devices", "devices enrollmentGroups"],
        ),
        (
            json!([held("devices", 2027)]),
            json!([]),
            "<b>devices</b> is used",
            "",
            "?ca=devices&group=devices",
            &["devices enrollmentGroups"],
        ),
        (
            json!([held("a", 2027), held("b", 2027)]),
            json!([group("one", "a", "enabled"), group("two", "b", "enabled")]),
            "<option value=\"two\">two, with a certificate of the CA b</option>",
            "two",
            "?ca=b&group=two",
            &[],
        ),
    ] {
        *world.api.answers.lock() = instance(&cas, &groups);
        world.api.answers.lock().push(("/enrollmentGroups/devices", 200, json!({})));
        world.api.asked.lock().clear();
        let form = world.get(&cookie, "/portal/connect").await.text;
        assert!(form.contains(said), "{said}: {form}");
        let sent = format!("dps=g%2Fd&by=here&id=thermo-7&group%3Ag%2Fd={chosen}&csrf={token}");
        let answer = world.post(&cookie, "/portal/connect", &sent).await;
        assert_eq!(answer.header("location"), format!("/portal/dps/g/d/connect/thermo-7{at}"), "{}", answer.text);
        assert_eq!(made(&world), puts, "{said}");
    }
    let page = world.get(&cookie, "/portal/dps/g/d/connect/thermo-7?ca=held&group=fleet").await;
    assert!(page.text.contains("Waiting: download it below."), "{}", page.text);
    assert!(page.text.contains("href=\"/portal/dps/g/d/groups/of/fleet\""), "{}", page.text);
    let from = "data-from=\"/portal/dps/g/d/connect/thermo-7?ca=held&#38;group=fleet\"";
    assert!(page.text.contains(from), "{}", page.text);
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

#[tokio::test]
async fn the_walk_makes_nothing_that_would_be_refused() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let uploaded = json!({"name": "devices", "properties": {"expiry": "Sat, 21 Nov 2027 21:09:03 GMT"}});
    let open = [held("a", 2027), held("b", 2027)];
    let groups = [group("one", "a", "enabled"), group("two", "b", "enabled")];
    for (cas, groups, id, chosen, words, link) in [
        (json!([uploaded]), json!([]), "x", "", "The CA devices was uploaded", "/certificates"),
        (json!([held("devices", 2025)]), json!([]), "x", "", "The CA devices has ended", "/certificates/devices"),
        (
            json!([held("devices", 2027)]),
            json!([group("fleet", "devices", "disabled")]),
            "x",
            "",
            "The enrollment group fleet is disabled",
            "/groups/of/fleet",
        ),
        (
            json!([]),
            json!([group("devices", "plant", "enabled")]),
            "x",
            "",
            "does not name the CA",
            "/groups/of/devices",
        ),
        (json!(open), json!(groups), "x", "", "Choose the enrollment group of d", ""),
        (json!(open), json!(groups), "x", "devices", "cannot take the device any more", ""),
        (json!(open), json!(groups), "thermo_", "one", "the last one a letter, a digit or -.", ""),
        (json!(open), json!(groups), "", "one", "Registration id is empty.", ""),
        (json!(open), json!(groups), LONG, "one", "64 characters at most; this one has 65", ""),
    ] {
        *world.api.answers.lock() = instance(&cas, &groups);
        world.api.answers.lock().push(("/enrollments/x", 404, json!({})));
        let sent = format!("dps=g%2Fd&by=here&id={id}&group%3Ag%2Fd={chosen}&csrf={token}");
        let answer = world.post(&cookie, "/portal/connect", &sent).await;
        assert!(answer.status == 400 && answer.text.contains(words), "{words}: {}", answer.text);
        assert!(link.is_empty() || answer.text.contains(&format!("href=\"/portal/dps/g/d{link}\"")), "{}", answer.text);
        assert!(answer.text.contains(&format!("name=\"id\" value=\"{id}\"")), "what was typed stays: {}", answer.text);
    }
    assert!(made(&world).is_empty());
}

/// More than two pages of certificates end within one second: each is on one page, in the order in which the API has them.
#[tokio::test]
async fn the_calendar_shows_each_certificate_once_where_many_end_at_once() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let ending = |name: String, end: &str| {
        let mut issued = issued();
        issued["commonName"] = name.into();
        issued["notAfter"] = end.into();
        issued
    };
    let mut all = vec![ending("sooner".to_owned(), "2026-12-01T20:02:50.0000000Z")];
    // Not the order of names.
    let many = (0..120).map(|number| ending(format!("dev-{}", (number * 7) % 120), "2027-01-01T00:00:00.2500000Z"));
    all.extend(many);
    all.push(ending("later".to_owned(), "2027-01-01T00:00:00.5000000Z"));
    all.push(ending("last".to_owned(), "2027-01-01T00:00:01.0000000Z"));
    let expected: Vec<_> = all.iter().map(|issued| issued["commonName"].as_str().unwrap().to_owned()).collect();
    *world.api.answers.lock() = vec![
        ("/issuedCertificates", 200, json!({ "value": all })),
        ("/certificates", 200, json!({"value": []})),
        ("/enrollments/query", 200, json!([])),
    ];
    let (mut shown, mut at) = (Vec::new(), "/portal/certificates".to_owned());
    for items in [50, 50, 23] {
        let page = world.get(&cookie, &at).await.text;
        let rows = page.split("<th scope=\"row\">").skip(1);
        let names = rows.map(|row| row.split(['>', '<']).nth(2).unwrap().to_owned());
        let before = shown.len();
        shown.extend(names);
        assert_eq!(shown.len() - before, items, "{at}: {page}");
        let links = page.split("href=\"");
        at = links.filter_map(|link| link.split('"').next()).find(|link| link.contains("skip=")).unwrap_or("").into();
        at = at.replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!((shown, at.as_str()), (expected, ""), "in order, and nothing behind them");
}
