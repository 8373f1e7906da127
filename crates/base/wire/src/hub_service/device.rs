//! Device identities in the registry.

use roadstead_model::{DeviceAuth, DeviceStatus, Secret};
use serde::{Deserialize, Serialize};

use super::activity::{Activity, iso, iso_unless_zero};
use crate::word::{Word, words};

/// A device identity. As a request everything but `deviceId` may be missing; members that only the hub sets are ignored then.
///
/// Shape: `{"deviceId":"dev1","generationId":"638994563210123456","etag":"MTIz","status":"enabled","authentication":{…},…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    pub device_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Word<DeviceStatus>>,
    #[serde(default)]
    pub status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_state_updated_time: Option<String>,
    /// Not Azure's: why it is not connected, a word of [`roadstead_model::DisconnectReason`].
    #[serde(default)]
    pub disconnect_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_updated_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_to_device_message_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// An edge device's own scope, or the parent's of a leaf device: `ms-azure-iot-edge://edge1-638994563210000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<String>,
    /// The scopes of the edge devices it is reached through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_scopes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    pub iot_edge: bool,
}

/// How a device proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationType {
    Sas,
    SelfSigned,
    CertificateAuthority,
    None,
}

words!("authentication type", AuthenticationType {
    Sas = "sas",
    SelfSigned = "selfSigned",
    CertificateAuthority = "certificateAuthority",
    None = "none",
});

impl From<&DeviceAuth> for AuthenticationType {
    fn from(auth: &DeviceAuth) -> Self {
        match auth {
            DeviceAuth::Sas { .. } => Self::Sas,
            DeviceAuth::Thumbprints { .. } => Self::SelfSigned,
            DeviceAuth::CertificateAuthority { .. } => Self::CertificateAuthority,
            DeviceAuth::None => Self::None,
        }
    }
}

/// Answers carry both sub-objects, the unused one with nulls. An absent `type` means `sas`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authentication {
    pub symmetric_key: Option<SymmetricKey>,
    pub x509_thumbprint: Option<Thumbprints>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word<AuthenticationType>>,
}

/// Base64 keys. In a request, absent and empty ones are made by the hub.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SymmetricKey {
    pub primary_key: Option<Secret>,
    pub secondary_key: Option<Secret>,
}

/// SHA-1 or SHA-256 digests in hex.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thumbprints {
    pub primary_thumbprint: Option<String>,
    pub secondary_thumbprint: Option<String>,
}

