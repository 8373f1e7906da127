//! A hub's state as `az iot hub state export` writes it: one JSON object.
//!
//! Shape: `{"arm":{…},"configurations":{"admConfigurations":{…},"edgeDeployments":{…}},"devices":{"thermo-7":{"identity":{…},
//! "twin":{"properties":{"desired":{…}},"tags":{…}},"parent":"edge1","modules":{"filter":{"identity":{…},"twin":{…}}}}}}`.
//! What devices reported is not in it, nor are etags and times. Source: azure-iot extension 0.25.0, iothub/providers/state.py

use super::identity::{Identity, authentication, section};
use super::report::Report;
use serde_json::{Map, Value, json};

/// Whether a file is of this form.
pub fn is_state(document: &Value) -> bool {
    ["devices", "configurations", "arm"].iter().any(|part| document.get(part).is_some_and(Value::is_object))
}

/// Everything that can be taken; the report hears of the rest.
pub fn read(document: &Value, report: &mut Report) -> Vec<Identity> {
    leave_out(document, report);
    let mut found = Vec::new();
    for (id, device) in members(document, "/devices") {
        let read = read_one(id, None, device);
        let identity = Identity {
            parent: device.get("parent").and_then(Value::as_str).map(str::to_owned),
            ..match read {
                Ok(identity) => identity,
                Err(why) => {
                    report.add("devices", &format!("device `{id}`"), super::report::Outcome::NotTaken(why));
                    continue;
                }
            }
        };
        found.push(identity);
        for (module, holder) in members(device, "/modules") {
            match read_one(id, Some(module), holder) {
                Ok(identity) => found.push(identity),
                Err(why) => {
                    let what = format!("module `{id}/{module}`");
                    report.add("modules", &what, super::report::Outcome::NotTaken(why));
                }
            }
        }
    }
    found
}

fn read_one(device: &str, module: Option<&String>, holder: &Value) -> Result<Identity, String> {
    let identity = holder.get("identity").ok_or("it has no `identity`")?;
    let text = |member: &str| identity.get(member).and_then(Value::as_str).map(str::to_owned);
    let twin = holder.get("twin");
    let part = |pointer: &str| section(twin.and_then(|twin| twin.pointer(pointer)));
    let is_runtime = module.is_some_and(|module| module.starts_with('$'));
    let shown = identity.get("authentication").unwrap_or(&Value::Null);
    Ok(Identity {
        device: device.to_owned(),
        module: module.cloned(),
        status: text("status").filter(|_| module.is_none()).map(|status| status.to_ascii_lowercase()),
        status_reason: text("statusReason").filter(|_| module.is_none()),
        authentication: if is_runtime { Value::Null } else { authentication(shown)? },
        iot_edge: identity.pointer("/capabilities/iotEdge").and_then(Value::as_bool).filter(|_| module.is_none()),
        parent: None,
        managed_by: text("managedBy").filter(|manager| !manager.is_empty()),
        // A twin without tags has no word for them.
        tags: twin.map(|_| part("/tags").unwrap_or_default()),
        desired: part("/properties/desired"),
        reported: None,
    })
}

fn leave_out(document: &Value, report: &mut Report) {
    let none_here = "there are no configurations here yet";
    for (kind, pointer) in
        [("configuration", "/configurations/admConfigurations"), ("edge deployment", "/configurations/edgeDeployments")]
    {
        for (id, _) in members(document, pointer) {
            report.leave_out(&format!("{kind} `{id}`"), none_here);
        }
    }
    let resources = document.pointer("/arm/resources").and_then(Value::as_array);
    for resource in resources.into_iter().flatten() {
        let part = |member: &str| resource.get(member).and_then(Value::as_str).unwrap_or("?");
        let why = "resources are made with `roadstead iot hub create` and `… certificate create`";
        report.leave_out(&format!("resource `{}` of type {}", part("name"), part("type")), why);
    }
}

fn members<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// A device with its modules as one entry of `devices`.
pub fn write(device: &Identity, modules: &[Identity]) -> Value {
    let mut entry = Map::new();
    entry.insert("identity".to_owned(), written_identity(device));
    entry.insert("twin".to_owned(), written_twin(device));
    if let Some(parent) = &device.parent {
        entry.insert("parent".to_owned(), parent.as_str().into());
    }
    if !modules.is_empty() {
        let holder = |module: &Identity| json!({"identity": written_identity(module), "twin": written_twin(module)});
        let named = modules.iter().filter_map(|module| Some((module.module.clone()?, holder(module))));
        entry.insert("modules".to_owned(), named.collect::<Map<_, _>>().into());
    }
    entry.into()
}

