//! Forms that are refused come back with what was typed, and with why. They are sent as browsers do: with the page they come from.

use crate::world::{KEY, World};
use serde_json::{Value, json};

const HUB: &str = "/portal/hubs/g/h";
const DEVICE: &str = "/portal/hubs/g/h/devices/x";
const POLICIES: &str = "/portal/hubs/g/h/policies";

fn puts(world: &World) -> Vec<Value> {
    let asked = world.api.asked.lock();
    let puts = asked.iter().filter(|(method, ..)| method == "PUT");
    puts.map(|(.., body)| serde_json::from_str(body).unwrap()).collect()
}

fn refusal(code: &str, message: &str) -> Value {
    json!({"Message": format!("ErrorCode:{code};{message}")})
}

#[tokio::test]
async fn a_message_that_is_refused_stays() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let send = async |form: &str| world.submit(&cookie, DEVICE, &format!("do=send&{form}&csrf={token}")).await;
    let odd = send("body=open%20%3Cdoor%3E&properties=nonsense").await;
    assert_eq!(odd.status, 400);
    for words in
        ["`nonsense` is not of the form name=value.", ">open &#60;door&#62;</textarea>", ">nonsense</textarea>"]
    {
        assert!(odd.text.contains(words), "{words}: {}", odd.text);
    }
    let full = refusal("DeviceMaximumQueueDepthExceeded", "50 messages wait for device `x` already");
    world.api.answers.lock().push(("/messages/devicebound", 403, full));
    let full = send("body=open&properties=a%3Db").await;
    assert_eq!(full.status, 403);
    for words in
        ["wait for device `x` already (DeviceMaximumQueueDepthExceeded)<", ">open</textarea>", ">a=b</textarea>"]
    {
        assert!(full.text.contains(words), "{words}: {}", full.text);
    }
    assert!(!full.text.contains("give you a role"), "no role makes room: {}", full.text);
    world.api.answers.lock().clear();
    assert_eq!(send("body=open").await.header("location"), DEVICE);
}

