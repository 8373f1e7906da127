//! Roles of principals.

use roadstead_model::{Assignment, GroupName, Guid, HubKey, IdScope, PrincipalId, Role, RoleScope, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, mirror, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AssignmentV1 {
    v: V1,
    id: Guid,
    principal: PrincipalId,
    role: RoleV1,
    scope: ScopeV1,
    created: UnixMillis,
}

mirror!(RoleV1 of Role: Owner, Contributor, Reader, HubDataContributor, HubDataReader, DpsDataContributor, DpsDataReader);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum ScopeV1 {
    Subscription,
    Group(GroupName),
    Hub(HubKey),
    Dps(IdScope),
}

impl From<&RoleScope> for ScopeV1 {
    fn from(scope: &RoleScope) -> Self {
        match scope {
            RoleScope::Subscription => Self::Subscription,
            RoleScope::Group(name) => Self::Group(name.clone()),
            RoleScope::Hub(key) => Self::Hub(*key),
            RoleScope::Dps(scope) => Self::Dps(scope.clone()),
        }
    }
}

impl From<ScopeV1> for RoleScope {
    fn from(scope: ScopeV1) -> Self {
        match scope {
            ScopeV1::Subscription => Self::Subscription,
            ScopeV1::Group(name) => Self::Group(name),
            ScopeV1::Hub(key) => Self::Hub(key),
            ScopeV1::Dps(scope) => Self::Dps(scope),
        }
    }
}

impl Stored for Assignment {
    fn encode(&self, _: Vault<'_>) -> String {
        let Self { id, principal, role, scope, created } = self;
        write(&AssignmentV1 {
            v: V1,
            id: *id,
            principal: *principal,
            role: (*role).into(),
            scope: scope.into(),
            created: *created,
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let AssignmentV1 { v: V1, id, principal, role, scope, created } = vault.read(text)?;
        Ok(Self { id, principal, role: role.into(), scope: scope.into(), created })
    }
}
