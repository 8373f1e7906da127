//! Identities, twins, and what waits for devices.

use roadstead_model::{
    Ack, Actor, CloudMessage, Device, DeviceAuth, DeviceStatus, Feedback, FileNotification, GenerationId, IdentityId,
    InitialTwin, MessageOutcome, Module, ModuleId, Presence, Properties, Subscription, SymmetricKeys, SystemProperty,
    Twin, TwinRevision, TwinSection,
};
use serde_json::{Map, json};

use super::{NOW, device_id, etag, initial_twin, keys, object, thumbprint};

/// Every way for a device to prove itself, by name.
pub fn device_auths() -> [(&'static str, DeviceAuth); 4] {
    let SymmetricKeys { primary, secondary } = keys();
    [
        ("sas", DeviceAuth::Sas { primary, secondary }),
        ("thumbprints", DeviceAuth::Thumbprints { primary: thumbprint("ab"), secondary: None }),
        ("ca", DeviceAuth::CertificateAuthority { through: thumbprint("cd") }),
        ("none", DeviceAuth::None),
    ]
}

/// An enabled device that proves itself with keys.
pub fn device(id: &str) -> Device {
    let SymmetricKeys { primary, secondary } = keys();
    Device {
        id: device_id(id),
        generation: GenerationId(638_678_451_234_567_890),
        etag: etag("device-1"),
        status: DeviceStatus::Enabled,
        status_reason: None,
        status_updated: NOW,
        auth: DeviceAuth::Sas { primary, secondary },
        iot_edge: true,
        scope: None,
        parent_scopes: Vec::new(),
        created: NOW,
    }
}

pub fn disabled_device(id: &str) -> Device {
    Device { status: DeviceStatus::Disabled, status_reason: Some("stolen".to_owned()), ..device(id) }
}

/// An edge device below another.
pub fn nested_device(id: &str) -> Device {
    let scope = |id| format!("ms-azure-iot-edge://{id}-638678451234567890");
    Device { scope: Some(scope(id)), parent_scopes: vec![scope("parent")], ..device(id) }
}

/// A module of `device` that proves itself with keys.
pub fn module(device: &str, id: &str) -> Module {
    let SymmetricKeys { primary, secondary } = keys();
    Module {
        device: device_id(device),
        id: ModuleId::parse(id).unwrap(),
        generation: GenerationId(638_678_451_234_567_891),
        etag: etag("module-1"),
        auth: DeviceAuth::Sas { primary, secondary },
        managed_by: Some("IotEdge".to_owned()),
        created: NOW,
    }
}

/// A module's identity.
pub fn module_id(device: &str, id: &str) -> IdentityId {
    IdentityId::parse(device, Some(id)).unwrap()
}

/// A device's identity.
pub fn identity(device: &str) -> IdentityId {
    device_id(device).into()
}

/// A message with every member set.
pub fn message(sequence: u64) -> CloudMessage {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, "m-1");
    properties.push_application("bare", None);
    properties.push_application("k", Some("v \" ü"));
    CloudMessage {
        sequence,
        enqueued: NOW,
        expires: NOW.plus_ms(60_000),
        delivery_count: 2,
        ack: Ack::Full,
        properties,
        body: vec![0, 0xff, b'"'],
    }
}

/// Feedback on a message of `device`.
pub fn feedback(device: &str) -> Feedback {
    Feedback {
        message_id: "m-1".to_owned(),
        device: device_id(device),
        generation: GenerationId(638_678_451_234_567_890),
        outcome: MessageOutcome::DeliveryCountExceeded,
        at: NOW,
    }
}

/// What is told of a file of `device`.
pub fn file_notification(device: &str) -> FileNotification {
    FileNotification {
        device: device_id(device),
        blob_uri: format!("https://plant.example/uploads/{device}/logs/1.txt"),
        blob_name: format!("{device}/logs/1.txt"),
        last_updated: NOW,
        blob_bytes: 123,
        enqueued: NOW.plus_ms(1),
    }
}

/// Presence with every member that a connected identity has.
pub fn presence() -> Presence {
    Presence {
        connected: true,
        updated: Some(NOW),
        last_activity: Some(NOW.plus_ms(5)),
        reason: None,
        model_id: Some("dtmi:com:example:Thermostat;1".to_owned()),
    }
}

pub fn subscriptions() -> Vec<Subscription> {
    [("devices/thermo-7/messages/devicebound/#", 1), ("$iothub/methods/POST/#", 0)]
        .map(|(filter, qos)| Subscription { filter: filter.to_owned(), qos })
        .to_vec()
}

pub fn twin() -> Twin {
    let InitialTwin { tags, desired } = initial_twin();
    let (at, never) = ("2026-11-21T20:02:50.5160000Z", "0001-01-01T00:00:00Z");
    let desired = TwinSection {
        value: desired,
        metadata: object(json!({"$lastUpdated": at, "zulu": {"$lastUpdated": at, "$lastUpdatedVersion": 3}})),
        version: 3,
    };
    let reported = TwinSection { value: Map::new(), metadata: object(json!({"$lastUpdated": never})), version: 1 };
    Twin { etag: etag("twin-1"), version: 5, tags, desired, reported }
}

/// What a policy made of a twin, both sections.
pub fn twin_revision(version: i64) -> TwinRevision {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
    TwinRevision {
        version,
        at: NOW,
        by: Some(Actor::Policy("iothubowner".to_owned())),
        is_replacement: false,
        tags: Some(map(serde_json::json!({"site": "north"}))),
        desired: Some((map(serde_json::json!({"rate": version, "deep": {"list": [1, null, "\u{e4}"]}})), version + 1)),
    }
}

/// What DPS made of a twin's tags, in place of what was there.
pub fn provisioned_revision() -> TwinRevision {
    TwinRevision { by: Some(Actor::Provisioning), is_replacement: true, desired: None, ..twin_revision(1) }
}
