//! Who is calling, and what may they do.
//!
//! Judges what a caller presented ([`Evidence`]: a shared access signature, a certificate chain, or both) against what is
//! registered: a device or module of a hub ([`device`]), the policies of a hub or DPS instance ([`policy`]), and, for
//! enrollments, the parts of which DPS composes its own verdict ([`registration`], [`certificate`], [`trust`]). Says also on
//! which credential a login rests ([`ground`]), so that changing one ends only the sessions it opened. For people and programs
//! that log in: passwords and secrets ([`password`]), how often they may be tried ([`login_limiter`]), tokens ([`bearer`]), those of other issuers ([`issuer`]) and
//! of their people ([`person`]),
//! and what roles allow ([`permission`]). Refuses to know where
//! records are kept and how a refusal is worded on the wire. Every refusal is an [`AuthRefusal`] whose text names the cause
//! and holds neither key nor token. Signatures are compared in constant time.
//!
//! Sources: `reference/hub-device.md` section 4, `reference/hub-service.md` 1.2, `reference/dps.md` section 2.

#![warn(missing_docs)]

pub mod bearer;
pub mod certificate;
pub mod device;
pub mod evidence;
pub mod ground;
pub mod issuer;
mod keys;
pub mod limits;
pub mod login_limiter;
pub mod password;
pub mod permission;
pub mod person;
pub mod policy;
pub mod refusal;
pub mod registration;
mod scope;
pub mod trust;

pub use bearer::{Bearer, BearerKey, BearerRefusal, BearerUse};
pub use device::DeviceGrant;
pub use evidence::{Credential, Evidence};
pub use ground::Ground;
pub use login_limiter::LoginLimiter;
pub use password::SecretDigest;
pub use permission::{Permission, Target};
pub use policy::PolicyGrant;
pub use refusal::{AuthRefusal, Means};
pub use registration::RegistrationToken;
pub use roadstead_sas::Segment;
pub use trust::{Path, Trust};
