//! A DPS instance as a resource.

use roadstead_model::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::key::AccessKey;

/// A DPS instance's properties. Members that only the server sets are dropped from what a client sends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DpsProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    /// An array even when empty in answers: `az` appends to it. Absent in a request: unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iot_hubs: Option<Vec<IotHubLink>>,
    /// Capitalised here: `Hashed`, `GeoLatency`, `Static`. [`Words::parse_word`](crate::Words::parse_word) reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_operations_host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_provisioning_host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_scope: Option<String>,
    /// Taken when sent, never shown; absent: unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_policies: Option<Vec<AccessKey>>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A linked hub. Answers carry the connection string masked, and `az` sends that back: see [`mask_connection_string`].
///
/// Shape: `{"name":"plant.localhost","connectionString":"HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****",
/// "location":"local","applyAllocationPolicy":true,"allocationWeight":1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IotHubLink {
    /// The host name out of the connection string; only in answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub connection_string: Secret,
    #[serde(default)]
    pub location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply_allocation_policy: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_weight: Option<u16>,
    /// Everything else, kept and given back: `authenticationType`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

const KEY: &str = "SharedAccessKey=";
const MASK: &str = "****";

/// The connection string with `****` for its key: what a GET shows, and what the next PUT repeats.
pub fn mask_connection_string(text: &str) -> String {
    let parts = text.split(';').map(|part| match part.get(..KEY.len()) {
        Some(name) if name.eq_ignore_ascii_case(KEY) => [name, MASK].concat(),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(";")
}

impl IotHubLink {
    /// Whether the key is masked, so that the stored one must be kept.
    pub fn is_masked(&self) -> bool {
        let text = self.connection_string.expose();
        text.contains(MASK) && mask_connection_string(text) == text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_come_back_masked() {
        let real = "HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0==";
        let masked = "HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
        assert_eq!(mask_connection_string(real), masked);
        for (text, is_masked) in [(real, false), (masked, true), ("", false), ("HostName=a", false)] {
            let link: IotHubLink = serde_json::from_value(json!({"connectionString": text, "location": "l"})).unwrap();
            assert_eq!(link.is_masked(), is_masked, "{text}");
            assert!(!format!("{link:?}").contains("c2VjcmV0"), "{link:?}");
        }
    }

    #[test]
    fn what_az_updates() {
        let body = json!({"iotHubs": [], "allocationPolicy": "Hashed", "enableDataResidency": false});
        let properties: DpsProperties = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(properties.iot_hubs, Some(vec![]));
        assert_eq!(serde_json::to_value(properties).unwrap(), body);
        assert!(serde_json::from_value::<DpsProperties>(json!({"iotHubs": [{"location": "l"}]})).is_err());
    }
}
