//! Back ends: who each of them claims to be.

use roadstead_auth::AuthRefusal;
use roadstead_sas::SasToken;

/// `policy/service` by the refusal or by the token that a back end showed, `principal/alice@plant.example` when it has logged in; empty
/// where neither is said. That it may speak for a policy is not proven.
pub fn claimed(token: &str, refusal: &AuthRefusal) -> String {
    match refusal {
        AuthRefusal::RoleLacks { name, .. } => format!("principal/{name}"),
        AuthRefusal::PolicyLacks { key_name, .. } | AuthRefusal::NoSuchPolicy { key_name } => {
            format!("policy/{key_name}")
        }
        _ => {
            let token = SasToken::parse(token).ok();
            token.as_ref().and_then(SasToken::key_name).map_or_else(String::new, |name| format!("policy/{name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_auth::Permission;
    use roadstead_sas::{SasKey, sign};

    #[test]
    fn a_back_end_is_a_policy_or_a_principal_or_nobody() {
        let key = SasKey::from_bytes(vec![7; 32]);
        let signed = |policy| sign("plant.localhost", &key, 1_795_294_800, policy);
        let lacks = AuthRefusal::RoleLacks { name: "alice".to_owned(), permission: Permission::ReadHubData };
        for (token, refusal, expected) in [
            (signed(Some("Service")), AuthRefusal::Signature { owner: String::new() }, "policy/Service"),
            (signed(None), AuthRefusal::NoPolicyNamed, ""),
            ("Bearer a.b.c".to_owned(), AuthRefusal::NoCredentials, ""),
            ("Bearer a.b.c".to_owned(), lacks, "principal/alice"),
            (String::new(), AuthRefusal::NoCredentials, ""),
            (String::new(), AuthRefusal::NoSuchPolicy { key_name: "gone".to_owned() }, "policy/gone"),
            ("SharedAccessSignature skn=a".to_owned(), AuthRefusal::NoCredentials, ""),
        ] {
            assert_eq!(claimed(&token, &refusal), expected, "{token}");
        }
    }
}
