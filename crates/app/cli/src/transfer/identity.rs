//! A device or module as it moves: apart from any format, and without what belongs to the hub it comes from.

use serde_json::{Map, Value, json};

/// What an edge device's scope begins with; its id and a number follow. Source: `reference/hub-service.md` 1.4
const SCOPE: &str = "ms-azure-iot-edge://";

/// A device, or one of its modules. What is `None` the file does not say, and stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Identity {
    pub device: String,
    pub module: Option<String>,
    pub status: Option<String>,
    pub status_reason: Option<String>,
    /// As [`authentication`] makes it.
    pub authentication: Value,
    pub iot_edge: Option<bool>,
    /// The edge device that it is behind.
    pub parent: Option<String>,
    pub managed_by: Option<String>,
    pub tags: Option<Map<String, Value>>,
    pub desired: Option<Map<String, Value>>,
    pub reported: Option<Map<String, Value>>,
}

impl Identity {
    /// ``device `thermo-7` ``, ``module `thermo-7/filter` ``
    pub fn shown(&self) -> String {
        match &self.module {
            Some(module) => format!("module `{}/{module}`", self.device),
            None => format!("device `{}`", self.device),
        }
    }

    /// Whether it comes with its edge device, and has keys that only the edge runtime asks for.
    pub fn is_runtime_module(&self) -> bool {
        self.module.as_deref().is_some_and(|module| module.starts_with('$'))
    }
}

/// How a device proves itself, in one form whatever wrote it: type, and only what belongs to it; thumbprints in capitals.
///
/// Errors: why a device cannot be made of it.
pub fn authentication(given: &Value) -> Result<Value, String> {
    let text = |pointer: &str| given.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let print = |slot: &str| {
        let modern = text(&format!("/x509Thumbprint/{slot}"));
        // As the Java SDK once wrote it.
        modern.or_else(|| text(&format!("/thumbprint/{slot}"))).map(str::to_ascii_uppercase)
    };
    let prints = (print("primaryThumbprint"), print("secondaryThumbprint"));
    let implied = if prints == (None, None) { "sas" } else { "selfsigned" };
    let kind = text("/type").map_or(implied.to_owned(), |kind| kind.to_ascii_lowercase().replace('_', ""));
    match kind.as_str() {
        "sas" => match (text("/symmetricKey/primaryKey"), text("/symmetricKey/secondaryKey")) {
            (Some(primary), Some(secondary)) => {
                Ok(json!({"type": "sas", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}}))
            }
            _ => Err("its keys are not in the file: the export left them out, or whoever made it may not read them"
                .to_owned()),
        },
        "selfsigned" => {
            let (primary, secondary) = prints;
            Ok(
                json!({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": primary, "secondaryThumbprint": secondary}}),
            )
        }
        "certificateauthority" => Ok(json!({"type": "certificateAuthority"})),
        "none" => Ok(json!({"type": "none"})),
        other => Err(format!("`{other}` is no way to authenticate that is known here")),
    }
}

/// A section of a twin without what is the hub's own.
pub fn section(given: Option<&Value>) -> Option<Map<String, Value>> {
    let mut members = given?.as_object()?.clone();
    members.retain(|name, _| !matches!(name.as_str(), "$metadata" | "$version"));
    Some(members)
}

/// The device that a scope is of.
pub fn device_of_scope(scope: &str) -> Option<&str> {
    scope.strip_prefix(SCOPE)?.rsplit_once('-').map(|(device, _)| device)
}

/// The edge device that a device is behind, read from its scopes. An edge device's own scope is none.
pub fn parent(device: &str, document: &Value) -> Option<String> {
    let first = document.pointer("/parentScopes/0").or_else(|| document.get("deviceScope"))?.as_str()?;
    device_of_scope(first).filter(|parent| *parent != device).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_of_every_way_to_authenticate() {
        let keys = json!({"primaryKey": "cA==", "secondaryKey": "cw=="});
        let sas = json!({"type": "sas", "symmetricKey": keys});
        let prints = json!({"primaryThumbprint": "AB", "secondaryThumbprint": null});
        let pinned = json!({"type": "selfSigned", "x509Thumbprint": prints});
        for (given, expected) in [
            (
                json!({"symmetricKey": keys, "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "type": "sas"}),
                &sas,
            ),
            (json!({"symmetricKey": keys}), &sas),
            (json!({"type": "SAS", "symmetricKey": keys}), &sas),
            (
                json!({"type": "selfSigned", "symmetricKey": {"primaryKey": null}, "x509Thumbprint": {"primaryThumbprint": "ab"}}),
                &pinned,
            ),
            (json!({"type": "SELF_SIGNED", "thumbprint": {"primaryThumbprint": "AB"}}), &pinned),
            (json!({"x509Thumbprint": {"primaryThumbprint": "ab"}}), &pinned),
            (
                json!({"type": "certificateAuthority", "x509Thumbprint": {"primaryThumbprint": null}}),
                &json!({"type": "certificateAuthority"}),
            ),
            (json!({"type": "none"}), &json!({"type": "none"})),
        ] {
            assert_eq!(authentication(&given).as_ref(), Ok(expected), "{given}");
        }
        for bad in [
            json!({}),
            json!({"type": "sas", "symmetricKey": {"primaryKey": null, "secondaryKey": null}}),
            json!({"type": "magic"}),
        ] {
            assert!(authentication(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parents_are_read_from_scopes_of_another_hub() {
        let scope = "ms-azure-iot-edge://gateway-1-638994563210000000";
        for (device, document, expected) in [
            ("leaf", json!({"deviceScope": scope, "parentScopes": [scope]}), Some("gateway-1")),
            ("leaf", json!({"deviceScope": scope}), Some("gateway-1")),
            ("gateway-1", json!({"deviceScope": scope, "parentScopes": []}), None),
            (
                "gateway-2",
                json!({"deviceScope": "ms-azure-iot-edge://gateway-2-1", "parentScopes": [scope]}),
                Some("gateway-1"),
            ),
            ("leaf", json!({"deviceScope": null}), None),
            ("leaf", json!({}), None),
            ("leaf", json!({"deviceScope": "x"}), None),
        ] {
            assert_eq!(parent(device, &document).as_deref(), expected, "{device} {document}");
        }
    }
}
