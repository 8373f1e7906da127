//! Callers that hold a key of one of a hub's or DPS instance's policies.

use roadstead_model::{AccessPolicy, Right, Rights, Secret, UnixSeconds};
use roadstead_sas::{SasKey, SasToken, Segment};

use crate::{
    keys::find_signer,
    refusal::AuthRefusal,
    scope::{self, shown},
};

/// A caller that a policy speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyGrant {
    /// The policy's name: `iothubowner`.
    pub key_name: String,
    /// All that the policy may do.
    pub rights: Rights,
    /// The token's `se`. Clock skew and any grace for live connections come on top.
    pub expires_at: UnixSeconds,
}

/// Judges a back end's token for a resource: one of `names` (host name and aliases, `hub1.example`) followed by `path`
/// (`[AnyCase("devices"), Exact("dev1")]`), for the exercise of `right`.
///
/// Errors: [`AuthRefusal`]: unreadable, for something else, no such policy, not its key, too old, right lacking.
/// Source: `reference/hub-service.md` 1.2, `reference/dps.md` 4.1
pub fn judge<'a>(
    token: &str,
    names: impl IntoIterator<Item = &'a str>,
    policies: &[AccessPolicy],
    path: &[Segment<'_>],
    right: Right,
    now: UnixSeconds,
) -> Result<PolicyGrant, AuthRefusal> {
    if token.is_empty() {
        return Err(AuthRefusal::NoCredentials);
    }
    let token = SasToken::parse(token)?;
    scope::check(&token, names, path)?;
    judge_named(&token, policies, right, now)
}

/// Judges a token by itself: whether it is a policy's, for something of the resource that answers to `names`, and not too old.
///
/// Errors: as [`judge`], but for a right that is lacking.
pub fn recognize<'a>(
    token: &str,
    names: impl IntoIterator<Item = &'a str>,
    policies: &[AccessPolicy],
    now: UnixSeconds,
) -> Result<PolicyGrant, AuthRefusal> {
    let token = SasToken::parse(token)?;
    scope::check_host(&token, names)?;
    let policy = find_policy(&token, policies)?;
    token.check_expiry(now.0)?;
    Ok(grant(policy, &token))
}

/// Whether it is an Event Hubs client's token, for `sb://hub1.example/hub1`: they sign with a key as it is written, not with
/// the bytes that it stands for. Source: azure-eventhub for Python `_common_conversion`, core-amqp for Node `SasTokenProvider`
fn is_signed_with_text(token: &SasToken<'_>, keys: [&Secret; 2]) -> bool {
    let is_event_hubs = token.resource().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sb://"));
    is_event_hubs && keys.iter().any(|key| token.signed_by(&SasKey::from_bytes(key.expose().as_bytes().to_vec())))
}

/// Judges everything of a policy's token but what it is for.
pub(crate) fn judge_named(
    token: &SasToken<'_>,
    policies: &[AccessPolicy],
    right: Right,
    now: UnixSeconds,
) -> Result<PolicyGrant, AuthRefusal> {
    let policy = find_policy(token, policies)?;
    token.check_expiry(now.0)?;
    if !policy.rights.allows(right) {
        return Err(AuthRefusal::PolicyLacks { key_name: policy.key_name.clone(), right, rights: policy.rights });
    }
    Ok(grant(policy, token))
}

/// The policy that the token names and one of whose keys signed it.
fn find_policy<'p>(token: &SasToken<'_>, policies: &'p [AccessPolicy]) -> Result<&'p AccessPolicy, AuthRefusal> {
    let key_name = token.key_name().ok_or(AuthRefusal::NoPolicyNamed)?;
    let policy = policies
        .iter()
        .find(|policy| policy.key_name.eq_ignore_ascii_case(key_name))
        .ok_or_else(|| AuthRefusal::NoSuchPolicy { key_name: shown(key_name) })?;
    let keys = [&policy.primary, &policy.secondary];
    if find_signer(token, keys).is_none() && !is_signed_with_text(token, keys) {
        return Err(AuthRefusal::Signature { owner: format!("policy `{}`", policy.key_name) });
    }
    Ok(policy)
}

fn grant(policy: &AccessPolicy, token: &SasToken<'_>) -> PolicyGrant {
    PolicyGrant { key_name: policy.key_name.clone(), rights: policy.rights, expires_at: UnixSeconds(token.expiry_s()) }
}

#[cfg(test)]
mod tests {
    use roadstead_sas::sign;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    fn key(byte: u8) -> SasKey {
        SasKey::from_bytes(vec![byte; 32])
    }

    fn policies() -> Vec<AccessPolicy> {
        let policy = |name: &str, primary, secondary, rights: &[Right]| AccessPolicy {
            key_name: name.to_owned(),
            primary: Secret::new(key(primary).to_base64().as_str()),
            secondary: Secret::new(key(secondary).to_base64().as_str()),
            rights: Rights::of(rights),
        };
        vec![
            policy("iothubowner", 1, 2, &[Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect]),
            policy("service", 3, 4, &[Right::ServiceConnect]),
        ]
    }

