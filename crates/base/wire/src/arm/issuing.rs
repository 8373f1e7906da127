//! CAs that the server holds, and what they issue: an API of Roadstead's own. See `docs/design/004-issuing.md`.

use roadstead_model::{IssuedCertificate, Secret, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::object_body;

/// A CA to be made: `{"commonName":"Plant CA","days":3650}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaRequest {
    pub common_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// A certificate to be issued: `{"commonName":"dev-01","days":365}`, or `{"certificateRequest":"-----BEGIN CERTIFICATE REQUEST…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IssueRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

impl CaRequest {
    /// Errors: no JSON of this shape.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        object_body::parse(body)
    }
}

impl IssueRequest {
    /// Errors: no JSON of this shape.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        object_body::parse(body)
    }
}

/// An issued certificate in lists.
///
/// Shape: `{"commonName":"dev-01","serialNumber":"5A…","thumbprint":"AB…40 hex","sha256Thumbprint":"CD…64 hex",
/// "notBefore":"2026-11-22T14:02:11.0000000Z","notAfter":"…","issued":"…","issuedBy":"alice@plant.example",
/// "fromRequest":false,"certificateName":"plant-ca","caThumbprint":"EF…64 hex"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    pub common_name: String,
    pub serial_number: String,
    pub thumbprint: String,
    pub sha256_thumbprint: String,
    pub not_before: String,
    pub not_after: String,
    pub issued: String,
    pub issued_by: String,
    pub from_request: bool,
    /// The name of the CA's certificate.
    pub certificate_name: String,
    /// The CA's SHA-256.
    pub ca_thumbprint: String,
}

impl Issued {
    /// As the API shows it.
    pub fn of(record: &IssuedCertificate) -> Self {
        Self {
            common_name: record.common_name.to_string(),
            serial_number: record.serial.clone(),
            thumbprint: record.sha1.to_string(),
            sha256_thumbprint: record.sha256.to_string(),
            not_before: record.not_before.iso(),
            not_after: record.not_after.iso(),
            issued: record.issued.iso(),
            issued_by: record.by_name.clone(),
            from_request: record.from_request,
            certificate_name: record.ca.to_string(),
            ca_thumbprint: record.ca_sha256.to_string(),
        }
    }

    /// Its last second. `None` when it is written as no time.
    pub fn ends(&self) -> Option<UnixMillis> {
        UnixMillis::parse_iso(&self.not_after)
    }
}

/// The answer to an [`IssueRequest`]: the same members, the certificate, the certificate with its CA's, both in PEM, and the key,
/// PKCS#8 in PEM, if the server made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssueAnswer {
    #[serde(flatten)]
    pub issued: Issued,
    pub certificate: String,
    pub chain: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<Secret>,
}

/// A page of them. `next_link` is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedList {
    pub value: Vec<Issued>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}
