//! Hubs.

use std::borrow::Cow;

use roadstead_model::{
    AccessPolicy, ConsumerGroup, ConsumerGroupName, Etag, GroupName, Hub, HubKey, HubName, UnixMillis,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, access_policy::AccessPolicyV1, hub_settings::HubSettingsV1, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HubV1<'a> {
    v: V1,
    key: HubKey,
    name: HubName,
    host_name: Cow<'a, str>,
    aliases: Cow<'a, [String]>,
    group: GroupName,
    location: Cow<'a, str>,
    etag: Etag,
    created: UnixMillis,
    partition_count: u16,
    retention_days: u16,
    policies: Vec<AccessPolicyV1>,
    #[serde(default)]
    settings: HubSettingsV1,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consumer_groups: Vec<ConsumerGroupV1>,
    tags: Cow<'a, Map<String, Value>>,
    properties: Cow<'a, Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsumerGroupV1 {
    name: ConsumerGroupName,
    created: UnixMillis,
}

impl From<&ConsumerGroup> for ConsumerGroupV1 {
    fn from(group: &ConsumerGroup) -> Self {
        Self { name: group.name.clone(), created: group.created }
    }
}

impl From<ConsumerGroupV1> for ConsumerGroup {
    fn from(ConsumerGroupV1 { name, created }: ConsumerGroupV1) -> Self {
        Self { name, created }
    }
}

impl Stored for Hub {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&HubV1 {
            v: V1,
            key: self.key,
            name: self.name.clone(),
            host_name: Cow::Borrowed(&self.host_name),
            aliases: Cow::Borrowed(&self.aliases),
            group: self.group.clone(),
            location: Cow::Borrowed(&self.location),
            etag: self.etag.clone(),
            created: self.created,
            partition_count: self.partition_count,
            retention_days: self.retention_days,
            policies: self.policies.iter().map(|policy| AccessPolicyV1::new(policy, vault)).collect(),
            settings: self.settings.into(),
            consumer_groups: self.consumer_groups.iter().map(ConsumerGroupV1::from).collect(),
            tags: Cow::Borrowed(&self.tags),
            properties: Cow::Borrowed(&self.properties),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: HubV1 = vault.read(text)?;
        let policies: Result<Vec<AccessPolicy>, _> =
            stored.policies.into_iter().map(|policy| policy.load(vault)).collect();
        Ok(Self {
            key: stored.key,
            name: stored.name,
            host_name: stored.host_name.into_owned(),
            aliases: stored.aliases.into_owned(),
            group: stored.group,
            location: stored.location.into_owned(),
            etag: stored.etag,
            created: stored.created,
            partition_count: stored.partition_count,
            retention_days: stored.retention_days,
            policies: policies?,
            settings: stored.settings.into(),
            consumer_groups: stored.consumer_groups.into_iter().map(ConsumerGroup::from).collect(),
            tags: stored.tags.into_owned(),
            properties: stored.properties.into_owned(),
        })
    }
}
