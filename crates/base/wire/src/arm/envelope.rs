//! What all resources look like from outside, and lists of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A resource. As a request only `location`, `tags`, `sku`, `etag`, `properties` and what is not known here count.
///
/// Shape: `{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.Devices/IotHubs/H","name":"H",
/// "type":"Microsoft.Devices/IotHubs","location":"local","tags":{},"resourcegroup":"RG","subscriptionid":"S",…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource<P> {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default)]
    pub tags: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Lower case, and needed: the CLI extension finds the keys by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resourcegroup: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriptionid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(default)]
    pub properties: P,
    /// Everything else, kept and given back: `identity`, `zones`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// New tags in place of all that there are: `{"tags":{"site":"north"}}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TagsUpdate {
    #[serde(default)]
    pub tags: Option<Map<String, Value>>,
}

/// Shape: `{"name":"S1","tier":"Standard","capacity":1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i64>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A resource group's properties.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
}

/// A whole list; there are no further pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List<T> {
    pub value: Vec<T>,
}

/// Shape: `{"id":"/subscriptions/S","subscriptionId":"S","displayName":"Roadstead","state":"Enabled","tenantId":"T"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub id: String,
    pub subscription_id: String,
    pub display_name: String,
    pub state: String,
    pub tenant_id: String,
}

/// Shape: `{"id":"/tenants/T","tenantId":"T","displayName":"Roadstead"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: String,
    pub tenant_id: String,
    pub display_name: String,
}

/// Asks whether a hub or DPS instance may have this name: `{"name":"plant"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameQuery {
    pub name: String,
}

/// Why a name cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    AlreadyExists,
    Invalid,
}

/// Shape: `{"nameAvailable":false,"reason":"AlreadyExists","message":"…"}`; `az` prints the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameAvailability {
    pub name_available: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Unavailable>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl NameAvailability {
    /// The name is free.
    pub fn available() -> Self {
        Self { name_available: true, reason: None, message: None }
    }

    /// The name is not free, or no name.
    pub fn unavailable(reason: Unavailable, message: impl Into<String>) -> Self {
        Self { name_available: false, reason: Some(reason), message: Some(message.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_group_in_and_out() {
        let request: Resource<GroupProperties> = serde_json::from_value(json!({"location": "westeurope"})).unwrap();
        assert_eq!((request.location.as_deref(), &*request.id, &request.tags), (Some("westeurope"), "", &None));
        let answer = Resource {
            id: "/subscriptions/S/resourceGroups/RG".into(),
            name: "RG".into(),
            kind: "Microsoft.Resources/resourceGroups".into(),
            tags: Some(Map::new()),
            properties: GroupProperties { provisioning_state: Some(super::super::SUCCEEDED.into()) },
            ..request
        };
        let expected = json!({"id": "/subscriptions/S/resourceGroups/RG", "name": "RG", "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope", "tags": {}, "properties": {"provisioningState": "Succeeded"}});
        assert_eq!(serde_json::to_value(answer).unwrap(), expected);
    }

    #[test]
    fn names() {
        assert_eq!(serde_json::to_value(NameAvailability::available()).unwrap(), json!({"nameAvailable": true}));
        let taken = NameAvailability::unavailable(Unavailable::AlreadyExists, "taken");
        let expected = json!({"nameAvailable": false, "reason": "AlreadyExists", "message": "taken"});
        assert_eq!(serde_json::to_value(taken).unwrap(), expected);
    }
}
