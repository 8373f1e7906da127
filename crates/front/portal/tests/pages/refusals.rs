use crate::world::{Answer, DEVICE, World};
use serde_json::{Value, json};

fn refused(id: &str, at: &str) -> Value {
    json!({"time": format!("2026-11-22T{at}.0000000Z"), "event": "refused", "id": id, "protocol": "mqtt", "address": "192.0.2.7",
        "cause": "wrongKey", "code": "CONNACK 5", "message": "not signed with a key of it", "count": 1,
        "since": format!("2026-11-22T{at}.0000000Z"), "mend": {"text": "Give it its own key.", "command": format!("roadstead mend {id}")}})
}

fn has(page: &Answer, words: &[&str]) {
    assert_eq!(page.status, 200, "{}", page.text);
    for words in words {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

const TOLD: [&str; 5] = [
    "token signed with another key",
    "over MQTT from 192.0.2.7",
    "(CONNACK 5)",
    "Give it its own key.",
    "<code data-copy=\"the command\">roadstead mend x</code>",
];

/// With the command while it is refused, without it when it came through.
#[tokio::test]
async fn a_device_is_told_why_it_was_refused() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.answers.lock() = vec![("/devices/x/timeline", 200, json!([refused("x", "14:00:00")]))];
    has(&world.get(&cookie, "/portal/hubs/g/h/devices/x").await, &TOLD);
    let connected = json!({"time": "2026-11-22T14:01:00Z", "event": "connected", "id": "x", "protocol": "mqtt", "authentication": "deviceKey"});
    *world.api.answers.lock() = vec![("/devices/x/timeline", 200, json!([connected, refused("x", "14:00:00")]))];
    let page = world.get(&cookie, "/portal/hubs/g/h/devices/x").await;
    has(&page, &["with its key", TOLD[0]]);
    assert!(!page.text.contains("roadstead mend x"), "it is mended");
}

#[tokio::test]
async fn one_that_is_not_registered_has_a_page_if_it_was_refused() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let gone = ("/devices/x", 404, json!({"Message": "ErrorCode:DeviceNotFound;x"}));
    let offer = ["There is no device x in hub h.", "name=\"id\" value=\"x\"", "roadstead why x"];
    // At this hub.
    *world.api.answers.lock() = vec![gone.clone(), ("/devices/x/timeline", 200, json!([refused("x", "14:00:00")]))];
    let page = world.get(&cookie, "/portal/hubs/g/h/devices/x").await;
    has(&page, &TOLD);
    has(&page, &offer);
    // At a host name that no hub has: others of which the id begins so are not it.
    let elsewhere = json!([refused("xy", "14:01:00"), refused("x", "14:00:00")]);
    *world.api.answers.lock() =
        vec![gone.clone(), ("/devices/x/timeline", 200, json!([])), ("/refusals/devices", 200, elsewhere)];
    let page = world.get(&cookie, "/portal/hubs/g/h/devices/x").await;
    has(&page, &TOLD);
    assert!(!page.text.contains("roadstead mend xy"));
    *world.api.answers.lock() = vec![
        gone,
        ("/devices/x/timeline", 200, json!([])),
        ("/refusals/devices", 200, json!([refused("xy", "14:01:00")])),
    ];
    assert_eq!(world.get(&cookie, "/portal/hubs/g/h/devices/x").await.status, 404);
}

#[tokio::test]
async fn a_registration_that_is_nowhere_enrolled_has_a_page_too() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.answers.lock() =
        vec![("/enrollments/x", 404, json!({})), ("/registrations/x/timeline", 200, json!([refused("x", "14:00:00")]))];
    for path in ["/portal/dps/g/d/registrations/x", "/portal/dps/g/d/enrollments/of/x"] {
        let page = world.get(&cookie, path).await;
        has(&page, &TOLD);
        has(&page, &["not registered", "/portal/dps/g/d/enrollments/new"]);
    }
    world.api.answers.lock()[1].2 = json!([]);
    assert_eq!(world.get(&cookie, "/portal/dps/g/d/registrations/x").await.status, 404);
    let page = world.get(&cookie, "/portal/dps/g/d/enrollments/of/x").await;
    assert!(page.text.contains("There is no enrollment x."), "{}", page.text);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.next.lock() = Some("7 8");
    *world.api.answers.lock() = vec![("/modules", 200, json!([]))];
    for (path, next) in [
        ("hubs/g/h/devices/x", "/portal/hubs/g/h/devices/x/timeline\">All that is kept"),
        ("hubs/g/h/devices/x/timeline", "/portal/hubs/g/h/devices/x/timeline?after=7%208\" rel=\"next\""),
        ("hubs/g/h/devices/x/modules/m/timeline", "/devices/x/modules/m/timeline?after=7%208\" rel=\"next\""),
        ("dps/g/d/enrollments/of/x", "/portal/dps/g/d/registrations/x\">All that is kept"),
        ("dps/g/d/registrations/x", "/portal/dps/g/d/registrations/x?after=7%208\" rel=\"next\""),
        (
            "hubs/g/h/refusals?q=d&cause=wrongKey",
            "/refusals?q=d&#38;cause=wrongKey&#38;address=&#38;after=7%208\" rel=\"next\"",
        ),
        (
            "hubs/g/h/refusals?who=services&q=policy",
            "/refusals?who=services&#38;q=policy&#38;cause=&#38;address=&#38;after=7%208\" rel=\"next\"",
        ),
        ("dps/g/d/refusals?after=7", "/portal/dps/g/d/refusals?q=&#38;cause=&#38;address=\">First page"),
        ("hubs/g/h/devices/x/timeline?after=7", "/portal/hubs/g/h/devices/x/timeline\">First page"),
    ] {
        has(&world.get(&cookie, &format!("/portal/{path}")).await, &[next]);
    }
}

