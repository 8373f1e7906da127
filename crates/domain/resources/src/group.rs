//! Resource groups.

use roadstead_model::{GroupName, ResourceGroup};
use roadstead_store::{Expect, Write};
use serde_json::{Map, Value};

use std::sync::Arc;

use crate::{
    directory::Directory,
    error::ResourceError,
    limits,
    resources::{Put, Resources, check_location, check_tags},
};

/// A resource group as an administrator writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// `centralindia`; any text will do.
    pub location: String,
    /// Names to texts.
    pub tags: Map<String, Value>,
}

impl Resources {
    /// Makes a resource group, or replaces the tags of the one that is there.
    ///
    /// Errors: `Name`, `Value`, `TooMany`, `GroupLocation` when it is elsewhere already.
    pub async fn put_group(&self, name: &str, spec: GroupSpec) -> Result<Put<ResourceGroup>, ResourceError> {
        check_location(&spec.location)?;
        check_tags(&spec.tags)?;
        let turn = self.turn().await;
        let directory = &turn.directory;
        let stored = directory.find_group(name);
        if let Some(stored) = stored
            && place(&stored.location) != place(&spec.location)
        {
            return Err(ResourceError::GroupLocation {
                group: stored.name.clone(),
                has: stored.location.clone(),
                asked: spec.location,
            });
        }
        if stored.is_none() && directory.groups().len() >= limits::GROUPS_MAX {
            return Err(ResourceError::TooMany { what: "resource groups", max: limits::GROUPS_MAX });
        }
        let created = stored.is_none();
        let group = ResourceGroup {
            name: stored.map_or_else(|| GroupName::parse(name), |stored| Ok(stored.name.clone()))?,
            location: stored.map_or(spec.location, |stored| stored.location.clone()),
            tags: spec.tags,
        };
        let mut next = Directory::clone(directory);
        next.put_group(group.clone());
        let expect = if created { Expect::Absent } else { Expect::Present };
        self.commit(turn, vec![Write::PutGroup(group.clone(), expect)], next).await?;
        Ok(Put { record: Arc::new(group), created })
    }

    /// Gives a resource group that is there other tags; `None` leaves them as they are.
    ///
    /// Errors: `GroupNotFound`, `Value`, `TooMany`.
    pub async fn tag_group(
        &self,
        name: &str,
        tags: Option<Map<String, Value>>,
    ) -> Result<Arc<ResourceGroup>, ResourceError> {
        let turn = self.turn().await;
        let stored = require_group(&turn.directory, name)?;
        let group = ResourceGroup { tags: tags.unwrap_or_else(|| stored.tags.clone()), ..ResourceGroup::clone(stored) };
        check_tags(&group.tags)?;
        let mut next = Directory::clone(&turn.directory);
        next.put_group(group.clone());
        self.commit(turn, vec![Write::PutGroup(group.clone(), Expect::Present)], next).await?;
        Ok(Arc::new(group))
    }

    /// Deletes a resource group with every hub and DPS instance in it, and all that is in those.
    ///
    /// Errors: `GroupNotFound`.
    pub async fn delete_group(&self, name: &str) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let group = require_group(&turn.directory, name)?.name.clone();
        let mut next = Directory::clone(&turn.directory);
        let mut batch = vec![Write::DeleteGroup(group.clone(), Expect::Present)];
        for hub in turn.directory.hubs().filter(|hub| hub.group.as_str().eq_ignore_ascii_case(name)) {
            batch.push(Write::DeleteHub(hub.key, Expect::Present));
            next.remove_hub(hub.key);
        }
        for dps in turn.directory.dps().filter(|dps| dps.group.as_str().eq_ignore_ascii_case(name)) {
            batch.push(Write::DeleteDps(dps.id_scope.clone(), Expect::Present));
            next.remove_dps(&dps.id_scope);
        }
        next.remove_group(name);
        self.commit(turn, batch, next).await
    }
}

/// The resource group of this name. Errors: `GroupNotFound`.
pub(crate) fn require_group<'a>(directory: &'a Directory, name: &str) -> Result<&'a Arc<ResourceGroup>, ResourceError> {
    directory.find_group(name).ok_or_else(|| ResourceError::GroupNotFound { group: name.to_owned() })
}

/// Locations are compared as Azure does: `Central India` is `centralindia`.
fn place(location: &str) -> String {
    location.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect()
}
