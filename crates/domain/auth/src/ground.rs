//! What a login rests on, so that changed credentials end only the sessions whose ground is gone.

use std::hash::{DefaultHasher, Hash, Hasher};

use roadstead_model::{DeviceAuth, Secret, Thumbprint};

/// The credential by which a login passed, kept small: there is one per live session. Keys and thumbprints are held as
/// 64-bit hashes, which compare but give nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A policy of the hub: nothing of the device's own.
    Policy,
    /// One of the symmetric keys.
    Key(u64),
    /// One of the registered thumbprints.
    Thumbprint(u64),
    /// A path to a verified CA, through the certificate that an enrollment names, if one does.
    Authority(Option<u64>),
}

impl Ground {
    /// This symmetric key.
    pub fn of_key(key: &Secret) -> Self {
        Self::Key(hash(key.expose()))
    }

    /// This registered thumbprint.
    pub fn of_thumbprint(registered: &Thumbprint) -> Self {
        Self::Thumbprint(hash(registered.as_str()))
    }

    /// A CA, `through` this certificate.
    pub fn of_authority(through: Option<&Thumbprint>) -> Self {
        Self::Authority(through.map(|through| hash(through.as_str())))
    }

    /// Whether a login on this ground would still pass with the credentials `auth`. Swapping primary and secondary takes no
    /// ground away, nor does replacing the key that was not used.
    pub fn stands(self, auth: &DeviceAuth) -> bool {
        match auth {
            _ if self == Self::Policy => true,
            DeviceAuth::Sas { primary, secondary } => [primary, secondary].map(Self::of_key).contains(&self),
            DeviceAuth::Thumbprints { primary, secondary } => {
                [primary, secondary].into_iter().flatten().any(|registered| Self::of_thumbprint(registered) == self)
            }
            DeviceAuth::CertificateAuthority { through } => Self::of_authority(through.as_ref()) == self,
            DeviceAuth::None => false,
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_stands_while_its_credential_is_registered() {
        let key = Secret::new;
        let digest = |hex: &str| Thumbprint::parse(&hex.repeat(32)).unwrap();
        let sas = |primary, secondary| DeviceAuth::Sas { primary: key(primary), secondary: key(secondary) };
        let pinned = |primary: &str, secondary: Option<&str>| DeviceAuth::Thumbprints {
            primary: Some(digest(primary)),
            secondary: secondary.map(digest),
        };
        let under = |through: Option<&str>| DeviceAuth::CertificateAuthority { through: through.map(digest) };
        let (first, aa) = (Ground::of_key(&key("k1")), Ground::of_thumbprint(&digest("aa")));
        for (ground, auth, expected) in [
            (first, sas("k1", "k2"), true),
            (first, sas("k2", "k1"), true),
            (first, sas("k2", "k3"), false),
            (first, pinned("aa", None), false),
            (first, DeviceAuth::None, false),
            (aa, pinned("bb", Some("aa")), true),
            (aa, pinned("bb", None), false),
            (aa, under(Some("aa")), false),
            (Ground::of_authority(None), under(None), true),
            (Ground::of_authority(None), under(Some("aa")), false),
            (Ground::of_authority(Some(&digest("aa"))), under(Some("aa")), true),
            (Ground::of_authority(Some(&digest("aa"))), sas("k1", "k2"), false),
            (Ground::Policy, DeviceAuth::None, true),
        ] {
            assert_eq!(ground.stands(&auth), expected, "{ground:?} {auth:?}");
        }
    }
}
