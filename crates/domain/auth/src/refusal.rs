//! Why a caller is refused.

use std::fmt;

use roadstead_model::{Right, Rights, Thumbprint};
use roadstead_pki::{CertificateError, CommonNameFault, PathRefusal, UnfitCertificate};
use roadstead_sas::{Expired, SasError};
use thiserror::Error;

use crate::{bearer::BearerRefusal, permission::Permission};

/// Why a caller is refused. Prints as one sentence that names the cause; never holds a key or a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthRefusal {
    /// Nothing came that could be judged.
    #[error("neither a token nor a client certificate came with the request")]
    NoCredentials,
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] SasError),
    /// The token is too old.
    #[error(transparent)]
    Expired(#[from] Expired),
    /// The token is for something else.
    #[error("the token is for `{granted}`, not for `{wanted}`")]
    Scope {
        /// The token's decoded `sr`, cut.
        granted: String,
        /// What was asked for: `hub1.example/devices/dev1`.
        wanted: String,
    },
    /// The signature fits no key of the one it should be of.
    #[error("the token is not signed with a key of {owner}")]
    Signature {
        /// Whose key it should be: ``device `dev1` ``.
        owner: String,
    },
    /// The key of a device does not speak for its modules.
    #[error(
        "the token is signed with a key of {device}, which does not speak for {owner}: sign with the module's own key"
    )]
    DevicesKey {
        /// Who was asked for: ``module `dev1/mod1` ``.
        owner: String,
        /// Whose key it is: ``device `dev1` ``.
        device: String,
    },
    /// A device of DPS signs with its own key.
    #[error("the token's `skn` is `{key_name}`; a device's is `registration`")]
    KeyName {
        /// The token's `skn`, cut.
        key_name: String,
    },
    /// A back end's token must name its policy.
    #[error("the token names no access policy (`skn`)")]
    NoPolicyNamed,
    /// No policy of this name.
    #[error("there is no access policy `{key_name}`")]
    NoSuchPolicy {
        /// The token's `skn`, cut.
        key_name: String,
    },
    /// The policy exists and signed, and may not do this.
    #[error("policy `{key_name}` lacks {}: it has {rights}", right.as_str())]
    PolicyLacks {
        /// The policy.
        key_name: String,
        /// What was needed.
        right: Right,
        /// What it has.
        rights: Rights,
    },
    /// The bearer token opens nothing.
    #[error(transparent)]
    Bearer(#[from] BearerRefusal),
    /// Somebody who logged in has no role that allows this.
    #[error("`{name}` has no role that allows to {} here; an owner can assign one", does(*permission))]
    RoleLacks {
        /// Who.
        name: String,
        /// What was needed.
        permission: Permission,
    },
    /// The caller proves itself in another way than was registered.
    #[error("{owner} proves itself with {registered}, but {presented} came")]
    Means {
        /// Who: ``device `dev1` ``.
        owner: String,
        /// What was registered.
        registered: Means,
        /// What came.
        presented: Means,
    },
    /// A certificate that came cannot be read; `position` 0 is the leaf.
    #[error("certificate {position} of those presented cannot be read: {fault}")]
    Certificate {
        /// Place in the chain, from 0.
        position: usize,
        /// Why.
        fault: CertificateError,
    },
    /// The leaf is out of date.
    #[error(transparent)]
    Unfit(#[from] UnfitCertificate),
    /// The leaf is not the registered one.
    #[error(
        "the certificate presented (SHA-1 {sha1}, SHA-256 {sha256}) is not the one registered for {owner} (primary {}, secondary {})",
        Registered(primary.as_ref()), Registered(secondary.as_ref())
    )]
    Thumbprint {
        /// Who: ``device `dev1` ``.
        owner: String,
        /// Of the leaf.
        sha1: Thumbprint,
        /// Of the leaf.
        sha256: Thumbprint,
        /// As registered.
        primary: Option<Thumbprint>,
        /// As registered.
        secondary: Option<Thumbprint>,
    },
    /// The leaf speaks for another device.
    #[error("the certificate is for `{presented}` (its CN), not for `{expected}`")]
    CommonName {
        /// The leaf's CN, cut.
        presented: String,
        /// The device or registration id.
        expected: String,
    },
    /// The leaf speaks for no one device.
    #[error("the certificate {0}")]
    NoCommonName(CommonNameFault),
    /// No path to a verified CA.
    #[error(transparent)]
    Path(#[from] PathRefusal),
    /// A path, but not through the enrollment group's certificate that vouched for the device.
    #[error("the certificate's path ({}) does not pass {through}, by which DPS enrolled the device", path.join(" < "))]
    NotThrough {
        /// SHA-256 of the certificate it must pass.
        through: Thumbprint,
        /// Names on the path, leaf first.
        path: Vec<String>,
    },
    /// The credentials are good, but an administrator disabled the device.
    #[error("device is disabled{}", Reason(reason.as_deref()))]
    DeviceDisabled {
        /// `statusReason` of the device.
        reason: Option<String>,
    },
}

fn does(permission: Permission) -> &'static str {
    match permission {
        Permission::Read => "see resources",
        Permission::Write => "change resources",
        Permission::ListKeys => "see keys",
        Permission::ManageAccess => "manage access",
        Permission::ReadHubData => "read a hub's data",
        Permission::WriteHubData => "change a hub's data",
        Permission::ReadDpsData => "read enrollments and registrations",
        Permission::WriteDpsData => "change enrollments and registrations",
    }
}

/// How a caller proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A token signed with its own key.
    Token,
    /// A certificate named by its thumbprint.
    Thumbprint,
    /// A certificate issued under a CA.
    CertificateAuthority,
    /// Any certificate.
    Certificate,
    /// A token signed within its TPM.
    Tpm,
    /// Only policies speak for it.
    PolicyOnly,
}

impl fmt::Display for Means {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Token => "a token signed with its symmetric key",
            Self::Thumbprint => "a certificate of a registered thumbprint",
            Self::CertificateAuthority => "a certificate issued under a verified CA",
            Self::Certificate => "a certificate",
            Self::Tpm => "a token signed by its TPM",
            Self::PolicyOnly => "nothing of its own (only a policy with DeviceConnect speaks for it)",
        })
    }
}

struct Registered<'a>(Option<&'a Thumbprint>);

impl fmt::Display for Registered<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.map_or("none", Thumbprint::as_str))
    }
}

struct Reason<'a>(Option<&'a str>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reason| write!(out, ": {reason}"))
    }
}