#[tokio::test]
async fn thumbprints_that_are_refused_stay() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let device = json!({"deviceId": "x", "etag": "e1", "authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AA"}}});
    // Once for the change, once for the page.
    *world.api.once.lock() = vec![
        ("/devices/x", 200, device.clone()),
        ("/devices/x", 400, refusal("ArgumentInvalid", "primaryThumbprint has 2 digits")),
        ("/devices/x", 200, device),
    ];
    let page = world.submit(&cookie, DEVICE, &format!("do=thumbprints&primary=AB&secondary=CD&csrf={token}")).await;
    assert_eq!(page.status, 400);
    for words in ["primaryThumbprint has 2 digits", "name=\"primary\" value=\"AB\"", "name=\"secondary\" value=\"CD\""]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn what_was_pasted_for_a_certificate_stays() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let held = "/portal/dps/g/d/certificates/held";
    let refused = json!({"error": {"code": "InvalidCertificateRequest", "message": "it cannot be read"}});
    world.api.answers.lock().push(("/held/issue", 400, refused));
    for (form, words) in [
        ("pem=REQUEST&days=30", &["it cannot be read", ">REQUEST</textarea>", "value=\"30\""][..]),
        ("pem=REQUEST&days=many", &["Days are a whole number.", ">REQUEST</textarea>", "value=\"many\""]),
        ("id=thermo-7&days=30", &["it cannot be read", "value=\"thermo-7\"", "value=\"30\""]),
    ] {
        let page = world.submit(&cookie, held, &format!("do=issue&{form}&csrf={token}")).await;
        assert_eq!(page.status, 400, "{form}");
        for words in words {
            assert!(page.text.contains(words), "{form}: {words}: {}", page.text);
        }
        assert_eq!(page.text.matches("role=\"alert\"").count(), 1, "{form}: it is said of one form");
    }
    let refused = json!({"error": {"code": "CertificateVerificationFailed", "message": "another code"}});
    world.api.answers.lock().push(("/root/verify", 400, refused));
    let root = "/portal/hubs/g/h/certificates/root";
    let page = world.submit(&cookie, root, &format!("do=verify&pem=PROOF&csrf={token}")).await;
    assert!(page.status == 400 && page.text.contains("another code (CertificateVerificationFailed)"), "{}", page.text);
    assert!(page.text.contains(">PROOF</textarea>"), "{}", page.text);
    let list = "/portal/dps/g/d/certificates";
    let page = world.submit(&cookie, list, &format!("certificate=&pem=ROOT&csrf={token}")).await.text;
    assert!(page.contains(">ROOT</textarea>"), "{page}");
    let page = world.submit(&cookie, list, &format!("do=make&certificate=&days=77&csrf={token}")).await.text;
    assert!(page.contains("value=\"77\""), "{page}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_added_stays_and_hides_no_keys() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let send = async |form: &str| world.submit(&cookie, POLICIES, &format!("{form}&csrf={token}")).await;
    let taken = "do=add&policy=iothubowner&right-DeviceConnect=on";
    for (form, is_revealed) in [(taken.to_owned(), false), (format!("{taken}&shown=on"), true)] {
        let page = send(&form).await;
        assert_eq!(page.status, 400);
        for words in [
            "There is a policy iothubowner already",
            "name=\"policy\" value=\"iothubowner\"",
            "name=\"right-DeviceConnect\" value=\"on\" checked",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert_eq!(page.text.contains(KEY), is_revealed, "{form}");
    }
    let wrong = send("do=renew-primary&policy=iothubowner&name=other").await;
    assert!(wrong.status == 400 && wrong.text.contains("is not iothubowner"), "{}", wrong.text);
    assert!(wrong.text.contains(KEY), "they were shown already");
    assert!(puts(&world).is_empty());
}

#[tokio::test]
async fn rights_are_taken_away_by_the_name_only() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let rights = json!({"value": [{"keyName": "iothubowner", "primaryKey": KEY, "secondaryKey": KEY,
        "rights": "RegistryRead, RegistryWrite, ServiceConnect"}]});
    world.api.answers.lock().push(("IotHubs/h/listkeys", 200, rights));
    let send = async |form: &str| {
        let kept = "do=allow&policy=iothubowner&right-RegistryWrite=on";
        world.submit(&cookie, POLICIES, &format!("{kept}&{form}&csrf={token}")).await
    };
    let asked = send("").await;
    assert_eq!((asked.status.as_u16(), puts(&world).len()), (200, 0));
    for words in [
        "iothubowner loses ServiceConnect.",
        "The DPS instance d is linked by it.",
        "name=\"right-RegistryWrite\" value=\"on\">",
        "Take the rights away",
    ] {
        assert!(asked.text.contains(words), "{words}: {}", asked.text);
    }
    let wrong = send("name=iothubowne").await;
    assert_eq!((wrong.status.as_u16(), puts(&world).len()), (400, 0));
    assert_eq!(send("name=iothubowner").await.header("location"), POLICIES);
    let policies = puts(&world)[0]["properties"]["authorizationPolicies"].clone();
    assert_eq!(policies[0]["rights"], "RegistryWrite");
    // More of them need no name.
    assert_eq!(send("right-ServiceConnect=on&right-DeviceConnect=on").await.header("location"), POLICIES);
}

#[tokio::test]
async fn messages_are_deleted_by_the_hubs_name_only() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let here = "/portal/hubs/g/h/settings";
    let mut kept = crate::world::hub();
    kept["properties"]["eventHubEndpoints"]["events"]["retentionTimeInDays"] = 7.into();
    let send = async |form: &str| {
        *world.api.once.lock() = vec![("IotHubs/h", 200, kept.clone())];
        let form = crate::administration::settings(&[("retention", "2"), ("queue-depth", "9")]) + form;
        world.submit(&cookie, here, &format!("{form}&do=save&csrf={token}")).await
    };
    for (form, status) in [("", 200), ("name=x", 400)] {
        let asked = send(form).await;
        assert_eq!((asked.status.as_u16(), puts(&world).len()), (status, 0), "{}", asked.text);
        for words in [
            "Messages that are older than 2 days are deleted, read or not; now 7 days are kept.",
            "name=\"retention\" value=\"2\"",
            "name=\"queue-depth\" value=\"9\"",
            "Type <code>h</code> to confirm",
        ] {
            assert!(asked.text.contains(words), "{words}: {}", asked.text);
        }
    }
    assert_eq!(send("name=h").await.header("location"), here);
    assert_eq!(puts(&world)[0]["properties"]["eventHubEndpoints"]["events"]["retentionTimeInDays"], 2);
}

