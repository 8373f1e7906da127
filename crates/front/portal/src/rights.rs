//! What who is signed in may do at a hub or DPS instance, as Resource Manager tells it: so pages show only what would work.

use roadstead_service::Kind;
use serde::Deserialize;

/// What one role allows. Actions may have `*` for any text. Source: docs, Permissions - List For Resource
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Permission {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// What pages ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// To change the resource itself: certificates, consumer groups.
    pub(crate) write: bool,
    /// To see the keys of its policies.
    pub(crate) keys: bool,
    /// To see devices, twins and events, or enrollments and registrations.
    pub(crate) data_read: bool,
    /// To change them.
    pub(crate) data_write: bool,
}

impl Rights {
    pub(crate) fn of(kind: Kind, roles: &[Permission]) -> Self {
        let (root, data) = match kind {
            Kind::Hub => ("Microsoft.Devices/IotHubs", "devices"),
            Kind::Dps => ("Microsoft.Devices/provisioningServices", "attestationmechanism"),
        };
        let may = |tail: &str| may(roles, &format!("{root}/{tail}"));
        let may_data = |tail: &str| {
            let action = format!("{root}/{data}/{tail}");
            roles.iter().any(|role| any(&role.data_actions, &action) && !any(&role.not_data_actions, &action))
        };
        Self {
            write: may("write"),
            keys: may("listkeys/action"),
            data_read: may_data("read"),
            data_write: may_data("write"),
        }
    }
}

/// Whether one of the roles allows an action: `Microsoft.Devices/IotHubs/write`.
pub(crate) fn may(roles: &[Permission], action: &str) -> bool {
    roles.iter().any(|role| any(&role.actions, action) && !any(&role.not_actions, action))
}

fn any(patterns: &[String], action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &action))
}

/// Whether a pattern with `*` for any text is this text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(begin) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_role_shows_what_it_may() {
        let owner = json!({"actions": ["*"]});
        let contributor = json!({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]});
        let reader = json!({"actions": ["*/read"]});
        let data = json!({"dataActions": ["Microsoft.Devices/IotHubs/*"]});
        let data_reader = json!({"dataActions": ["Microsoft.Devices/IotHubs/*/read"]});
        let dps_reader = json!({"dataActions": ["Microsoft.Devices/provisioningServices/*/read"]});
        for (kind, roles, rights) in [
            (Kind::Hub, json!([]), "0000"),
            (Kind::Hub, json!([owner]), "1100"),
            (Kind::Hub, json!([contributor]), "1100"),
            (Kind::Hub, json!([reader]), "0000"),
            (Kind::Hub, json!([reader, data_reader]), "0010"),
            (Kind::Hub, json!([data]), "0011"),
            (Kind::Hub, json!([dps_reader]), "0000"),
            (Kind::Dps, json!([data]), "0000"),
            (Kind::Dps, json!([dps_reader, owner]), "1110"),
        ] {
            let list: Vec<Permission> = serde_json::from_value(roles.clone()).unwrap();
            let found = Rights::of(kind, &list);
            let found: String = [found.write, found.keys, found.data_read, found.data_write]
                .map(|one| if one { '1' } else { '0' })
                .iter()
                .collect();
            assert_eq!(found, rights, "{kind:?} {roles}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("a*a", "a", false),
            ("*/read", "x/y/read", true),
            ("*/read", "x/read/y", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
