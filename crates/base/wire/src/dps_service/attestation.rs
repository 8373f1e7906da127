//! How the devices of an enrollment prove themselves.

use roadstead_model::Secret;
use serde::{Deserialize, Serialize};

use crate::word::{Word, words};

/// The kinds of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttestationType {
    None,
    Tpm,
    X509,
    SymmetricKey,
}

words!("attestation type", AttestationType {
    None = "none",
    Tpm = "tpm",
    X509 = "x509",
    SymmetricKey = "symmetricKey",
});

/// Shape: `{"type":"symmetricKey","symmetricKey":{"primaryKey":"…","secondaryKey":"…"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationMechanism {
    #[serde(rename = "type")]
    pub kind: Word<AttestationType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<Tpm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x509: Option<X509Attestation>,
    /// Absent in answers to GET and query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symmetric_key: Option<SymmetricKeys>,
}

impl AttestationMechanism {
    /// By key; `None` keys are left to the service to make, or not shown.
    pub fn symmetric_key(keys: Option<SymmetricKeys>) -> Self {
        Self { kind: Word(AttestationType::SymmetricKey), tpm: None, x509: None, symmetric_key: keys }
    }

    /// By TPM.
    pub fn tpm(tpm: Tpm) -> Self {
        Self { kind: Word(AttestationType::Tpm), tpm: Some(tpm), x509: None, symmetric_key: None }
    }

    /// By certificate.
    pub fn x509(x509: X509Attestation) -> Self {
        Self { kind: Word(AttestationType::X509), tpm: None, x509: Some(x509), symmetric_key: None }
    }
}

/// A TPM's public keys, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tpm {
    pub endorsement_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_root_key: Option<String>,
}

/// Base64 keys; absent or empty ones are made by the service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SymmetricKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_key: Option<Secret>,
}

/// One of the three is set: the device's own certificates, certificates that sign the devices', or names of uploaded CAs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct X509Attestation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificates: Option<Certificates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_certificates: Option<Certificates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_references: Option<CaReferences>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificates {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<CertificateWithInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<CertificateWithInfo>,
}

/// Names under which CAs were uploaded: `{"primary":"textile-rootCA"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaReferences {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<String>,
}

/// Sent with `certificate` ([`crate::certificate_text`] reads it), answered with `info`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateWithInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<CertificateInfo>,
}

/// What a certificate says; all eight members are required. Thumbprints and serial number in hex capitals, times ISO 8601.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
    pub subject_name: String,
    pub sha1_thumbprint: String,
    pub sha256_thumbprint: String,
    pub issuer_name: String,
    pub not_before_utc: String,
    pub not_after_utc: String,
    pub serial_number: String,
    pub version: u8,
}
