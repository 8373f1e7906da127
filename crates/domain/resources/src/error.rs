//! Why an administrator's wish is not granted.

use std::ops::RangeInclusive;

use roadstead_auth::BearerRefusal;
use roadstead_model::{GroupName, Guid, IdError, Right};
use roadstead_pki::{CertificateError, IssueError, ProofRefusal, RequestFault, UnfitCertificate};
use roadstead_sas::{ConnectionStringError, KeyError};
use roadstead_store::StoreError;
use thiserror::Error;

use crate::hub_settings::RouteFault;

/// What kind of resource a refusal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Group,
    Hub,
    Dps,
    Certificate,
    Policy,
    ConsumerGroup,
    Assignment,
    Secret,
    Federated,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Group => "resource group",
            Self::Hub => "hub",
            Self::Dps => "DPS instance",
            Self::Certificate => "certificate",
            Self::Policy => "shared access policy",
            Self::ConsumerGroup => "consumer group",
            Self::Assignment => "role assignment",
            Self::Secret => "secret",
            Self::Federated => "federated credential",
        })
    }
}

/// Every refusal of this crate. Its text is a sentence for the administrator and holds no secret.
#[derive(Debug, Error)]
pub enum ResourceError {
    /// A name breaks the rules of its kind.
    #[error("{0}")]
    Name(#[from] IdError),
    /// A name is too short or too long.
    #[error("{kind} name `{name}` must have {} to {} characters", allowed.start(), allowed.end())]
    NameLength { kind: &'static str, name: String, allowed: RangeInclusive<usize> },
    /// Another resource has the name, or a host name made from it.
    #[error("the name `{name}` is not available: a {kind} has it already")]
    NameTaken { kind: Kind, name: String },
    /// A host name given by the server cannot be one.
    #[error("host name `{host}` cannot be used: {rule}")]
    HostName { host: String, rule: &'static str },
    /// There is no such resource group.
    #[error("resource group '{group}' could not be found")]
    GroupNotFound { group: String },
    /// The resource group is elsewhere; a group cannot be moved.
    #[error("resource group '{group}' already exists in location '{has}', so it cannot be made in '{asked}'")]
    GroupLocation { group: GroupName, has: String, asked: String },
    /// There is no such thing where it was looked for: `parent` is a resource group, a hub or a DPS instance.
    #[error("{kind} '{name}' was not found in '{parent}'")]
    NotFound { kind: Kind, name: String, parent: String },
    /// The resource is no longer the one the administrator saw.
    #[error(
        "{kind} '{name}' has changed since it was read: its etag is another one; read it again and repeat the change"
    )]
    EtagMismatch { kind: Kind, name: String },
    /// A member's value is outside its bounds or its form.
    #[error("{member} is {given}; it must be {allowed}")]
    Value { member: &'static str, given: String, allowed: String },
    /// Who asks changed, or tried to, its own password too often.
    #[error("too many tries; try again in {retry_after_s} s")]
    TooManyTries { retry_after_s: i64 },
    /// A member would have to be acted upon, and is not.
    #[error("{member} cannot be set: connections to other services are not supported yet")]
    Unsupported { member: String },
    /// A rule by which events come to an endpoint is none we can follow.
    #[error("route '{route}' cannot be had: {fault}")]
    Route { route: String, fault: RouteFault },
    /// A hub's partitions are fixed when it is made.
    #[error("hub '{hub}' has {has} partitions; the number is fixed when a hub is made and cannot become {asked}")]
    PartitionsFixed { hub: String, has: u16, asked: u16 },
    /// There are as many as there may be.
    #[error("there may be at most {max} {what}")]
    TooMany { what: &'static str, max: usize },
    /// A policy's key cannot be one.
    #[error("shared access policy '{policy}': {cause}")]
    PolicyKey { policy: String, cause: KeyError },
    /// A policy's rights are not of this kind of resource.
    #[error("shared access policy '{policy}' cannot hold the rights `{rights}`; a {kind} knows {known}")]
    PolicyRights { policy: String, rights: String, kind: Kind, known: String },
    /// Two policies have one name.
    #[error("shared access policy '{policy}' is there twice")]
    PolicyTwice { policy: String },
    /// A linked hub's connection string cannot be read. `position` counts from 1.
    #[error("linked hub {position}: {cause}")]
    LinkUnreadable { position: usize, cause: ConnectionStringError },
    /// A linked hub's connection string is one of a device.
    #[error("linked hub '{host}': the connection string must be one of a shared access policy, not of a device")]
    LinkOfDevice { host: String },
    /// The key is masked, and no link to this host with this policy is known.
    #[error(
        "linked hub '{host}': the key is masked (`****`) and no key of policy '{policy}' is stored; give the whole connection string"
    )]
    LinkMasked { host: String, policy: String },
    /// The hub is one of ours and has no such policy.
    #[error("linked hub '{host}': the hub has no shared access policy '{policy}'")]
    LinkPolicy { host: String, policy: String },
    /// The hub is one of ours and the key is wrong.
    #[error("linked hub '{host}': the key is not one of the keys of the hub's policy '{policy}'")]
    LinkKey { host: String, policy: String },
    /// The hub is one of ours and the policy may not do what DPS does with it.
    #[error("linked hub '{host}': policy '{policy}' lacks the right {}, which DPS needs to place devices", right.as_str())]
    LinkRight { host: String, policy: String, right: Right },
    /// A hub is linked twice.
    #[error("hub '{host}' is linked twice")]
    LinkTwice { host: String },
    /// What was uploaded is no certificate.
    #[error("the certificate cannot be used: {0}")]
    CertificateUnreadable(#[from] CertificateError),
    /// The certificate is over.
    #[error("the certificate cannot be used: {0}")]
    CertificateUnfit(#[from] UnfitCertificate),
    /// The certificate says of itself that it issues none.
    #[error("certificate `{certificate}` is not one of a CA: {reason}")]
    NotACa { certificate: String, reason: &'static str },
    /// There is already one of this name, and the caller did not say which version to replace.
    #[error("certificate '{name}' exists already; give its etag (If-Match) to replace it, or choose another name")]
    CertificateExists { name: String },
    /// The same of a CA that is to be made: none is ever replaced.
    #[error("certificate '{name}' exists already; choose another name, or delete it first")]
    CaExists { name: String },
    /// A proof was shown before a code was asked for.
    #[error("certificate '{name}' has no verification code; generate one first")]
    NoVerificationCode { name: String },
    /// The proof proves nothing.
    #[error("the proof of possession was refused: {0}")]
    Proof(#[from] ProofRefusal),
    /// The CA's key is not here.
    #[error(
        "certificate '{name}' was uploaded, so its key is not here and nothing can be issued with it; sign where the key is, or make a CA here"
    )]
    KeyElsewhere { name: String },
    /// What was shown is no request that a certificate is issued for.
    #[error("the certificate request cannot be used: {0}")]
    Request(#[from] RequestFault),
    /// A certificate could not be made of what was good: a surprise.
    #[error("no certificate was made: {0}")]
    Issue(#[from] IssueError),
    /// There is no such user or service principal.
    #[error("there is no user or service principal '{principal}'")]
    PrincipalNotFound { principal: String },
    /// Another user has the name.
    #[error("there is a user '{name}' already")]
    UserNameTaken { name: String },
    /// The principal has the role already, or the id is that of another assignment. `az` looks for these words, and takes
    /// them for success. Source: azure-cli, role/custom.py `_error_caused_by_role_assignment_exists`
    #[error("the role assignment already exists; its id is {id}")]
    AssignmentExists { id: Guid },
    /// The bearer token opens nothing.
    #[error("{0}")]
    Token(#[from] BearerRefusal),
    /// Somebody else changed the same resource at the same time; the next try sees the change.
    #[error("another change was made at the same time; try again")]
    Conflict,
    /// No room to store more.
    #[error("there is no room to store the change: {0}")]
    Full(String),
    /// Storage cannot answer now.
    #[error("storage is not available; try again")]
    Unavailable,
    /// A surprise; the cause is for the log.
    #[error("internal error")]
    Internal(#[source] StoreError),
}

impl From<StoreError> for ResourceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Conflict,
            StoreError::Full(cause) => Self::Full(cause),
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Unreadable(_) | StoreError::TooMuch(_) => Self::Internal(error),
        }
    }
}
