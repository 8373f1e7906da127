//! What a hub has, compared with what a file says.

use super::identity::{Identity, authentication, parent, section};
use serde_json::{Map, Value};

/// A device or module as the hub has it: its identity and its twin.
#[derive(Debug)]
pub struct Known {
    pub document: Value,
    pub twin: Value,
}

impl Known {
    fn text(&self, member: &str) -> Option<&str> {
        self.document.get(member).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

/// The parts that differ. What the file does not say does not count.
pub fn differences(wanted: &Identity, known: &Known) -> Vec<&'static str> {
    let same_text = |wanted: &Option<String>, member| wanted.is_none() || wanted.as_deref() == known.text(member);
    let same_section = |wanted: &Option<Map<String, Value>>, pointer: &str| {
        wanted.is_none() || *wanted == Some(section(known.twin.pointer(pointer)).unwrap_or_default())
    };
    let edge = known.document.pointer("/capabilities/iotEdge").and_then(Value::as_bool);
    let shown = known.document.get("authentication").unwrap_or(&Value::Null);
    let parts = [
        ("status", same_text(&wanted.status, "status") && same_text(&wanted.status_reason, "statusReason")),
        (
            "authentication",
            wanted.authentication.is_null() || authentication(shown).as_ref() == Ok(&wanted.authentication),
        ),
        ("capabilities", wanted.iot_edge.is_none() || wanted.iot_edge == Some(edge.unwrap_or_default())),
        ("parent", wanted.parent.is_none() || wanted.parent == parent(&wanted.device, &known.document)),
        ("managedBy", same_text(&wanted.managed_by, "managedBy")),
        ("tags", same_section(&wanted.tags, "/tags")),
        ("desired", same_section(&wanted.desired, "/properties/desired")),
        ("reported", same_section(&wanted.reported, "/properties/reported")),
    ];
    parts.into_iter().filter(|(_, is_same)| !is_same).map(|(part, _)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part() {
        let keys = json!({"primaryKey": "cA==", "secondaryKey": "cw=="});
        let scope = "ms-azure-iot-edge://edge1-638994563210000000";
        let known = Known {
            document: json!({"deviceId": "leaf", "status": "enabled", "statusReason": null, "capabilities": {"iotEdge": false},
                "authentication": {"type": "sas", "symmetricKey": keys}, "deviceScope": scope, "parentScopes": [scope]}),
            twin: json!({"tags": {"a": 1}, "properties": {"desired": {"d": 1, "$version": 4, "$metadata": {}}, "reported": {"$version": 1}}}),
        };
        let object = |value: Value| value.as_object().cloned();
        let same = Identity {
            device: "leaf".to_owned(),
            status: Some("enabled".to_owned()),
            authentication: json!({"type": "sas", "symmetricKey": keys}),
            iot_edge: Some(false),
            parent: Some("edge1".to_owned()),
            tags: object(json!({"a": 1})),
            desired: object(json!({"d": 1})),
            reported: Some(Map::new()),
            ..Identity::default()
        };
        assert_eq!(differences(&same, &known), [""; 0]);
        assert_eq!(differences(&Identity { device: "leaf".to_owned(), ..Identity::default() }, &known), [""; 0]);
        for (wanted, part) in [
            (Identity { status: Some("disabled".to_owned()), ..same.clone() }, "status"),
            (Identity { status_reason: Some("stolen".to_owned()), ..same.clone() }, "status"),
            (Identity { authentication: json!({"type": "none"}), ..same.clone() }, "authentication"),
            (Identity { iot_edge: Some(true), ..same.clone() }, "capabilities"),
            (Identity { parent: Some("edge2".to_owned()), ..same.clone() }, "parent"),
            (Identity { managed_by: Some("IotEdge".to_owned()), ..same.clone() }, "managedBy"),
            (Identity { tags: Some(Map::new()), ..same.clone() }, "tags"),
            (Identity { desired: object(json!({"d": 2})), ..same.clone() }, "desired"),
            (Identity { reported: object(json!({"r": 1})), ..same.clone() }, "reported"),
        ] {
            assert_eq!(differences(&wanted, &known), [part]);
        }
    }
}
