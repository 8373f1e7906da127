//! A hub as a resource.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    hub_settings::{CloudToDevice, MessagingEndpoints, Roadstead, Routing, StorageEndpoints},
    key::AccessKey,
};

/// A hub's properties. Members that only the server sets are dropped from what a client sends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HubProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_hub_endpoints: Option<EventHubEndpoints>,
    /// Taken when sent, never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_policies: Option<Vec<AccessKey>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locations: Option<Vec<Location>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_to_device: Option<CloudToDevice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_file_upload_notifications: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_endpoints: Option<StorageEndpoints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_endpoints: Option<MessagingEndpoints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roadstead: Option<Roadstead>,
    /// Everything else, kept and given back: `ipFilterRules`, `features`, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The built-in endpoint, and others, which are kept and given back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventHubEndpoints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventHub>,
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"retentionTimeInDays":7,"partitionCount":2,"partitionIds":["0","1"],"path":"plant","endpoint":"sb://plant.localhost/"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventHub {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_time_in_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_count: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"location":"local","role":"primary"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub location: String,
    pub role: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Resource;
    use serde_json::json;

    #[test]
    fn what_az_creates() {
        let body = json!({"location": "local", "sku": {"name": "S1", "capacity": 1}, "tags": null, "properties": {
            "eventHubEndpoints": {"events": {"retentionTimeInDays": 7, "partitionCount": 2}},
            "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}},
            "messagingEndpoints": {"fileNotifications": {"maxDeliveryCount": 10}}, "features": "None",
            "enableFileUploadNotifications": false, "cloudToDevice": {"maxDeliveryCount": 10}}});
        let hub: Resource<HubProperties> = serde_json::from_value(body.clone()).unwrap();
        let events = hub.properties.event_hub_endpoints.clone().unwrap().events.unwrap();
        assert_eq!((events.retention_time_in_days, events.partition_count), (Some(7), Some(2)));
        let settings = (&hub.properties.cloud_to_device, hub.properties.enable_file_upload_notifications);
        assert_eq!(
            settings,
            (&Some(CloudToDevice { max_delivery_count: Some(10), ..CloudToDevice::default() }), Some(false))
        );
        let kept: Vec<_> = hub.properties.other.keys().collect();
        assert_eq!(kept, ["features"]);
        let storage = hub.properties.storage_endpoints.clone().unwrap().default.unwrap();
        assert_eq!(storage.sas_ttl.as_deref(), Some("PT1H"));
        let notifications = hub.properties.messaging_endpoints.clone().unwrap().file_notifications.unwrap();
        assert_eq!(notifications.max_delivery_count, Some(10));
        let mut expected = body;
        for member in ["id", "name", "type"] {
            expected[member] = json!("");
        }
        assert_eq!(serde_json::to_value(hub).unwrap(), expected);
    }

    #[test]
    fn refused() {
        for properties in [
            json!([]),
            json!({"eventHubEndpoints": {"events": {"partitionCount": -1}}}),
            json!({"authorizationPolicies": {}}),
        ] {
            let body = json!({ "properties": properties });
            assert!(serde_json::from_value::<Resource<HubProperties>>(body.clone()).is_err(), "{body}");
        }
    }
}
