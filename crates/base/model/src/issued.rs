//! Certificates that were issued to devices.

use crate::{
    clock::UnixMillis,
    device::Thumbprint,
    id::{CertificateName, RegistrationId},
    principal::PrincipalId,
};

/// What is kept of a certificate that a CA of a DPS instance issued. Outlives the CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The name of the CA's certificate.
    pub ca: CertificateName,
    /// The CA's own SHA-256 thumbprint: another CA may have had the name before.
    pub ca_sha256: Thumbprint,
    /// Hex of the serial number's bytes: `5A01…`.
    pub serial: String,
    /// Whom it names.
    pub common_name: RegistrationId,
    pub sha1: Thumbprint,
    pub sha256: Thumbprint,
    pub not_before: UnixMillis,
    /// Its last second.
    pub not_after: UnixMillis,
    /// When it was issued.
    pub issued: UnixMillis,
    /// By whom: the principal, and its name at the time.
    pub by: PrincipalId,
    pub by_name: String,
    /// Whether the key is the device's own, by a certificate request. Else the server made it, and keeps it not.
    pub from_request: bool,
}
