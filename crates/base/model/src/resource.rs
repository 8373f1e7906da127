//! What an administrator owns: resource groups, hubs, DPS instances, CA certificates.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    access::AccessPolicy,
    clock::UnixMillis,
    enrollment::AllocationPolicy,
    etag::Etag,
    hub_settings::HubSettings,
    id::{CertificateName, ConsumerGroupName, DpsName, GroupName, HubKey, HubName, IdScope},
    secret::Secret,
};

/// A resource group: a name for things that live and die together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceGroup {
    pub name: GroupName,
    pub location: String,
    pub tags: Map<String, Value>,
}

/// A hub as an administrator made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hub {
    pub key: HubKey,
    pub name: HubName,
    /// Lower case, always with a dot: `plant.localhost`.
    pub host_name: String,
    /// Other names the hub answers to; a token for any of them is judged by that name.
    pub aliases: Vec<String>,
    pub group: GroupName,
    pub location: String,
    pub etag: Etag,
    pub created: UnixMillis,
    pub partition_count: u16,
    pub retention_days: u16,
    pub policies: Vec<AccessPolicy>,
    pub settings: HubSettings,
    /// Those an administrator made; `$Default` is there beside them.
    pub consumer_groups: Vec<ConsumerGroup>,
    pub tags: Map<String, Value>,
    /// Resource members that Roadstead keeps and gives back without acting on them (`sku`, `routing`, …).
    pub properties: Map<String, Value>,
}

impl Hub {
    /// Whether there is such a consumer group, in any letter case.
    pub fn has_consumer_group(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(ConsumerGroupName::DEFAULT)
            || self.consumer_groups.iter().any(|group| group.name.as_str().eq_ignore_ascii_case(name))
    }
}

/// Those who read a hub's events together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroup {
    pub name: ConsumerGroupName,
    pub created: UnixMillis,
}

/// A hub that a DPS instance may place devices on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkedHub {
    /// The hub's host name, lower case: `plant.localhost`.
    pub host_name: String,
    /// `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`, with which DPS may act on the hub's registry.
    pub connection_string: Secret,
    pub location: String,
    pub apply_allocation_policy: bool,
    /// 1 to 1000; absent counts as 1.
    pub allocation_weight: Option<u16>,
    /// Members that Roadstead keeps and gives back without acting on them (`authenticationType`, …).
    pub properties: Map<String, Value>,
}

/// A DPS instance as an administrator made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dps {
    pub id_scope: IdScope,
    pub name: DpsName,
    /// Where back ends reach it, lower case: `plant-dps.localhost`.
    pub host_name: String,
    pub group: GroupName,
    pub location: String,
    pub etag: Etag,
    pub created: UnixMillis,
    pub allocation_policy: AllocationPolicy,
    pub linked_hubs: Vec<LinkedHub>,
    pub policies: Vec<AccessPolicy>,
    pub tags: Map<String, Value>,
    /// Resource members that Roadstead keeps and gives back without acting on them (`sku`, …).
    pub properties: Map<String, Value>,
}

impl Dps {
    /// All names that back ends may use for it, lower case: its own, then the one it would have in Azure, for clients that keep
    /// that: `plant-dps.azure-devices-provisioning.net`. Source: docs, DPS "service operations endpoint"
    pub fn host_names(&self) -> [String; 2] {
        let azure = format!("{}.azure-devices-provisioning.net", self.name).to_ascii_lowercase();
        [self.host_name.clone(), azure]
    }
}

/// Whose trust a CA certificate extends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CertificateOwner {
    Hub(HubKey),
    Dps(IdScope),
}

/// A CA certificate, uploaded or made here. Until `verified`, it counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCertificate {
    pub name: CertificateName,
    /// The certificate, DER.
    pub der: Vec<u8>,
    pub verified: bool,
    /// What a proof of possession must carry as its CN, once asked for.
    pub verification_code: Option<String>,
    /// The CA's own key, PKCS#8 in PEM, when it was made here: it can issue. No answer ever holds it.
    pub key: Option<Secret>,
    pub etag: Etag,
    pub created: UnixMillis,
    pub updated: UnixMillis,
    /// Members that Roadstead keeps and gives back without acting on them (`policyResourceId`, …).
    pub properties: Map<String, Value>,
}
