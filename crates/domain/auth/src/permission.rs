//! What roles allow, and where.

use roadstead_model::{HubKey, IdScope, Role, RoleScope};

/// What somebody who logged in wants to do. Every route of the management plane and every request of a back end needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See resources, but no keys.
    Read,
    /// Make, change and delete resources.
    Write,
    /// See the keys of policies: whoever has one may do what the policy may.
    ListKeys,
    /// Say who may log in, and who may do what.
    ManageAccess,
    /// See a hub's devices, twins and events.
    ReadHubData,
    /// Change devices and twins, call methods, send messages.
    WriteHubData,
    /// See enrollments and registrations.
    ReadDpsData,
    /// Change enrollments, delete registrations.
    WriteDpsData,
}

/// Whether a role has a permission. As in Azure, who may manage a hub may not for that reason read its devices' data with a
/// bearer token (its keys are another matter). Source: docs, Azure built-in roles (General; Internet of Things)
pub fn allows(role: Role, permission: Permission) -> bool {
    use Permission as P;
    let allowed: &[Permission] = match role {
        Role::Owner => &[P::Read, P::Write, P::ListKeys, P::ManageAccess],
        Role::Contributor => &[P::Read, P::Write, P::ListKeys],
        Role::Reader => &[P::Read],
        Role::HubDataContributor => &[P::ReadHubData, P::WriteHubData],
        Role::HubDataReader => &[P::ReadHubData],
        Role::DpsDataContributor => &[P::ReadDpsData, P::WriteDpsData],
        Role::DpsDataReader => &[P::ReadDpsData],
    };
    allowed.contains(&permission)
}

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// In the subscription as a whole.
    Subscription,
    /// In a resource group. Compared without case.
    Group(&'a str),
    /// At a hub in a resource group.
    Hub(&'a str, HubKey),
    /// At a DPS instance in a resource group.
    Dps(&'a str, &'a IdScope),
}

/// Whether a role at `scope` counts at `target`: it is the same, or the target is in it.
pub fn covers(scope: &RoleScope, target: Target<'_>) -> bool {
    match (scope, target) {
        (RoleScope::Subscription, _) => true,
        (RoleScope::Group(name), Target::Group(group) | Target::Hub(group, _) | Target::Dps(group, _)) => {
            name.as_str().eq_ignore_ascii_case(group)
        }
        (RoleScope::Hub(hub), Target::Hub(_, key)) => *hub == key,
        (RoleScope::Dps(dps), Target::Dps(_, scope)) => dps == scope,
        (RoleScope::Group(_) | RoleScope::Hub(_) | RoleScope::Dps(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use roadstead_model::GroupName;

    use super::*;

    #[test]
    fn every_role_may_what_azures_may() {
        use Permission as P;
        let all = [
            P::Read,
            P::Write,
            P::ListKeys,
            P::ManageAccess,
            P::ReadHubData,
            P::WriteHubData,
            P::ReadDpsData,
            P::WriteDpsData,
        ];
        for (role, allowed) in [
            (Role::Owner, "11110000"),
            (Role::Contributor, "11100000"),
            (Role::Reader, "10000000"),
            (Role::HubDataContributor, "00001100"),
            (Role::HubDataReader, "00001000"),
            (Role::DpsDataContributor, "00000011"),
            (Role::DpsDataReader, "00000010"),
        ] {
            let found: String = all.iter().map(|one| if allows(role, *one) { '1' } else { '0' }).collect();
            assert_eq!(found, allowed, "{role:?}");
        }
    }

    #[test]
    fn a_role_counts_where_it_is_and_below() {
        let (mine, other) = (IdScope::parse("0ne00ABC123").unwrap(), IdScope::parse("0ne00ABC124").unwrap());
        let targets = [
            Target::Subscription,
            Target::Group("RG"),
            Target::Group("other"),
            Target::Hub("rg", HubKey(1)),
            Target::Hub("rg", HubKey(2)),
            Target::Hub("other", HubKey(3)),
            Target::Dps("rg", &mine),
            Target::Dps("other", &other),
        ];
        for (scope, covered) in [
            (RoleScope::Subscription, "11111111"),
            (RoleScope::Group(GroupName::parse("Rg").unwrap()), "01011010"),
            (RoleScope::Hub(HubKey(1)), "00010000"),
            (RoleScope::Dps(other.clone()), "00000001"),
        ] {
            let found: String = targets.iter().map(|target| if covers(&scope, *target) { '1' } else { '0' }).collect();
            assert_eq!(found, covered, "{scope:?}");
        }
    }
}
