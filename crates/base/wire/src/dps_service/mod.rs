//! The DPS service API: what back ends and `az iot dps enrollment` send and read.
//!
//! The structs have Azure's exact shape; members without a value are left out. Symmetric keys are [`Secret`]s, so that
//! printing a body for debugging shows none.
//! Requests are read with [`crate::object_body`]. Source: `reference/dps.md` 4.3, `openapi/dps-service-2021-10-01.json`
//!
//! [`Secret`]: roadstead_model::Secret

mod attestation;
mod bulk;
mod enrollment;
mod registration;
mod shown;

pub use attestation::{
    AttestationMechanism, AttestationType, CaReferences, CertificateInfo, CertificateWithInfo, Certificates,
    SymmetricKeys, Tpm, X509Attestation,
};
pub use bulk::{BulkError, BulkGroupError, BulkGroups, BulkIndividuals, BulkMode, BulkResult};
pub use enrollment::{
    Capabilities, CustomAllocation, Desired, EnrollmentGroup, IndividualEnrollment, InitialTwin, ReprovisionPolicy,
    Settings,
};
pub use registration::DeviceRegistrationState;
pub use shown::Shown;

/// An etag as this API prints it, within quotes: `"8d00bd7f-0000-0100-0000-5c7f8d1e0000"`.
pub fn quoted(etag: &roadstead_model::Etag) -> String {
    format!("\"{etag}\"")
}
