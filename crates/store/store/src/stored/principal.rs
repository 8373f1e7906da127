//! Users and service principals.

use std::borrow::Cow;

use roadstead_model::{
    ClientSecret, Etag, FederatedCredential, Guid, IssuerLink, Login, Principal, PrincipalId, Secret, UnixMillis,
    UserLogin, UserName, UserProof,
};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PrincipalV1<'a> {
    v: V1,
    id: PrincipalId,
    display_name: Cow<'a, str>,
    enabled: bool,
    login: LoginV1,
    sessions: u64,
    etag: Etag,
    created: UnixMillis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum LoginV1 {
    /// With one of `password`, whose hash is sealed, and `issuer`.
    User {
        name: UserName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<IssuerLinkV1>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        logins: Vec<UserLoginV1>,
    },
    Service {
        secrets: Vec<ClientSecretV1>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        federated: Vec<FederatedV1>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssuerLinkV1 {
    issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserLoginV1 {
    id: u64,
    round: u32,
    exchanged: UnixMillis,
}

/// The digest is sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientSecretV1 {
    key_id: Guid,
    display_name: String,
    digest: String,
    hint: String,
    created: UnixMillis,
    expires: UnixMillis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FederatedV1 {
    id: Guid,
    name: String,
    issuer: String,
    subject: String,
}

impl LoginV1 {
    fn new(login: &Login, vault: Vault<'_>) -> Self {
        match login {
            Login::User { name, proof, logins } => {
                let (password, issuer) = match proof {
                    UserProof::Password(hash) => (Some(vault.seal(PASSWORD, hash)), None),
                    UserProof::Issuer(link) => (None, Some(IssuerLinkV1::from(link))),
                };
                let logins = logins.iter().map(UserLoginV1::from).collect();
                Self::User { name: name.clone(), password, issuer, logins }
            }
            Login::Service { secrets, federated } => Self::Service {
                secrets: secrets.iter().map(|secret| ClientSecretV1::new(secret, vault)).collect(),
                federated: federated.iter().map(FederatedV1::from).collect(),
            },
        }
    }

    fn load(self, vault: Vault<'_>) -> Result<Login, StoreError> {
        Ok(match self {
            Self::User { name, password, issuer, logins } => {
                let proof = match (password, issuer) {
                    (Some(hash), None) => UserProof::Password(vault.unseal(PASSWORD, &hash)?),
                    (None, Some(link)) => UserProof::Issuer(link.into()),
                    _ => {
                        return Err(StoreError::Unreadable(
                            "a user has neither a password nor an issuer, or both".to_owned(),
                        ));
                    }
                };
                Login::User { name, proof, logins: logins.into_iter().map(UserLogin::from).collect() }
            }
            Self::Service { secrets, federated } => Login::Service {
                secrets: secrets.into_iter().map(|secret| secret.load(vault)).collect::<Result<_, _>>()?,
                federated: federated.into_iter().map(FederatedCredential::from).collect(),
            },
        })
    }
}

const PASSWORD: &str = "password";

fn digest_of(key_id: Guid) -> String {
    format!("secret/{key_id}")
}

impl ClientSecretV1 {
    fn new(secret: &ClientSecret, vault: Vault<'_>) -> Self {
        let ClientSecret { key_id, display_name, digest, hint, created, expires } = secret.clone();
        Self { digest: vault.seal(&digest_of(key_id), &digest), key_id, display_name, hint, created, expires }
    }

    fn load(self, vault: Vault<'_>) -> Result<ClientSecret, StoreError> {
        let Self { key_id, display_name, digest, hint, created, expires } = self;
        let digest: Secret = vault.unseal(&digest_of(key_id), &digest)?;
        Ok(ClientSecret { key_id, display_name, digest, hint, created, expires })
    }
}

impl From<&IssuerLink> for IssuerLinkV1 {
    fn from(link: &IssuerLink) -> Self {
        let IssuerLink { issuer, subject } = link.clone();
        Self { issuer, subject }
    }
}

impl From<IssuerLinkV1> for IssuerLink {
    fn from(IssuerLinkV1 { issuer, subject }: IssuerLinkV1) -> Self {
        Self { issuer, subject }
    }
}

impl From<&UserLogin> for UserLoginV1 {
    fn from(&UserLogin { id, round, exchanged }: &UserLogin) -> Self {
        Self { id, round, exchanged }
    }
}

impl From<UserLoginV1> for UserLogin {
    fn from(UserLoginV1 { id, round, exchanged }: UserLoginV1) -> Self {
        Self { id, round, exchanged }
    }
}

impl From<&FederatedCredential> for FederatedV1 {
    fn from(credential: &FederatedCredential) -> Self {
        let FederatedCredential { id, name, issuer, subject } = credential.clone();
        Self { id, name, issuer, subject }
    }
}

impl From<FederatedV1> for FederatedCredential {
    fn from(FederatedV1 { id, name, issuer, subject }: FederatedV1) -> Self {
        Self { id, name, issuer, subject }
    }
}

impl Stored for Principal {
    fn encode(&self, vault: Vault<'_>) -> String {
        let Self { id, display_name, enabled, login, sessions, etag, created } = self;
        write(&PrincipalV1 {
            v: V1,
            id: *id,
            display_name: Cow::Borrowed(display_name),
            enabled: *enabled,
            login: LoginV1::new(login, vault),
            sessions: *sessions,
            etag: etag.clone(),
            created: *created,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let PrincipalV1 { v: V1, id, display_name, enabled, login, sessions, etag, created } = vault.read(text)?;
        let login = login.load(vault)?;
        Ok(Self { id, display_name: display_name.into_owned(), enabled, login, sessions, etag, created })
    }
}
