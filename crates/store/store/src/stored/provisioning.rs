//! What individual enrollments and groups have in common: keys, certificates, and what becomes of the device.

use std::borrow::Cow;

use roadstead_model::{
    AllocationPolicy, CertificateEntry, InitialTwin, Provisioning, ProvisioningStatus, ReprovisionPolicy,
    SymmetricKeys, Webhook,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Vault, base64_text, mirror};
use crate::error::StoreError;

/// Two keys, both sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysV1 {
    primary: String,
    secondary: String,
}

impl KeysV1 {
    pub(super) fn new(keys: &SymmetricKeys, vault: Vault<'_>) -> Self {
        let SymmetricKeys { primary, secondary } = keys;
        Self { primary: vault.seal("primary", primary), secondary: vault.seal("secondary", secondary) }
    }

    pub(super) fn load(self, vault: Vault<'_>) -> Result<SymmetricKeys, StoreError> {
        Ok(SymmetricKeys {
            primary: vault.unseal("primary", &self.primary)?,
            secondary: vault.unseal("secondary", &self.secondary)?,
        })
    }
}

/// A certificate: `{"der":"MIIB…"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateV1 {
    #[serde(with = "base64_text")]
    der: Vec<u8>,
}

impl From<&CertificateEntry> for CertificateV1 {
    fn from(entry: &CertificateEntry) -> Self {
        Self { der: entry.der.clone() }
    }
}

impl From<CertificateV1> for CertificateEntry {
    fn from(stored: CertificateV1) -> Self {
        Self { der: stored.der }
    }
}

/// A public key of a TPM, `TPM2B_PUBLIC`: `"AToAAQALAAMAsgAg…"`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct TpmKeyV1(#[serde(with = "base64_text")] Vec<u8>);

impl From<&Vec<u8>> for TpmKeyV1 {
    fn from(key: &Vec<u8>) -> Self {
        Self(key.clone())
    }
}

impl From<TpmKeyV1> for Vec<u8> {
    fn from(stored: TpmKeyV1) -> Self {
        stored.0
    }
}

mirror!(StatusV1 of ProvisioningStatus: Enabled, Disabled);
mirror!(AllocationV1 of AllocationPolicy: Hashed, GeoLatency, Static, Custom);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ProvisioningV1<'a> {
    status: StatusV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocation: Option<AllocationV1>,
    hubs: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reprovision: Option<ReprovisionV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial_twin: Option<InitialTwinV1<'a>>,
    iot_edge: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebhookV1 {
    /// Sealed.
    url: String,
    api_version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReprovisionV1 {
    update_hub_assignment: bool,
    migrate_device_data: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InitialTwinV1<'a> {
    tags: Cow<'a, Map<String, Value>>,
    desired: Cow<'a, Map<String, Value>>,
}

impl<'a> ProvisioningV1<'a> {
    pub(super) fn new(provisioning: &'a Provisioning, vault: Vault<'_>) -> Self {
        let Provisioning { status, allocation, hubs, webhook, reprovision, initial_twin, iot_edge } = provisioning;
        Self {
            status: (*status).into(),
            allocation: allocation.map(Into::into),
            hubs: Cow::Borrowed(hubs),
            webhook: webhook.as_ref().map(|Webhook { url, api_version }| WebhookV1 {
                url: vault.seal("webhook", url),
                api_version: api_version.clone(),
            }),
            reprovision: reprovision.map(|ReprovisionPolicy { update_hub_assignment, migrate_device_data }| {
                ReprovisionV1 { update_hub_assignment, migrate_device_data }
            }),
            initial_twin: initial_twin.as_ref().map(|InitialTwin { tags, desired }| InitialTwinV1 {
                tags: Cow::Borrowed(tags),
                desired: Cow::Borrowed(desired),
            }),
            iot_edge: *iot_edge,
        }
    }

    pub(super) fn load(self, vault: Vault<'_>) -> Result<Provisioning, StoreError> {
        let webhook = match self.webhook {
            Some(WebhookV1 { url, api_version }) => Some(Webhook { url: vault.unseal("webhook", &url)?, api_version }),
            None => None,
        };
        Ok(Provisioning {
            status: self.status.into(),
            allocation: self.allocation.map(Into::into),
            hubs: self.hubs.into_owned(),
            webhook,
            reprovision: self.reprovision.map(|ReprovisionV1 { update_hub_assignment, migrate_device_data }| {
                ReprovisionPolicy { update_hub_assignment, migrate_device_data }
            }),
            initial_twin: self.initial_twin.map(|InitialTwinV1 { tags, desired }| InitialTwin {
                tags: tags.into_owned(),
                desired: desired.into_owned(),
            }),
            iot_edge: self.iot_edge,
        })
    }
}
