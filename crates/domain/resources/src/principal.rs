//! Users and service principals: made, changed and deleted by owners.

use std::sync::Arc;

use roadstead_auth::{SecretDigest, limits::PASSWORD_BYTES, password::hash_password};
use roadstead_model::{
    ClientSecret, Etag, FederatedCredential, Guid, IssuerLink, Login, Principal, PrincipalId, Secret, UnixMillis,
    UserName, UserProof,
};
use roadstead_store::{Expect, Write};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    limits,
    resources::{Resources, Turn},
};

const SECRET_BYTES: usize = 32;
const HINT_CHARS: usize = 3;

/// A user as an owner writes it.
#[derive(Debug, Clone)]
pub struct UserSpec {
    /// `alice@plant.example`.
    pub name: String,
    /// Default: the name.
    pub display_name: Option<String>,
    /// What lets it in.
    pub proof: ProofSpec,
    /// A disabled one cannot log in.
    pub enabled: bool,
}

/// What lets a user in, as an owner writes it.
#[derive(Debug, Clone)]
pub enum ProofSpec {
    /// In clear; only its hash is kept.
    Password(Secret),
    /// The word of an issuer that the configuration lets people in of.
    Issuer(IssuerLink),
}

/// What changes of a principal; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct PrincipalChange {
    /// For people to read.
    pub display_name: Option<String>,
    /// Disabling ends all its tokens.
    pub enabled: Option<bool>,
    /// Of a user who has one, in clear. Ends all its tokens.
    pub password: Option<Secret>,
}

/// A service principal's new secret.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// As it is kept.
    pub kept: ClientSecret,
    /// In clear; told this once.
    pub secret: Secret,
}

impl Resources {
    /// Makes a user.
    ///
    /// Errors: `Name`, `Value`, `UserNameTaken`, `TooMany`.
    pub async fn create_user(&self, spec: UserSpec) -> Result<Arc<Principal>, ResourceError> {
        let name = UserName::parse(&spec.name)?;
        let display_name = checked_display_name(spec.display_name.as_deref().unwrap_or(name.as_str()))?;
        let proof = match spec.proof {
            ProofSpec::Password(password) => UserProof::Password(self.hashed(password).await?),
            ProofSpec::Issuer(IssuerLink { issuer, subject }) => UserProof::Issuer(IssuerLink {
                issuer: filled_text("issuer", &issuer)?,
                subject: subject.as_deref().map(|subject| filled_text("issuerAssignedId", subject)).transpose()?,
            }),
        };
        let turn = self.turn().await;
        if turn.directory.find_user(name.as_str()).is_some() {
            return Err(ResourceError::UserNameTaken { name: name.to_string() });
        }
        let login = Login::User { name, proof, logins: Vec::new() };
        self.create(turn, display_name, spec.enabled, login).await
    }

    /// Makes a service principal, without any secret. Its name need not be the only one of its kind.
    ///
    /// Errors: `Value`, `TooMany`.
    pub async fn create_service_principal(&self, display_name: &str) -> Result<Arc<Principal>, ResourceError> {
        let display_name = checked_display_name(display_name)?;
        let login = Login::Service { secrets: Vec::new(), federated: Vec::new() };
        self.create(self.turn().await, display_name, true, login).await
    }

    async fn create(
        &self,
        turn: Turn,
        display_name: String,
        enabled: bool,
        login: Login,
    ) -> Result<Arc<Principal>, ResourceError> {
        if turn.directory.principals().len() >= limits::PRINCIPALS_MAX {
            let what = "users and service principals";
            return Err(ResourceError::TooMany { what, max: limits::PRINCIPALS_MAX });
        }
        let principal = Principal {
            id: PrincipalId(Guid::fresh(&*self.random)),
            display_name,
            enabled,
            login,
            sessions: 0,
            etag: Etag::fresh(&*self.random),
            created: self.clock.now(),
        };
        self.write_principal(turn, principal, Expect::Absent).await
    }

    /// Changes a principal.
    ///
    /// Errors: `NotFound`, `Value` (also for the password of what is no user).
    pub async fn change_principal(
        &self,
        id: PrincipalId,
        change: PrincipalChange,
    ) -> Result<Arc<Principal>, ResourceError> {
        let password = match change.password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let display_name = change.display_name.as_deref().map(checked_display_name).transpose()?;
        self.edit_principal(id, |principal| {
            if let Some(new) = password {
                let Login::User { proof: UserProof::Password(password), .. } = &mut principal.login else {
                    return Err(wrong_kind("passwordProfile", "a user's who does not log in at another issuer"));
                };
                *password = new;
                principal.sessions += 1;
            }
            if let Some(display_name) = display_name {
                principal.display_name = display_name;
            }
            if let Some(enabled) = change.enabled.filter(|enabled| *enabled != principal.enabled) {
                principal.enabled = enabled;
                principal.sessions += 1;
            }
            Ok(())
        })
        .await
    }

