//! Where users are logged in, and which of their refresh tokens count.
//!
//! A refresh token is exchanged for another one, and ends. Who asks again shortly after did not get the answer, or asked twice at
//! a time, and gets what the other one got. Who shows an old one later has a copy, or was copied from: as nobody knows who of
//! the two is the thief, the login ends with all its tokens. Source: RFC 9700 (OAuth 2.0 security), 4.14.2

use std::sync::Arc;

use roadstead_auth::Bearer;
use roadstead_model::{Etag, IssuerLink, Login, Principal, UnixMillis, UserLogin, UserProof};
use roadstead_store::Expect;
use tracing::warn;

use crate::{
    error::ResourceError,
    limits::{REFRESH_GRACE_MS, REFRESH_TOKEN_LIFETIME_S, USER_LOGINS_MAX},
    login::Proven,
    resources::Resources,
};

/// What a refresh token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exchange {
    /// For the next one.
    Next(UserLogin),
    /// For the one that it was exchanged for just now.
    Again,
    /// It was used before, and not just now.
    Reused,
}

impl Resources {
    /// Notes that a user is logged in at one more place; `None` when its tokens ended since it proved itself.
    ///
    /// Errors: `Unavailable`, `Full`, `Internal`.
    pub(crate) async fn begin_user_login(&self, user: Proven) -> Result<Option<UserLogin>, ResourceError> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        let now = self.clock.now();
        let begun = UserLogin { id: u64::from_be_bytes(bytes), round: 0, exchanged: now };
        let edit = |_: &mut UserProof, logins: &mut Vec<UserLogin>| {
            add(logins, begun);
            (Some(begun), true)
        };
        self.edit_logins(user, edit).await
    }

    /// The same for a user of another issuer, who from now on is this one of its people, and no other. `None` also when it is
    /// another one.
    ///
    /// Errors: `Unavailable`, `Full`, `Internal`.
    pub(crate) async fn begin_person_login(
        &self,
        user: Proven,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<UserLogin>, ResourceError> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        let begun = UserLogin { id: u64::from_be_bytes(bytes), round: 0, exchanged: self.clock.now() };
        let edit = |proof: &mut UserProof, logins: &mut Vec<UserLogin>| {
            let UserProof::Issuer(link) = proof else { return (None, false) };
            if !is_of(link, issuer, subject) {
                return (None, false);
            }
            link.subject = Some(subject.to_owned());
            add(logins, begun);
            (Some(begun), true)
        };
        self.edit_logins(user, edit).await
    }

    /// The login of a refresh token with the round of the token that is given for it; `None` when it is good for nothing, which
    /// then holds for all tokens of its login.
    ///
    /// Errors: `Unavailable`, `Full`, `Internal`.
    pub(crate) async fn exchange(&self, token: &Bearer) -> Result<Option<UserLogin>, ResourceError> {
        let now = self.clock.now();
        let edit = |_: &mut UserProof, logins: &mut Vec<UserLogin>| {
            let Some(at) = logins.iter().position(|login| login.id == token.login) else { return (None, false) };
            match exchange(logins[at], token.round, now) {
                Exchange::Next(next) => {
                    logins[at] = next;
                    (Some(next), true)
                }
                Exchange::Again => (Some(logins[at]), false),
                Exchange::Reused => {
                    warn!(principal = %token.principal, "a refresh token was used twice: its login was ended");
                    logins.remove(at);
                    (None, true)
                }
            }
        };
        self.edit_logins(Proven { principal: token.principal, sessions: token.sessions }, edit).await
    }

    /// Changes the logins of a user whose tokens have not ended. The second of what `edit` returns: whether it changed any.
    async fn edit_logins(
        &self,
        user: Proven,
        edit: impl FnOnce(&mut UserProof, &mut Vec<UserLogin>) -> (Option<UserLogin>, bool),
    ) -> Result<Option<UserLogin>, ResourceError> {
        let turn = self.turn().await;
        let stored = turn.directory.find_principal(user.principal);
        let Some(stored) = stored.filter(|stored| stored.enabled && stored.sessions == user.sessions).map(Arc::clone)
        else {
            return Ok(None);
        };
        let mut principal = Principal { etag: Etag::fresh(&*self.random), ..Principal::clone(&stored) };
        let Login::User { logins, proof, .. } = &mut principal.login else { return Ok(None) };
        let (login, is_changed) = edit(proof, logins);
        if is_changed {
            self.write_principal(turn, principal, Expect::Etag(stored.etag.clone())).await?;
        }
        Ok(login)
    }
}

/// Whether a person of an issuer is the one who is meant: anybody of that name, until the first one came.
pub(crate) fn is_of(link: &IssuerLink, issuer: &str, subject: &str) -> bool {
    link.issuer == issuer && link.subject.as_deref().is_none_or(|known| known == subject)
}

/// Those whose refresh token expired go, and the oldest one when there is no room.
fn add(logins: &mut Vec<UserLogin>, begun: UserLogin) {
    logins.retain(|login| begun.exchanged.0 - login.exchanged.0 < REFRESH_TOKEN_LIFETIME_S * 1000);
    while logins.len() >= USER_LOGINS_MAX {
        let oldest = (0..logins.len()).min_by_key(|at| logins[*at].exchanged);
        oldest.map(|at| logins.remove(at));
    }
    logins.push(begun);
}

fn exchange(login: UserLogin, round: u32, now: UnixMillis) -> Exchange {
    if round == login.round {
        return Exchange::Next(UserLogin { round: round.wrapping_add(1), exchanged: now, ..login });
    }
    let is_last = round.wrapping_add(1) == login.round;
    if is_last && now.0 - login.exchanged.0 < REFRESH_GRACE_MS { Exchange::Again } else { Exchange::Reused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_bounded_and_expire() {
        let login = |id: u32| UserLogin { id: id.into(), round: 0, exchanged: UnixMillis(id.into()) };
        let max = u32::try_from(USER_LOGINS_MAX).unwrap();
        let mut logins = Vec::new();
        for id in 0..max + 2 {
            add(&mut logins, login(id));
        }
        assert_eq!(logins, (2..max + 2).map(login).collect::<Vec<_>>());
        let at = UnixMillis(REFRESH_TOKEN_LIFETIME_S * 1000 + 90);
        let late = UserLogin { exchanged: at, ..login(9) };
        add(&mut logins, late);
        assert_eq!(logins.first(), Some(&login(91)));
        assert_eq!(logins.last(), Some(&late));
    }

    #[test]
    fn a_refresh_token_is_used_once_or_twice_in_a_row() {
        let login = |round, at| UserLogin { id: 7, round, exchanged: UnixMillis(at) };
        let late = REFRESH_GRACE_MS + 1000;
        for (kept, round, now, expected) in [
            (login(0, 0), 0, 5, Exchange::Next(login(1, 5))),
            (login(1, 1000), 0, 1000, Exchange::Again),
            (login(1, 1000), 0, late - 1, Exchange::Again),
            (login(1, 1000), 0, late, Exchange::Reused),
            (login(1, 1000), 1, late, Exchange::Next(login(2, late))),
            (login(2, 1000), 0, 1000, Exchange::Reused),
            (login(2, 1000), 3, 1000, Exchange::Reused),
            (login(u32::MAX, 1000), u32::MAX, 2000, Exchange::Next(login(0, 2000))),
            (login(0, 1000), u32::MAX, 1000, Exchange::Again),
        ] {
            assert_eq!(exchange(kept, round, UnixMillis(now)), expected, "{kept:?} {round} {now}");
        }
    }
}
