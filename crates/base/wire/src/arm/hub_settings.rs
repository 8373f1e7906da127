//! How a hub behaves, as members of its resource: Azure's where it has some, `roadstead` for the rest.
//!
//! What is absent is left as it is. Source: docs, template reference `Microsoft.Devices/IotHubs` 2023-06-30

use roadstead_model::{ThrottleProfile, Tier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::word::{Word, words};

/// Shape: `{"maxDeliveryCount":10,"defaultTtlAsIso8601":"PT1H","feedback":{…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudToDevice {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delivery_count: Option<u32>,
    /// An [`IsoDuration`](crate::IsoDuration), as all three durations.
    #[serde(rename = "defaultTtlAsIso8601", skip_serializing_if = "Option::is_none")]
    pub default_ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What back ends read in turn: feedback, and notifications of files.
///
/// Shape: `{"lockDurationAsIso8601":"PT1M","ttlAsIso8601":"PT1H","maxDeliveryCount":10}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Feedback {
    #[serde(rename = "lockDurationAsIso8601", skip_serializing_if = "Option::is_none")]
    pub lock_duration: Option<String>,
    #[serde(rename = "ttlAsIso8601", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delivery_count: Option<u32>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"fileNotifications":{"lockDurationAsIso8601":"PT5S","ttlAsIso8601":"PT1H","maxDeliveryCount":10}}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessagingEndpoints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_notifications: Option<Feedback>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"$default":{"sasTtlAsIso8601":"PT1H","connectionString":"","containerName":""}}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StorageEndpoints {
    #[serde(rename = "$default", skip_serializing_if = "Option::is_none")]
    pub default: Option<StorageEndpoint>,
    /// A hub has one storage account: these are refused. Source: azure-mgmt-iothub, `storage_endpoints`
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Where uploaded files go: of a storage account's members only the place where they were written is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageEndpoint {
    #[serde(rename = "sasTtlAsIso8601", skip_serializing_if = "Option::is_none")]
    pub sas_ttl: Option<String>,
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"endpoints":{…},"routes":[…],"fallbackRoute":{…},"enrichments":[]}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Routing {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Route>>,
    /// Of its members, `az` leaves out those it does not change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_route: Option<Route>,
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Shape: `{"name":"twins","source":"TwinChangeEvents","condition":"true","endpointNames":["events"],"isEnabled":true}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A [`RouteSource`], or another of Azure's.
    pub source: String,
    /// Absent counts as `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// Everything else, kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a route takes events from. Source: `reference/hub-service.md` 4.1, which has more
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteSource {
    DeviceMessages,
    TwinChanges,
    DeviceLifecycle,
    ConnectionState,
}

words!("route source", RouteSource {
    DeviceMessages = "DeviceMessages",
    TwinChanges = "TwinChangeEvents",
    DeviceLifecycle = "DeviceLifecycleEvents",
    ConnectionState = "DeviceConnectionStateEvents",
});

/// What Azure has no member for. Shape: `{"messageQueueDepth":50,"throttle":{"tier":"azure-s1","units":1},"faultInjection":false}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Roadstead {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_queue_depth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub throttle: Option<Throttling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_injection: Option<bool>,
}

/// Whether a hub refuses when there is too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttling {
    /// `null`.
    Off,
    Like(Throttle),
}

/// Shape: `{"tier":"azure-s1","units":1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    pub tier: Word<Tier>,
    #[serde(default = "one")]
    pub units: u32,
}

words!("tier", Tier { S1 = "azure-s1", S2 = "azure-s2", S3 = "azure-s3" });

fn one() -> u32 {
    1
}

/// A member that is there, `null` too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Throttling>, D::Error> {
    let given = Option::<Throttle>::deserialize(deserializer)?;
    Ok(Some(given.map_or(Throttling::Off, Throttling::Like)))
}

impl Serialize for Throttling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_none(),
            Self::Like(throttle) => throttle.serialize(serializer),
        }
    }
}

impl From<Option<ThrottleProfile>> for Throttling {
    fn from(profile: Option<ThrottleProfile>) -> Self {
        profile.map_or(Self::Off, |ThrottleProfile { tier, units }| Self::Like(Throttle { tier: Word(tier), units }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_absent_stays_and_null_is_off() {
        for (text, throttle) in [
            (json!({}), None),
            (json!({"throttle": null}), Some(Throttling::Off)),
            (
                json!({"throttle": {"tier": "azure-s2", "units": 3}}),
                Some((Tier::S2, 3)).map(|(tier, units)| Throttling::Like(Throttle { tier: Word(tier), units })),
            ),
        ] {
            let read: Roadstead = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(read.throttle, throttle);
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
        let read: Roadstead = serde_json::from_value(json!({"throttle": {"tier": "AZURE-S1"}})).unwrap();
        assert_eq!(read.throttle, Some(Throttling::Like(Throttle { tier: Word(Tier::S1), units: 1 })));
    }

    #[test]
    fn refused() {
        for (text, why) in [
            (json!({"faultinjection": true}), "unknown field `faultinjection`"),
            (json!({"throttle": {"tier": "S1"}}), "`S1` is no tier: azure-s1, azure-s2, azure-s3"),
            (json!({"throttle": {"units": 1}}), "missing field `tier`"),
            (json!({"throttle": "azure-s1"}), "invalid type"),
            (json!({"messageQueueDepth": -1}), "invalid value"),
        ] {
            let error = serde_json::from_value::<Roadstead>(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn routing_as_azure_has_it() {
        let routing = json!({"endpoints": {"eventHubs": []}, "enrichments": [],
            "routes": [{"name": "twins", "source": "TwinChangeEvents", "condition": "true", "endpointNames": ["events"], "isEnabled": true}],
            "fallbackRoute": {"name": "$fallback", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": true}});
        let read: Routing = serde_json::from_value(routing.clone()).unwrap();
        assert_eq!(read.routes.as_ref().unwrap()[0].source, "TwinChangeEvents");
        assert_eq!(serde_json::to_value(&read).unwrap(), routing);
    }
}