/// `az` reads both sub-objects of every authentication.
fn written_identity(identity: &Identity) -> Value {
    let mut shown = identity.authentication.clone();
    for (member, slots) in [
        ("symmetricKey", ["primaryKey", "secondaryKey"]),
        ("x509Thumbprint", ["primaryThumbprint", "secondaryThumbprint"]),
    ] {
        if shown.get(member).is_none() {
            shown[member] = slots.into_iter().map(|slot| (slot.to_owned(), Value::Null)).collect::<Map<_, _>>().into();
        }
    }
    let mut written = json!({ "authentication": shown });
    if let Some(manager) = &identity.managed_by {
        written["managedBy"] = manager.as_str().into();
    }
    if identity.module.is_none() {
        written["capabilities"] = json!({ "iotEdge": identity.iot_edge.unwrap_or_default() });
        written["status"] = json!(identity.status);
        written["statusReason"] = json!(identity.status_reason);
    }
    written
}

fn written_twin(identity: &Identity) -> Value {
    let mut twin = json!({ "properties": { "desired": identity.desired.clone().unwrap_or_default() } });
    if let Some(tags) = identity.tags.as_ref().filter(|tags| !tags.is_empty()) {
        twin["tags"] = tags.clone().into();
    }
    twin
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the extension writes it: the twin's members that are left make the identity.
    fn sample() -> Value {
        let sas = json!({"type": "sas", "symmetricKey": {"primaryKey": "cA==", "secondaryKey": "cw=="},
            "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}});
        json!({
            "arm": {"resources": [{"name": "plant", "type": "Microsoft.Devices/IotHubs"}]},
            "configurations": {"admConfigurations": {"fast": {"id": "fast"}}, "edgeDeployments": {"base": {"id": "base"}}},
            "devices": {
                "edge1": {
                    "identity": {"authentication": sas, "capabilities": {"iotEdge": true}, "connectionState": "Disconnected",
                        "modelId": "", "status": "disabled", "statusReason": "stolen"},
                    "twin": {"properties": {"desired": {"hz": 5}}, "tags": {"site": "a"}},
                    "modules": {
                        "$edgeAgent": {"identity": {"authentication": sas, "managedBy": null}, "twin": {"properties": {"desired": {"x": 1}}, "tags": {}}},
                        "filter": {"identity": {"authentication": {"type": "none"}, "managedBy": "IotEdge"}, "twin": {"properties": {"desired": {}}}}}},
                "leaf": {"identity": {"authentication": {"type": "certificateAuthority"}, "capabilities": {"iotEdge": false}, "status": "enabled"},
                    "twin": {"properties": {"desired": {}}}, "parent": "edge1"},
                "keyless": {"identity": {"authentication": {"type": "sas"}, "capabilities": {"iotEdge": false}, "status": "enabled"}, "twin": {"properties": {"desired": {}}}}}})
    }

    #[test]
    fn everything_that_can_be_taken_and_a_word_on_the_rest() {
        let mut report = Report::new(false, &["devices", "modules"]);
        let found = read(&sample(), &mut report);
        let names: Vec<_> = found.iter().map(Identity::shown).collect();
        assert_eq!(names, ["device `edge1`", "module `edge1/$edgeAgent`", "module `edge1/filter`", "device `leaf`"]);
        let edge = &found[0];
        assert_eq!(
            (edge.iot_edge, edge.status.as_deref(), edge.status_reason.as_deref()),
            (Some(true), Some("disabled"), Some("stolen"))
        );
        assert_eq!(edge.tags, json!({"site": "a"}).as_object().cloned());
        assert_eq!((&found[1].authentication, &found[2].authentication), (&Value::Null, &json!({"type": "none"})));
        assert_eq!((found[2].managed_by.as_deref(), found[3].parent.as_deref()), (Some("IotEdge"), Some("edge1")));
        assert_eq!(found[3].tags, Some(Map::new()), "a twin without tags has none");
        let told: Value = report.into();
        let left: Vec<_> =
            told["notTaken"].as_array().unwrap().iter().map(|each| each["what"].as_str().unwrap()).collect();
        assert_eq!(
            left,
            [
                "configuration `fast`",
                "edge deployment `base`",
                "resource `plant` of type Microsoft.Devices/IotHubs",
                "device `keyless`"
            ]
        );
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let mut report = Report::new(false, &["devices", "modules"]);
        let found = read(&sample(), &mut report);
        let written = json!({"devices": {"edge1": write(&found[0], &found[2..3]), "leaf": write(&found[3], &[])}});
        assert!(is_state(&written));
        let again = read(&written, &mut report);
        assert_eq!(again, [found[0].clone(), found[2].clone(), found[3].clone()]);
        assert!(!is_state(&json!({"id": "thermo-7", "status": "enabled"})));
    }
}
