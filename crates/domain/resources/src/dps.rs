//! DPS instances: made, changed and deleted by administrators.

use std::sync::Arc;

use roadstead_model::{AllocationPolicy, Dps, DpsName, Etag, IdScope};
use roadstead_store::{EnrollmentCounts, Expect, Write};
use serde_json::{Map, Value};

use crate::{
    directory::Directory,
    error::{Kind, ResourceError},
    group::require_group,
    limits,
    linked_hub::{self, LinkSpec},
    naming::{HostNames, parse_dps_name},
    policy::{self, PolicySpec},
    resources::{Put, Resources, check_etag, check_kept, check_location, check_tags},
};

/// A DPS instance as an administrator writes it. What is absent stays as it is, or takes its default in a new instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DpsSpec {
    /// Default: the resource group's.
    pub location: Option<String>,
    /// Default: hashed. Custom allocation is a matter of enrollments.
    pub allocation_policy: Option<AllocationPolicy>,
    /// Default: none.
    pub linked_hubs: Option<Vec<LinkSpec>>,
    /// All of them: one that is not named is deleted. Default: Azure's.
    pub policies: Option<Vec<PolicySpec>>,
    /// Given by the server only, and may then be a hub's too. Default: made from the instance's name.
    pub host_name: Option<String>,
    /// Names to texts; replace what is there.
    pub tags: Map<String, Value>,
    /// Replace what is there. Members that are kept and given back without being understood.
    pub properties: Map<String, Value>,
}

impl Resources {
    /// Makes a DPS instance, or changes the one of this name in this group. `etag`: only this version may be changed.
    ///
    /// Errors: `GroupNotFound`, `Name`, `NameLength`, `NameTaken`, `HostName`, `Value`, `EtagMismatch`, `TooMany`, and those of
    /// policies and links.
    pub async fn put_dps(
        &self,
        group: &str,
        name: &str,
        spec: DpsSpec,
        etag: Option<&str>,
    ) -> Result<Put<Dps>, ResourceError> {
        check_dps_spec(&spec)?;
        let turn = self.turn().await;
        let directory = &turn.directory;
        require_group(directory, group)?;
        let stored = directory.find_dps(group, name).cloned();
        let mut dps = match &stored {
            Some(stored) => self.changed_dps(stored, &spec, etag)?,
            None => self.new_dps(directory, group, name, &spec)?,
        };
        if let Some(links) = &spec.linked_hubs {
            dps.linked_hubs = linked_hub::resolve(links, &dps.linked_hubs, directory, &dps.location)?;
        }
        dps.tags = spec.tags;
        dps.properties = spec.properties;
        let others =
            |host: &String| directory.find_dps_by_host(host).is_some_and(|other| other.id_scope != dps.id_scope);
        if let Some(name) = dps.host_names().into_iter().find(others) {
            return Err(ResourceError::NameTaken { kind: Kind::Dps, name });
        }
        let expect = stored.as_ref().map_or(Expect::Absent, |stored| Expect::Etag(stored.etag.clone()));
        let mut next = Directory::clone(directory);
        let record = next.put_dps(dps.clone());
        self.commit(turn, vec![Write::PutDps(dps, expect)], next).await?;
        Ok(Put { record, created: stored.is_none() })
    }

    /// Gives a DPS instance that is there other tags (`None`: the same), and leaves the rest of it as it is. `etag`: only this
    /// version may be changed.
    ///
    /// Errors: `GroupNotFound`, `NotFound`, `Value`, `TooMany`, `EtagMismatch`.
    pub async fn tag_dps(
        &self,
        group: &str,
        name: &str,
        tags: Option<Map<String, Value>>,
        etag: Option<&str>,
    ) -> Result<Arc<Dps>, ResourceError> {
        let turn = self.turn().await;
        let stored = require_dps(&turn.directory, group, name)?.clone();
        check_etag(Kind::Dps, name, etag, &stored.etag)?;
        let tags = tags.unwrap_or_else(|| stored.tags.clone());
        check_tags(&tags)?;
        let dps = Dps { tags, etag: Etag::fresh(&*self.random), ..Dps::clone(&stored) };
        let mut next = Directory::clone(&turn.directory);
        let record = next.put_dps(dps.clone());
        self.commit(turn, vec![Write::PutDps(dps, Expect::Etag(stored.etag.clone()))], next).await?;
        Ok(record)
    }

    fn new_dps(&self, directory: &Directory, group: &str, name: &str, spec: &DpsSpec) -> Result<Dps, ResourceError> {
        let name = parse_dps_name(name)?;
        if directory.dps().len() >= limits::DPS_MAX {
            return Err(ResourceError::TooMany { what: "DPS instances", max: limits::DPS_MAX });
        }
        self.dps_name_is_free(directory, &name, spec.host_name.is_none())?;
        let group = require_group(directory, group)?;
        let id_scope = std::iter::repeat_with(|| IdScope::fresh(&*self.random))
            .find(|scope| directory.find_dps_by_scope(scope).is_none())
            .expect("there are more ID scopes than instances");
        let policies = match &spec.policies {
            Some(specs) => policy::written(Kind::Dps, specs, &*self.random)?,
            None => policy::dps_defaults(&*self.random),
        };
        Ok(Dps {
            id_scope,
            host_name: spec.host_name.as_deref().map_or_else(|| Ok(self.naming.dps_host(&name)), checked_host)?,
            name,
            group: group.name.clone(),
            location: spec.location.clone().unwrap_or_else(|| group.location.clone()),
            etag: Etag::fresh(&*self.random),
            created: self.clock.now(),
            allocation_policy: spec.allocation_policy.unwrap_or_default(),
            linked_hubs: Vec::new(),
            policies,
            tags: Map::new(),
            properties: Map::new(),
        })
    }

