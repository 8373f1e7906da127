//! Service principals that log in with a token of another issuer (`az login --service-principal --federated-token`).
//!
//! Which issuers are trusted at all, the configuration says; whose tokens mean which service principal, an owner says
//! ([`Resources::add_federated`](crate::Resources::add_federated)). Both are needed.

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_auth::issuer::{AssertionRefusal, IssuerKeys, claimed_issuer};
use roadstead_model::{Guid, Login, PrincipalId};

use crate::{
    access::Access,
    login::{LoggedIn, LoginRefusal, Proven, TokenFor},
};

/// An issuer that the configuration trusts.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    /// What its tokens must have in `aud`.
    pub audience: String,
    /// What it signs with.
    pub keys: Arc<IssuerKeys>,
    /// How its people log in; `None` where only service principals do.
    pub people: Option<IssuerPeople>,
}

/// How people of an issuer log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPeople {
    /// Of this server, as the issuer knows it: what ID tokens must have in `aud`.
    pub client_id: String,
    /// The claim that is a user's name here: `preferred_username`.
    pub user_claim: String,
}

/// Where the keys of trusted issuers come from.
#[async_trait]
pub trait Issuers: Send + Sync {
    /// The issuer of exactly this name with its keys, as they were fetched not long ago; `renew`: fetched again, unless that
    /// was done just now. `Ok(None)`: it is not trusted.
    ///
    /// Errors: a sentence that says why the keys could not be had.
    async fn find(&self, issuer: &str, renew: bool) -> Result<Option<TrustedIssuer>, String>;

    /// Whether people of the issuer of exactly this name may be logged in.
    fn lets_people_in(&self, issuer: &str) -> bool;
}

impl Access {
    /// Tokens for a service principal by another issuer's word.
    ///
    /// Errors: `Client` when there is no such service principal, or it knows no such issuer and subject; `Issuer`,
    /// `Assertion`, `Disabled`, `Changed`.
    pub async fn log_in_federated(
        &self,
        client_id: &str,
        assertion: &str,
        wanted: TokenFor,
    ) -> Result<LoggedIn, LoginRefusal> {
        let issuer = claimed_issuer(assertion).ok_or(LoginRefusal::Assertion(AssertionRefusal::Unreadable))?;
        let directory = self.resources.directory();
        let principal = Guid::parse(client_id).and_then(|id| directory.find_principal(PrincipalId(id)));
        let Some((service, Login::Service { federated, .. })) =
            principal.map(|found| (Proven::from(&**found), &found.login))
        else {
            return Err(LoginRefusal::Client);
        };
        // Before anything is fetched: strangers must not send this server anywhere.
        if federated.iter().all(|known| known.issuer != issuer) {
            return Err(LoginRefusal::Client);
        }
        let subject = match self.verify(assertion, &issuer, false).await {
            Err(LoginRefusal::Assertion(AssertionRefusal::UnknownKey)) => self.verify(assertion, &issuer, true).await?,
            judged => judged?,
        };
        if federated.iter().any(|known| known.issuer == issuer && known.subject == subject) {
            self.log_in_proven(service, wanted)
        } else {
            Err(LoginRefusal::Client)
        }
    }

    async fn verify(&self, assertion: &str, issuer: &str, renew: bool) -> Result<String, LoginRefusal> {
        let found = self.issuers.find(issuer, renew).await;
        let fault = |cause: String| LoginRefusal::Issuer { issuer: issuer.to_owned(), cause };
        let trusted = found.map_err(fault)?.ok_or_else(|| fault("the configuration does not trust it".to_owned()))?;
        let now = self.resources.clock.now().seconds();
        trusted.keys.verify(assertion, issuer, &trusted.audience, now).map_err(LoginRefusal::Assertion)
    }
}
