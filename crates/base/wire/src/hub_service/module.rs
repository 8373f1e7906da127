//! Module identities in the registry.

use serde::{Deserialize, Serialize};

use super::{
    activity::{Activity, iso},
    device::Authentication,
};

/// A module identity. As a request everything but the ids may be missing, which `PUT` has in its path, too; members that
/// only the hub sets are ignored then.
///
/// Shape: `{"moduleId":"mod1","managedBy":"IotEdge","deviceId":"dev1","generationId":"638994563210123456","etag":"MTIz",
/// "connectionState":"Disconnected",…,"authentication":{…}}`. Source: `reference/hub-service.md` 1.4
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    pub module_id: String,
    #[serde(default)]
    pub managed_by: Option<String>,
    pub device_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_state_updated_time: Option<String>,
    /// Not Azure's: why it is not connected, a word of [`roadstead_model::DisconnectReason`].
    #[serde(default)]
    pub disconnect_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_to_device_message_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

impl Module {
    /// What the registry answers.
    pub fn of(module: &roadstead_model::Module, activity: &Activity) -> Self {
        Self {
            module_id: module.id.as_str().to_owned(),
            managed_by: module.managed_by.clone(),
            device_id: module.device.as_str().to_owned(),
            generation_id: Some(module.generation.to_string()),
            etag: Some(module.etag.as_str().to_owned()),
            connection_state: Some(activity.connection_state().to_owned()),
            connection_state_updated_time: Some(iso(activity.connection_updated)),
            disconnect_reason: activity.disconnect_reason(),
            last_activity_time: Some(iso(activity.last_activity)),
            cloud_to_device_message_count: Some(activity.queued_messages),
            authentication: Some((&module.auth).into()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{hub_service::NEVER, object_body};
    use roadstead_model::{DeviceAuth, DeviceId, Etag, GenerationId, ModuleId, Secret, UnixMillis};
    use serde_json::json;

    pub(in super::super) fn sample() -> roadstead_model::Module {
        roadstead_model::Module {
            device: DeviceId::parse("dev1").unwrap(),
            id: ModuleId::parse("mod1").unwrap(),
            generation: GenerationId(638_994_563_210_123_456),
            etag: Etag::from_client("MTIz"),
            auth: DeviceAuth::Sas { primary: Secret::new("cA=="), secondary: Secret::new("cw==") },
            managed_by: Some("IotEdge".to_owned()),
            created: UnixMillis(0),
        }
    }

    #[test]
    fn answers_as_azure_does() {
        let expected = json!({
            "moduleId": "mod1", "managedBy": "IotEdge", "deviceId": "dev1", "generationId": "638994563210123456",
            "etag": "MTIz", "connectionState": "Disconnected", "connectionStateUpdatedTime": NEVER, "disconnectReason": null,
            "lastActivityTime": NEVER, "cloudToDeviceMessageCount": 0,
            "authentication": {"symmetricKey": {"primaryKey": "cA==", "secondaryKey": "cw=="},
                "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "type": "sas"}});
        let shown = Module::of(&sample(), &Activity::default());
        assert_eq!(serde_json::to_value(&shown).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Module>(expected).unwrap(), shown);
    }

    #[test]
    fn requests() {
        let bare: Module = object_body::parse(br#"{"deviceId":"d","moduleId":"m","unknown":1}"#).unwrap();
        assert_eq!((&*bare.device_id, &*bare.module_id, bare.authentication), ("d", "m", None));
        let node = br#"{"deviceId":"d","moduleId":"m","managedBy":"me","authentication":{"type":"sas","symmetricKey":{"primaryKey":"","secondaryKey":""}}}"#;
        assert_eq!(object_body::parse::<Module>(node).unwrap().managed_by.as_deref(), Some("me"));
        for body in [r#"{"deviceId":"d"}"#, r#"{"moduleId":"m"}"#, r#"{"deviceId":"d","moduleId":1}"#, "[]"] {
            assert!(object_body::parse::<Module>(body.as_bytes()).is_err(), "{body}");
        }
    }
}