#[tokio::test]
async fn what_was_typed_of_a_group_or_a_link_stays() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let refused = json!({"error": {"code": "InvalidResourceName", "message": "no such name"}});
    world.api.answers.lock().push(("/ConsumerGroups/a.b", 400, refused));
    let page = world.submit(&cookie, HUB, &format!("do=add-group&group=a.b&csrf={token}")).await;
    assert!(page.status == 400 && page.text.contains("no such name (InvalidResourceName)"), "{}", page.text);
    assert!(page.text.contains("name=\"group\" value=\"a.b\""), "{}", page.text);

    let dps = "/portal/dps/g/d";
    let page =
        world.submit(&cookie, dps, &format!("do=change&host=far.example&weight=x&applies=on&csrf={token}")).await;
    assert!(page.status == 400 && page.text.contains("Weight: `x` is no whole number."), "{}", page.text);
    let far = page.text.split("Change the link to far.example").nth(1).unwrap().split("</details>").next().unwrap();
    assert!(far.contains("is no whole number") && far.contains("value=\"x\"") && far.contains(" checked"), "{far}");
    assert_eq!(page.text.matches("is no whole number").count(), 1, "it is said there only");
    assert_eq!(puts(&world).len(), 1, "the group's, which was refused");
}

#[tokio::test]
async fn an_enrollment_that_somebody_else_changed_is_not_overwritten_and_can_be_saved() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let here = "/portal/dps/g/d/enrollments/of/x/edit";
    let enrollment = |etag: &str, device: &str| {
        json!({"registrationId": "x", "deviceId": device, "etag": etag, "attestation": {"type": "x509", "x509": {"clientCertificates": {}}},
            "initialTwin": {"tags": {"site": "north"}, "properties": {"desired": {}}}})
    };
    let now = enrollment("e2", "press-2");
    let form =
        |etag: &str| format!("etag={etag}&device=press-1&tags=%7B%22site%22%3A%22north%22%7D&again=stay&csrf={token}");
    for once in [
        // Before the form was sent, or while it was.
        vec![("/enrollments/x", 200, now.clone())],
        vec![
            ("/enrollments/x", 200, enrollment("e1", "press-0")),
            ("/enrollments/x", 412, json!({"errorCode": 412_201, "message": "it changed"})),
            ("/enrollments/x", 200, now.clone()),
        ],
    ] {
        let puts_before = puts(&world).len();
        let is_late = once.len() > 1;
        *world.api.once.lock() = once;
        let page = world.submit(&cookie, here, &form("e1")).await;
        assert_eq!((page.status.as_u16(), puts(&world).len() - puts_before), (412, usize::from(is_late)));
        for words in [
            "Somebody else changed it",
            "<li>Device id: press-1</li>",
            "<li>A device that registers again: stays where it is</li>",
            "name=\"etag\" value=\"e2\"",
            "name=\"device\" value=\"press-2\"",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert!(!page.text.contains("<li>Tags"), "they say the same: {}", page.text);
    }
    *world.api.once.lock() = vec![("/enrollments/x", 200, now)];
    let saved = world.submit(&cookie, here, &form("e2")).await;
    assert_eq!(saved.header("location"), "/portal/dps/g/d/enrollments/of/x", "{}", saved.text);
    assert_eq!(puts(&world).last().unwrap()["deviceId"], "press-1");
}
