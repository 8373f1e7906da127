//! Hubs, DPS instances, their CAs and what those issued.

use roadstead_model::{
    AccessPolicy, AllocationPolicy, CaCertificate, CloudToDevice, ConsumerGroup, ConsumerGroupName, Dps, DpsName,
    EventSwitches, FileUploads, Hub, HubKey, HubName, HubSettings, IdScope, IssuedCertificate, LinkedHub, PrincipalId,
    ResourceGroup, Right, Rights, Secret, ThrottleProfile, Thumbprint, Tier,
};
use serde_json::{Map, json};

use super::{NOW, SECRET_MARK, certificate_name, etag, group_name, guid, object, registration_id, secret, thumbprint};

fn policies() -> Vec<AccessPolicy> {
    [("owner", Rights::of(&Right::ALL)), ("service", Rights::of(&[Right::ServiceConnect]))]
        .map(|(name, rights)| AccessPolicy {
            key_name: name.to_owned(),
            primary: secret(&format!("{name}-1")),
            secondary: secret(&format!("{name}-2")),
            rights,
        })
        .to_vec()
}

pub fn resource_group(name: &str) -> ResourceGroup {
    ResourceGroup {
        name: group_name(name),
        location: "westeurope".to_owned(),
        tags: object(json!({"zone": "b", "area": 7, "ümlaut \"quoted\"": null})),
    }
}

pub fn hub(key: HubKey, name: &str) -> Hub {
    Hub {
        key,
        name: HubName::parse(name).unwrap(),
        host_name: format!("{name}.localhost"),
        aliases: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        group: group_name("iot-rg"),
        location: "westeurope".to_owned(),
        etag: etag("hub-1"),
        created: NOW,
        partition_count: 4,
        retention_days: 7,
        policies: policies(),
        settings: HubSettings::default(),
        consumer_groups: Vec::new(),
        tags: object(json!({"line": "north"})),
        properties: object(json!({"sku": {"name": "S1", "capacity": 1}, "routing": {"routes": []}})),
    }
}

pub fn dps(scope: &IdScope, name: &str) -> Dps {
    Dps {
        id_scope: scope.clone(),
        name: DpsName::parse(name).unwrap(),
        host_name: format!("{name}.localhost"),
        group: group_name("iot-rg"),
        location: "westeurope".to_owned(),
        etag: etag("dps-1"),
        created: NOW,
        allocation_policy: AllocationPolicy::GeoLatency,
        linked_hubs: [("plant.localhost", Some(10)), ("ship.localhost", None)]
            .map(|(host_name, allocation_weight)| LinkedHub {
                host_name: host_name.to_owned(),
                connection_string: Secret::new(format!(
                    "HostName={host_name};SharedAccessKeyName=owner;SharedAccessKey={SECRET_MARK}="
                )),
                location: "westeurope".to_owned(),
                apply_allocation_policy: true,
                allocation_weight,
                properties: Map::new(),
            })
            .to_vec(),
        policies: policies(),
        tags: object(json!({})),
        properties: object(json!({"sku": {"name": "S1"}})),
    }
}

pub fn certificate(name: &str) -> CaCertificate {
    CaCertificate {
        name: certificate_name(name),
        der: vec![0x30, 0x03, 0x02, 0x01, 0xff],
        verified: false,
        verification_code: Some("8A3C".to_owned()),
        key: None,
        etag: etag("certificate-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
        properties: Map::new(),
    }
}

/// A certificate of a CA that was made here.
pub fn held_certificate(name: &str) -> CaCertificate {
    let key = Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{SECRET_MARK}\n"));
    CaCertificate { verified: true, verification_code: None, key: Some(key), ..certificate(name) }
}

/// What the CA `rootCA` issued to a device, good for so many days.
pub fn issued(common_name: &str, days: i64) -> IssuedCertificate {
    IssuedCertificate {
        ca: certificate_name("rootCA"),
        ca_sha256: thumbprint("ef").expect("64 digits"),
        serial: "5A01".to_owned(),
        common_name: registration_id(common_name),
        sha1: Thumbprint::parse(&"ab".repeat(20)).expect("40 digits"),
        sha256: thumbprint("cd").expect("64 digits"),
        not_before: NOW.plus_ms(-300_000),
        not_after: NOW.plus_ms(days * 86_400_000),
        issued: NOW,
        by: PrincipalId(guid(1)),
        by_name: "alice@plant.example".to_owned(),
        from_request: true,
    }
}

/// A DPS instance whose links have members that are kept without being understood.
pub fn dps_that_keeps(scope: &IdScope, name: &str) -> Dps {
    let mut dps = dps(scope, name);
    dps.linked_hubs[0].properties = object(json!({"authenticationType": "KeyBased"}));
    dps
}

/// A certificate of the same kind.
pub fn certificate_that_keeps(name: &str) -> CaCertificate {
    CaCertificate { properties: object(json!({"policyResourceId": "/policies/p"})), ..certificate(name) }
}

/// A hub with every setting changed, but for how it deals with uploads.
pub fn tuned_hub(key: HubKey, name: &str) -> Hub {
    let settings = HubSettings {
        cloud_to_device: CloudToDevice {
            depth_max: 7,
            delivery_count_max: 3,
            default_ttl_s: 61,
            feedback_ttl_s: 62,
            feedback_lock_s: 5,
            feedback_delivery_count_max: 4,
        },
        events: EventSwitches { twin_changes: true, device_lifecycle: false, connection_state: true },
        throttle: Some(ThrottleProfile { tier: Tier::S2, units: 2 }),
        fault_injection: true,
        files: FileUploads { notifications: true, ..FileUploads::default() },
    };
    Hub { settings, ..hub(key, name) }
}

/// A hub that deals with uploads in its own way.
pub fn hub_of_uploads(key: HubKey, name: &str) -> Hub {
    let files = FileUploads {
        lifetime_s: 60,
        notifications: true,
        notification_ttl_s: 63,
        notification_lock_s: 6,
        notification_delivery_count_max: 8,
    };
    Hub { settings: HubSettings { files, ..HubSettings::default() }, ..hub(key, name) }
}

/// A hub whose events are read by consumer groups of its maker's.
pub fn hub_of_groups(key: HubKey, name: &str) -> Hub {
    let group = |name: &str| ConsumerGroup { name: ConsumerGroupName::parse(name).unwrap(), created: NOW };
    Hub { consumer_groups: vec![group("Billing"), group("audit-2")], ..hub(key, name) }
}
