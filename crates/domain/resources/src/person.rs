//! People of other issuers, who log in with an ID token.
//!
//! Which issuers may let people in, the configuration says; whom, an owner says, who makes a user of that issuer. The name in
//! the token finds the user. At the first login the user becomes that one of the issuer's people, by `sub`: whoever is called so
//! later is another one. A user with a password belongs to no issuer, and no issuer's word opens it.
//!
//! An ID token is good for one login. It must be fresh ([`ID_TOKEN_AGE_S`](roadstead_auth::limits::ID_TOKEN_AGE_S)), so that what
//! was used need be remembered for minutes and not for the hours that tokens live, and a restart, which forgets it, opens a gap of
//! minutes only.

use std::{collections::HashMap, net::IpAddr};

use roadstead_auth::{
    issuer::{AssertionRefusal, claimed_issuer},
    person::Person,
};
use roadstead_model::{IssuerLink, Login, UnixSeconds, UserName, UserProof};
use thiserror::Error;

use crate::{
    access::Access,
    federation::{IssuerPeople, TrustedIssuer},
    limits::{ID_TOKENS_RETRY_S, ID_TOKENS_USED_MAX},
    login::{LoggedIn, LoginRefusal, Proven, TokenFor},
    user_login::is_of,
};

/// Why a person of another issuer is not let in. Names a user only to who proved to be called so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PersonRefusal {
    /// The ID token.
    #[error("{0}")]
    Token(AssertionRefusal),
    /// It is of an issuer that may not let people in. Not named: anybody may write anything there.
    #[error("the configuration lets nobody in by a token of that issuer: `client_id` in its [[issuers]] would")]
    NotTrusted,
    /// The issuer's keys cannot be had.
    #[error("the issuer {issuer} cannot be asked: {cause}")]
    Issuer {
        /// As the configuration has it.
        issuer: String,
        /// Why not.
        cause: String,
    },
    /// What the claim says can be nobody's name here.
    #[error(
        "what the issuer {issuer} calls the person in `{claim}` can be no user name here: letters, digits and ' . - _ ! # ^ ~ @ only"
    )]
    Name {
        /// As the configuration has it.
        issuer: String,
        /// As the configuration has it.
        claim: String,
    },
    /// No user here is that one.
    #[error(
        "the issuer's user {name} is no user here; an owner can add it: roadstead user create -n {name} --issuer {issuer}"
    )]
    NoUser {
        /// As the token has it.
        name: String,
        /// As the configuration has it.
        issuer: String,
    },
    /// The user is another one of the issuer's people, who was called so before.
    #[error(
        "the user {name} here belongs to another account of {issuer} (sub); if that is gone, an owner can delete the user \
         and create it again"
    )]
    OtherSubject {
        /// As the token has it.
        name: String,
        /// As the configuration has it.
        issuer: String,
    },
    /// Somebody logged in with it.
    #[error("this token was used to log in before; sign in at its issuer again")]
    Used,
}

/// ID tokens that were used, until they are refused as too old.
#[derive(Debug, Default)]
pub(crate) struct UsedTokens(HashMap<[u8; 32], UnixSeconds>);

impl Access {
    /// Tokens for a person's ID token of another issuer.
    ///
    /// Errors: `Person`, `TooMany`, `Disabled`, `Changed`, `Server`.
    pub async fn log_in_person(
        &self,
        id_token: &str,
        address: IpAddr,
        wanted: TokenFor,
    ) -> Result<LoggedIn, LoginRefusal> {
        let unreadable = PersonRefusal::Token(AssertionRefusal::Unreadable);
        let issuer = claimed_issuer(id_token).ok_or(unreadable)?;
        let (trusted, people) = self.find_people(&issuer, false).await?;
        let now = self.resources.clock.now().seconds();
        // By address only, and only what the issuer did not sign: nobody shuts somebody else out by a name in a made-up token, and
        // who has a signed one has nothing to guess.
        let counted = format!("{issuer} {address}");
        let count =
            || self.count_login(&counted, address).map_err(|retry_after_s| LoginRefusal::TooMany { retry_after_s });
        let verify = |trusted: &TrustedIssuer| {
            trusted.keys.verify_person(id_token, &issuer, &people.client_id, &people.user_claim, now)
        };
        let mut judged = verify(&trusted);
        if judged.is_err() {
            // Before the issuer is asked again: who sends made-up tokens does not make this server ask it without end.
            count()?;
        }
        if judged == Err(AssertionRefusal::UnknownKey) {
            judged = verify(&self.find_people(&issuer, true).await?.0);
        }
        let person = judged.map_err(PersonRefusal::Token)?;
        let user = self.find_person(&person, &issuer, &people)?;
        self.check_current(user)?;
        self.use_up(&person, now)?;
        let names = self.names(user.principal);
        let login = match self.resources.begin_person_login(user, &issuer, &person.subject).await {
            Ok(Some(login)) => login,
            // Nobody logged in with the token: it is as good as before.
            refused => {
                self.used_tokens.lock().0.remove(&person.mark);
                refused?;
                return Err(LoginRefusal::Changed { name: names.0 });
            }
        };
        Ok(self.give(user, names, wanted, Some(login)))
    }

    async fn find_people(&self, issuer: &str, renew: bool) -> Result<(TrustedIssuer, IssuerPeople), PersonRefusal> {
        let found = self.issuers.find(issuer, renew).await;
        let trusted = found.map_err(|cause| PersonRefusal::Issuer { issuer: issuer.to_owned(), cause })?;
        let people = trusted.as_ref().and_then(|trusted| trusted.people.clone());
        trusted.zip(people).ok_or(PersonRefusal::NotTrusted)
    }

    fn find_person(&self, person: &Person, issuer: &str, people: &IssuerPeople) -> Result<Proven, PersonRefusal> {
        let issuer = || issuer.to_owned();
        let claim = || people.user_claim.clone();
        let name =
            UserName::parse(&person.name).map_err(|_| PersonRefusal::Name { issuer: issuer(), claim: claim() })?;
        let directory = self.resources.directory();
        let found = directory.find_user(&name.key());
        let link = found.and_then(|user| match &user.login {
            Login::User { proof: UserProof::Issuer(link), .. } => Some((user, link)),
            _ => None,
        });
        match link {
            Some((user, link)) if is_of(link, &issuer(), &person.subject) => Ok(Proven::from(&**user)),
            Some((_, IssuerLink { issuer: known, .. })) if *known == issuer() => {
                Err(PersonRefusal::OtherSubject { name: name.to_string(), issuer: issuer() })
            }
            // A user with a password, or of another issuer, is not told of: who asks is not that one.
            _ => Err(PersonRefusal::NoUser { name: name.to_string(), issuer: issuer() }),
        }
    }

    fn use_up(&self, person: &Person, now: UnixSeconds) -> Result<(), LoginRefusal> {
        let mut used = self.used_tokens.lock();
        used.0.retain(|_, ends| *ends > now);
        if used.0.contains_key(&person.mark) {
            return Err(PersonRefusal::Used.into());
        }
        // Not the oldest one goes: it could be shown again.
        if used.0.len() >= ID_TOKENS_USED_MAX {
            return Err(LoginRefusal::Crowded { retry_after_s: ID_TOKENS_RETRY_S });
        }
        used.0.insert(person.mark, person.ends);
        Ok(())
    }
}
