//! Access policies as Resource Manager lists them.

use roadstead_model::{AccessPolicy, Rights, Secret};
use serde::{Deserialize, Serialize};

/// Shape: `{"keyName":"iothubowner","primaryKey":"…","secondaryKey":"…","rights":"RegistryWrite, ServiceConnect, DeviceConnect"}`.
/// Rights are joined by comma and blank: the CLI extension splits there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessKey {
    pub key_name: String,
    /// Absent in a request: made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_key: Option<Secret>,
    /// [`Rights::parse`] reads it.
    pub rights: String,
}

impl From<&AccessPolicy> for AccessKey {
    fn from(policy: &AccessPolicy) -> Self {
        Self {
            key_name: policy.key_name.clone(),
            primary_key: Some(policy.primary.clone()),
            secondary_key: Some(policy.secondary.clone()),
            rights: policy.rights.to_string(),
        }
    }
}

impl AccessKey {
    /// The rights; `None` when a word is none.
    pub fn parse_rights(&self) -> Option<Rights> {
        Rights::parse(&self.rights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::Right;
    use serde_json::json;

    #[test]
    fn worded_for_the_extension() {
        let rights = Rights::of(&[Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect]);
        let policy = AccessPolicy {
            key_name: "iothubowner".into(),
            primary: Secret::new("a"),
            secondary: Secret::new("b"),
            rights,
        };
        let key = AccessKey::from(&policy);
        let expected = json!({"keyName": "iothubowner", "primaryKey": "a", "secondaryKey": "b",
            "rights": "RegistryWrite, ServiceConnect, DeviceConnect"});
        assert_eq!(serde_json::to_value(&key).unwrap(), expected);
        assert_eq!(key.parse_rights(), Some(rights));
        let asked: AccessKey = serde_json::from_value(json!({"keyName": "x", "rights": "All"})).unwrap();
        assert_eq!((asked.primary_key.clone(), asked.parse_rights()), (None, None));
    }
}
