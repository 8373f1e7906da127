//! Logging in: by secret, by password, by a code typed elsewhere, by a refresh token. People of other issuers: [`person`](crate::person).

use std::net::IpAddr;

use roadstead_auth::{
    Bearer, BearerRefusal, BearerUse, SecretDigest,
    issuer::AssertionRefusal,
    password::{is_password, no_password},
};
use roadstead_model::{Guid, Login, Principal, PrincipalId, Secret, UnixSeconds, UserLogin, UserName, UserProof};
use thiserror::Error;

use crate::{
    access::Access,
    device_code::{DeviceCode, DeviceLogin},
    error::ResourceError,
    limits::{ACCESS_TOKEN_LIFETIME_S, DEVICE_CODES_MAX, REFRESH_TOKEN_LIFETIME_S},
    person::PersonRefusal,
    principal::{PrincipalChange, require_principal, wrong_kind},
};

/// For which API a token is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFor {
    /// Resource Manager.
    Management,
    /// The service API of hubs.
    Hub,
    /// The service API of DPS instances.
    Dps,
}

/// Who proved itself, with its number of sessions at that time: what ends its tokens before it has them ends this, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Who.
    pub principal: PrincipalId,
    /// [`Principal::sessions`] then.
    pub sessions: u64,
}

/// Tokens, fresh from the press.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// What follows `Bearer `.
    pub access: Secret,
    /// Seconds for which it counts.
    pub lifetime_s: i64,
    /// For new ones; users get one.
    pub refresh: Option<Secret>,
    /// Who logged in.
    pub principal: PrincipalId,
    /// A user's name, a service principal's client id.
    pub name: String,
    /// For people to read.
    pub display_name: String,
}

