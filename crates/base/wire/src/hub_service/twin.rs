//! Twins as back ends read and change them.

use roadstead_model::{DeviceStatus, TwinSection};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    activity::{Activity, iso, iso_unless_zero},
    device::{AuthenticationType, Capabilities, Thumbprints},
};
use crate::word::Word;

/// A whole twin. Shape: `{"deviceId":"dev1","etag":"AAAAAAAAAAQ=","deviceEtag":"MTIzNDU2","status":"enabled",…,"version":5,
/// "tags":{…},"properties":{"desired":{…,"$metadata":{…},"$version":2},"reported":{…}},…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Twin {
    pub device_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<String>,
    #[serde(default)]
    pub etag: String,
    #[serde(default)]
    pub device_etag: String,
    #[serde(default)]
    pub status: Option<Word<DeviceStatus>>,
    #[serde(default)]
    pub status_reason: Option<String>,
    /// Not `statusUpdatedTime`, as in the identity.
    #[serde(default)]
    pub status_update_time: String,
    #[serde(default)]
    pub connection_state: String,
    /// Not Azure's: why it is not connected, a word of [`roadstead_model::DisconnectReason`].
    #[serde(default)]
    pub disconnect_reason: Option<String>,
    #[serde(default)]
    pub last_activity_time: String,
    #[serde(default)]
    pub cloud_to_device_message_count: u32,
    #[serde(default)]
    pub authentication_type: Option<Word<AuthenticationType>>,
    /// Only in rows of a query, and not Azure's: [`Twin::row`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<RowAuthentication>,
    #[serde(default)]
    pub x509_thumbprint: Thumbprints,
    #[serde(default)]
    pub model_id: String,
    #[serde(default)]
    pub version: i64,
    #[serde(default)]
    pub tags: Map<String, Value>,
    #[serde(default)]
    pub properties: TwinProperties,
    #[serde(default)]
    pub capabilities: Capabilities,
    /// What automatic device management did: nothing.
    #[serde(default)]
    pub configurations: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_scopes: Option<Vec<String>>,
}

/// Shape: `{"type":"certificateAuthority"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAuthentication {
    #[serde(rename = "type")]
    pub kind: Word<AuthenticationType>,
}

/// Both sections, each with its `$metadata` and `$version`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinProperties {
    pub desired: Map<String, Value>,
    pub reported: Map<String, Value>,
}

impl Twin {
    /// What the hub answers.
    pub fn of(device: &roadstead_model::Device, twin: &roadstead_model::Twin, activity: &Activity) -> Self {
        Self {
            device_id: device.id.as_str().to_owned(),
            module_id: None,
            etag: twin.etag.as_str().to_owned(),
            device_etag: device.etag.as_str().to_owned(),
            status: Some(Word(device.status)),
            status_reason: device.status_reason.clone(),
            status_update_time: iso_unless_zero(device.status_updated),
            connection_state: activity.connection_state().to_owned(),
            disconnect_reason: activity.disconnect_reason(),
            last_activity_time: iso(activity.last_activity),
            cloud_to_device_message_count: activity.queued_messages,
            authentication_type: Some(Word((&device.auth).into())),
            authentication: None,
            x509_thumbprint: (&device.auth).into(),
            model_id: activity.model_id.clone().unwrap_or_default(),
            version: twin.version,
            tags: twin.tags.clone(),
            properties: TwinProperties { desired: section(&twin.desired), reported: section(&twin.reported) },
            capabilities: Capabilities { iot_edge: device.iot_edge },
            configurations: Map::new(),
            device_scope: device.scope.clone(),
            parent_scopes: Some(device.parent_scopes.clone()).filter(|scopes| !scopes.is_empty()),
        }
    }

    /// What the hub answers about a module's own twin. Its status is the device's; its etag is where the device's would
    /// be, and it is in no scope of its own.
    pub fn of_module(
        device: &roadstead_model::Device,
        module: &roadstead_model::Module,
        twin: &roadstead_model::Twin,
        activity: &Activity,
    ) -> Self {
        Self {
            module_id: Some(module.id.as_str().to_owned()),
            device_etag: module.etag.as_str().to_owned(),
            authentication_type: Some(Word((&module.auth).into())),
            x509_thumbprint: (&module.auth).into(),
            capabilities: Capabilities::default(),
            device_scope: None,
            parent_scopes: None,
            ..Self::of(device, twin, activity)
        }
    }

    /// A row of `select * from devices`: with `authentication.type`, which tutorials ask of `az iot hub device-identity list`
    /// as if it listed identities. Clients pass over members they do not know, or pass them on.
    /// Source: `reference/arm-and-az.md` 7
    pub fn row(device: &roadstead_model::Device, twin: &roadstead_model::Twin, activity: &Activity) -> Self {
        Self::of(device, twin, activity).into_row()
    }

    /// A row of `select * from devices.modules`, alike.
    pub fn row_of_module(
        device: &roadstead_model::Device,
        module: &roadstead_model::Module,
        twin: &roadstead_model::Twin,
        activity: &Activity,
    ) -> Self {
        Self::of_module(device, module, twin, activity).into_row()
    }

    fn into_row(self) -> Self {
        let authentication = self.authentication_type.map(|kind| RowAuthentication { kind });
        Self { authentication, ..self }
    }
}

