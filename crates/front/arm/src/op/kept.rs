//! What is kept of a resource without being understood.

use roadstead_wire::arm::Sku;
use serde_json::{Map, Value};

/// The key under which a resource keeps its `sku` among the properties that it does not understand.
const SKU: &str = "sku";
/// The same of what stood beside `properties` and is not understood: `identity`, …
const BESIDE: &str = "$beside";
/// What only the server says, and clients send back: beside `properties`, where a `*` stands for any name, …
/// Source: azure-mgmt-iothub 4.0.0 and azure-mgmt-iothubprovisioningservices 2.1.0, read-only members
const READ_ONLY_BESIDE: [&[&str]; 5] = [
    &["systemData"],
    &["identity", "principalId"],
    &["identity", "tenantId"],
    &["identity", "userAssignedIdentities", "*", "principalId"],
    &["identity", "userAssignedIdentities", "*", "clientId"],
];
/// … and among them.
const READ_ONLY: [&[&str]; 2] = [&["deviceRegistryNamespaces"], &["rootCertificate", "lastUpdatedTimeUtc"]];

/// A resource's other members, apart.
pub(crate) struct Kept {
    pub(crate) properties: Map<String, Value>,
    pub(crate) sku: Sku,
    /// What stands beside `properties`.
    pub(crate) beside: Map<String, Value>,
}

/// What is kept of a resource: its other properties, its sku, of which the tier follows from the name, and what stood beside.
pub(crate) fn kept(
    mut properties: Map<String, Value>,
    sku: Option<Sku>,
    mut beside: Map<String, Value>,
) -> Map<String, Value> {
    properties.retain(|name, _| name != SKU && name != BESIDE);
    remove_all(&mut properties, &READ_ONLY);
    if let Some(Sku { name, tier: _, capacity, other: mut sku }) = sku {
        sku.insert("name".to_owned(), name.into());
        sku.insert("capacity".to_owned(), capacity.into());
        properties.insert(SKU.to_owned(), sku.into());
    }
    beside.retain(|_, value| !value.is_null());
    remove_all(&mut beside, &READ_ONLY_BESIDE);
    if !beside.is_empty() {
        properties.insert(BESIDE.to_owned(), Value::Object(beside));
    }
    properties
}

fn remove_all(members: &mut Map<String, Value>, paths: &[&[&str]]) {
    for path in paths {
        remove(members, path);
    }
}

fn remove(members: &mut Map<String, Value>, path: &[&str]) {
    match path {
        [] => {}
        [name] => {
            members.shift_remove(*name);
        }
        ["*", inner @ ..] => {
            members.values_mut().filter_map(Value::as_object_mut).for_each(|found| remove(found, inner));
        }
        [name, inner @ ..] => {
            if let Some(Value::Object(found)) = members.get_mut(*name) {
                remove(found, inner);
            }
        }
    }
}

/// Undoes [`kept`]. A resource made without a sku shows `S1`.
pub(crate) fn unpack(kept: &Map<String, Value>) -> Kept {
    let mut properties = kept.clone();
    let sku = taken(&mut properties, SKU);
    let beside = taken(&mut properties, BESIDE);
    Kept { properties, sku: shown_sku(sku), beside }
}

fn taken(properties: &mut Map<String, Value>, member: &str) -> Map<String, Value> {
    match properties.shift_remove(member) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn shown_sku(mut kept: Map<String, Value>) -> Sku {
    let (name, capacity) = (kept.shift_remove("name"), kept.shift_remove("capacity"));
    let name = name.as_ref().and_then(Value::as_str).unwrap_or("S1").to_owned();
    let tier = match name.get(..1) {
        Some("F" | "f") => "Free",
        Some("B" | "b") => "Basic",
        _ => "Standard",
    };
    let capacity = capacity.as_ref().and_then(Value::as_i64).unwrap_or(1);
    Sku { name, tier: Some(tier.to_owned()), capacity: Some(capacity), other: kept }
}
