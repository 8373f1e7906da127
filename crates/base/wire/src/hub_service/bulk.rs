//! Several identities in one request, and counts of them.

use roadstead_model::DeviceStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::device::{Authentication, Capabilities};
use super::twin::SectionChange;
use crate::{
    hub_code::HubCode,
    word::{Word, words},
};

/// What is done with one identity. Absent: [`ImportMode::CreateOrUpdate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    Create,
    CreateOrUpdate,
    CreateOrUpdateIfMatchEtag,
    Update,
    UpdateIfMatchEtag,
    Delete,
    DeleteIfMatchEtag,
    UpdateTwin,
    UpdateTwinIfMatchEtag,
}

words!("importMode", ImportMode {
    Create = "create",
    CreateOrUpdate = "createOrUpdate",
    CreateOrUpdateIfMatchEtag = "createOrUpdateIfMatchETag",
    Update = "update",
    UpdateIfMatchEtag = "updateIfMatchETag",
    Delete = "delete",
    DeleteIfMatchEtag = "deleteIfMatchETag",
    UpdateTwin = "updateTwin",
    UpdateTwinIfMatchEtag = "updateTwinIfMatchETag",
});

/// One element of `POST /devices`: at most [`crate::limits::HUB_BULK_DEVICES_MAX`]; the parser does not count.
///
/// Shape: `[{"id":"a","eTag":"MQ==","importMode":"create","status":"enabled","authentication":{…},…}]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryOperation {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<String>,
    #[serde(default, rename = "eTag", skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_mode: Option<Word<ImportMode>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Word<DeviceStatus>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    #[serde(default, rename = "twinETag", skip_serializing_if = "Option::is_none")]
    pub twin_etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<WholeProperties>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_scopes: Option<Vec<String>>,
}

/// Properties of both kinds: an identity that comes from another hub brings what its device reported there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WholeProperties {
    #[serde(skip_serializing_if = "SectionChange::is_absent")]
    pub desired: SectionChange,
    #[serde(skip_serializing_if = "SectionChange::is_absent")]
    pub reported: SectionChange,
}

/// Answered with 200, or with 400 when anything failed. Source: `reference/hub-service.md` 1.5
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkResult {
    pub is_successful: bool,
    #[serde(default)]
    pub errors: Vec<OperationError>,
    #[serde(default)]
    pub warnings: Vec<OperationWarning>,
}

impl BulkResult {
    /// Successful when nothing failed.
    pub fn new(errors: Vec<OperationError>) -> Self {
        Self { is_successful: errors.is_empty(), errors, warnings: Vec::new() }
    }
}

/// Shape: `{"deviceId":"a","errorCode":"DeviceAlreadyExists","errorStatus":"…","moduleId":null,"operation":"create"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationError {
    pub device_id: String,
    pub error_code: String,
    pub error_status: String,
    #[serde(default)]
    pub module_id: Option<String>,
    #[serde(default)]
    pub operation: String,
}

impl OperationError {
    /// Why `operation` failed on this device.
    pub fn new(device_id: &str, code: HubCode, message: impl Into<String>, operation: ImportMode) -> Self {
        Self {
            device_id: device_id.to_owned(),
            error_code: code.name().to_owned(),
            error_status: message.into(),
            module_id: None,
            operation: Word(operation).to_string(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationWarning {
    pub device_id: String,
    pub warning_code: String,
    pub warning_status: String,
}

/// The answer of `GET /statistics/devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    pub total_device_count: u64,
    pub enabled_device_count: u64,
    pub disabled_device_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_and_results() {
        let request = json!([
            {"id": "a", "moduleId": null, "eTag": "MQ==", "importMode": "create", "status": "enabled", "statusReason": null,
             "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}, "twinETag": null, "tags": {},
             "properties": {"desired": {}, "reported": {}}, "capabilities": {"iotEdge": false}, "deviceScope": null, "parentScopes": []},
            {"id": "b", "importMode": "Delete"}]);
        let operations: Vec<RegistryOperation> = serde_json::from_value(request).unwrap();
        assert_eq!(operations[0].etag.as_deref(), Some("MQ=="));
        assert_eq!((&operations[0].device_scope, &operations[0].parent_scopes), (&None, &Some(Vec::new())));
        assert_eq!(operations[1].import_mode, Some(Word(ImportMode::Delete)));
        let error = OperationError::new("a", HubCode::DeviceAlreadyExists, "Device already exists", ImportMode::Create);
        let expected = json!({"isSuccessful": false, "errors": [{"deviceId": "a", "errorCode": "DeviceAlreadyExists",
            "errorStatus": "Device already exists", "moduleId": null, "operation": "create"}], "warnings": []});
        assert_eq!(serde_json::to_value(BulkResult::new(vec![error])).unwrap(), expected);
        assert!(BulkResult::new(vec![]).is_successful);
        for bad in [json!([{}]), json!([{"id": "a", "importMode": "upsert"}]), json!({"id": "a"})] {
            assert!(serde_json::from_value::<Vec<RegistryOperation>>(bad.clone()).is_err(), "{bad}");
        }
    }
}