/// One request for all devices of the page.
#[tokio::test]
async fn the_list_of_devices_tells_who_was_refused_of_late() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let lately = json!([refused(DEVICE, "14:00:00"), refused("other", "13:00:00")]);
    *world.api.answers.lock() = vec![("/refusals/devices", 200, lately)];
    has(&world.get(&cookie, "/portal/hubs/g/h/devices?q=d").await, &["2026-11-22 14:00:00 UTC", TOLD[0]]);
    let asked = world.api.asked.lock().iter().filter(|(_, path, ..)| path == "/refusals/devices").count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn back_ends_that_were_refused_are_told_apart_from_devices() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let list = json!([refused("policy/service", "14:00:00")]);
    *world.api.answers.lock() = vec![
        ("/refusals/services", 200, list.clone()),
        ("/refusals/dpsServices", 200, list),
        ("/refusals/devices", 200, json!([])),
    ];
    for at in ["hubs/g/h", "dps/g/d"] {
        let page = world.get(&cookie, &format!("/portal/{at}/refusals?who=services")).await;
        has(
            &page,
            &[
                "<option value=\"services\" selected>back ends</option>",
                "policy/service</th>",
                TOLD[0],
                TOLD[3],
                "wrongPolicy",
            ],
        );
        assert!(!page.text.contains("deviceDisabled"), "no back end is refused for that");
    }
    *world.api.answers.lock() = vec![("/refusals/services", 200, json!([]))];
    let page = world.get(&cookie, "/portal/hubs/g/h/refusals?who=services").await;
    has(&page, &["No back end was refused in the last 14 days.", "roadstead why policy/NAME"]);
}

#[tokio::test]
async fn refusals_lead_to_whom_they_are_about() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let list = json!([refused("x", "14:00:00"), refused("x/filter", "13:00:00")]);
    *world.api.answers.lock() = vec![
        ("/refusals/devices", 200, list.clone()),
        ("/refusals/registrations", 200, json!([refused("x", "14:00:00")])),
    ];
    let page = world.get(&cookie, "/portal/hubs/g/h/refusals?cause=wrongKey").await;
    has(
        &page,
        &[
            "<option value=\"wrongKey\" selected>token signed with another key</option>",
            "href=\"/portal/hubs/g/h/devices/x\"",
            "href=\"/portal/hubs/g/h/devices/x/modules/filter/timeline\"",
            TOLD[3],
            TOLD[4],
        ],
    );
    assert!(!page.text.contains("value=\"notEnrolled\""), "hubs know no enrollments");
    has(
        &world.get(&cookie, "/portal/dps/g/d/refusals").await,
        &["href=\"/portal/dps/g/d/registrations/x\"", "notEnrolled"],
    );
    let fault = json!({"Message": "ErrorCode:ArgumentInvalid;address is no IP address: 192.0.2.7"});
    *world.api.answers.lock() = vec![("/refusals/devices", 400, fault)];
    has(
        &world.get(&cookie, "/portal/hubs/g/h/refusals?address=here").await,
        &["address is no IP address", "value=\"here\""],
    );
}

#[tokio::test]
async fn who_may_not_see_devices_sees_no_timeline() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.roles.lock() = json!([{"actions": ["*"]}]);
    for path in [
        "hubs/g/h/devices/x",
        "hubs/g/h/devices/x/timeline",
        "hubs/g/h/refusals",
        "dps/g/d/refusals",
        "dps/g/d/registrations/x",
    ] {
        let page = world.get(&cookie, &format!("/portal/{path}")).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.text.contains("Data Reader") && !page.text.contains("token signed"), "{path}: {}", page.text);
    }
    let asked = world.api.asked.lock();
    assert!(
        !asked.iter().any(|(_, path, ..)| path.ends_with("/timeline") || path.starts_with("/refusals")),
        "not asked for"
    );
}
