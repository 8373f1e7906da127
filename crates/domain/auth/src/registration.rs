//! Devices that come to DPS with a token.

use roadstead_model::{IdScope, RegistrationId, SymmetricKeys, UnixSeconds};
use roadstead_sas::{SasKey, SasToken, Segment, covers};

use crate::{
    keys::find_signer,
    refusal::AuthRefusal,
    scope::{self, shown},
};

/// The policy name that device tokens for DPS carry when they carry one.
const KEY_NAME: &str = "registration";

/// A device's token for DPS that is for the right registration and in date; only who signed it is still open.
#[derive(Debug)]
pub struct RegistrationToken<'a>(SasToken<'a>);

impl<'a> RegistrationToken<'a> {
    /// Reads `SharedAccessSignature sr={idScope}%2Fregistrations%2F{registrationId}&sig=…&se=…[&skn=registration]`. Scope and id
    /// are compared without case; the token must name the registration, not merely its scope.
    ///
    /// Errors: [`AuthRefusal`]: unreadable, another `skn`, for something else, too old. Source: `reference/dps.md` 2.1
    pub fn read(text: &'a str, scope: &IdScope, id: &RegistrationId, now: UnixSeconds) -> Result<Self, AuthRefusal> {
        let token = SasToken::parse(text)?;
        if let Some(key_name) = token.key_name().filter(|name| *name != KEY_NAME) {
            return Err(AuthRefusal::KeyName { key_name: shown(key_name) });
        }
        let rest = [Segment::AnyCase("registrations"), Segment::AnyCase(id.as_str())];
        scope::check(&token, [scope.as_str()], &rest)?;
        let only_a_prefix = covers(token.resource(), &[Segment::AnyCase(scope.as_str()), rest[0]]);
        if only_a_prefix {
            let wanted = format!("{scope}/registrations/{id}");
            return Err(AuthRefusal::Scope { granted: shown(token.resource()), wanted });
        }
        token.check_expiry(now.0)?;
        Ok(Self(token))
    }

    /// Whether either of an enrollment's keys made the signature.
    pub fn signed_by(&self, keys: &SymmetricKeys) -> bool {
        find_signer(&self.0, [&keys.primary, &keys.secondary]).is_some()
    }

    /// Whether this key, derived from a group's, made the signature.
    pub fn signed_by_key(&self, key: &SasKey) -> bool {
        self.0.signed_by(key)
    }

    /// The token's `se`.
    pub fn expires_at(&self) -> UnixSeconds {
        UnixSeconds(self.0.expiry_s())
    }
}

#[cfg(test)]
mod tests {
    use roadstead_model::Secret;
    use roadstead_sas::{derive_device_key, sign};

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_999_999_999);

    fn ids() -> (IdScope, RegistrationId) {
        (IdScope::parse("0ne00ABC123").unwrap(), RegistrationId::parse("dev-01").unwrap())
    }

    /// Source: `reference/dps.md` 2.1, vectors for the key derived from bytes 00..3F
    #[test]
    fn the_reference_tokens_are_read() {
        let (scope, id) = ids();
        let key = derive_device_key(&SasKey::from_bytes((0..64).collect()), "dev-01");
        for (resource, sig) in [
            ("0ne00ABC123%2Fregistrations%2Fdev-01", "eD8qET2Gh0zRr8aFI5bETS53UoIJAcI8xnNRNraaGFE="),
            ("0ne00ABC123%2fregistrations%2fdev-01", "qt+hC5dSnTK5Swj84+g9mhB+sZxu8SC+2KYCF9RCH4o="),
            ("0ne00ABC123/registrations/dev-01", "tBvNJZbukvSDgaTEt0VV2mZZYKmMrpwBHKRAHkKjM7g="),
        ] {
            for skn in ["", "&skn=", "&skn=registration"] {
                let text = format!("SharedAccessSignature sr={resource}&sig={sig}&se=2000000000{skn}");
                let token = RegistrationToken::read(&text, &scope, &id, NOW).unwrap();
                assert!(token.signed_by_key(&key), "{text}");
                assert_eq!(token.expires_at(), UnixSeconds(2_000_000_000));
            }
        }
    }

    #[test]
    fn either_enrollment_key_signs() {
        let (scope, id) = ids();
        let secret = |byte| Secret::new(SasKey::from_bytes(vec![byte; 64]).to_base64().as_str());
        let keys = SymmetricKeys { primary: secret(1), secondary: secret(2) };
        for (byte, expected) in [(1, true), (2, true), (3, false)] {
            let text = sign("0NE00abc123/registrations/DEV-01", &SasKey::from_bytes(vec![byte; 64]), NOW.0, None);
            let token = RegistrationToken::read(&text, &scope, &id, NOW).unwrap();
            assert_eq!(token.signed_by(&keys), expected, "{byte}");
        }
    }

    #[test]
    fn refuses_tokens_for_something_else() {
        let (scope, id) = ids();
        let key = SasKey::from_bytes(vec![1; 64]);
        for (text, expected) in [
            (
                sign("0ne00ABC123", &key, NOW.0, None),
                "the token is for `0ne00ABC123`, not for `0ne00ABC123/registrations/dev-01`",
            ),
            (
                sign("0ne00ABC123/registrations", &key, NOW.0, None),
                "the token is for `0ne00ABC123/registrations`, not for `0ne00ABC123/registrations/dev-01`",
            ),
            (
                sign("0ne00ABC124/registrations/dev-01", &key, NOW.0, None),
                "the token is for `0ne00ABC124/registrations/dev-01`, not for `0ne00ABC123/registrations/dev-01`",
            ),
            (
                sign("0ne00ABC123/registrations/dev-02", &key, NOW.0, None),
                "the token is for `0ne00ABC123/registrations/dev-02`, not for `0ne00ABC123/registrations/dev-01`",
            ),
            (
                sign("0ne00ABC123/registrations/dev-01", &key, NOW.0, Some("provisioningserviceowner")),
                "the token's `skn` is `provisioningserviceowner`; a device's is `registration`",
            ),
            (
                sign("0ne00ABC123/registrations/dev-01", &key, NOW.0 - 301, None),
                "the token expired 301 s ago (se=1999999698, 300 s of clock skew are forgiven); renew it, or correct the clock of its maker",
            ),
        ] {
            assert_eq!(RegistrationToken::read(&text, &scope, &id, NOW).unwrap_err().to_string(), expected);
        }
    }
}
