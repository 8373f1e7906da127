//! Device identities.

use roadstead_model::{Device, DeviceAuth, DeviceId, DeviceStatus, Etag, GenerationId, Thumbprint, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, mirror, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeviceV1 {
    v: V1,
    id: DeviceId,
    generation: GenerationId,
    etag: Etag,
    status: StatusV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    status_updated: UnixMillis,
    auth: AuthV1,
    iot_edge: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parent_scopes: Vec<String>,
    created: UnixMillis,
}

mirror!(StatusV1 of DeviceStatus: Enabled, Disabled);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum AuthV1 {
    /// Both sealed.
    Sas {
        primary: String,
        secondary: String,
    },
    Thumbprints {
        primary: Option<String>,
        secondary: Option<String>,
    },
    CertificateAuthority {
        through: Option<String>,
    },
    None,
}

impl AuthV1 {
    pub(super) fn new(auth: &DeviceAuth, vault: Vault<'_>) -> Self {
        let text = |thumbprint: &Option<Thumbprint>| thumbprint.as_ref().map(Thumbprint::to_string);
        match auth {
            DeviceAuth::Sas { primary, secondary } => {
                Self::Sas { primary: vault.seal("primary", primary), secondary: vault.seal("secondary", secondary) }
            }
            DeviceAuth::Thumbprints { primary, secondary } => {
                Self::Thumbprints { primary: text(primary), secondary: text(secondary) }
            }
            DeviceAuth::CertificateAuthority { through } => Self::CertificateAuthority { through: text(through) },
            DeviceAuth::None => Self::None,
        }
    }

    pub(super) fn load(self, vault: Vault<'_>) -> Result<DeviceAuth, StoreError> {
        let thumbprint = |text: Option<String>| match text {
            Some(text) => match Thumbprint::parse(&text) {
                Some(thumbprint) => Ok(Some(thumbprint)),
                None => Err(vault.damaged(format_args!("`{text}` is no thumbprint"))),
            },
            None => Ok(None),
        };
        Ok(match self {
            Self::Sas { primary, secondary } => DeviceAuth::Sas {
                primary: vault.unseal("primary", &primary)?,
                secondary: vault.unseal("secondary", &secondary)?,
            },
            Self::Thumbprints { primary, secondary } => {
                DeviceAuth::Thumbprints { primary: thumbprint(primary)?, secondary: thumbprint(secondary)? }
            }
            Self::CertificateAuthority { through } => {
                DeviceAuth::CertificateAuthority { through: thumbprint(through)? }
            }
            Self::None => DeviceAuth::None,
        })
    }
}

impl Stored for Device {
    fn encode(&self, vault: Vault<'_>) -> String {
        write(&DeviceV1 {
            v: V1,
            id: self.id.clone(),
            generation: self.generation,
            etag: self.etag.clone(),
            status: self.status.into(),
            status_reason: self.status_reason.clone(),
            status_updated: self.status_updated,
            auth: AuthV1::new(&self.auth, vault),
            iot_edge: self.iot_edge,
            scope: self.scope.clone(),
            parent_scopes: self.parent_scopes.clone(),
            created: self.created,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let stored: DeviceV1 = vault.read(text)?;
        Ok(Self {
            id: stored.id,
            generation: stored.generation,
            etag: stored.etag,
            status: stored.status.into(),
            status_reason: stored.status_reason,
            status_updated: stored.status_updated,
            auth: stored.auth.load(vault)?,
            iot_edge: stored.iot_edge,
            scope: stored.scope,
            parent_scopes: stored.parent_scopes,
            created: stored.created,
        })
    }
}
