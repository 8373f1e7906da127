//! X.509: what a certificate says, whether it leads to a CA that an administrator verified, and how to make one.
//!
//! Reads certificates strictly (DER only), builds paths by RFC 5280 with one tolerance ([`path`]), checks proof of
//! possession of an uploaded CA ([`proof`]) and of a device's key ([`request`]), and issues roots, intermediates, server and device certificates
//! ([`issue`]). Refuses to know enrollments, hubs and what time it is: `now_s` is an argument, in Unix seconds.
//! Revocation lists and OCSP are not looked at, as in Azure. Subject alternative names of devices mean nothing here:
//! a device is its one common name.
//!
//! Sources: `DESIGN.md` sections 5 and 9, `reference/dependencies.md` sections 0, 1 and 8, `reference/dps.md` 2.4.

#![warn(missing_docs)]

pub mod certificate;
mod der;
pub mod issue;
pub mod limits;
pub mod name;
pub mod path;
pub mod proof;
pub mod request;
pub mod signature;
pub mod text;
pub mod thumbprint;
pub mod unfit;

pub use certificate::{Certificate, CertificateError};
pub use der::DerFault;
pub use issue::{Authority, Credential, IssueError, KeyKind, Validity};
pub use name::CommonNameFault;
pub use path::{IssuerFault, Path, PathRefusal, Registered, check_ca, judge};
pub use proof::{ProofRefusal, check_proof};
pub use request::{Request, RequestFault};
pub use signature::SignatureFault;
pub use text::parse_certificates;
pub use thumbprint::Thumbprint;
pub use unfit::{Unfit, UnfitCertificate, check_leaf};
