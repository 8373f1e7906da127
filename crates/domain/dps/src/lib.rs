//! The Device Provisioning Service: who may register, on which hub, with what.
//!
//! Owns enrollments and enrollment groups, attestation (individual before group), allocation of a hub, reprovisioning and
//! the registration records. Reaches hubs only through its own port [`HubLink`], and the HTTP endpoint of custom allocation
//! through [`AllocationWebhook`]. Refuses to know how a device or back end is spoken to: fronts hold a [`DpsSession`] for a
//! device and an [`Instance`] for a back end, and word a [`DpsError`] in their protocol.
//!
//! A registration is answered `assigned` at once; only custom allocation, and hubs on other servers that take their time,
//! answer `assigning`. Durable writes come in the
//! order identity and twin, then registration, so a crash between them is healed by the next register.
//!
//! Source: `reference/dps.md`.

#![warn(missing_docs)]

mod allocation;
mod assignment;
pub mod attestation;
mod certificate_index;
pub mod enrollment;
pub mod enrollment_group;
pub mod error;
mod grouping;
mod hex;
mod history;
pub mod instance;
pub mod instances;
pub mod limits;
pub mod link;
mod loads;
mod operation;
mod provisioning;
pub mod query;
pub mod registration;
mod reprovision;
pub mod session;
mod tally;
mod tpm;
mod turn;
pub mod webhook;

pub use attestation::Source;
pub use enrollment::{AttestationDraft, BulkChange, BulkFailure, CertificateDraft, EnrollmentDraft, Precondition};
pub use enrollment_group::{EnrollmentGroupDraft, GroupAttestationDraft};
pub use error::DpsError;
pub use instance::{Instance, TrustObserver};
pub use instances::{Instances, Ports};
pub use link::{DeviceSpec, Ensure, HubAddress, HubLink, LinkError, TwinSnapshot};
pub use query::{Listing, PageRequest};
pub use registration::{RegistrationRequest, TpmKeys};
pub use roadstead_model::{AttestedBy, OperationStatus, RegistrationState, State};
pub use session::DpsSession;
pub use tally::DeviceCounts;
pub use tpm::Challenge;
pub use webhook::{AllocationAnswer, AllocationRequest, AllocationWebhook, WebhookError};
