//! What `az` manages: resource groups, hubs, DPS instances, their keys, their CA certificates and the links between them.
//!
//! Owns the rules of Resource Manager that matter here (names, host names, default policies, proof of possession of a CA)
//! and the snapshot in which every front looks hubs and DPS instances up ([`Directory`]). Each write is decided on the
//! snapshot, committed under conditions, shown in a new snapshot and then told to an [`Observer`]. Also keeps
//! who may do all this ([`principal`], [`assignment`]), lets them in ([`Access`]) and writes down what they did ([`audit`]). Refuses to know devices, enrollments, and how any of it is worded on the wire.
//!
//! Sources: `reference/arm-and-az.md`, `reference/hub-service.md` 1.2, `reference/dps.md` sections 4 and 5, `DESIGN.md`
//! sections 5, 6 and 9.

#![warn(missing_docs)]

pub mod access;
pub mod assignment;
pub mod audit;
pub mod certificate;
pub mod change;
pub mod consumer_group;
pub mod device_code;
pub mod directory;
pub mod dps;
#[expect(missing_docs, reason = "the fields are what the texts beside them show")]
pub mod error;
pub mod federation;
pub mod group;
pub mod hub;
pub mod hub_settings;
pub mod installation;
pub mod issuing;
pub mod limits;
pub mod linked_hub;
pub mod login;
pub mod naming;
pub mod person;
pub mod policy;
pub mod principal;
pub mod resources;
mod user_login;

pub use access::{Access, Caller};
pub use assignment::Place;
pub use certificate::{CertificateFacts, CertificateSpec, Uploaded};
pub use change::{Change, Observer};
pub use device_code::{DeviceCode, DeviceLogin};
pub use directory::Directory;
pub use dps::DpsSpec;
pub use error::{Kind, ResourceError};
pub use group::GroupSpec;
pub use hub::HubSpec;
pub use hub_settings::{RouteFault, RouteSource, RouteSpec, SettingsSpec, Throttling};
pub use installation::Installation;
pub use issuing::{Applicant, HeldCaSpec, Issuance, IssueSpec};
pub use linked_hub::LinkSpec;
pub use login::{LoggedIn, LoginRefusal, Proven, TokenFor};
pub use naming::{HostNames, Naming};
pub use person::PersonRefusal;
pub use policy::PolicySpec;
pub use principal::{NewSecret, PrincipalChange, ProofSpec, UserSpec};
pub use resources::{Put, Resources};
pub use roadstead_auth::SecretDigest;
pub use roadstead_model::Guid;
pub use roadstead_store::Page;