    fn judged(token: &str) -> Result<PolicyGrant, AuthRefusal> {
        let path = [Segment::AnyCase("devices"), Segment::Exact("dev1")];
        judge(token, ["hub1.example", "alias.example"], &policies(), &path, Right::RegistryRead, NOW)
    }

    #[test]
    fn either_key_for_any_name_and_prefix() {
        for (resource, byte, name) in [
            ("hub1.example", 1, "iothubowner"),
            ("hub1.example", 2, "iothubowner"),
            ("HUB1.example/devices", 1, "IoTHubOwner"),
            ("alias.example/devices/dev1", 1, "iothubowner"),
        ] {
            let grant = judged(&sign(resource, &key(byte), NOW.0 - 299, Some(name))).unwrap();
            assert_eq!((grant.key_name.as_str(), grant.expires_at), ("iothubowner", UnixSeconds(NOW.0 - 299)));
        }
    }

    #[test]
    fn event_hubs_clients_sign_with_the_text_of_a_key() {
        let text = |byte| SasKey::from_bytes(key(byte).to_base64().as_bytes().to_vec());
        let recognized = |resource, key: &SasKey| {
            let token = sign(resource, key, NOW.0, Some("service"));
            recognize(&token, ["hub1.example"], &policies(), NOW).map(|grant| grant.key_name)
        };
        for (resource, byte) in [("sb://hub1.example/hub1", 3), ("SB://hub1.example:5672/hub1", 4)] {
            assert_eq!(recognized(resource, &text(byte)).unwrap(), "service");
            assert_eq!(recognized(resource, &key(byte)).unwrap(), "service", "as clients of hubs sign");
        }
        for (resource, key) in [("sb://hub1.example/hub1", text(1)), ("hub1.example", text(3))] {
            let refusal = recognized(resource, &key).unwrap_err().to_string();
            assert_eq!(refusal, "the token is not signed with a key of policy `service`");
        }
    }

    #[test]
    fn a_token_is_recognized_whatever_it_is_for() {
        let recognized = |token: &str| recognize(token, ["hub1.example", "alias.example"], &policies(), NOW);
        let token = |resource, expiry_s| sign(resource, &key(3), expiry_s, Some("service"));
        for resource in ["hub1.example", "ALIAS.example/x/y", "amqps://hub1.example:5671/", "hub1.example/devices/dev1"]
        {
            assert_eq!(recognized(&token(resource, NOW.0)).unwrap().key_name, "service");
        }
        for (token, text) in [
            (token("hub2.example", NOW.0), "the token is for `hub2.example`, not for `hub1.example`"),
            (token("", NOW.0), "the token has no `sr`"),
            (token("hub1.example", NOW.0 - 301), "the token expired 301 s ago"),
            (sign("hub1.example", &key(1), NOW.0, Some("service")), "the token is not signed with a key of policy"),
            (sign("hub1.example", &key(3), NOW.0, None), "the token names no access policy"),
        ] {
            let refusal = recognized(&token).unwrap_err().to_string();
            assert!(refusal.starts_with(text), "{refusal}");
        }
    }

    #[test]
    fn refusals_name_the_cause() {
        let sign = |resource, byte, expiry_s, name| sign(resource, &key(byte), expiry_s, name);
        for (token, text) in [
            (String::new(), "neither a token nor a client certificate came with the request"),
            ("Bearer x".into(), "the token does not begin with `SharedAccessSignature `"),
            (
                sign("hub2.example", 1, NOW.0, Some("iothubowner")),
                "the token is for `hub2.example`, not for `hub1.example/devices/dev1`",
            ),
            (
                sign("hub1.example/devices/dev2", 1, NOW.0, Some("iothubowner")),
                "the token is for `hub1.example/devices/dev2`, not for `hub1.example/devices/dev1`",
            ),
            (sign("hub1.example", 1, NOW.0, None), "the token names no access policy (`skn`)"),
            (sign("hub1.example", 1, NOW.0, Some("root")), "there is no access policy `root`"),
            (
                sign("hub1.example", 3, NOW.0, Some("iothubowner")),
                "the token is not signed with a key of policy `iothubowner`",
            ),
            (
                sign("hub1.example", 1, NOW.0 - 400, Some("iothubowner")),
                "the token expired 400 s ago (se=999600, 300 s of clock skew are forgiven); renew it, or correct the clock of its maker",
            ),
            (
                sign("hub1.example", 4, NOW.0, Some("service")),
                "policy `service` lacks RegistryRead: it has ServiceConnect",
            ),
        ] {
            let refusal = judged(&token).unwrap_err().to_string();
            assert_eq!(refusal, text);
            assert!(!refusal.contains("sig="), "{refusal}");
        }
    }
}
