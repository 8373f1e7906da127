//! The subscriptions of a device's persistent session.

use roadstead_model::Subscription;
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

/// `{"v":1,"filters":[["devices/thermo-7/messages/devicebound/#",1]]}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionsV1 {
    v: V1,
    filters: Vec<(String, u8)>,
}

impl Stored for Vec<Subscription> {
    fn encode(&self, _: Vault<'_>) -> String {
        let filters = self.iter().map(|Subscription { filter, qos }| (filter.clone(), *qos)).collect();
        write(&SubscriptionsV1 { v: V1, filters })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let SubscriptionsV1 { v: V1, filters } = vault.read(text)?;
        Ok(filters.into_iter().map(|(filter, qos)| Subscription { filter, qos }).collect())
    }
}