    fn changed_dps(&self, stored: &Dps, spec: &DpsSpec, etag: Option<&str>) -> Result<Dps, ResourceError> {
        check_etag(Kind::Dps, stored.name.as_str(), etag, &stored.etag)?;
        let mut dps = Dps { etag: Etag::fresh(&*self.random), ..stored.clone() };
        if let Some(specs) = &spec.policies {
            dps.policies = policy::written(Kind::Dps, specs, &*self.random)?;
        }
        if let Some(host) = &spec.host_name {
            dps.host_name = checked_host(host)?;
        }
        if let Some(location) = &spec.location {
            dps.location.clone_from(location);
        }
        dps.allocation_policy = spec.allocation_policy.unwrap_or(stored.allocation_policy);
        Ok(dps)
    }

    /// Whether a new DPS instance may have this name: `None` when it may, else why not.
    pub fn dps_name_refusal(&self, name: &str) -> Option<ResourceError> {
        parse_dps_name(name).and_then(|name| self.dps_name_is_free(&self.directory(), &name, true)).err()
    }

    fn dps_name_is_free(&self, directory: &Directory, name: &DpsName, derived: bool) -> Result<(), ResourceError> {
        let taken = |kind| Err(ResourceError::NameTaken { kind, name: name.to_string() });
        let host = self.naming.dps_host(name);
        if directory.find_dps_by_name(name.as_str()).is_some()
            || (derived && directory.find_dps_by_host(&host).is_some())
        {
            taken(Kind::Dps)
        } else if derived && directory.find_hub_by_host(&host).is_some() {
            taken(Kind::Hub)
        } else {
            Ok(())
        }
    }

    /// Deletes a DPS instance with its enrollments, registrations and certificates.
    ///
    /// Errors: `GroupNotFound`, `NotFound`, `EtagMismatch`.
    pub async fn delete_dps(&self, group: &str, name: &str, etag: Option<&str>) -> Result<(), ResourceError> {
        let turn = self.turn().await;
        let dps = require_dps(&turn.directory, group, name)?.clone();
        check_etag(Kind::Dps, name, etag, &dps.etag)?;
        let mut next = Directory::clone(&turn.directory);
        next.remove_dps(&dps.id_scope);
        let batch = vec![Write::DeleteDps(dps.id_scope.clone(), Expect::Etag(dps.etag.clone()))];
        self.commit(turn, batch, next).await
    }

    /// How much is in a DPS instance. Errors: `Unavailable`, `Internal`.
    pub async fn count_enrollments(&self, dps: &IdScope) -> Result<EnrollmentCounts, ResourceError> {
        Ok(self.records().count_enrollments(dps).await?)
    }

    /// DPS instances by name: of one resource group, or all. Errors: `GroupNotFound`.
    pub fn list_dps(&self, group: Option<&str>) -> Result<Vec<Arc<Dps>>, ResourceError> {
        let directory = self.directory();
        group.map_or(Ok(()), |group| require_group(&directory, group).map(|_| ()))?;
        let wanted = |dps: &&Arc<Dps>| group.is_none_or(|group| dps.group.as_str().eq_ignore_ascii_case(group));
        Ok(directory.dps().filter(wanted).cloned().collect())
    }

    /// The DPS instance of this name in this group. Errors: `GroupNotFound`, `NotFound`.
    pub fn dps(&self, group: &str, name: &str) -> Result<Arc<Dps>, ResourceError> {
        require_dps(&self.directory(), group, name).cloned()
    }
}

pub(crate) fn require_dps<'a>(
    directory: &'a Directory,
    group: &str,
    name: &str,
) -> Result<&'a Arc<Dps>, ResourceError> {
    require_group(directory, group)?;
    let absent = || ResourceError::NotFound { kind: Kind::Dps, name: name.to_owned(), parent: group.to_owned() };
    directory.find_dps(group, name).ok_or_else(absent)
}

fn checked_host(host: &str) -> Result<String, ResourceError> {
    let names = HostNames { host_name: host.to_owned(), aliases: Vec::new() };
    Ok(names.checked()?.host_name)
}

fn check_dps_spec(spec: &DpsSpec) -> Result<(), ResourceError> {
    if spec.allocation_policy == Some(AllocationPolicy::Custom) {
        return Err(ResourceError::Value {
            member: "allocationPolicy",
            given: "Custom".to_owned(),
            allowed: "Hashed, GeoLatency or Static; custom allocation is set on enrollments".to_owned(),
        });
    }
    spec.location.as_deref().map_or(Ok(()), check_location)?;
    check_tags(&spec.tags)?;
    check_kept(&spec.properties)
}