impl From<&DeviceAuth> for Thumbprints {
    fn from(auth: &DeviceAuth) -> Self {
        let DeviceAuth::Thumbprints { primary, secondary } = auth else { return Self::default() };
        Self {
            primary_thumbprint: primary.as_ref().map(ToString::to_string),
            secondary_thumbprint: secondary.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&DeviceAuth> for Authentication {
    fn from(auth: &DeviceAuth) -> Self {
        let key = match auth {
            DeviceAuth::Sas { primary, secondary } => {
                SymmetricKey { primary_key: Some(primary.clone()), secondary_key: Some(secondary.clone()) }
            }
            _ => SymmetricKey::default(),
        };
        Self { symmetric_key: Some(key), x509_thumbprint: Some(auth.into()), kind: Some(Word(auth.into())) }
    }
}

impl Device {
    /// What the registry answers.
    pub fn of(device: &roadstead_model::Device, activity: &Activity) -> Self {
        Self {
            device_id: device.id.as_str().to_owned(),
            generation_id: Some(device.generation.to_string()),
            etag: Some(device.etag.as_str().to_owned()),
            connection_state: Some(activity.connection_state().to_owned()),
            status: Some(Word(device.status)),
            status_reason: device.status_reason.clone(),
            connection_state_updated_time: Some(iso(activity.connection_updated)),
            disconnect_reason: activity.disconnect_reason(),
            status_updated_time: Some(iso_unless_zero(device.status_updated)),
            last_activity_time: Some(iso(activity.last_activity)),
            cloud_to_device_message_count: Some(activity.queued_messages),
            capabilities: Some(Capabilities { iot_edge: device.iot_edge }),
            authentication: Some((&device.auth).into()),
            device_scope: device.scope.clone(),
            parent_scopes: Some(device.parent_scopes.clone()).filter(|scopes| !scopes.is_empty()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use roadstead_model::{DeviceId, DisconnectReason, Etag, GenerationId, Thumbprint, UnixMillis};
    use serde_json::json;

    pub(in super::super) fn sample(auth: DeviceAuth) -> roadstead_model::Device {
        roadstead_model::Device {
            id: DeviceId::parse("dev1").unwrap(),
            generation: GenerationId(638_994_563_210_123_456),
            etag: Etag::from_client("MTIzNDU2Nzg5"),
            status: DeviceStatus::Enabled,
            status_reason: None,
            status_updated: UnixMillis(0),
            auth,
            iot_edge: false,
            scope: None,
            parent_scopes: Vec::new(),
            created: UnixMillis(0),
        }
    }

    #[test]
    fn answers_as_azure_does() {
        let sas = DeviceAuth::Sas { primary: Secret::new("cA=="), secondary: Secret::new("cw==") };
        let expected = json!({
            "deviceId": "dev1", "generationId": "638994563210123456", "etag": "MTIzNDU2Nzg5", "connectionState": "Disconnected",
            "status": "enabled", "statusReason": null, "connectionStateUpdatedTime": NEVER, "disconnectReason": null, "statusUpdatedTime": NEVER,
            "lastActivityTime": NEVER, "cloudToDeviceMessageCount": 0, "capabilities": {"iotEdge": false},
            "authentication": {"symmetricKey": {"primaryKey": "cA==", "secondaryKey": "cw=="},
                "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "type": "sas"}});
        assert_eq!(serde_json::to_value(Device::of(&sample(sas), &Activity::default())).unwrap(), expected);
        let digest = "AB".repeat(20);
        let pinned = DeviceAuth::Thumbprints { primary: Thumbprint::parse(&digest), secondary: None };
        let lost = Activity { disconnected_by: Some(DisconnectReason::KeepAliveTimeout), ..Activity::default() };
        let shown = serde_json::to_value(Device::of(&sample(DeviceAuth::None), &lost)).unwrap();
        assert_eq!(shown["disconnectReason"], "keepAliveTimeout");
        let connected = Activity { connected: true, last_activity: Some(UnixMillis(0)), ..Activity::default() };
        let shown = serde_json::to_value(Device::of(&sample(pinned), &connected)).unwrap();
        assert_eq!(
            shown["authentication"],
            json!({"symmetricKey": {"primaryKey": null, "secondaryKey": null},
            "x509Thumbprint": {"primaryThumbprint": digest, "secondaryThumbprint": null}, "type": "selfSigned"})
        );
        assert_eq!(
            (&shown["connectionState"], &shown["lastActivityTime"]),
            (&json!("Connected"), &json!("1970-01-01T00:00:00.0000000Z"))
        );
        let scope = "ms-azure-iot-edge://edge1-638994563210000000";
        let mut child = sample(DeviceAuth::None);
        (child.scope, child.parent_scopes) = (Some(scope.to_owned()), vec![scope.to_owned()]);
        let scoped = serde_json::to_value(Device::of(&child, &Activity::default())).unwrap();
        assert_eq!((&scoped["deviceScope"], &scoped["parentScopes"]), (&json!(scope), &json!([scope])));
    }

    #[test]
    fn requests_of_the_clients() {
        let node = json!({"deviceId": "dev1", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}});
        let device: Device = serde_json::from_value(node).unwrap();
        assert_eq!(device.authentication.unwrap().symmetric_key.unwrap().primary_key, Some(Secret::new("")));
        let az = json!({"deviceId": "D", "status": "Enabled", "authentication": {"symmetricKey": {}, "type": "sas"}, "capabilities": {"iotEdge": false}});
        let device: Device = serde_json::from_value(az).unwrap();
        assert_eq!(device.status.unwrap().0, DeviceStatus::Enabled);
        let bare: Device =
            serde_json::from_value(json!({"deviceId": "D", "authentication": null, "unknown": 1})).unwrap();
        assert_eq!(bare.authentication, None);
        for bad in [
            json!({}),
            json!({"deviceId": 1}),
            json!({"deviceId": "D", "status": "on"}),
            json!({"deviceId": "D", "authentication": {"type": "magic"}}),
        ] {
            assert!(serde_json::from_value::<Device>(bad.clone()).is_err(), "{bad}");
        }
    }

    use super::super::activity::NEVER;
}
