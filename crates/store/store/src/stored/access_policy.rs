//! A shared access policy, inside a hub or a DPS instance.

use roadstead_model::{AccessPolicy, Rights};
use serde::{Deserialize, Serialize};

use super::Vault;
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AccessPolicyV1 {
    key_name: String,
    primary: String,
    secondary: String,
    /// As Azure prints them: `RegistryRead, ServiceConnect`.
    rights: String,
}

impl AccessPolicyV1 {
    pub(super) fn new(policy: &AccessPolicy, vault: Vault<'_>) -> Self {
        let AccessPolicy { key_name, primary, secondary, rights } = policy;
        Self {
            key_name: key_name.clone(),
            primary: vault.seal(&field(key_name, "primary"), primary),
            secondary: vault.seal(&field(key_name, "secondary"), secondary),
            rights: rights.to_string(),
        }
    }

    pub(super) fn load(self, vault: Vault<'_>) -> Result<AccessPolicy, StoreError> {
        let Self { key_name, primary, secondary, rights } = self;
        Ok(AccessPolicy {
            primary: vault.unseal(&field(&key_name, "primary"), &primary)?,
            secondary: vault.unseal(&field(&key_name, "secondary"), &secondary)?,
            rights: Rights::parse(&rights).ok_or_else(|| vault.damaged(format_args!("no such rights: {rights}")))?,
            key_name,
        })
    }
}

fn field(key_name: &str, which: &str) -> String {
    format!("policy/{key_name}/{which}")
}
