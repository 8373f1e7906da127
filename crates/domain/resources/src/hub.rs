//! Hubs: made, changed and deleted by administrators.

use std::sync::Arc;

use roadstead_model::{AccessPolicy, Etag, Hub, HubKey, HubName, HubSettings};
use roadstead_store::{Expect, Write};
use serde_json::{Map, Value};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    group::require_group,
    hub_settings::SettingsSpec,
    limits,
    naming::{HostNames, parse_hub_name},
    policy::{self, PolicySpec},
    resources::{Put, Resources, Turn, check_etag, check_kept, check_location, check_tags},
};

/// A hub as an administrator writes it. What is absent stays as it is, or takes its default in a new hub.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HubSpec {
    /// Default: the resource group's.
    pub location: Option<String>,
    /// Fixed once the hub is made.
    pub partition_count: Option<u16>,
    /// Days for which events are kept.
    pub retention_days: Option<u16>,
    /// All of them: one that is not named is deleted. Default: Azure's.
    pub policies: Option<Vec<PolicySpec>>,
    /// Given by the server only. Default: made from the hub's name, Azure's among them.
    pub host_names: Option<HostNames>,
    /// How it behaves.
    pub settings: SettingsSpec,
    /// Names to texts; replace what is there.
    pub tags: Map<String, Value>,
    /// Replace what is there. Members that are kept and given back without being understood.
    pub properties: Map<String, Value>,
}

impl Resources {
    /// Makes a hub, or changes the one of this name in this group. `etag`: only this version may be changed.
    ///
    /// Errors: `GroupNotFound`, `Name`, `NameLength`, `NameTaken`, `HostName`, `Value`, `PartitionsFixed`, `EtagMismatch`,
    /// `TooMany`, `Route`, and those of policies.
    pub async fn put_hub(
        &self,
        group: &str,
        name: &str,
        spec: HubSpec,
        etag: Option<&str>,
    ) -> Result<Put<Hub>, ResourceError> {
        check_hub_spec(&spec)?;
        let turn = self.turn().await;
        require_group(&turn.directory, group)?;
        let stored = turn.directory.find_hub(group, name).cloned();
        let mut hub = match &stored {
            Some(stored) => self.changed_hub(stored, &spec, etag)?,
            None => self.new_hub(&turn, group, name, &spec)?,
        };
        hub.settings = spec.settings.applied(hub.settings)?;
        hub.tags = spec.tags;
        hub.properties = spec.properties;
        check_host_names(&turn.directory, &hub)?;
        let expect = stored.as_ref().map_or(Expect::Absent, |stored| Expect::Etag(stored.etag.clone()));
        let mut next = Directory::clone(&turn.directory);
        let record = next.put_hub(hub.clone());
        self.commit(turn, vec![Write::PutHub(hub, expect)], next).await?;
        Ok(Put { record, created: stored.is_none() })
    }

    /// Gives a hub that is there other tags (`None`: the same), and leaves the rest of it as it is. `etag`: only this version
    /// may be changed.
    ///
    /// Errors: `GroupNotFound`, `NotFound`, `Value`, `TooMany`, `EtagMismatch`.
    pub async fn tag_hub(
        &self,
        group: &str,
        name: &str,
        tags: Option<Map<String, Value>>,
        etag: Option<&str>,
    ) -> Result<Arc<Hub>, ResourceError> {
        let turn = self.turn().await;
        let stored = require_hub(&turn.directory, group, name)?.clone();
        check_etag(Kind::Hub, name, etag, &stored.etag)?;
        let tags = tags.unwrap_or_else(|| stored.tags.clone());
        check_tags(&tags)?;
        let hub = Hub { tags, etag: Etag::fresh(&*self.random), ..Hub::clone(&stored) };
        let mut next = Directory::clone(&turn.directory);
        let record = next.put_hub(hub.clone());
        self.commit(turn, vec![Write::PutHub(hub, Expect::Etag(stored.etag.clone()))], next).await?;
        Ok(record)
    }

    fn new_hub(&self, turn: &Turn, group: &str, name: &str, spec: &HubSpec) -> Result<Hub, ResourceError> {
        let directory = &turn.directory;
        let name = parse_hub_name(name)?;
        if directory.hubs().len() >= limits::HUBS_MAX {
            return Err(ResourceError::TooMany { what: "hubs", max: limits::HUBS_MAX });
        }
        self.hub_name_is_free(directory, &name, spec.host_names.is_none())?;
        let group = require_group(directory, group)?;
        let host_names = match &spec.host_names {
            Some(given) => given.checked()?,
            None => self.naming.hub_host_names(&name),
        };
        let key = std::iter::repeat_with(|| HubKey::fresh(&*self.random))
            .find(|key| directory.find_hub_by_key(*key).is_none())
            .expect("there are more keys than hubs");
        let policies = match &spec.policies {
            Some(specs) => policy::written(Kind::Hub, specs, &*self.random)?,
            None => policy::hub_defaults(&*self.random),
        };
        Ok(Hub {
            key,
            name,
            host_name: host_names.host_name,
            aliases: host_names.aliases,
            group: group.name.clone(),
            location: spec.location.clone().unwrap_or_else(|| group.location.clone()),
            etag: Etag::fresh(&*self.random),
            created: self.clock.now(),
            partition_count: spec.partition_count.unwrap_or(limits::PARTITIONS_DEFAULT),
            retention_days: spec.retention_days.unwrap_or(limits::RETENTION_DAYS_DEFAULT),
            policies,
            settings: HubSettings::default(),
            consumer_groups: Vec::new(),
            tags: Map::new(),
            properties: Map::new(),
        })
    }