/// Why somebody is not let in. Says to a stranger neither who there is nor who is disabled.
#[derive(Debug, Error)]
pub enum LoginRefusal {
    /// No such service principal, or not its secret.
    #[error("unknown client id, or wrong client secret, or one that expired")]
    Client,
    /// No such user, or not the password.
    #[error("unknown user name, or wrong password")]
    User,
    /// The credentials are right, but an owner disabled the principal.
    #[error("'{name}' is disabled; an owner can enable it again")]
    Disabled {
        /// As it logged in.
        name: String,
    },
    /// Too many failed.
    #[error("too many log-ins failed with this name or from this address; try again in {retry_after_s} s")]
    TooMany {
        /// Seconds.
        retry_after_s: i64,
    },
    /// Too many others were let in just now: no more of their tokens can be remembered.
    #[error("too many people log in at the same time; try again in {retry_after_s} s")]
    Crowded {
        /// Seconds.
        retry_after_s: i64,
    },
    /// Its tokens were ended while it logged in.
    #[error("'{name}' was changed or signed out meanwhile; log in again")]
    Changed {
        /// As it logged in.
        name: String,
    },
    /// The refresh token opens nothing.
    #[error("the refresh token is of no use: {0}")]
    Refresh(BearerRefusal),
    /// Nobody typed the device's code yet.
    #[error("nobody has typed the code yet")]
    DeviceWaiting,
    /// The device asks too often.
    #[error("asked too soon; wait for the interval")]
    DeviceTooSoon,
    /// The device's code counts no longer.
    #[error("the code expired, or was used already; begin again")]
    DeviceOver,
    /// What was typed is the code of no device that waits.
    #[error("no log-in waits for this code; look whether it was typed right, or begin again")]
    UserCode,
    /// As many devices wait as may.
    #[error("too many log-ins wait for their codes (at most {DEVICE_CODES_MAX}); try again later")]
    DevicesFull,
    /// The token of another issuer lets nobody in.
    #[error("{0}")]
    Assertion(AssertionRefusal),
    /// The keys of the other issuer cannot be had.
    #[error("the issuer `{issuer}` cannot be asked: {cause}")]
    Issuer {
        /// As a federated credential of the service principal has it.
        issuer: String,
        /// Why not.
        cause: String,
    },
    /// A person of another issuer.
    #[error("{0}")]
    Person(#[from] PersonRefusal),
    /// The server cannot do it now.
    #[error("{0}")]
    Server(#[from] ResourceError),
}

impl Access {
    /// Tokens for a service principal's client id and secret. Client ids are compared without case, as GUIDs are. Not counted:
    /// nobody guesses a secret, and nobody can keep its owner out by trying.
    ///
    /// Errors: `Client`, in the same time whichever of the two is wrong; `Disabled`, `Changed`.
    pub fn log_in_service(&self, client_id: &str, secret: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        let is_first = self.installation.client_id.eq_ignore_ascii_case(client_id);
        let of_first = self.installation.secret.is_of(secret);
        if is_first {
            let first = Proven { principal: self.first, sessions: self.installation.secret.short() };
            return if of_first { self.log_in_proven(first, wanted) } else { Err(LoginRefusal::Client) };
        }
        let directory = self.resources.directory();
        let found = Guid::parse(client_id).and_then(|id| directory.find_principal(PrincipalId(id)));
        let now = self.resources.clock.now();
        let is_right = found.is_some_and(|principal| match &principal.login {
            Login::Service { secrets, .. } => secrets.iter().any(|kept| {
                let digest = SecretDigest::parse(kept.digest.expose());
                kept.expires > now && digest.is_some_and(|digest| digest.is_of(secret))
            }),
            Login::User { .. } => false,
        });
        match found {
            Some(principal) if is_right => self.log_in_proven(Proven::from(&**principal), wanted),
            _ => Err(LoginRefusal::Client),
        }
    }

    /// Tokens for a user's name and password.
    ///
    /// Errors: `User`, in the same time whichever of the two is wrong; `TooMany`, `Disabled`, `Changed`, `Server`.
    pub async fn log_in_user(
        &self,
        name: &str,
        password: Secret,
        address: IpAddr,
        wanted: TokenFor,
    ) -> Result<LoggedIn, LoginRefusal> {
        let user = self.check_password(name, password, address).await?;
        self.begin_login(user, wanted).await
    }

    async fn check_password(&self, name: &str, password: Secret, address: IpAddr) -> Result<Proven, LoginRefusal> {
        let name = UserName::parse(name).map_err(|_| LoginRefusal::User)?.key();
        self.count_login(&name, address).map_err(|retry_after_s| LoginRefusal::TooMany { retry_after_s })?;
        let directory = self.resources.directory();
        let found = directory.find_user(&name).cloned();
        let checked = self.resources.hashing(move || {
            let found = found.as_deref().map(|user| (user, &user.login));
            let Some((user, Login::User { proof: UserProof::Password(hash), .. })) = found else {
                no_password(password.expose());
                return None;
            };
            is_password(password.expose(), hash).then(|| Proven::from(user))
        });
        let user = checked.await?.ok_or(LoginRefusal::User)?;
        self.limiter.lock().succeeded(&name, address, self.resources.clock.now());
        Ok(user)
    }

    /// New tokens for a refresh token, which is good for this once. Shown again later it ends its login: one of the two who
    /// had it stole it.
    ///
    /// Errors: `Refresh`, `Server`.
    pub async fn refresh(&self, token: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        let bearer = self.key.read(token, self.resources.clock.now().seconds()).map_err(LoginRefusal::Refresh)?;
        if bearer.usage != BearerUse::Refresh {
            return Err(LoginRefusal::Refresh(BearerRefusal::Usage));
        }
        // Before it is used up: who puts the issuer back into the configuration finds everybody signed in.
        self.check_issuer(bearer.principal).map_err(LoginRefusal::Refresh)?;
        let login = self.resources.exchange(&bearer).await?.ok_or(LoginRefusal::Refresh(BearerRefusal::Revoked))?;
        let user = Proven { principal: bearer.principal, sessions: bearer.sessions };
        Ok(self.give(user, self.names(user.principal), wanted, Some(login)))
    }

    /// Changes a user's password, who must know the present one: tries count as log-ins do. Ends all its tokens.
    ///
    /// Errors: `NotFound`, `Value` (for what is no user, and for a wrong present one), `TooManyTries`.
    pub async fn change_own_password(
        &self,
        id: PrincipalId,
        present: Secret,
        new: Secret,
        address: IpAddr,
    ) -> Result<(), ResourceError> {
        let directory = self.resources.directory();
        let Login::User { name, proof: UserProof::Password(_), .. } = &require_principal(&directory, id)?.login else {
            return Err(wrong_kind("currentPassword", "a user's who has a password"));
        };
        let checked = self.check_password(name.as_str(), present, address).await;
        let user = checked.map_err(|refusal| match refusal {
            LoginRefusal::Server(error) => error,
            LoginRefusal::TooMany { retry_after_s } => ResourceError::TooManyTries { retry_after_s },
            _ => ResourceError::Value {
                member: "currentPassword",
                given: "wrong".to_owned(),
                allowed: "the present password".to_owned(),
            },
        })?;
        let change = PrincipalChange { password: Some(new), ..PrincipalChange::default() };
        self.resources.change_principal(user.principal, change).await?;
        Ok(())
    }

    /// Begins a login whose code is typed elsewhere.
    ///
    /// Errors: `DevicesFull`.
    pub fn begin_device(&self, address: IpAddr) -> Result<DeviceCode, LoginRefusal> {
        let now = self.resources.clock.now();
        self.device_codes.begin(address, self.random(), now).ok_or(LoginRefusal::DevicesFull)
    }

    /// Lets the device that shows `user_code` log in as the user of this name and password.
    ///
    /// Errors: `User`, `TooMany`, `Disabled`, `Changed`, `UserCode`, `Server`.
    pub async fn approve_device(
        &self,
        user_code: &str,
        name: &str,
        password: Secret,
        address: IpAddr,
    ) -> Result<(), LoginRefusal> {
        let user = self.check_password(name, password, address).await?;
        self.check_current(user)?;
        let found = self.device_codes.approve(user_code, user, self.resources.clock.now());
        if found { Ok(()) } else { Err(LoginRefusal::UserCode) }
    }

    /// Tokens for a device whose code was typed.
    ///
    /// Errors: `DeviceWaiting`, `DeviceTooSoon`, `DeviceOver`, `Disabled`, `Changed`, `Server`.
    pub async fn log_in_device(&self, device_code: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        match self.device_codes.ask(device_code, self.resources.clock.now()) {
            DeviceLogin::Approved(user) => self.begin_login(user, wanted).await,
            DeviceLogin::Waiting => Err(LoginRefusal::DeviceWaiting),
            DeviceLogin::TooSoon => Err(LoginRefusal::DeviceTooSoon),
            DeviceLogin::Over => Err(LoginRefusal::DeviceOver),
        }
    }

    /// The claims of an `id_token`, signed: `HS256` with a key that only this server has, since clients do not check it.
    pub fn sign_id_token(&self, header_and_claims: &str) -> String {
        self.key.sign_id_token(header_and_claims)
    }

    /// Tokens for a service principal.
    ///
    /// Errors: `Disabled`, `Changed`.
    pub(crate) fn log_in_proven(&self, service: Proven, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        self.check_current(service)?;
        Ok(self.give(service, self.names(service.principal), wanted, None))
    }

    /// Tokens for a user, with one to get others for.
    async fn begin_login(&self, user: Proven, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        self.check_current(user)?;
        let names = self.names(user.principal);
        match self.resources.begin_user_login(user).await? {
            Some(login) => Ok(self.give(user, names, wanted, Some(login))),
            None => Err(LoginRefusal::Changed { name: names.0 }),
        }
    }

    /// Errors: `Disabled`, `Changed`.
    pub(crate) fn check_current(&self, who: Proven) -> Result<(), LoginRefusal> {
        match self.current_sessions(&self.resources.directory(), who.principal) {
            Some(sessions) if sessions == who.sessions => Ok(()),
            Some(_) => Err(LoginRefusal::Changed { name: self.names(who.principal).0 }),
            None => Err(LoginRefusal::Disabled { name: self.names(who.principal).0 }),
        }
    }

    /// As it logs in, and as people read it. Of one that is gone: its id.
    pub(crate) fn names(&self, id: PrincipalId) -> (String, String) {
        match self.resources.directory().find_principal(id) {
            _ if id == self.first => (self.installation.client_id.clone(), "Roadstead".to_owned()),
            Some(principal) => (principal.shown_name(), principal.display_name.clone()),
            None => (id.to_string(), String::new()),
        }
    }

    pub(crate) fn give(
        &self,
        who: Proven,
        (name, display_name): (String, String),
        wanted: TokenFor,
        login: Option<UserLogin>,
    ) -> LoggedIn {
        let now = self.resources.clock.now().seconds();
        let (id, round) = login.map_or_else(|| (self.fresh_number(), 0), |login| (login.id, login.round));
        let token = |usage, lifetime_s| {
            let expires = UnixSeconds(now.0.saturating_add(lifetime_s));
            self.key.write(&Bearer {
                usage,
                principal: who.principal,
                sessions: who.sessions,
                login: id,
                round,
                expires,
            })
        };
        let usage = match wanted {
            TokenFor::Management => BearerUse::Management,
            TokenFor::Hub => BearerUse::Hub,
            TokenFor::Dps => BearerUse::Dps,
        };
        LoggedIn {
            access: token(usage, ACCESS_TOKEN_LIFETIME_S),
            lifetime_s: ACCESS_TOKEN_LIFETIME_S,
            refresh: login.map(|_| token(BearerUse::Refresh, REFRESH_TOKEN_LIFETIME_S)),
            principal: who.principal,
            name,
            display_name,
        }
    }

    fn fresh_number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.random().fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }
}

impl From<&Principal> for Proven {
    fn from(principal: &Principal) -> Self {
        Self { principal: principal.id, sessions: principal.sessions }
    }
}
