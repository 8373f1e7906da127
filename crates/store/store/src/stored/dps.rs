//! DPS instances.

use std::borrow::Cow;

use roadstead_model::{AccessPolicy, Dps, DpsName, Etag, GroupName, IdScope, LinkedHub, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, access_policy::AccessPolicyV1, provisioning::AllocationV1, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DpsV1<'a> {
    v: V1,
    id_scope: IdScope,
    name: DpsName,
    host_name: Cow<'a, str>,
    group: GroupName,
    location: Cow<'a, str>,
    etag: Etag,
    created: UnixMillis,
    allocation_policy: AllocationV1,
    linked_hubs: Vec<LinkedHubV1>,
    policies: Vec<AccessPolicyV1>,
    tags: Cow<'a, Map<String, Value>>,
    properties: Cow<'a, Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LinkedHubV1 {
    host_name: String,
    connection_string: String,
    location: String,
    apply_allocation_policy: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocation_weight: Option<u16>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
}

impl LinkedHubV1 {
    fn new(hub: &LinkedHub, vault: Vault<'_>) -> Self {
        Self {
            host_name: hub.host_name.clone(),
            connection_string: vault.seal(&field(&hub.host_name), &hub.connection_string),
            location: hub.location.clone(),
            apply_allocation_policy: hub.apply_allocation_policy,
            allocation_weight: hub.allocation_weight,
            properties: hub.properties.clone(),
        }
    }

    fn load(self, vault: Vault<'_>) -> Result<LinkedHub, StoreError> {
        Ok(LinkedHub {
            connection_string: vault.unseal(&field(&self.host_name), &self.connection_string)?,
            host_name: self.host_name,
            location: self.location,
            apply_allocation_policy: self.apply_allocation_policy,
            allocation_weight: self.allocation_weight,
            properties: self.properties,
        })
    }
}

fn field(host_name: &str) -> String {
    format!("linked/{host_name}")
}

impl Stored for Dps {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&DpsV1 {
            v: V1,
            id_scope: self.id_scope.clone(),
            name: self.name.clone(),
            host_name: Cow::Borrowed(&self.host_name),
            group: self.group.clone(),
            location: Cow::Borrowed(&self.location),
            etag: self.etag.clone(),
            created: self.created,
            allocation_policy: self.allocation_policy.into(),
            linked_hubs: self.linked_hubs.iter().map(|hub| LinkedHubV1::new(hub, vault)).collect(),
            policies: self.policies.iter().map(|policy| AccessPolicyV1::new(policy, vault)).collect(),
            tags: Cow::Borrowed(&self.tags),
            properties: Cow::Borrowed(&self.properties),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: DpsV1 = vault.read(text)?;
        let linked_hubs: Result<Vec<LinkedHub>, _> =
            stored.linked_hubs.into_iter().map(|hub| hub.load(vault)).collect();
        let policies: Result<Vec<AccessPolicy>, _> =
            stored.policies.into_iter().map(|policy| policy.load(vault)).collect();
        Ok(Self {
            id_scope: stored.id_scope,
            name: stored.name,
            host_name: stored.host_name.into_owned(),
            group: stored.group,
            location: stored.location.into_owned(),
            etag: stored.etag,
            created: stored.created,
            allocation_policy: stored.allocation_policy.into(),
            linked_hubs: linked_hubs?,
            policies: policies?,
            tags: stored.tags.into_owned(),
            properties: stored.properties.into_owned(),
        })
    }
}
