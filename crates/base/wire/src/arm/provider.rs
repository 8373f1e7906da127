//! What the resource provider says of itself: its types, its operations, its tiers, and what is used up.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The namespace of hubs and DPS instances.
pub const NAMESPACE: &str = "Microsoft.Devices";

/// The version of the API that exported templates name.
pub const API_VERSION: &str = API_VERSIONS[0];

/// Versions of the API that clients ask for. Every other one is taken, too. Source: `reference/arm-and-az.md` 3 and 8
const API_VERSIONS: [&str; 3] = ["2023-06-30", "2021-10-15", "2020-03-01"];

/// Tiers of hubs, with how many units one may have. Source: docs, IoT Hub quotas
const HUB_TIERS: [(&str, &str, u32); 7] = [
    ("F1", "Free", 1),
    ("B1", "Basic", 200),
    ("B2", "Basic", 200),
    ("B3", "Basic", 10),
    ("S1", "Standard", 200),
    ("S2", "Standard", 200),
    ("S3", "Standard", 10),
];

/// What there is to do, with a title. Source: docs, "Microsoft.Devices permissions"
const OPERATIONS: [(&str, &str, &str); 34] = [
    ("register/action", "Provider", "Register the resource provider"),
    ("operations/Read", "Operations", "List operations"),
    ("usages/Read", "Usages", "Show how many hubs there are"),
    ("checkNameAvailability/Action", "IotHubs", "Ask whether a hub's name is free"),
    ("checkProvisioningServiceNameAvailability/Action", "ProvisioningServices", "Ask whether a DPS name is free"),
    ("IotHubs/Read", "IotHubs", "Show and list hubs"),
    ("IotHubs/Write", "IotHubs", "Create or change a hub"),
    ("IotHubs/Delete", "IotHubs", "Delete a hub"),
    ("IotHubs/listkeys/Action", "IotHubs", "List the keys of a hub"),
    ("IotHubs/iotHubKeys/listkeys/Action", "IotHubs", "Show one key of a hub"),
    ("IotHubs/iotHubStats/Read", "IotHubs", "Count a hub's devices"),
    ("IotHubs/quotaMetrics/Read", "IotHubs", "Show what of a hub's quota is used"),
    ("IotHubs/skus/Read", "IotHubs", "List the tiers of a hub"),
    ("IotHubs/routing/$testall/Action", "IotHubs", "Try a message on all routes"),
    ("IotHubs/routing/$testnew/Action", "IotHubs", "Try a message on a new route"),
    ("IotHubs/certificates/Read", "IotHubs", "Show and list a hub's CA certificates"),
    ("IotHubs/certificates/Write", "IotHubs", "Upload a CA certificate to a hub"),
    ("IotHubs/certificates/Delete", "IotHubs", "Delete a hub's CA certificate"),
    ("IotHubs/certificates/generateVerificationCode/Action", "IotHubs", "Make a verification code"),
    ("IotHubs/certificates/verify/Action", "IotHubs", "Prove possession of a CA's key"),
    ("IotHubs/eventHubEndpoints/consumerGroups/Read", "IotHubs", "Show and list consumer groups"),
    ("IotHubs/eventHubEndpoints/consumerGroups/Write", "IotHubs", "Create a consumer group"),
    ("IotHubs/eventHubEndpoints/consumerGroups/Delete", "IotHubs", "Delete a consumer group"),
    ("provisioningServices/Read", "ProvisioningServices", "Show and list DPS instances"),
    ("provisioningServices/Write", "ProvisioningServices", "Create or change a DPS instance"),
    ("provisioningServices/Delete", "ProvisioningServices", "Delete a DPS instance"),
    ("provisioningServices/listkeys/Action", "ProvisioningServices", "List the keys of a DPS instance"),
    ("provisioningServices/keys/listkeys/Action", "ProvisioningServices", "Show one key of a DPS instance"),
    ("provisioningServices/skus/Read", "ProvisioningServices", "List the tiers of a DPS instance"),
    (
        "provisioningServices/certificates/Read",
        "ProvisioningServices",
        "Show and list CA certificates of a DPS instance",
    ),
    ("provisioningServices/certificates/Write", "ProvisioningServices", "Upload a CA certificate to a DPS instance"),
    ("provisioningServices/certificates/Delete", "ProvisioningServices", "Delete a CA certificate of a DPS instance"),
    (
        "provisioningServices/certificates/generateVerificationCode/Action",
        "ProvisioningServices",
        "Make a verification code",
    ),
    ("provisioningServices/certificates/verify/Action", "ProvisioningServices", "Prove possession of a CA's key"),
];

