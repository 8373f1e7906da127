use crate::world::{KEY, World};
use serde_json::{Value, json};

#[tokio::test]
async fn a_browser_at_the_root_is_led_to_the_pages() {
    let world = World::new();
    assert_eq!(world.get("", "/").await.header("location"), "/portal/");
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/").await.text;
    for words in [
        "h.localhost",
        "0ne00ABC123",
        "/portal/hubs/g/h/devices",
        "/portal/dps/g/d/enrollments",
        "<td data-name=\"Messages today\">7",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(world.send("PUT", "/portal/", &[], "").await.status, 405);
    let head = world.send("HEAD", "/portal/", &[("cookie", &cookie)], "").await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

/// Who may not see devices is told which role does.
#[tokio::test]
async fn an_owner_without_a_data_role_is_told_which() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.roles.lock() = json!([{"actions": ["*"]}]);
    let page = world.get(&cookie, "/portal/hubs/g/h/devices").await;
    assert_eq!(page.status, 403);
    assert!(
        page.text.contains("IoT Hub Data Reader") && page.text.contains("roadstead role assignment create"),
        "{}",
        page.text
    );
    let first = world.get(&cookie, "/portal/").await;
    assert!(first.text.contains("your roles do not show this"));
}

#[tokio::test]
async fn nothing_yet_says_what_to_do() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let empty = json!([]);
    *world.api.answers.lock() = vec![
        ("/query", 200, empty.clone()),
        ("/statistics/devices", 200, json!({"totalDeviceCount": 0})),
        ("/certificates", 200, json!({"value": []})),
        ("/values", 200, json!({"value": []})),
        ("/timeline", 200, empty.clone()),
        ("/refusals/devices", 200, empty.clone()),
        ("/refusals/registrations", 200, empty),
    ];
    for (path, words) in [
        ("/portal/hubs/g/h/devices", "No device yet."),
        ("/portal/dps/g/d/enrollments", "No enrollment yet."),
        ("/portal/dps/g/d/groups", "No group yet."),
        ("/portal/dps/g/d/groups/new", "upload one and prove"),
        ("/portal/hubs/g/h/certificates", "No CA certificate yet."),
        ("/portal/audit", "Nothing was changed"),
        ("/portal/hubs/g/h/devices/x", "Nothing is known yet."),
        ("/portal/hubs/g/h/refusals", "a device that is disabled"),
        ("/portal/hubs/g/h/refusals?cause=wrongKey", "No refusal of the last 14 days is like that."),
        ("/portal/dps/g/d/refusals", "no enrollment for it"),
        ("/portal/dps/g/d/refusals", "<code>roadstead why ID</code>"),
    ] {
        let page = world.get(&cookie, path).await.text;
        assert!(page.contains(words), "{path}: {page}");
    }
    *world.api.answers.lock() = vec![("/IotHubs", 403, json!({})), ("/provisioningServices", 403, json!({}))];
    assert!(world.get(&cookie, "/portal/").await.text.contains("Create a hub"), "an owner may");
    *world.api.roles.lock() = json!([]);
    assert!(world.get(&cookie, "/portal/").await.text.contains("There is nothing here that you may see."));
}

#[tokio::test]
async fn what_is_not_there_and_what_fails_is_said() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    for (ends, status, body, path, shown, words) in [
        (
            "/devices/x",
            404,
            json!({"Message": "ErrorCode:DeviceNotFound;x"}),
            "/portal/hubs/g/h/devices/x",
            404,
            "There is no device x.",
        ),
        ("IotHubs/none", 404, json!({}), "/portal/hubs/g/none", 404, "There is no hub none."),
        (
            "/query",
            400,
            json!({"Message": "ErrorCode:IotHubFormatError;near x"}),
            "/portal/hubs/g/h/devices?where=x",
            200,
            "near x (IotHubFormatError)",
        ),
        (
            "/statistics/service",
            500,
            json!({"Message": "ErrorCode:ServerError;"}),
            "/portal/hubs/g/h/devices",
            500,
            "log has more",
        ),
        ("never", 404, json!({}), "/portal/nothing/here", 404, "There is no page /portal/nothing/here."),
    ] {
        let nothing = ["/timeline", "/refusals/devices"].map(|path| (path, 200, json!([])));
        *world.api.answers.lock() = [(ends, status, body)].into_iter().chain(nothing).collect();
        let page = world.get(&cookie, path).await;
        assert_eq!(page.status, shown, "{path}");
        assert!(page.text.contains(words), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn a_device_is_disabled_and_its_page_says_so() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let answer = world.post(&cookie, "/portal/hubs/g/h/devices/x", &format!("do=disable&csrf={token}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/portal/hubs/g/h/devices/x"));
    let (method, _, authorization, body) =
        world.api.asked.lock().iter().rfind(|(method, ..)| method == "PUT").cloned().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (method.as_str(), authorization.as_str(), &body["status"]),
        ("PUT", "Bearer access", &json!("disabled"))
    );
    assert_eq!(body["authentication"]["symmetricKey"]["primaryKey"], KEY, "the rest stays");
    let page = world.get(&cookie, "/portal/hubs/g/h/devices/x").await.text;
    assert!(page.contains("It is disabled: its connections are closed"));
    assert!(!world.get(&cookie, "/portal/hubs/g/h/devices/x").await.text.contains("It is disabled:"), "once");
}