    /// Ends all tokens of a principal.
    ///
    /// Errors: `NotFound`.
    pub async fn sign_out_everywhere(&self, id: PrincipalId) -> Result<(), ResourceError> {
        self.edit_principal(id, |principal| {
            principal.sessions += 1;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Makes a secret for a service principal. `lifetime_days`: 1 to 730; Azure's two years when absent.
    ///
    /// Errors: `NotFound`, `Value`, `TooMany`.
    pub async fn add_secret(
        &self,
        id: PrincipalId,
        display_name: &str,
        lifetime_days: Option<u16>,
    ) -> Result<NewSecret, ResourceError> {
        let days = lifetime_days.unwrap_or(*limits::SECRET_LIFETIME_DAYS.end());
        if !limits::SECRET_LIFETIME_DAYS.contains(&days) {
            let allowed = format!("1 to {} days from now", limits::SECRET_LIFETIME_DAYS.end());
            return Err(ResourceError::Value {
                member: "endDateTime",
                given: format!("{days} days from now"),
                allowed,
            });
        }
        let secret = Secret::fresh::<SECRET_BYTES>(&*self.random);
        let now = self.clock.now();
        let kept = ClientSecret {
            key_id: Guid::fresh(&*self.random),
            display_name: short_text("displayName", display_name)?,
            digest: Secret::new(SecretDigest::of(secret.expose()).to_string()),
            hint: secret.expose().chars().take(HINT_CHARS).collect(),
            created: now,
            expires: now.plus_ms(i64::from(days) * 24 * 3600 * 1000),
        };
        self.edit_service(id, |secrets, _| {
            secrets.retain(|secret| secret.expires > now);
            if secrets.len() >= limits::SECRETS_MAX {
                let what = "secrets of a service principal";
                return Err(ResourceError::TooMany { what, max: limits::SECRETS_MAX });
            }
            secrets.push(kept.clone());
            Ok(false)
        })
        .await?;
        Ok(NewSecret { kept, secret })
    }

    /// Removes a secret of a service principal, and ends all its tokens: which secret a token came by is not known.
    ///
    /// Errors: `NotFound`.
    pub async fn remove_secret(&self, id: PrincipalId, key_id: Guid) -> Result<(), ResourceError> {
        self.edit_service(id, |secrets, _| {
            let before = secrets.len();
            secrets.retain(|secret| secret.key_id != key_id);
            if secrets.len() == before {
                return Err(absent(Kind::Secret, key_id, id));
            }
            Ok(true)
        })
        .await
    }

    /// Lets tokens of another issuer log a service principal in. The issuer must be one that the configuration trusts.
    ///
    /// Errors: `NotFound`, `Value`, `TooMany`.
    pub async fn add_federated(
        &self,
        id: PrincipalId,
        name: &str,
        issuer: &str,
        subject: &str,
    ) -> Result<FederatedCredential, ResourceError> {
        let made = FederatedCredential {
            id: Guid::fresh(&*self.random),
            name: filled_text("name", name)?,
            issuer: filled_text("issuer", issuer)?,
            subject: filled_text("subject", subject)?,
        };
        self.edit_service(id, |_, federated| {
            if federated.iter().any(|known| known.name.eq_ignore_ascii_case(&made.name)) {
                let allowed = "one that no other federated credential has".to_owned();
                return Err(ResourceError::Value { member: "name", given: made.name.clone(), allowed });
            }
            if federated.len() >= limits::FEDERATED_MAX {
                let what = "federated credentials of a service principal";
                return Err(ResourceError::TooMany { what, max: limits::FEDERATED_MAX });
            }
            federated.push(made.clone());
            Ok(false)
        })
        .await?;
        Ok(made)
    }

    /// Removes a federated credential, by its id or name, and ends all the principal's tokens.
    ///
    /// Errors: `NotFound`.
    pub async fn remove_federated(&self, id: PrincipalId, which: &str) -> Result<(), ResourceError> {
        let is_it = |known: &FederatedCredential| {
            known.name.eq_ignore_ascii_case(which) || Guid::parse(which) == Some(known.id)
        };
        self.edit_service(id, |_, federated| {
            let before = federated.len();
            federated.retain(|known| !is_it(known));
            if federated.len() == before {
                return Err(absent(Kind::Federated, which, id));
            }
            Ok(true)
        })
        .await
    }

    /// Deletes a principal with its roles; its tokens count no longer.
    ///
    /// Errors: `NotFound`.
    pub async fn delete_principal(&self, id: PrincipalId) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let etag = require_principal(&turn.directory, id)?.etag.clone();
        let mut next = Directory::clone(&turn.directory);
        next.remove_principal(id);
        self.commit(turn, vec![Write::DeletePrincipal(id, Expect::Etag(etag))], next).await
    }

    /// Changes secrets and federated credentials; `true` from `edit` ends all tokens.
    async fn edit_service(
        &self,
        id: PrincipalId,
        edit: impl FnOnce(&mut Vec<ClientSecret>, &mut Vec<FederatedCredential>) -> Result<bool, ResourceError>,
    ) -> Result<(), ResourceError> {
        self.edit_principal(id, |principal| {
            let Login::Service { secrets, federated } = &mut principal.login else {
                return Err(wrong_kind("passwordCredential", "a service principal's"));
            };
            principal.sessions += u64::from(edit(secrets, federated)?);
            Ok(())
        })
        .await?;
        Ok(())
    }

    async fn edit_principal(
        &self,
        id: PrincipalId,
        edit: impl FnOnce(&mut Principal) -> Result<(), ResourceError>,
    ) -> Result<Arc<Principal>, ResourceError> {
        let turn = self.turn().await;
        let stored = require_principal(&turn.directory, id)?;
        let expect = Expect::Etag(stored.etag.clone());
        let mut principal = Principal { etag: Etag::fresh(&*self.random), ..Principal::clone(stored) };
        edit(&mut principal)?;
        if principal.sessions != stored.sessions
            && let Login::User { logins, .. } = &mut principal.login
        {
            logins.clear();
        }
        self.write_principal(turn, principal, expect).await
    }

    pub(crate) async fn write_principal(
        &self,
        turn: Turn,
        principal: Principal,
        expect: Expect,
    ) -> Result<Arc<Principal>, ResourceError> {
        let mut next = Directory::clone(&turn.directory);
        let record = next.put_principal(principal.clone());
        self.commit(turn, vec![Write::PutPrincipal(principal, expect)], next).await?;
        Ok(record)
    }

    async fn hashed(&self, password: Secret) -> Result<Secret, ResourceError> {
        let bytes = password.expose().len();
        if !PASSWORD_BYTES.contains(&bytes) {
            let allowed = format!("{} to {} bytes long", PASSWORD_BYTES.start(), PASSWORD_BYTES.end());
            return Err(ResourceError::Value { member: "password", given: format!("{bytes} bytes long"), allowed });
        }
        let random = self.random.clone();
        self.hashing(move || hash_password(password.expose(), &*random)).await
    }

    /// Runs what takes as long as hashing a password, few at a time and not on this thread.
    ///
    /// Errors: `Unavailable` when too many wait.
    pub(crate) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ResourceError> {
        let permit = tokio::time::timeout(limits::HASHING_WAIT, self.hashers.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(ResourceError::Unavailable) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| ResourceError::Unavailable)
    }
}

impl NewSecret {
    /// From when on it opens nothing.
    pub fn expires(&self) -> UnixMillis {
        self.kept.expires
    }
}

/// The principal of this id. Errors: `NotFound`.
pub fn require_principal(directory: &Directory, id: PrincipalId) -> Result<&Arc<Principal>, ResourceError> {
    directory.find_principal(id).ok_or_else(|| ResourceError::PrincipalNotFound { principal: id.to_string() })
}

fn absent(kind: Kind, name: impl ToString, parent: PrincipalId) -> ResourceError {
    ResourceError::NotFound { kind, name: name.to_string(), parent: parent.to_string() }
}

pub(crate) fn wrong_kind(member: &'static str, allowed: &str) -> ResourceError {
    ResourceError::Value { member, given: "of another kind of principal".to_owned(), allowed: allowed.to_owned() }
}

fn checked_display_name(text: &str) -> Result<String, ResourceError> {
    filled_text("displayName", text)
}

fn filled_text(member: &'static str, text: &str) -> Result<String, ResourceError> {
    if text.is_empty() {
        let allowed = format!("1 to {} bytes of plain text", limits::PRINCIPAL_TEXT_BYTES_MAX);
        return Err(ResourceError::Value { member, given: "empty".to_owned(), allowed });
    }
    short_text(member, text)
}

fn short_text(member: &'static str, text: &str) -> Result<String, ResourceError> {
    if text.len() <= limits::PRINCIPAL_TEXT_BYTES_MAX && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    let allowed = format!("at most {} bytes of plain text", limits::PRINCIPAL_TEXT_BYTES_MAX);
    Err(ResourceError::Value { member, given: format!("{} bytes long", text.len()), allowed })
}
