//! What back ends made of a twin, over HTTP. Ours: Azure keeps no history of twins.

use roadstead_model::{Actor, TwinRevision};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One change of a twin. Its sections are as they became, all of each, in the shape of a twin: what is written back makes it so again.
///
/// Shape: `{"version":4,"time":"2026-11-22T14:02:11.1230000Z","operation":"patch","actor":"policy","name":"iothubowner",
/// "tags":{"site":"a"},"properties":{"desired":{"hz":5,"$version":3}}}`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TwinVersion {
    /// The twin's version that came of it.
    pub version: i64,
    pub time: String,
    /// `patch`, `replace`
    pub operation: String,
    /// `policy`, `principal`, `provisioning`; absent when nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Of the policy or the principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent when the change did not write them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Map<String, Value>>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<VersionProperties>,
}

/// Desired properties, with the version of the section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionProperties {
    pub desired: Map<String, Value>,
}

impl From<TwinRevision> for TwinVersion {
    fn from(of: TwinRevision) -> Self {
        let (actor, name) = match of.by {
            Some(Actor::Policy(name)) => (Some("policy"), Some(name)),
            Some(Actor::Principal(name)) => (Some("principal"), Some(name)),
            Some(Actor::Provisioning) => (Some("provisioning"), None),
            None => (None, None),
        };
        let desired = |(mut desired, version): (Map<String, Value>, i64)| {
            desired.insert("$version".to_owned(), version.into());
            VersionProperties { desired }
        };
        Self {
            version: of.version,
            time: of.at.iso(),
            operation: if of.is_replacement { "replace" } else { "patch" }.to_owned(),
            actor: actor.map(str::to_owned),
            name,
            tags: of.tags,
            properties: of.desired.map(desired),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::UnixMillis;
    use serde_json::json;

    #[test]
    fn sections_that_were_not_written_are_absent() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let whole = TwinRevision {
            version: 4,
            at: UnixMillis(1_795_291_200_999),
            by: Some(Actor::Policy("iothubowner".to_owned())),
            is_replacement: false,
            tags: Some(map(json!({"site": "a"}))),
            desired: Some((map(json!({"hz": 5})), 3)),
        };
        let shown = |revision: &TwinRevision| serde_json::to_value(TwinVersion::from(revision.clone())).unwrap();
        let expected = json!({"version": 4, "time": "2026-11-21T20:00:00.9990000Z", "operation": "patch", "actor": "policy",
            "name": "iothubowner", "tags": {"site": "a"}, "properties": {"desired": {"hz": 5, "$version": 3}}});
        assert_eq!(shown(&whole), expected);
        let bare = TwinRevision { by: None, is_replacement: true, tags: None, ..whole.clone() };
        let expected = json!({"version": 4, "time": "2026-11-21T20:00:00.9990000Z", "operation": "replace",
            "properties": {"desired": {"hz": 5, "$version": 3}}});
        assert_eq!(shown(&bare), expected);
        let back: TwinVersion = serde_json::from_value(expected).unwrap();
        assert_eq!((back.actor, back.tags), (None, None));
        let by_dps = TwinRevision { by: Some(Actor::Provisioning), desired: None, ..whole };
        assert_eq!((&shown(&by_dps)["actor"], &shown(&by_dps)["properties"]), (&json!("provisioning"), &Value::Null));
    }
}
