//! Who logs in with SASL PLAIN.

use crate::percent;

/// The user name; the password is a SAS token.
///
/// Shape: `iothubowner@sas.root.hub1` for a policy, `dev1@sas.hub1` and `dev1/mod1@sas.hub1` (`guess (?)`) for a device. Some
/// clients percent-encode it. Source: `reference/hub-service.md` 2.1, `reference/hub-device.md` 3.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainUser {
    Policy { key_name: String, hub: String },
    Device { id: String, hub: String },
}

impl PlainUser {
    /// `None` for any other form.
    pub fn parse(user: &str) -> Option<Self> {
        let user = percent::decode(user);
        // An `@` may be part of an id; the hub's name has none.
        let (id, domain) = user.rsplit_once('@')?;
        let hub = strip_word(domain, "sas.")?;
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match strip_word(hub, "root.") {
            Some(hub) => Some(Self::Policy { key_name: own(id)?, hub: own(hub)? }),
            None => Some(Self::Device { id: own(id)?, hub: own(hub)? }),
        }
    }

    /// The first label of the hub's host name.
    pub fn hub(&self) -> &str {
        let (Self::Policy { hub, .. } | Self::Device { hub, .. }) = self;
        hub
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_and_devices() {
        let policy = |key_name: &str| PlainUser::Policy { key_name: key_name.to_owned(), hub: "hub1".to_owned() };
        let device = |id: &str| PlainUser::Device { id: id.to_owned(), hub: "hub1".to_owned() };
        for (user, expected) in [
            ("iothubowner@sas.root.hub1", policy("iothubowner")),
            ("iothubowner%40sas.root.hub1", policy("iothubowner")),
            ("Service@SAS.Root.hub1", policy("Service")),
            ("dev1@sas.hub1", device("dev1")),
            ("dev1/mod1@sas.hub1", device("dev1/mod1")),
            ("a@b@sas.hub1", device("a@b")),
        ] {
            let parsed = PlainUser::parse(user);
            assert_eq!(parsed.as_ref(), Some(&expected), "{user}");
            assert_eq!(expected.hub(), "hub1");
        }
        for user in ["", "iothubowner", "@sas.root.hub1", "x@sas.root.", "x@sas.", "x@root.hub1", "x@", "ü@süs"] {
            assert_eq!(PlainUser::parse(user), None, "{user}");
        }
    }
}
