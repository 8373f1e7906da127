//! As whom a service API is asked.

use crate::policy::Policy;
use roadstead_model::UnixMillis;
use std::fmt;
use zeroize::Zeroizing;

/// As whom a service API is asked.
#[derive(Debug, Clone)]
pub enum Authority {
    /// A shared access policy's key.
    Policy(Policy),
    /// Somebody who logged in, with a token for this very API. See [`log_in`](crate::login::log_in).
    Token(AccessToken),
}

/// What follows `Bearer `. `Debug` hides it.
#[derive(Clone)]
pub struct AccessToken(pub Zeroizing<String>);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

impl From<Policy> for Authority {
    fn from(policy: Policy) -> Self {
        Self::Policy(policy)
    }
}

impl From<AccessToken> for Authority {
    fn from(token: AccessToken) -> Self {
        Self::Token(token)
    }
}

impl Authority {
    /// The header that says so to `host`.
    pub(crate) fn header(&self, host: &str, now: UnixMillis) -> String {
        match self {
            Self::Policy(policy) => policy.token(host, now),
            Self::Token(AccessToken(token)) => format!("Bearer {}", token.as_str()),
        }
    }

    /// The policy, if it is one: AMQP knows no other way in.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::Token(_) => None,
        }
    }
}
