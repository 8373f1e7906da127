//! Consumer groups: who reads a hub's events together. `$Default` is always there, and cannot be deleted.

use roadstead_model::{ConsumerGroup, ConsumerGroupName, Hub};
use roadstead_store::{Expect, Write};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    hub::require_hub,
    limits,
    resources::{Resources, Turn},
};

impl Resources {
    /// Makes a consumer group; one that is there stays as it is.
    ///
    /// Errors: `GroupNotFound`, `NotFound` (the hub), `Name`, `TooMany`.
    pub async fn put_consumer_group(&self, group: &str, hub: &str, name: &str) -> Result<ConsumerGroup, ResourceError> {
        let turn = self.turn().await;
        let mut hub = Hub::clone(require_hub(&turn.directory, group, hub)?);
        if let Ok(known) = require_consumer_group(&hub, name) {
            return Ok(known);
        }
        if hub.consumer_groups.len() >= limits::CONSUMER_GROUPS_MAX {
            return Err(ResourceError::TooMany { what: "consumer groups", max: limits::CONSUMER_GROUPS_MAX });
        }
        let made = ConsumerGroup { name: ConsumerGroupName::parse(name)?, created: self.clock.now() };
        hub.consumer_groups.push(made.clone());
        hub.consumer_groups.sort_by_key(|group| group.name.as_str().to_ascii_lowercase());
        self.write_consumer_groups(turn, hub).await?;
        Ok(made)
    }

    /// Deletes a consumer group. Who reads in it now is not disturbed.
    ///
    /// Errors: `GroupNotFound`, `NotFound` (the hub, the consumer group), `Value` for `$Default`.
    pub async fn delete_consumer_group(&self, group: &str, hub: &str, name: &str) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let mut hub = Hub::clone(require_hub(&turn.directory, group, hub)?);
        let known = require_consumer_group(&hub, name)?;
        if known.name.as_str() == ConsumerGroupName::DEFAULT {
            let allowed = "another one: every hub keeps this".to_owned();
            return Err(ResourceError::Value { member: "consumerGroup", given: known.name.to_string(), allowed });
        }
        hub.consumer_groups.retain(|group| group.name != known.name);
        self.write_consumer_groups(turn, hub).await
    }

    /// They are no part of the hub that others see: its etag stays.
    async fn write_consumer_groups(&self, turn: Turn, hub: Hub) -> Result<(), ResourceError> {
        let expect = Expect::Etag(hub.etag.clone());
        let mut next = Directory::clone(&turn.directory);
        next.put_hub(hub.clone());
        self.commit(turn, vec![Write::PutHub(hub, expect)], next).await
    }
}

/// All consumer groups of a hub, the one that every hub has first.
pub fn consumer_groups(hub: &Hub) -> Vec<ConsumerGroup> {
    let default = ConsumerGroup { name: ConsumerGroupName::default_group(), created: hub.created };
    std::iter::once(default).chain(hub.consumer_groups.iter().cloned()).collect()
}

/// The consumer group of this name, in any letter case. Errors: `NotFound`.
pub fn require_consumer_group(hub: &Hub, name: &str) -> Result<ConsumerGroup, ResourceError> {
    let is_it = |group: &ConsumerGroup| group.name.as_str().eq_ignore_ascii_case(name);
    consumer_groups(hub).into_iter().find(is_it).ok_or_else(|| ResourceError::NotFound {
        kind: Kind::ConsumerGroup,
        name: name.to_owned(),
        parent: hub.name.to_string(),
    })
}
