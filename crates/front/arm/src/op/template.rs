//! A resource group as a template: what `az group export` asks for, and `az iot hub state export` through it.

use roadstead_model::CertificateOwner;
use roadstead_wire::arm::{API_VERSION, READ_ONLY_OF_CERTIFICATE, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    arm::Arm,
    call::Call,
    op::{
        GROUP,
        certificate::{self, Owner},
        dps, hub,
    },
    refusal::Refusal,
    reply::Reply,
};

/// What only the server says, and nobody can put.
const READ_ONLY: [&str; 7] = [
    "state",
    "provisioningState",
    "hostName",
    "locations",
    "serviceOperationsHostName",
    "deviceProvisioningHostName",
    "idScope",
];
/// The same of the built-in endpoint.
const READ_ONLY_OF_EVENTS: [&str; 3] = ["partitionIds", "path", "endpoint"];

/// Shape: `{"resources":["*"],"options":"SkipAllParameterization"}`; there are no parameters anyway.
#[derive(Deserialize)]
struct Wish {
    resources: Vec<String>,
}

/// `POST …/exportTemplate`. Shape: `{"template":{"$schema":…,"resources":[{"type":…,"apiVersion":…,"name":…,"properties":…}]}}`.
/// Keys are not in it: neither a hub's own, nor those of linked hubs, which are masked.
pub(crate) fn export(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let wish: Wish = call.json()?;
    let group = call.segment(GROUP);
    let is_wanted = |id: &str| wish.resources.iter().any(|asked| asked == "*" || asked.eq_ignore_ascii_case(id));
    let mut resources = Vec::new();
    for found in arm.resources.list_hubs(Some(group))? {
        let shape = hub::shape(arm, &found);
        if is_wanted(&shape.id) {
            resources.push(top(&shape));
            let owner = Owner::new(&found.group, &found.name, CertificateOwner::Hub(found.key));
            resources.extend(certificates(arm, &owner, &shape)?);
        }
    }
    for found in arm.resources.list_dps(Some(group))? {
        let shape = dps::shape(arm, &found);
        if is_wanted(&shape.id) {
            resources.push(top(&shape));
            let owner = Owner::new(&found.group, &found.name, CertificateOwner::Dps(found.id_scope.clone()));
            resources.extend(certificates(arm, &owner, &shape)?);
        }
    }
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {},
        "variables": {},
        "resources": resources,
    });
    Ok(Reply::ok(&json!({ "template": template })))
}

fn top<P: Serialize>(resource: &Resource<P>) -> Value {
    let mut shown = members(resource);
    for member in ["id", "etag", "resourcegroup", "subscriptionid"] {
        shown.shift_remove(member);
    }
    shown.insert("apiVersion".to_owned(), API_VERSION.into());
    if let Some(Value::Object(properties)) = shown.get_mut("properties") {
        properties.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        let events = properties.get_mut("eventHubEndpoints").and_then(|endpoints| endpoints.get_mut("events"));
        if let Some(Value::Object(events)) = events {
            events.retain(|name, _| !READ_ONLY_OF_EVENTS.contains(&name.as_str()));
        }
    }
    Value::Object(shown)
}

fn certificates<P>(arm: &Arm, owner: &Owner, parent: &Resource<P>) -> Result<Vec<Value>, Refusal> {
    let shown = certificate::all(arm, owner)?.into_iter().map(|certificate| {
        let mut properties = members(&certificate.properties);
        properties.retain(|name, _| !READ_ONLY_OF_CERTIFICATE.contains(&name.as_str()));
        json!({
            // In lower case: `az iot hub state import` compares it.
            "type": format!("{}/certificates", parent.kind),
            "apiVersion": API_VERSION,
            "name": format!("{}/{}", parent.name, certificate.name),
            "dependsOn": [format!("[resourceId('{}', '{}')]", parent.kind, parent.name)],
            "properties": properties,
        })
    });
    Ok(shown.collect())
}

fn members(shape: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(shape) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
