//! Roles of principals.

use roadstead_auth::Target;
use roadstead_model::{Assignment, Guid, PrincipalId, Role, RoleScope};
use roadstead_store::{Expect, Write};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    group::require_group,
    hub::require_hub,
    limits,
    resources::{Put, Resources},
};
use std::sync::Arc;

/// Where, by names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The one subscription.
    Subscription,
    /// A resource group.
    Group(&'a str),
    /// A hub in a resource group.
    Hub(&'a str, &'a str),
    /// A DPS instance in a resource group.
    Dps(&'a str, &'a str),
}

impl Resources {
    /// Gives a role. Done again with the same id it changes nothing.
    ///
    /// Errors: `GroupNotFound`, `NotFound` (the hub or DPS instance), `PrincipalNotFound`, `AssignmentExists`, `TooMany`.
    pub async fn put_assignment(
        &self,
        id: Guid,
        principal: PrincipalId,
        role: Role,
        place: Place<'_>,
    ) -> Result<Put<Assignment>, ResourceError> {
        let turn = self.turn().await;
        let directory = &turn.directory;
        let scope = resolve(directory, place)?;
        if directory.find_principal(principal).is_none() && self.first_principal() != Some(principal) {
            return Err(ResourceError::PrincipalNotFound { principal: principal.to_string() });
        }
        let is_same =
            |known: &&Arc<Assignment>| known.principal == principal && known.role == role && same(&known.scope, &scope);
        match directory.assignments().find(is_same) {
            Some(known) if known.id == id => return Ok(Put { record: known.clone(), created: false }),
            Some(known) => return Err(ResourceError::AssignmentExists { id: known.id }),
            None if directory.find_assignment(id).is_some() => return Err(ResourceError::AssignmentExists { id }),
            None => {}
        }
        if directory.assignments().count() >= limits::ASSIGNMENTS_MAX {
            return Err(ResourceError::TooMany { what: "role assignments", max: limits::ASSIGNMENTS_MAX });
        }
        let made = Assignment { id, principal, role, scope, created: self.clock.now() };
        let mut next = Directory::clone(directory);
        let record = next.put_assignment(made.clone());
        self.commit(turn, vec![Write::PutAssignment(made, Expect::Absent)], next).await?;
        Ok(Put { record, created: true })
    }

    /// Takes a role away; it counts no longer from the next request on.
    ///
    /// Errors: `NotFound`.
    pub async fn delete_assignment(&self, id: Guid) -> Result<Arc<Assignment>, ResourceError> {
        let turn = self.turn().await;
        let known = turn.directory.find_assignment(id).cloned().ok_or_else(|| absent(id))?;
        let mut next = Directory::clone(&turn.directory);
        next.remove_assignment(id);
        let batch = vec![Write::DeleteAssignment(known.scope.clone(), id, Expect::Present)];
        self.commit(turn, batch, next).await?;
        Ok(known)
    }
}

/// The scope that a place is now. Errors: `GroupNotFound`, `NotFound`.
pub fn resolve(directory: &Directory, place: Place<'_>) -> Result<RoleScope, ResourceError> {
    Ok(match place {
        Place::Subscription => RoleScope::Subscription,
        Place::Group(name) => RoleScope::Group(require_group(directory, name)?.name.clone()),
        Place::Hub(group, name) => RoleScope::Hub(require_hub(directory, group, name)?.key),
        Place::Dps(group, name) => {
            require_group(directory, group)?;
            let absent =
                || ResourceError::NotFound { kind: Kind::Dps, name: name.to_owned(), parent: group.to_owned() };
            RoleScope::Dps(directory.find_dps(group, name).ok_or_else(absent)?.id_scope.clone())
        }
    })
}

/// Where a permission is needed to do something at a place: there, or in the group if there is no such thing in it.
pub fn target<'a>(directory: &'a Directory, place: Place<'a>) -> Target<'a> {
    match place {
        Place::Subscription => Target::Subscription,
        Place::Group(group) => Target::Group(group),
        Place::Hub(group, name) => {
            directory.find_hub(group, name).map_or(Target::Group(group), |hub| Target::Hub(group, hub.key))
        }
        Place::Dps(group, name) => {
            directory.find_dps(group, name).map_or(Target::Group(group), |dps| Target::Dps(group, &dps.id_scope))
        }
    }
}

fn same(one: &RoleScope, other: &RoleScope) -> bool {
    match (one, other) {
        (RoleScope::Group(one), RoleScope::Group(other)) => one.as_str().eq_ignore_ascii_case(other.as_str()),
        _ => one == other,
    }
}

fn absent(id: Guid) -> ResourceError {
    ResourceError::NotFound { kind: Kind::Assignment, name: id.to_string(), parent: "the subscription".to_owned() }
}
