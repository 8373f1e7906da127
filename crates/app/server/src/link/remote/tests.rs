use roadstead_model::Secret;

use super::*;

fn keys(primary: &str, secondary: &str) -> DeviceAuth {
    DeviceAuth::Sas { primary: Secret::new(primary), secondary: Secret::new(secondary) }
}

fn leaf() -> Thumbprint {
    Thumbprint::parse(&"AB".repeat(32)).unwrap()
}

fn spec(auth: DeviceAuth, ensure: Ensure) -> DeviceSpec {
    let initial: InitialTwin = serde_json::from_value(json!({"tags": {"site": "a"}, "desired": {"hz": 5}})).unwrap();
    let id = DeviceId::parse("dev-01").unwrap();
    DeviceSpec { id, auth, leaf: None, iot_edge: false, initial_twin: initial, ensure }
}

fn known(authentication: Value) -> Device {
    let scope = "ms-azure-iot-edge://edge1-1";
    let body = json!({"deviceId": "dev-01", "etag": "MQ==", "status": "disabled", "statusReason": "stolen",
        "authentication": authentication, "capabilities": {"iotEdge": false}, "deviceScope": scope, "parentScopes": [scope]});
    serde_json::from_value(body).unwrap()
}

fn shown(print: &str) -> Value {
    json!({"type": "selfSigned", "symmetricKey": {"primaryKey": null, "secondaryKey": null},
        "x509Thumbprint": {"primaryThumbprint": print, "secondaryThumbprint": null}})
}

#[test]
fn a_new_device_comes_with_its_twin_in_one_change() {
    let taken = TwinSnapshot {
        tags: json!({"t": 1}).as_object().cloned().unwrap(),
        desired: json!({"d": 2}).as_object().cloned().unwrap(),
        reported: json!({"r": 3}).as_object().cloned().unwrap(),
        iot_edge: false,
    };
    let made = |ensure| serde_json::to_value(creation(&spec(keys("cA==", "cw=="), ensure))).unwrap();
    let authentication = json!({"type": "sas", "symmetricKey": {"primaryKey": "cA==", "secondaryKey": "cw=="},
        "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}});
    let mut expected = json!({"id": "dev-01", "importMode": "create", "status": "enabled", "authentication": authentication,
        "tags": {"site": "a"}, "properties": {"desired": {"hz": 5}, "reported": {}}, "capabilities": {"iotEdge": false}});
    assert_eq!(made(Ensure::Present), expected);
    assert_eq!(made(Ensure::Credentials), expected);
    (expected["tags"], expected["properties"]) = (json!({"t": 1}), json!({"desired": {"d": 2}, "reported": {"r": 3}}));
    assert_eq!(made(Ensure::WithTwin(Box::new(taken))), expected);
}

#[test]
fn what_is_right_is_not_written() {
    let sas = json!({"type": "sas", "symmetricKey": {"primaryKey": "cA==", "secondaryKey": "cw=="}});
    let print = leaf().as_str().to_ascii_lowercase();
    let pinned = DeviceAuth::Thumbprints { primary: Some(leaf()), secondary: None };
    let by_group = DeviceAuth::CertificateAuthority { through: Some(leaf()) };
    for (auth, authentication, is_right) in [
        (keys("cA==", "cw=="), sas.clone(), true),
        (keys("cA==", "other"), sas.clone(), false),
        (keys("cw==", "cA=="), sas.clone(), false),
        (pinned.clone(), sas, false),
        (pinned.clone(), shown(&print), true),
        (pinned, shown(&"CD".repeat(32)), false),
        (by_group.clone(), shown(&print), true),
        (by_group, json!({"type": "certificateAuthority"}), false),
        (DeviceAuth::None, json!({"type": "none"}), true),
    ] {
        let spec = DeviceSpec { leaf: Some(leaf()), ..spec(auth.clone(), Ensure::Credentials) };
        assert_eq!(alteration(&spec, &known(authentication.clone())).is_none(), is_right, "{auth:?} {authentication}");
    }
}

#[test]
fn what_changes_leaves_status_and_parents_alone() {
    let spec = DeviceSpec { iot_edge: true, ..spec(keys("cA==", "cw=="), Ensure::Credentials) };
    let body = alteration(&spec, &known(shown(leaf().as_str()))).unwrap();
    for (member, expected) in [
        ("status", json!("disabled")),
        ("statusReason", json!("stolen")),
        ("capabilities", json!({"iotEdge": true})),
        ("parentScopes", json!(["ms-azure-iot-edge://edge1-1"])),
        ("deviceScope", Value::Null),
    ] {
        assert_eq!(body[member], expected, "{member}");
    }
    assert_eq!(body["authentication"]["symmetricKey"]["primaryKey"], "cA==");
}

#[test]
fn what_is_the_hubs_own_does_not_travel() {
    let section = json!({"hz": 5, "$metadata": {"hz": {}}, "$version": 7}).as_object().cloned().unwrap();
    assert_eq!(Value::from(properties(section)), json!({"hz": 5}));
}
