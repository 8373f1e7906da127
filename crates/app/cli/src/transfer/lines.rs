//! A registry as an export job writes it, `devices.txt`: one device or module a line, in JSON.
//!
//! Shape: `{"id":"thermo-7","moduleId":"filter","eTag":"MQ==","status":"enabled","authentication":{…},"twinETag":"AAAAAAAAAAE=",
//! "tags":{…},"properties":{"desired":{…},"reported":{…}},"capabilities":{"iotEdge":false},"deviceScope":"…","parentScopes":[…]}`.
//! Source: `reference/hub-service.md` 1.13; C# SDK iothub/service/src/Registry/Models/ExportImportDevice.cs

use super::identity::{Identity, authentication, parent, section};
use super::report::{Outcome, Report};
use serde_json::{Map, Value, json};

/// Everything that can be taken; the report hears of the rest. Blank lines are passed over.
pub fn read(text: &str, report: &mut Report) -> Vec<Identity> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let document: Value = match serde_json::from_str(line) {
            Ok(document) => document,
            Err(error) => {
                report.leave_out(&format!("line {}", number + 1), &format!("it is no JSON: {error}"));
                continue;
            }
        };
        let Some(id) = document.get("id").and_then(Value::as_str) else {
            report.leave_out(&format!("line {}", number + 1), "it has no `id`");
            continue;
        };
        match read_one(id, &document) {
            Ok(identity) => found.push(identity),
            Err(why) => {
                let module = document.get("moduleId").and_then(Value::as_str);
                let what = module.map_or(format!("device `{id}`"), |module| format!("module `{id}/{module}`"));
                report.add(if module.is_some() { "modules" } else { "devices" }, &what, Outcome::NotTaken(why));
            }
        }
    }
    found
}

fn read_one(device: &str, document: &Value) -> Result<Identity, String> {
    let text = |member: &str| document.get(member).and_then(Value::as_str).map(str::to_owned);
    if let Some(mode) = text("importMode").filter(|mode| mode.to_ascii_lowercase().starts_with("delete")) {
        return Err(format!("its `importMode` is `{mode}`: an import here deletes nothing"));
    }
    let module = text("moduleId").filter(|module| !module.is_empty());
    let is_runtime = module.as_deref().is_some_and(|module| module.starts_with('$'));
    let shown = document.get("authentication").unwrap_or(&Value::Null);
    Ok(Identity {
        device: device.to_owned(),
        status: text("status").filter(|_| module.is_none()).map(|status| status.to_ascii_lowercase()),
        status_reason: text("statusReason").filter(|_| module.is_none()),
        authentication: if is_runtime { Value::Null } else { authentication(shown)? },
        iot_edge: document.pointer("/capabilities/iotEdge").and_then(Value::as_bool).filter(|_| module.is_none()),
        parent: parent(device, document).filter(|_| module.is_none()),
        managed_by: text("managedBy").filter(|manager| !manager.is_empty()),
        tags: section(document.get("tags")),
        desired: section(document.pointer("/properties/desired")),
        reported: section(document.pointer("/properties/reported")),
        module,
    })
}

