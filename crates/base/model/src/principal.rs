//! Who may log in: people and programs. (Devices and holders of policy keys do not log in; they sign.)

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{clock::UnixMillis, etag::Etag, guid::Guid, id::UserName, secret::Secret};

/// Names a principal for ever: a GUID, which is also a service principal's client id. Azure has two for the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrincipalId(pub Guid);

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user or a service principal.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Its id.
    pub id: PrincipalId,
    /// For people to read: `Alice O'Hara`, `nightly-deploy`.
    pub display_name: String,
    /// A disabled one neither logs in nor gets anywhere with the tokens it has.
    pub enabled: bool,
    /// How it logs in.
    pub login: Login,
    /// Every token carries this number as it was then, and counts no longer when it has changed.
    pub sessions: u64,
    /// Version of the record.
    pub etag: Etag,
    /// When it was made.
    pub created: UnixMillis,
}

/// How a principal logs in.
#[derive(Debug, Clone, PartialEq)]
pub enum Login {
    /// A person.
    User {
        /// `alice@plant.example`.
        name: UserName,
        /// What lets it in: one or the other, never both.
        proof: UserProof,
        /// Where it is logged in, each with the refresh token that counts there.
        logins: Vec<UserLogin>,
    },
    /// A program, with any of these.
    Service {
        /// Random secrets, told once.
        secrets: Vec<ClientSecret>,
        /// Tokens of other issuers.
        federated: Vec<FederatedCredential>,
    },
}

/// What lets a user in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserProof {
    /// Argon2id of the password, as a PHC string.
    Password(Secret),
    /// The word of another issuer, and no password.
    Issuer(IssuerLink),
}

/// To whom of another issuer a user belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerLink {
    /// `https://login.example`, exactly as tokens have it in `iss`.
    pub issuer: String,
    /// Exactly as tokens have it in `sub`. Absent until an owner says it, or the user logs in for the first time.
    pub subject: Option<String>,
}

/// Where a user is logged in: of a login and all the refresh tokens that came of it, each in exchange for the one before, the
/// last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserLogin {
    /// All its tokens carry this number.
    pub id: u64,
    /// How often its refresh token was exchanged: the one that counts carries this number.
    pub round: u32,
    /// When that was last, or when it began.
    pub exchanged: UnixMillis,
}

/// A secret of a service principal, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSecret {
    /// By which it is removed.
    pub key_id: Guid,
    /// For people to read; may be empty.
    pub display_name: String,
    /// SHA-256 of the secret, base64url.
    pub digest: Secret,
    /// Its first characters, by which people know it: `Xq3`.
    pub hint: String,
    /// When it was made.
    pub created: UnixMillis,
    /// From when on it opens nothing.
    pub expires: UnixMillis,
}

/// Whose word another issuer gives: a token of this issuer for this subject logs the principal in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// By which it is removed.
    pub id: Guid,
    /// Unique in its principal: `ci`.
    pub name: String,
    /// `https://login.example`, exactly as tokens have it in `iss`.
    pub issuer: String,
    /// Exactly as tokens have it in `sub`.
    pub subject: String,
}

impl Principal {
    /// What log lines and refusals call it: a user's name, a service principal's id.
    pub fn shown_name(&self) -> String {
        match &self.login {
            Login::User { name, .. } => name.to_string(),
            Login::Service { .. } => self.id.to_string(),
        }
    }
}
