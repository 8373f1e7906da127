//! The walk from nothing to the first message.

use crate::world::{HOSTILE, KEY, World, reader};
use serde_json::{Value, json};

/// Of a device that signed its own: `openssl req -x509 -newkey ec -subj /CN=thermo-7 …`.
const PEM: &str = include_str!("../fixtures/thermo-7.pem");
const FORM: &str = "dps=g%2Fd&by=key&id=thermo-7";

fn linked() -> Value {
    json!({"value": [{"id": "/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d", "name": "d"}]})
}

fn instance() -> Value {
    json!({"name": "d", "properties": {"idScope": "0ne00ABC123", "serviceOperationsHostName": "d.localhost",
        "deviceProvisioningHostName": "d.localhost", "iotHubs": [{"name": "h.localhost"}]}})
}

fn enrollment(state: Value) -> Value {
    json!({"registrationId": "thermo-7", "etag": "\"e\"", "attestation": {"type": "symmetricKey"}, "registrationState": state})
}

#[tokio::test]
async fn the_key_is_in_the_answer_to_the_form_only() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.answers.lock() = vec![("provisioningServices", 200, linked()), ("/d", 200, instance())];
    let form = world.get(&cookie, "/portal/connect").await;
    assert!(form.text.contains("name=\"dps\" value=\"g/d\""), "one instance is no choice: {}", form.text);

    // It is not there when it is looked for first, and is when its page is made.
    world.api.once.lock().push(("/enrollments/thermo-7", 404, json!({})));
    world.api.answers.lock().push(("/enrollments/thermo-7", 200, enrollment(Value::Null)));
    let made = world.post(&cookie, "/portal/connect", &format!("{FORM}&csrf={token}")).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains(KEY) && made.text.contains("Waiting: run one of the programs below."));
    assert!(made.text.contains("data-from=\"/portal/dps/g/d/connect/thermo-7\""));
    let again = world.get(&cookie, "/portal/dps/g/d/connect/thermo-7").await;
    assert!(again.status == 200 && !again.text.contains(KEY));
}

#[tokio::test]
async fn an_enrollment_that_was_made_is_never_lost() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    for (answer, words) in [
        // Its keys cannot be read.
        (("/attestationmechanism", 503, json!({"Message": "patience"})), "thermo-7 is enrolled, but its programs"),
        // Its page cannot be made.
        (("IotHubs", 500, json!({"error": {"code": "X", "message": "no"}})), "thermo-7 is enrolled, but its programs"),
    ] {
        *world.api.answers.lock() = vec![
            ("provisioningServices", 200, linked()),
            ("/d", 200, instance()),
            answer,
            (
                "/enrollments/thermo-7",
                200,
                enrollment(json!({"status": "assigned", "assignedHub": "h", "deviceId": "x"})),
            ),
        ];
        world.api.once.lock().push(("/enrollments/thermo-7", 404, json!({})));
        let made = world.post(&cookie, "/portal/connect", &format!("{FORM}&csrf={token}")).await;
        assert_eq!(made.header("location"), "/portal/dps/g/d/enrollments/of/thermo-7", "{}", made.text);
        let page = world.get(&cookie, "/portal/dps/g/d/enrollments/of/thermo-7").await.text;
        assert!(page.contains(words) && page.contains("Show keys"), "{page}");
    }
}

#[tokio::test]
async fn a_certificate_is_enrolled_once_however_often_its_page_is_loaded() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.answers.lock() = vec![("provisioningServices", 200, linked()), ("/d", 200, instance())];
    world.api.once.lock().push(("/enrollments/thermo-7", 404, json!({})));
    let pem = roadstead_wire::percent::encode(PEM);
    let form = format!("dps=g%2Fd&by=certificate&id=&pem={pem}&csrf={token}");
    let made = world.post(&cookie, "/portal/connect", &form).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (303, "/portal/dps/g/d/connect/thermo-7"),
        "{}",
        made.text
    );
}

#[tokio::test]
async fn what_was_typed_stays_when_it_will_not_do() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.answers.lock() = vec![
        ("provisioningServices", 200, linked()),
        ("/d", 200, instance()),
        ("/enrollments/thermo-7", 200, enrollment(Value::Null)),
    ];
    for (form, words) in [
        (FORM, "thermo-7 is enrolled at d already"),
        ("dps=g%2Fd&by=key&id=", "Type an id for the device."),
        ("dps=g%2Fnone&by=key&id=thermo-7", "Choose where it is enrolled."),
        ("dps=g%2Fd&by=certificate&id=thermo-7", "Choose the certificate"),
        ("dps=g%2Fd&by=certificate&id=thermo-7&pem=nonsense", "The certificate cannot be read"),
    ] {
        let page = world.post(&cookie, "/portal/connect", &format!("{form}&csrf={token}")).await;
        assert!(page.status == 400 && page.text.contains(words), "{form}: {}", page.text);
        assert!(form.ends_with("id=") || page.text.contains("value=\"thermo-7\""), "{form}");
        assert_eq!(page.text.contains(">nonsense<"), form.contains("nonsense"));
    }
    assert!(!world.api.asked.lock().iter().any(|(method, ..)| method == "PUT"), "nothing was made");
}

#[tokio::test]
async fn each_step_says_what_is_there() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let state = |status: &str| json!({"status": status, "errorMessage": HOSTILE, "assignedHub": "h.localhost", "deviceId": "thermo-7"});
    for (state, device, words) in [
        (state("failed"), json!({}), "<b>Refused</b>"),
        (state("assigned"), json!({"connectionState": "Disconnected"}), "Waiting for it at its hub."),
        // The API that is made up has no stream of events: the rest is shown all the same.
        (state("assigned"), json!({"connectionState": "Connected"}), "<b>First message</b> <span>not here"),
        (
            state("assigned"),
            json!({"connectionState": "Disconnected", "lastActivityTime": "2026-11-21T20:02:50Z"}),
            "<b>Connected</b> <span>seen <time",
        ),
        (json!({"status": "assigned", "assignedHub": "other"}), json!({}), "do not let you see the hub other"),
    ] {
        *world.api.answers.lock() =
            vec![("/enrollments/thermo-7", 200, enrollment(state)), ("/devices/thermo-7", 200, device)];
        let page = world.get(&cookie, "/portal/dps/g/d/connect/thermo-7").await;
        assert!(page.status == 200 && page.text.contains(words), "{words}: {}", page.text);
        assert!(!page.text.contains(HOSTILE));
    }
}

#[tokio::test]
async fn who_may_not_enroll_is_told_which_role_does() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.roles.lock() = reader();
    for page in [
        world.get(&cookie, "/portal/connect").await,
        world.post(&cookie, "/portal/connect", &format!("{FORM}&csrf={token}")).await,
    ] {
        assert_eq!(page.status, 403);
        assert!(page.text.contains("Device Provisioning Service Data Contributor"), "{}", page.text);
    }
    *world.api.roles.lock() = crate::world::owner();
    let mut alone = crate::world::dps();
    alone["properties"]["iotHubs"] = json!([]);
    *world.api.answers.lock() = vec![("provisioningServices/d", 200, alone)];
    let page = world.get(&cookie, "/portal/connect").await.text;
    assert!(page.contains("has no hub yet") && page.contains("<a href=\"/portal/dps/g/d\">d</a>"), "{page}");
    *world.api.answers.lock() = vec![("provisioningServices", 200, json!({"value": []}))];
    assert!(world.get(&cookie, "/portal/connect").await.text.contains("roadstead iot dps create"));
}
