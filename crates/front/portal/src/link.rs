//! Links that sign somebody in once.

use crate::limits::{LINK_LIFETIME_MS, LINKS_MAX};
use crate::session::{Digest, digest_of, fresh};
use roadstead_model::{Random, UnixMillis};
use roadstead_service::Credentials;
use zeroize::Zeroizing;

/// Links that nobody used yet, by the digests of their codes; the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<(Digest, UnixMillis, Credentials)>);

impl Links {
    /// A code that is good once.
    pub(crate) fn make(&mut self, credentials: Credentials, random: &dyn Random, now: UnixMillis) -> Zeroizing<String> {
        self.drop_old(now);
        if self.0.len() >= LINKS_MAX {
            self.0.remove(0);
        }
        let code = fresh(random);
        self.0.push((digest_of(&code), now, credentials));
        code
    }

    /// As whom a code signs in; it never does so again.
    pub(crate) fn take(&mut self, code: &str, now: UnixMillis) -> Option<Credentials> {
        self.drop_old(now);
        let digest = digest_of(code);
        let at = self.0.iter().position(|(known, ..)| *known == digest)?;
        Some(self.0.remove(at).2)
    }

    fn drop_old(&mut self, now: UnixMillis) {
        self.0.retain(|(_, made, _)| now.0.saturating_sub(made.0) < LINK_LIFETIME_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;

    #[test]
    fn a_link_is_good_once_and_not_for_long() {
        let (mut links, random, start) = (Links::default(), Numbered::default(), UnixMillis(0));
        let who = || Credentials { client_id: "c".to_owned(), client_secret: Zeroizing::new("s".to_owned()) };
        let code = links.make(who(), &random, start);
        assert!(links.take("x", start).is_none());
        assert_eq!(links.take(&code, UnixMillis(LINK_LIFETIME_MS - 1)).unwrap().client_id, "c");
        assert!(links.take(&code, start).is_none(), "used");
        let code = links.make(who(), &random, start);
        assert!(links.take(&code, UnixMillis(LINK_LIFETIME_MS)).is_none(), "late");
        let first = links.make(who(), &random, start);
        for _ in 0..LINKS_MAX {
            links.make(who(), &random, start);
        }
        assert!(links.take(&first, start).is_none() && links.0.len() == LINKS_MAX);
    }
}
