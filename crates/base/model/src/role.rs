//! What principals may do, and where.

use crate::{
    clock::UnixMillis,
    guid::Guid,
    id::{GroupName, HubKey, IdScope},
    principal::PrincipalId,
};

/// A set of permissions, one of Azure's built-in ones. What each may do is said in the crate `auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything in Resource Manager, and who else may.
    Owner,
    /// Everything in Resource Manager but who may.
    Contributor,
    /// Looking, keys excepted.
    Reader,
    /// Everything that back ends do with a hub.
    HubDataContributor,
    /// Looking at a hub's devices, twins and events.
    HubDataReader,
    /// Everything that back ends do with a DPS instance.
    DpsDataContributor,
    /// Looking at enrollments and registrations.
    DpsDataReader,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Owner,
        Self::Contributor,
        Self::Reader,
        Self::HubDataContributor,
        Self::HubDataReader,
        Self::DpsDataContributor,
        Self::DpsDataReader,
    ];
}

/// Where a role counts: there, and in all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleScope {
    /// The one subscription.
    Subscription,
    /// A resource group.
    Group(GroupName),
    /// A hub: this one, not a later one of its name.
    Hub(HubKey),
    /// A DPS instance.
    Dps(IdScope),
}

/// A role that a principal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name, chosen by whoever makes it.
    pub id: Guid,
    /// Who.
    pub principal: PrincipalId,
    /// May do what.
    pub role: Role,
    /// Where.
    pub scope: RoleScope,
    /// Since when.
    pub created: UnixMillis,
}