/// One line, without its end.
pub fn write(identity: &Identity) -> String {
    let Identity {
        device,
        module,
        status,
        status_reason,
        authentication,
        iot_edge,
        parent: _,
        managed_by,
        tags,
        desired,
        reported,
    } = identity;
    let mut line = Map::new();
    line.insert("id".to_owned(), device.as_str().into());
    line.extend(module.iter().map(|module| ("moduleId".to_owned(), module.as_str().into())));
    line.extend(managed_by.iter().map(|manager| ("managedBy".to_owned(), manager.as_str().into())));
    // Of a module, the device's: every line has one.
    line.insert("status".to_owned(), status.as_deref().unwrap_or("enabled").into());
    line.extend(status_reason.iter().map(|reason| ("statusReason".to_owned(), reason.as_str().into())));
    line.insert("authentication".to_owned(), authentication.clone());
    line.insert("tags".to_owned(), tags.clone().unwrap_or_default().into());
    let properties =
        json!({ "desired": desired.clone().unwrap_or_default(), "reported": reported.clone().unwrap_or_default() });
    line.insert("properties".to_owned(), properties);
    line.extend(iot_edge.map(|is_edge| ("capabilities".to_owned(), json!({ "iotEdge": is_edge }))));
    if let Some(parent) = &identity.parent {
        // Only the device in it says anything elsewhere: the number is the hub's own.
        line.insert("parentScopes".to_owned(), json!([format!("ms-azure-iot-edge://{parent}-0")]));
    }
    Value::from(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"id":"edge1","eTag":"MQ==","status":"enabled","authentication":{"symmetricKey":{"primaryKey":"cA==","secondaryKey":"cw=="},"x509Thumbprint":{"primaryThumbprint":null,"secondaryThumbprint":null},"type":"sas"},"twinETag":"AAAAAAAAAAE=","tags":{},"properties":{"desired":{"hz":5,"$metadata":{"$lastUpdated":"2026-01-01T00:00:00Z"},"$version":2},"reported":{"fw":"1.2","$metadata":{},"$version":7}},"capabilities":{"iotEdge":true},"deviceScope":"ms-azure-iot-edge://edge1-638994563210000000"}
{"id":"edge1","moduleId":"$edgeHub","status":"enabled","authentication":{"symmetricKey":{"primaryKey":null,"secondaryKey":null},"type":"sas"},"tags":{},"properties":{"desired":{},"reported":{}}}
{"id":"leaf","status":"disabled","statusReason":"stolen","authentication":{"x509Thumbprint":{"primaryThumbprint":"ab"},"type":"selfSigned"},"deviceScope":"ms-azure-iot-edge://edge1-638994563210000000","importMode":"createOrUpdate"}

{"id":"gone","status":"enabled","importMode":"delete"}
{"id":"keyless","status":"enabled","authentication":{"symmetricKey":{"primaryKey":null,"secondaryKey":null},"type":"sas"}}
{"status":"enabled"}
nonsense
"#;

    #[test]
    fn everything_that_can_be_taken_and_a_word_on_the_rest() {
        let mut report = Report::new(false, &["devices", "modules"]);
        let found = read(LINES, &mut report);
        let names: Vec<_> = found.iter().map(Identity::shown).collect();
        assert_eq!(names, ["device `edge1`", "module `edge1/$edgeHub`", "device `leaf`"]);
        assert_eq!(found[0].desired, json!({"hz": 5}).as_object().cloned());
        assert_eq!(found[0].reported, json!({"fw": "1.2"}).as_object().cloned());
        assert_eq!((found[0].parent.as_deref(), found[2].parent.as_deref()), (None, Some("edge1")));
        assert_eq!(
            (found[2].tags.clone(), found[2].iot_edge, found[2].status.as_deref()),
            (None, None, Some("disabled"))
        );
        let told: Value = report.into();
        let left: Vec<_> =
            told["notTaken"].as_array().unwrap().iter().map(|each| each["what"].as_str().unwrap()).collect();
        assert_eq!(left, ["device `gone`", "device `keyless`", "line 8", "line 9"]);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let mut report = Report::new(false, &["devices", "modules"]);
        let full = |identity: &Identity| Identity {
            tags: Some(identity.tags.clone().unwrap_or_default()),
            desired: Some(identity.desired.clone().unwrap_or_default()),
            reported: Some(identity.reported.clone().unwrap_or_default()),
            ..identity.clone()
        };
        let found: Vec<_> = read(LINES, &mut report).iter().map(full).collect();
        let text: String = found.iter().map(|identity| write(identity) + "\n").collect();
        assert_eq!(read(&text, &mut report), found);
    }
}