/// Shape: `{"name":"Microsoft.Devices/IotHubs/Read","display":{"provider":…,"resource":…,"operation":…,"description":…}}`.
pub fn operations() -> Vec<Value> {
    let shape = |(name, resource, title): &(&str, &str, &str)| {
        json!({
            "name": format!("{NAMESPACE}/{name}"),
            "display": {"provider": NAMESPACE, "resource": resource, "operation": title, "description": title},
        })
    };
    OPERATIONS.iter().map(shape).collect()
}

/// The provider, registered as it always is: clients read which types it has, and in which versions.
pub fn provider(subscription: &str, locations: &[&str]) -> Value {
    let kind = |name: &str, capabilities: &str| {
        json!({
            "resourceType": name,
            "locations": locations,
            "apiVersions": API_VERSIONS,
            "defaultApiVersion": API_VERSION,
            "capabilities": capabilities,
        })
    };
    let resource = "SupportsTags, SupportsLocation";
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}"),
        "namespace": NAMESPACE,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [
            kind("IotHubs", resource),
            kind("IotHubs/certificates", "None"),
            kind("IotHubs/eventHubEndpoints/consumerGroups", "None"),
            kind("provisioningServices", resource),
            kind("provisioningServices/certificates", "None"),
            kind("checkNameAvailability", "None"),
            kind("checkProvisioningServiceNameAvailability", "None"),
            kind("operations", "None"),
            kind("usages", "None"),
        ],
    })
}

/// Tiers that a hub may have, one shape each:
/// `{"resourceType":"Microsoft.Devices/IotHubs","sku":{"name":"S1","tier":"Standard"},"capacity":{"minimum":1,"maximum":200,…}}`.
pub fn hub_tiers() -> Vec<Value> {
    let shape = |(name, tier, units): &(&str, &str, u32)| {
        json!({
            "resourceType": "Microsoft.Devices/IotHubs",
            "sku": {"name": name, "tier": tier},
            "capacity": {"minimum": 1, "maximum": units, "default": 1, "scaleType": if *units == 1 { "None" } else { "Manual" }},
        })
    };
    HUB_TIERS.iter().map(shape).collect()
}

/// The tiers of a DPS instance: there is one.
pub fn dps_tiers() -> Vec<Value> {
    vec![json!({"name": "S1"})]
}

/// What of a hub's quota is used.
///
/// Shape: `{"name":"TotalDeviceCount","currentValue":3,"maxValue":1000000}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaMetric {
    pub name: String,
    pub current_value: u64,
    pub max_value: u64,
}

/// How many there are of a kind, and may be.
///
/// Shape: `{"id":"…/usages/IotHubs","type":"Microsoft.Devices/usages","unit":"Count","currentValue":1,"limit":1000,"name":{"value":…}}`.
pub fn usage(subscription: &str, kind: &str, current: usize, limit: usize) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{NAMESPACE}/usages/{kind}"),
        "type": format!("{NAMESPACE}/usages"),
        "unit": "Count",
        "currentValue": current,
        "limit": limit,
        "name": {"value": kind, "localizedValue": kind},
    })
}

/// Shape: `{"id":"/subscriptions/S/locations/centralindia","name":"centralindia","displayName":"Central India",…}`.
pub fn location(subscription: &str, name: &str, display_name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/locations/{name}"),
        "subscriptionId": subscription,
        "name": name,
        "type": "Region",
        "displayName": display_name,
        "regionalDisplayName": display_name,
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_what_they_look_for() {
        let provider = provider("S", &["local"]);
        assert_eq!(provider["id"], "/subscriptions/S/providers/Microsoft.Devices");
        let kinds = provider["resourceTypes"].as_array().unwrap();
        let hubs = kinds.iter().find(|kind| kind["resourceType"] == "IotHubs").unwrap();
        assert_eq!((&hubs["apiVersions"][0], &hubs["locations"][0]), (&json!("2023-06-30"), &json!("local")));
        let operations = operations();
        assert!(operations.iter().any(|operation| operation["name"] == "Microsoft.Devices/IotHubs/Write"));
        let names: std::collections::HashSet<_> =
            operations.iter().map(|operation| operation["name"].to_string()).collect();
        assert_eq!(names.len(), operations.len());
        assert!(hub_tiers().iter().any(|tier| tier["sku"] == json!({"name": "S1", "tier": "Standard"})));
    }
}
