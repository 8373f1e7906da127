//! Enrollments and groups.

use roadstead_model::{AllocationPolicy, ProvisioningStatus, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{attestation::AttestationMechanism, registration::DeviceRegistrationState};
use crate::word::Word;

/// One device's enrollment. Shape: `{"registrationId":"dev-01","attestation":{"type":"symmetricKey"},…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndividualEnrollment {
    pub registration_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Only in the answer to GET, and only once the device has registered. Clients send back what they read of whatever
    /// version, so what does not fit is passed over.
    #[serde(default, deserialize_with = "if_it_fits", skip_serializing_if = "Option::is_none")]
    pub registration_state: Option<DeviceRegistrationState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_device_information: Option<Map<String, Value>>,
    pub attestation: AttestationMechanism,
    #[serde(flatten)]
    pub settings: Settings,
}

/// A group of devices. Shape: `{"enrollmentGroupId":"fleet-a","attestation":{"type":"x509",…},…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentGroup {
    pub enrollment_group_id: String,
    pub attestation: AttestationMechanism,
    #[serde(flatten)]
    pub settings: Settings,
}

fn if_it_fits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DeviceRegistrationState>, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).ok())
}

/// The members that enrollments and groups have in common.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// Legacy: like the static policy with this one hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iot_hub_host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_twin: Option<InitialTwin>,
    /// Within quotes: [`super::quoted`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_status: Option<Word<ProvisioningStatus>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reprovision_policy: Option<ReprovisionPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_date_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_date_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_policy: Option<Word<AllocationPolicy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iot_hubs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_allocation_definition: Option<CustomAllocation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    pub iot_edge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReprovisionPolicy {
    pub update_hub_assignment: bool,
    pub migrate_device_data: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomAllocation {
    /// May carry a key in its query.
    pub webhook_url: Secret,
    pub api_version: String,
}

/// Shape: `{"tags":{"site":"north"},"properties":{"desired":{"rate":5}}}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitialTwin {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Desired>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<Map<String, Value>>,
}

impl InitialTwin {
    /// What it writes into a twin, without the bookkeeping that SDKs put into collections.
    pub fn to_model(&self) -> roadstead_model::InitialTwin {
        let desired = self.properties.as_ref().and_then(|properties| properties.desired.as_ref());
        roadstead_model::InitialTwin { tags: content(self.tags.as_ref()), desired: content(desired) }
    }
}

impl From<&roadstead_model::InitialTwin> for InitialTwin {
    fn from(twin: &roadstead_model::InitialTwin) -> Self {
        Self { tags: Some(twin.tags.clone()), properties: Some(Desired { desired: Some(twin.desired.clone()) }) }
    }
}

/// SDKs add `metadata` with `version` and `count`; a `version` without such metadata is the user's own.
/// Source: `reference/dps.md` 4.3 (a tag named `version` was lost by the Azure CLI)
fn content(collection: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut content = collection.cloned().unwrap_or_default();
    content.retain(|name, _| !matches!(name.as_str(), "$version" | "$metadata"));
    let bookkeeping = content.get("metadata").is_some_and(|metadata| metadata.get("lastUpdated").is_some());
    if bookkeeping {
        content.retain(|name, _| !matches!(name.as_str(), "metadata" | "version" | "count"));
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dps_service::{AttestationType, SymmetricKeys};
    use serde_json::json;

    #[test]
    fn what_az_creates_is_read_and_written() {
        let sent = json!({"registrationId": "dev-01", "deviceId": "dev-01", "optionalDeviceInformation": {},
            "attestation": {"type": "symmetricKey", "symmetricKey": {}}, "capabilities": {"iotEdge": false},
            "initialTwin": {"tags": {}, "properties": {"desired": {}}},
            "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true}});
        let enrollment: IndividualEnrollment = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(enrollment.attestation, AttestationMechanism::symmetric_key(Some(SymmetricKeys::default())));
        assert_eq!((enrollment.settings.provisioning_status, enrollment.settings.allocation_policy), (None, None));
        assert_eq!(serde_json::to_value(&enrollment).unwrap(), sent);
    }

    #[test]
    fn a_group_with_a_ca_by_name() {
        let sent = json!({"enrollmentGroupId": "fleet-a", "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "root-ca"}}},
            "provisioningStatus": "enabled", "allocationPolicy": "static", "iotHubs": ["hub1.example.test"]});
        let group: EnrollmentGroup = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(group.attestation.kind.0, AttestationType::X509);
        let x509 = group.attestation.x509.clone().unwrap();
        assert_eq!(x509.ca_references.unwrap().primary.as_deref(), Some("root-ca"));
        assert_eq!(serde_json::to_value(&group).unwrap(), sent);
    }

    #[test]
    fn absent_and_null_are_the_same() {
        let sent = json!({"registrationId": "a", "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": null}, "x509": null},
            "deviceId": null, "capabilities": null, "initialTwin": null, "etag": null, "provisioningStatus": null,
            "allocationPolicy": null, "iotHubs": null, "customAllocationDefinition": null, "registrationState": null, "unknown": 1});
        let enrollment: IndividualEnrollment = serde_json::from_value(sent).unwrap();
        let written = json!({"registrationId": "a", "attestation": {"type": "symmetricKey", "symmetricKey": {}}});
        assert_eq!(serde_json::to_value(&enrollment).unwrap(), written);
    }

    #[test]
    fn refused() {
        for sent in [
            json!({}),
            json!({"registrationId": "a"}),
            json!({"attestation": {"type": "symmetricKey"}}),
            json!({"registrationId": "a", "attestation": {"type": "password"}}),
            json!({"registrationId": "a", "attestation": {}}),
            json!({"registrationId": "a", "attestation": {"type": "none"}, "allocationPolicy": "random"}),
            json!({"registrationId": "a", "attestation": {"type": "none"}, "iotHubs": "hub1"}),
            json!({"registrationId": "a", "attestation": {"type": "none"}, "capabilities": {}}),
        ] {
            assert!(serde_json::from_value::<IndividualEnrollment>(sent.clone()).is_err(), "{sent}");
        }
    }

    #[test]
    fn bookkeeping_is_not_content() {
        for (tags, content) in [
            (json!({"site": "n", "version": 3}), json!({"site": "n", "version": 3})),
            (json!({"site": "n", "version": 3, "count": 1, "metadata": {"lastUpdated": "t"}}), json!({"site": "n"})),
            (json!({"metadata": "mine", "$version": 1, "$metadata": {}}), json!({"metadata": "mine"})),
        ] {
            let twin: InitialTwin =
                serde_json::from_value(json!({"tags": tags, "properties": {"desired": tags}})).unwrap();
            let model = twin.to_model();
            assert_eq!(Value::from(model.tags.clone()), content);
            assert_eq!(Value::from(model.desired.clone()), content);
            let shown = json!({"tags": content, "properties": {"desired": content}});
            assert_eq!(serde_json::to_value(InitialTwin::from(&model)).unwrap(), shown);
        }
        assert_eq!(InitialTwin::default().to_model(), roadstead_model::InitialTwin::default());
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = SymmetricKeys { primary_key: Some(Secret::new("c2VjcmV0")), secondary_key: None };
        let shown = format!("{:?}", AttestationMechanism::symmetric_key(Some(keys.clone())));
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
        assert_eq!(serde_json::to_value(keys).unwrap(), json!({"primaryKey": "c2VjcmV0"}));
    }
}