    fn changed_hub(&self, stored: &Hub, spec: &HubSpec, etag: Option<&str>) -> Result<Hub, ResourceError> {
        check_etag(Kind::Hub, stored.name.as_str(), etag, &stored.etag)?;
        if let Some(asked) = spec.partition_count.filter(|asked| *asked != stored.partition_count) {
            let hub = stored.name.to_string();
            return Err(ResourceError::PartitionsFixed { hub, has: stored.partition_count, asked });
        }
        let mut hub = Hub { etag: Etag::fresh(&*self.random), ..stored.clone() };
        if let Some(specs) = &spec.policies {
            hub.policies = policy::written(Kind::Hub, specs, &*self.random)?;
        }
        if let Some(given) = &spec.host_names {
            HostNames { host_name: hub.host_name, aliases: hub.aliases } = given.checked()?;
        }
        if let Some(location) = &spec.location {
            hub.location.clone_from(location);
        }
        hub.retention_days = spec.retention_days.unwrap_or(stored.retention_days);
        Ok(hub)
    }

    /// Whether a new hub may have this name: `None` when it may, else why not.
    pub fn hub_name_refusal(&self, name: &str) -> Option<ResourceError> {
        parse_hub_name(name).and_then(|name| self.hub_name_is_free(&self.directory(), &name, true)).err()
    }

    fn hub_name_is_free(&self, directory: &Directory, name: &HubName, derived: bool) -> Result<(), ResourceError> {
        let taken = |kind| Err(ResourceError::NameTaken { kind, name: name.to_string() });
        let HostNames { host_name, aliases } = self.naming.hub_host_names(name);
        let mut hosts = std::iter::once(&host_name).chain(&aliases);
        if directory.find_hub_by_name(name.as_str()).is_some()
            || (derived && hosts.any(|host| directory.find_hub_by_host(host).is_some()))
        {
            taken(Kind::Hub)
        } else if derived && directory.find_dps_by_host(&host_name).is_some() {
            taken(Kind::Dps)
        } else {
            Ok(())
        }
    }

    /// Deletes a hub with its devices, twins and certificates. Links of DPS instances to it stay, and fail.
    ///
    /// Errors: `GroupNotFound`, `NotFound`, `EtagMismatch`.
    pub async fn delete_hub(&self, group: &str, name: &str, etag: Option<&str>) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let hub = require_hub(&turn.directory, group, name)?.clone();
        check_etag(Kind::Hub, name, etag, &hub.etag)?;
        let mut next = Directory::clone(&turn.directory);
        next.remove_hub(hub.key);
        let batch = vec![Write::DeleteHub(hub.key, Expect::Etag(hub.etag.clone()))];
        self.commit(turn, batch, next).await
    }

    /// Hubs by name: of one resource group, or all. Errors: `GroupNotFound`.
    pub fn list_hubs(&self, group: Option<&str>) -> Result<Vec<Arc<Hub>>, ResourceError> {
        let directory = self.directory();
        group.map_or(Ok(()), |group| require_group(&directory, group).map(|_| ()))?;
        let wanted = |hub: &&Arc<Hub>| group.is_none_or(|group| hub.group.as_str().eq_ignore_ascii_case(group));
        Ok(directory.hubs().filter(wanted).cloned().collect())
    }

    /// The hub of this name in this group. Errors: `GroupNotFound`, `NotFound`.
    pub fn hub(&self, group: &str, name: &str) -> Result<Arc<Hub>, ResourceError> {
        require_hub(&self.directory(), group, name).cloned()
    }
}

pub(crate) fn require_hub<'a>(
    directory: &'a Directory,
    group: &str,
    name: &str,
) -> Result<&'a Arc<Hub>, ResourceError> {
    require_group(directory, group)?;
    let absent = || ResourceError::NotFound { kind: Kind::Hub, name: name.to_owned(), parent: group.to_owned() };
    directory.find_hub(group, name).ok_or_else(absent)
}

/// The policy of this name. Errors: `NotFound`.
pub fn require_policy<'a>(
    policies: &'a [AccessPolicy],
    key_name: &str,
    owner: &str,
) -> Result<&'a AccessPolicy, ResourceError> {
    policies.iter().find(|policy| policy.key_name.eq_ignore_ascii_case(key_name)).ok_or_else(|| {
        ResourceError::NotFound { kind: Kind::Policy, name: key_name.to_owned(), parent: owner.to_owned() }
    })
}

fn check_hub_spec(spec: &HubSpec) -> Result<(), ResourceError> {
    let in_range = |member, given: Option<u16>, allowed: std::ops::RangeInclusive<u16>| match given {
        Some(given) if !allowed.contains(&given) => Err(ResourceError::Value {
            member,
            given: given.to_string(),
            allowed: format!("{} to {}", allowed.start(), allowed.end()),
        }),
        _ => Ok(()),
    };
    in_range("partitionCount", spec.partition_count, limits::PARTITIONS)?;
    in_range("retentionTimeInDays", spec.retention_days, limits::RETENTION_DAYS)?;
    spec.location.as_deref().map_or(Ok(()), check_location)?;
    check_tags(&spec.tags)?;
    check_kept(&spec.properties)
}

/// No two hubs answer to one name. Errors: `NameTaken`.
fn check_host_names(directory: &Directory, hub: &Hub) -> Result<(), ResourceError> {
    let others = |host: &&String| directory.find_hub_by_host(host).is_some_and(|other| other.key != hub.key);
    match std::iter::once(&hub.host_name).chain(&hub.aliases).find(others) {
        Some(host) => Err(ResourceError::NameTaken { kind: Kind::Hub, name: host.clone() }),
        None => Ok(()),
    }
}
