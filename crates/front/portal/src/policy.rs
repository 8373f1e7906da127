//! Shared access policies: what their rights allow, and how a list of them changes.

use crate::call::text;
use crate::fault::Fault;
use roadstead_model::{Right, Rights};
use roadstead_service::Kind;
use serde_json::{Value, json};

/// What the policies of a hub may hold, and what each right allows. Source: docs, "Control access to IoT Hub"
const OF_HUB: [(Right, &str); 4] = [
    (Right::RegistryRead, "see devices and their keys"),
    (Right::RegistryWrite, "make, change and delete devices"),
    (Right::ServiceConnect, "read messages and feedback, send messages, call methods, write twins"),
    (Right::DeviceConnect, "be any device"),
];

/// The same of DPS instances. Source: docs, "Control access to Azure IoT Hub Device Provisioning Service"
const OF_DPS: [(Right, &str); 6] = [
    (Right::ServiceConfig, "change the instance"),
    (Right::EnrollmentRead, "see enrollments"),
    (Right::EnrollmentWrite, "make, change and delete enrollments"),
    (Right::RegistrationStatusRead, "see registrations"),
    (Right::RegistrationStatusWrite, "delete registrations"),
    (Right::DeviceConnect, "register devices"),
];

/// The rights that a kind of resource knows.
pub(crate) fn known(kind: Kind) -> &'static [(Right, &'static str)] {
    match kind {
        Kind::Hub => &OF_HUB,
        Kind::Dps => &OF_DPS,
    }
}

/// What shall become of the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Add(Rights),
    Allow(Rights),
    RenewPrimary,
    RenewSecondary,
    Swap,
    Delete,
}

/// What a policy may do.
pub(crate) fn rights(policy: &Value) -> Rights {
    Rights::parse(text(policy, "/rights")).unwrap_or_default()
}

/// What the policy of this name would lose with these rights and no others; `None` when that is nothing.
pub(crate) fn lost(policies: &[Value], name: &str, kept: Rights) -> Option<Rights> {
    let policy = policies.iter().find(|policy| text(policy, "/keyName").eq_ignore_ascii_case(name))?;
    let lost: Vec<Right> = rights(policy).iter().filter(|right| !kept.allows(*right)).collect();
    (!lost.is_empty()).then(|| Rights::of(&lost))
}

/// Changes the policy of this name; all others stay. A key that is absent is made by the server.
///
/// Errors: `Invalid` when there is none to change, or one to add; `Absent`.
pub(crate) fn change(policies: &mut Vec<Value>, name: &str, deed: Deed) -> Result<(), Fault> {
    let at = policies.iter().position(|policy| text(policy, "/keyName").eq_ignore_ascii_case(name));
    let Some(at) = at else {
        let Deed::Add(rights) = deed else { return Err(Fault::Absent { what: "policy", name: name.to_owned() }) };
        policies.push(json!({"keyName": name, "rights": rights.to_string()}));
        return Ok(());
    };
    let policy = &mut policies[at];
    match deed {
        Deed::Add(_) => return Err(Fault::Invalid(format!("There is a policy {name} already: choose another name."))),
        Deed::Allow(rights) => policy["rights"] = rights.to_string().into(),
        Deed::RenewPrimary => policy["primaryKey"] = Value::Null,
        Deed::RenewSecondary => policy["secondaryKey"] = Value::Null,
        Deed::Swap => {
            let primary = policy["primaryKey"].take();
            policy["primaryKey"] = policy["secondaryKey"].take();
            policy["secondaryKey"] = primary;
        }
        Deed::Delete => {
            policies.remove(at);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Value> {
        let policy =
            |name: &str| json!({"keyName": name, "primaryKey": "1", "secondaryKey": "2", "rights": "ServiceConnect"});
        vec![policy("service"), policy("Other")]
    }

    #[test]
    fn what_is_not_kept_is_lost() {
        let policies = [json!({"keyName": "a", "rights": "RegistryRead, RegistryWrite, ServiceConnect"})];
        for (kept, expected) in [
            (&[Right::RegistryRead, Right::RegistryWrite, Right::ServiceConnect][..], None),
            // Who may write may read.
            (&[Right::RegistryWrite, Right::ServiceConnect], None),
            (&[Right::RegistryRead, Right::DeviceConnect], Some("RegistryWrite, ServiceConnect")),
        ] {
            assert_eq!(lost(&policies, "A", Rights::of(kept)).map(|lost| lost.to_string()).as_deref(), expected);
        }
        assert_eq!(lost(&policies, "none", Rights::default()), None);
    }

    #[test]
    fn one_is_changed_and_the_others_stay() {
        let policy = |primary: Value, secondary: Value, rights: &str| json!({"keyName": "Other", "primaryKey": primary, "secondaryKey": secondary, "rights": rights});
        let device = Rights::of(&[Right::DeviceConnect]);
        for (deed, after) in [
            (Deed::RenewPrimary, Some(policy(Value::Null, json!("2"), "ServiceConnect"))),
            (Deed::RenewSecondary, Some(policy(json!("1"), Value::Null, "ServiceConnect"))),
            (Deed::Swap, Some(policy(json!("2"), json!("1"), "ServiceConnect"))),
            (Deed::Allow(device), Some(policy(json!("1"), json!("2"), "DeviceConnect"))),
            (Deed::Delete, None),
        ] {
            let mut policies = some();
            change(&mut policies, "other", deed).unwrap();
            let expected: Vec<Value> = some().into_iter().take(1).chain(after).collect();
            assert_eq!(policies, expected, "{deed:?}");
            assert!(matches!(change(&mut policies, "none", deed), Err(Fault::Absent { .. })));
        }
        let mut policies = some();
        assert!(matches!(change(&mut policies, "SERVICE", Deed::Add(device)), Err(Fault::Invalid(_))));
        change(&mut policies, "new", Deed::Add(device)).unwrap();
        assert_eq!(policies[2], json!({"keyName": "new", "rights": "DeviceConnect"}), "the server makes its keys");
    }
}
