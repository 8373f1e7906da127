//! Logging in: by secret, by password, by a code typed elsewhere, by a refresh token.

use std::net::IpAddr;

use roadstead_auth::{
    Bearer, BearerRefusal, BearerUse, SecretDigest,
    issuer::AssertionRefusal,
    password::{is_password, no_password},
};
use roadstead_model::{Guid, Login, PrincipalId, Secret, UserName};
use thiserror::Error;

use crate::{
    access::Access,
    device_code::{DeviceCode, DeviceLogin},
    error::ResourceError,
    limits::{ACCESS_TOKEN_LIFETIME_S, DEVICE_CODES_MAX, REFRESH_TOKEN_LIFETIME_S},
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
    #[error("unknown client id, or wrong or expired client secret")]
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
    /// The server cannot do it now.
    #[error("{0}")]
    Server(#[from] ResourceError),
}

impl Access {
    /// Tokens for a service principal's client id and secret. Client ids are compared without case, as GUIDs are. Not counted:
    /// nobody guesses a secret, and nobody can keep its owner out by trying.
    ///
    /// Errors: `Client`, in the same time whichever of the two is wrong; `Disabled`.
    pub fn log_in_service(&self, client_id: &str, secret: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        let is_first = self.installation.client_id.eq_ignore_ascii_case(client_id);
        let of_first = self.installation.secret.is_of(secret);
        if is_first {
            return if of_first { self.grant(self.first, wanted, false) } else { Err(LoginRefusal::Client) };
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
            Some(principal) if is_right => self.grant(principal.id, wanted, false),
            _ => Err(LoginRefusal::Client),
        }
    }

    /// Tokens for a user's name and password.
    ///
    /// Errors: `User`, in the same time whichever of the two is wrong; `TooMany`, `Disabled`, `Server`.
    pub async fn log_in_user(
        &self,
        name: &str,
        password: Secret,
        address: IpAddr,
        wanted: TokenFor,
    ) -> Result<LoggedIn, LoginRefusal> {
        let user = self.check_password(name, password, address).await?;
        self.grant(user, wanted, true)
    }

    async fn check_password(&self, name: &str, password: Secret, address: IpAddr) -> Result<PrincipalId, LoginRefusal> {
        let name = UserName::parse(name).map_err(|_| LoginRefusal::User)?.key();
        self.count_login(&name, address).map_err(|retry_after_s| LoginRefusal::TooMany { retry_after_s })?;
        let directory = self.resources.directory();
        let found = directory.find_user(&name).cloned();
        let checked = self.resources.hashing(move || {
            let Some((id, Login::User { password: hash, .. })) = found.as_deref().map(|user| (user.id, &user.login))
            else {
                no_password(password.expose());
                return None;
            };
            is_password(password.expose(), hash).then_some(id)
        });
        let user = checked.await?.ok_or(LoginRefusal::User)?;
        self.limiter.lock().succeeded(&name, address, self.resources.clock.now());
        Ok(user)
    }

    /// New tokens for a refresh token, which stays good until it expires.
    ///
    /// Errors: `Refresh`.
    pub fn refresh(&self, token: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        let caller = self.admit(token, BearerUse::Refresh).map_err(LoginRefusal::Refresh)?;
        self.grant(caller.id, wanted, true)
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
    /// Errors: `User`, `TooMany`, `Disabled`, `UserCode`, `Server`.
    pub async fn approve_device(
        &self,
        user_code: &str,
        name: &str,
        password: Secret,
        address: IpAddr,
    ) -> Result<(), LoginRefusal> {
        let user = self.check_password(name, password, address).await?;
        self.grant(user, TokenFor::Management, false)?;
        let found = self.device_codes.approve(user_code, user, self.resources.clock.now());
        if found { Ok(()) } else { Err(LoginRefusal::UserCode) }
    }

    /// Tokens for a device whose code was typed.
    ///
    /// Errors: `DeviceWaiting`, `DeviceTooSoon`, `DeviceOver`, `Disabled`.
    pub fn log_in_device(&self, device_code: &str, wanted: TokenFor) -> Result<LoggedIn, LoginRefusal> {
        match self.device_codes.ask(device_code, self.resources.clock.now()) {
            DeviceLogin::Approved(user) => self.grant(user, wanted, true),
            DeviceLogin::Waiting => Err(LoginRefusal::DeviceWaiting),
            DeviceLogin::TooSoon => Err(LoginRefusal::DeviceTooSoon),
            DeviceLogin::Over => Err(LoginRefusal::DeviceOver),
        }
    }

    /// The claims of an `id_token`, signed: `HS256` with a key that only this server has, since clients do not check it.
    pub fn sign_id_token(&self, header_and_claims: &str) -> String {
        self.key.sign_id_token(header_and_claims)
    }

    pub(crate) fn grant(
        &self,
        id: PrincipalId,
        wanted: TokenFor,
        with_refresh: bool,
    ) -> Result<LoggedIn, LoginRefusal> {
        let directory = self.resources.directory();
        let (name, display_name) = match directory.find_principal(id) {
            _ if id == self.first => (self.installation.client_id.clone(), "Roadstead".to_owned()),
            Some(principal) => (principal.shown_name(), principal.display_name.clone()),
            None => return Err(LoginRefusal::DeviceOver),
        };
        let Some(sessions) = self.current_sessions(id) else { return Err(LoginRefusal::Disabled { name }) };
        let now = self.resources.clock.now().seconds();
        let token = |usage, lifetime_s| {
            let expires = roadstead_model::UnixSeconds(now.0.saturating_add(lifetime_s));
            self.key.write(&Bearer { usage, principal: id, sessions, expires }, self.random())
        };
        let usage = match wanted {
            TokenFor::Management => BearerUse::Management,
            TokenFor::Hub => BearerUse::Hub,
            TokenFor::Dps => BearerUse::Dps,
        };
        Ok(LoggedIn {
            access: token(usage, ACCESS_TOKEN_LIFETIME_S),
            lifetime_s: ACCESS_TOKEN_LIFETIME_S,
            refresh: with_refresh.then(|| token(BearerUse::Refresh, REFRESH_TOKEN_LIFETIME_S)),
            principal: id,
            name,
            display_name,
        })
    }
}
