//! Certificates that were issued to devices.

use std::borrow::Cow;

use roadstead_model::{CertificateName, IssuedCertificate, PrincipalId, RegistrationId, Thumbprint, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssuedV1<'a> {
    v: V1,
    ca: CertificateName,
    ca_sha256: Thumbprint,
    serial: Cow<'a, str>,
    common_name: RegistrationId,
    sha1: Thumbprint,
    sha256: Thumbprint,
    not_before: UnixMillis,
    not_after: UnixMillis,
    issued: UnixMillis,
    by: PrincipalId,
    by_name: Cow<'a, str>,
    from_request: bool,
}

impl Stored for IssuedCertificate {
    fn encode(&self, _: Vault<'_>) -> String {
        let one = self.clone();
        write(&IssuedV1 {
            v: V1,
            ca: one.ca,
            ca_sha256: one.ca_sha256,
            serial: Cow::Borrowed(&self.serial),
            common_name: one.common_name,
            sha1: one.sha1,
            sha256: one.sha256,
            not_before: one.not_before,
            not_after: one.not_after,
            issued: one.issued,
            by: one.by,
            by_name: Cow::Borrowed(&self.by_name),
            from_request: one.from_request,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let read: IssuedV1<'_> = vault.read(text)?;
        Ok(Self {
            ca: read.ca,
            ca_sha256: read.ca_sha256,
            serial: read.serial.into_owned(),
            common_name: read.common_name,
            sha1: read.sha1,
            sha256: read.sha256,
            not_before: read.not_before,
            not_after: read.not_after,
            issued: read.issued,
            by: read.by,
            by_name: read.by_name.into_owned(),
            from_request: read.from_request,
        })
    }
}
