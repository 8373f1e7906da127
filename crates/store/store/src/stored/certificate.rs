//! CA certificates.

use roadstead_model::{CaCertificate, CertificateName, Etag, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, base64_text, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CertificateV1 {
    v: V1,
    name: CertificateName,
    #[serde(with = "base64_text")]
    der: Vec<u8>,
    verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_code: Option<String>,
    /// Sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    etag: Etag,
    created: UnixMillis,
    updated: UnixMillis,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
}

impl Stored for CaCertificate {
    fn encode(&self, vault: Vault<'_>) -> String {
        let Self { name, der, verified, verification_code, key, etag, created, updated, properties } = self.clone();
        let key = key.map(|key| vault.seal("key", &key));
        write(&CertificateV1 { v: V1, name, der, verified, verification_code, key, etag, created, updated, properties })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let CertificateV1 { v: V1, name, der, verified, verification_code, key, etag, created, updated, properties } =
            vault.read(text)?;
        let key = key.map(|key| vault.unseal("key", &key)).transpose()?;
        Ok(Self { name, der, verified, verification_code, key, etag, created, updated, properties })
    }
}