fn section(section: &TwinSection) -> Map<String, Value> {
    let mut shown = section.value.clone();
    shown.insert("$metadata".to_owned(), section.metadata.clone().into());
    shown.insert("$version".to_owned(), section.version.into());
    shown
}

/// What a back end changes, by PATCH or PUT. Other members are passed over: clients send back what they read.
///
/// Shape: `{"tags":{"site":"north"},"properties":{"desired":{"rate":5,"old":null}}}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinChanges {
    #[serde(skip_serializing_if = "SectionChange::is_absent")]
    pub tags: SectionChange,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<PropertyChanges>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PropertyChanges {
    #[serde(skip_serializing_if = "SectionChange::is_absent")]
    pub desired: SectionChange,
}

/// What a change says of one section.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum SectionChange {
    /// Nothing.
    #[default]
    Absent,
    /// `null`: away with all of it.
    Null,
    Members(Map<String, Value>),
}

impl SectionChange {
    pub(super) fn is_absent(&self) -> bool {
        *self == Self::Absent
    }
}

impl Serialize for SectionChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Members(members) => members.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SectionChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_service::{NEVER, device::tests::sample, module};
    use roadstead_model::{DeviceAuth, InitialTwin, UnixMillis};
    use serde_json::json;

    #[test]
    fn a_new_twin_as_azure_shows_it() {
        let device = sample(DeviceAuth::CertificateAuthority { through: None });
        let mut twin = roadstead_model::Twin::new(&InitialTwin::default(), UnixMillis(0));
        twin.tags.insert("site".to_owned(), json!("a"));
        let empty = json!({"$metadata": {"$lastUpdated": NEVER}, "$version": 1});
        let expected = json!({
            "deviceId": "dev1", "etag": "AAAAAAAAAAE=", "deviceEtag": "MTIzNDU2Nzg5", "status": "enabled", "statusReason": null,
            "statusUpdateTime": NEVER, "connectionState": "Disconnected", "disconnectReason": null, "lastActivityTime": NEVER,
            "cloudToDeviceMessageCount": 0, "authenticationType": "certificateAuthority",
            "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "modelId": "", "version": 2,
            "tags": {"site": "a"}, "properties": {"desired": empty, "reported": empty}, "capabilities": {"iotEdge": false},
            "configurations": {}});
        let shown = Twin::of(&device, &twin, &Activity::default());
        assert_eq!(serde_json::to_value(&shown).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Twin>(expected.clone()).unwrap(), shown);
        let mut row = expected;
        row["authentication"] = json!({"type": "certificateAuthority"});
        assert_eq!(serde_json::to_value(Twin::row(&device, &twin, &Activity::default())).unwrap(), row);
    }

    #[test]
    fn a_modules_twin_is_its_own() {
        let mut device = sample(DeviceAuth::CertificateAuthority { through: None });
        (device.iot_edge, device.scope, device.parent_scopes) = (true, Some("s".to_owned()), vec!["p".to_owned()]);
        let twin = roadstead_model::Twin::new(&InitialTwin::default(), UnixMillis(0));
        let activity = Activity { connected: true, model_id: Some("dtmi:x;1".to_owned()), ..Activity::default() };
        let module = module::tests::sample();
        let shown = serde_json::to_value(Twin::of_module(&device, &module, &twin, &activity)).unwrap();
        for (member, expected) in [
            ("deviceId", json!("dev1")),
            ("moduleId", json!("mod1")),
            ("deviceEtag", json!("MTIz")),
            ("status", json!("enabled")),
            ("connectionState", json!("Connected")),
            ("authenticationType", json!("sas")),
            ("modelId", json!("dtmi:x;1")),
            ("capabilities", json!({"iotEdge": false})),
            ("deviceScope", json!(null)),
            ("parentScopes", json!(null)),
        ] {
            assert_eq!(shown[member], expected, "{member}");
        }
        let row = serde_json::to_value(Twin::row_of_module(&device, &module, &twin, &activity)).unwrap();
        assert_eq!(row["authentication"], json!({"type": "sas"}));
        let of_device = serde_json::to_value(Twin::of(&device, &twin, &activity)).unwrap();
        assert_eq!((&of_device["deviceScope"], &of_device["parentScopes"]), (&json!("s"), &json!(["p"])));
    }

    #[test]
    fn changes() {
        let changes: TwinChanges = serde_json::from_value(json!({"tags": {"a": 1, "b": null}, "deviceId": "dev1",
            "properties": {"desired": {"x": null}, "reported": {"y": 1}}}))
        .unwrap();
        assert_eq!(
            serde_json::to_value(&changes).unwrap(),
            json!({"tags": {"a": 1, "b": null}, "properties": {"desired": {"x": null}}})
        );
        assert_eq!(serde_json::from_value::<TwinChanges>(json!({"properties": null})).unwrap(), TwinChanges::default());
        let cleared: TwinChanges = serde_json::from_value(json!({"tags": null})).unwrap();
        assert_eq!(cleared, TwinChanges { tags: SectionChange::Null, properties: None });
        assert_eq!(serde_json::to_value(&cleared).unwrap(), json!({"tags": null}));
        for bad in [json!({"tags": 1}), json!({"properties": {"desired": [1]}})] {
            assert!(serde_json::from_value::<TwinChanges>(bad.clone()).is_err(), "{bad}");
        }
    }
}