#[tokio::test]
async fn nothing_is_deleted_without_its_name() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    for (path, form, name) in [
        ("/portal/hubs/g/h/devices/x", "do=delete", "x"),
        ("/portal/hubs/g/h", "do=delete-group&group=readers", "readers"),
        ("/portal/hubs/g/h/settings", "do=delete", "h"),
        ("/portal/dps/g/d", "do=delete", "d"),
        ("/portal/hubs/g/h/certificates/root", "do=delete", "root"),
        ("/portal/dps/g/d/enrollments/of/x", "do=delete", "x"),
        ("/portal/dps/g/d/registrations/x", "do=delete", "x"),
    ] {
        let deleted = || world.api.asked.lock().iter().filter(|(method, ..)| method == "DELETE").count();
        let before = deleted();
        for typed in ["", "X", "other"] {
            let answer = world.post(&cookie, path, &format!("{form}&name={typed}&csrf={token}")).await;
            assert_eq!((answer.status.as_u16(), deleted()), (400, before), "{path} {typed}");
        }
        let answer = world.post(&cookie, path, &format!("{form}&name={name}&csrf={token}")).await;
        assert_eq!((answer.status.as_u16(), deleted()), (303, before + 1), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_twin_is_saved_only_as_it_was_seen() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let path = "/portal/hubs/g/h/devices/x/twin";
    let send = async |fields: &str| world.post(&cookie, path, &format!("{fields}&csrf={token}")).await;
    let broken = send("do=check&etag=t1&tags=%7B&desired=%5B1%5D").await;
    assert_eq!(broken.status, 400);
    assert!(
        broken.text.contains("Line 1, character 1") && broken.text.contains("It must be an object"),
        "{}",
        broken.text
    );
    let compared = send("do=check&etag=t1&tags=%7B%7D&desired=%7B%22hz%22%3A6%7D").await;
    assert!(compared.text.contains("desired.hz") && compared.text.contains("tags.site"), "{}", compared.text);
    let stale = send("do=save&etag=t0&tags=%7B%7D&desired=%7B%7D").await;
    assert!(stale.text.contains("changed in the meantime"));
    let put = || world.api.asked.lock().iter().find(|(method, ..)| method == "PUT").cloned();
    assert!(put().is_none(), "nothing was saved yet");
    let saved = send("do=save&etag=t1&tags=%7B%7D&desired=%7B%22hz%22%3A6%7D").await;
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "/portal/hubs/g/h/devices/x"));
    let body: Value = serde_json::from_str(&put().unwrap().3).unwrap();
    assert_eq!(body, json!({"tags": {}, "properties": {"desired": {"hz": 6}}}));
}

/// A form that was refused comes back with what was typed, and why.
#[tokio::test]
async fn what_was_typed_is_not_lost() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.answers.lock() =
        vec![("/devices/taken", 409, json!({"Message": "ErrorCode:DeviceAlreadyExists;it is there"}))];
    let page = world.post(&cookie, "/portal/hubs/g/h/devices", &format!("id=taken&by=sas&csrf={token}")).await;
    let words = "it is there (DeviceAlreadyExists). Open the one that is there, or take another.";
    assert_eq!(page.status, 409);
    assert!(page.text.contains(words) && page.text.contains("value=\"taken\""), "{}", page.text);
    let page = world.post(&cookie, "/portal/hubs/g/h/devices", &format!("by=selfSigned&primary=AB&csrf={token}")).await;
    assert!(page.status == 400 && page.text.contains("value=\"AB\""), "{}", page.text);
    let page =
        world.post(&cookie, "/portal/dps/g/d/enrollments/new", &format!("id=dev-9&by=certificate&csrf={token}")).await;
    assert_eq!(page.status, 400);
    assert!(
        page.text.contains("Choose the certificate&#39;s file") && page.text.contains("value=\"dev-9\""),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_method_is_called_and_its_answer_shown() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let send = async |fields: &str| {
        world.post(&cookie, "/portal/hubs/g/h/devices/x", &format!("do=call&{fields}&csrf={token}")).await.text
    };
    assert!(send("method=reboot&payload=%7B%7D").await.contains("Status: 200"));
    assert!(send("method=reboot&payload=%7B").await.contains("The payload is no JSON"));
    *world.api.answers.lock() =
        vec![("/methods", 404, json!({"Message": "{\"errorCode\":404103,\"message\":\"not online\"}"}))];
    let page = send("method=reboot").await;
    assert!(page.contains("not online (404103)") && page.contains("value=\"reboot\""), "{page}");
}
