//! Everything an administrator made, as one snapshot in memory: what fronts look names up in.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use roadstead_model::{
    Assignment, CaCertificate, CertificateName, CertificateOwner, Dps, Guid, Hub, HubKey, IdScope, Login, Principal,
    PrincipalId, ResourceGroup, RoleScope,
};
use roadstead_store::{Records, StoreError};

use crate::change::Change;

/// A snapshot. Never changes; a later one is got from [`Resources::directory`](crate::Resources::directory).
/// Names of groups, hubs, instances and hosts are compared without case.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    groups: BTreeMap<String, Arc<ResourceGroup>>,
    hubs: BTreeMap<String, Arc<Hub>>,
    dps: BTreeMap<String, Arc<Dps>>,
    hubs_by_host: HashMap<String, Arc<Hub>>,
    hubs_by_key: HashMap<HubKey, Arc<Hub>>,
    dps_by_host: HashMap<String, Arc<Dps>>,
    dps_by_scope: HashMap<IdScope, Arc<Dps>>,
    certificates: HashMap<CertificateOwner, Arc<[CaCertificate]>>,
    principals: BTreeMap<PrincipalId, Arc<Principal>>,
    users: HashMap<String, Arc<Principal>>,
    assignments: BTreeMap<Guid, Arc<Assignment>>,
}

impl Directory {
    /// The hub that answers to this host name or alias: `plant.localhost`, without a port.
    pub fn find_hub_by_host(&self, host: &str) -> Option<&Arc<Hub>> {
        self.hubs_by_host.get(&*lower(host))
    }

    /// The hub of this key.
    pub fn find_hub_by_key(&self, key: HubKey) -> Option<&Arc<Hub>> {
        self.hubs_by_key.get(&key)
    }

    /// The hub of this name, in whichever resource group.
    pub fn find_hub_by_name(&self, name: &str) -> Option<&Arc<Hub>> {
        self.hubs.get(&*lower(name))
    }

    /// The hub of this name in this resource group.
    pub fn find_hub(&self, group: &str, name: &str) -> Option<&Arc<Hub>> {
        self.find_hub_by_name(name).filter(|hub| hub.group.as_str().eq_ignore_ascii_case(group))
    }

    /// The DPS instance of this ID scope.
    pub fn find_dps_by_scope(&self, scope: &IdScope) -> Option<&Arc<Dps>> {
        self.dps_by_scope.get(scope)
    }

    /// The DPS instance that back ends reach under this host name, its own or Azure's: `plant-dps.localhost`,
    /// without a port.
    pub fn find_dps_by_host(&self, host: &str) -> Option<&Arc<Dps>> {
        self.dps_by_host.get(&*lower(host))
    }

    /// The DPS instance of this name, in whichever resource group.
    pub fn find_dps_by_name(&self, name: &str) -> Option<&Arc<Dps>> {
        self.dps.get(&*lower(name))
    }

    /// The DPS instance of this name in this resource group.
    pub fn find_dps(&self, group: &str, name: &str) -> Option<&Arc<Dps>> {
        self.find_dps_by_name(name).filter(|dps| dps.group.as_str().eq_ignore_ascii_case(group))
    }

    /// The resource group of this name.
    pub fn find_group(&self, name: &str) -> Option<&Arc<ResourceGroup>> {
        self.groups.get(&*lower(name))
    }

    /// All resource groups, by name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Arc<ResourceGroup>> {
        self.groups.values()
    }

    /// All hubs, by name.
    pub fn hubs(&self) -> impl ExactSizeIterator<Item = &Arc<Hub>> {
        self.hubs.values()
    }

    /// All DPS instances, by name.
    pub fn dps(&self) -> impl ExactSizeIterator<Item = &Arc<Dps>> {
        self.dps.values()
    }

    /// The CA certificates of an owner in the order of their names; none for an unknown owner.
    pub fn certificates(&self, owner: &CertificateOwner) -> Arc<[CaCertificate]> {
        self.certificates.get(owner).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// One CA certificate. Names are compared without case, as all of Resource Manager's.
    pub fn find_certificate(&self, owner: &CertificateOwner, name: &str) -> Option<&CaCertificate> {
        self.certificates.get(owner)?.iter().find(|certificate| certificate.name.as_str().eq_ignore_ascii_case(name))
    }

    /// The user or service principal of this id.
    pub fn find_principal(&self, id: PrincipalId) -> Option<&Arc<Principal>> {
        self.principals.get(&id)
    }

    /// The user of this name.
    pub fn find_user(&self, name: &str) -> Option<&Arc<Principal>> {
        self.users.get(&*lower(name))
    }

    /// All users and service principals, by id. The installation's first one is not among them.
    pub fn principals(&self) -> impl ExactSizeIterator<Item = &Arc<Principal>> {
        self.principals.values()
    }

    /// All roles, by id.
    pub fn assignments(&self) -> impl Iterator<Item = &Arc<Assignment>> {
        self.assignments.values()
    }

    /// The role of this id.
    pub fn find_assignment(&self, id: Guid) -> Option<&Arc<Assignment>> {
        self.assignments.get(&id)
    }

    /// Reads everything there is.
    pub(crate) async fn load(records: &dyn Records) -> Result<Self, StoreError> {
        let mut directory = Self::default();
        for group in records.list_groups().await? {
            directory.put_group(group);
        }
        for hub in records.list_hubs().await? {
            let owner = CertificateOwner::Hub(hub.key);
            directory.put_hub(hub);
            directory.put_certificates(&owner, records.list_certificates(&owner).await?);
        }
        for dps in records.list_dps().await? {
            let owner = CertificateOwner::Dps(dps.id_scope.clone());
            directory.put_dps(dps);
            directory.put_certificates(&owner, records.list_certificates(&owner).await?);
        }
        for principal in records.list_principals().await? {
            directory.put_principal(principal);
        }
        for assignment in records.list_assignments().await? {
            directory.put_assignment(assignment);
        }
        Ok(directory)
    }

    /// What has to be told to get from `old` to this: what is gone first, then what is new or changed, then certificates.
    pub(crate) fn changes_since(&self, old: &Self) -> Vec<Change> {
        let gone = |key: &&HubKey| !self.hubs_by_key.contains_key(*key);
        let mut changes: Vec<Change> =
            old.hubs_by_key.keys().filter(gone).map(|key| Change::HubDeleted(*key)).collect();
        let gone = |scope: &&IdScope| !self.dps_by_scope.contains_key(*scope);
        changes.extend(old.dps_by_scope.keys().filter(gone).cloned().map(Change::DpsDeleted));
        let hubs = self.hubs.values().filter(|hub| old.hubs_by_key.get(&hub.key) != Some(hub));
        changes.extend(hubs.cloned().map(Change::HubPut));
        let dps = self.dps.values().filter(|dps| old.dps_by_scope.get(&dps.id_scope) != Some(dps));
        changes.extend(dps.cloned().map(Change::DpsPut));
        let certificates = self.certificates.iter().filter(|(owner, now)| old.certificates(owner) != **now);
        changes.extend(certificates.map(|(owner, now)| Change::CertificatesChanged(owner.clone(), now.clone())));
        changes
    }

    pub(crate) fn put_group(&mut self, group: ResourceGroup) {
        self.groups.insert(group.name.as_str().to_ascii_lowercase(), Arc::new(group));
    }

    pub(crate) fn remove_group(&mut self, name: &str) {
        self.groups.remove(&*lower(name));
        self.forget_roles(
            |scope| matches!(scope, RoleScope::Group(group) if group.as_str().eq_ignore_ascii_case(name)),
        );
    }

    pub(crate) fn put_hub(&mut self, hub: Hub) -> Arc<Hub> {
        self.forget_hub(hub.key);
        let hub = Arc::new(hub);
        self.hubs.insert(hub.name.as_str().to_ascii_lowercase(), hub.clone());
        self.hubs_by_key.insert(hub.key, hub.clone());
        for host in std::iter::once(&hub.host_name).chain(&hub.aliases) {
            self.hubs_by_host.insert(host.to_ascii_lowercase(), hub.clone());
        }
        hub
    }

    pub(crate) fn remove_hub(&mut self, key: HubKey) {
        self.forget_hub(key);
        self.forget_roles(|scope| *scope == RoleScope::Hub(key));
        self.certificates.remove(&CertificateOwner::Hub(key));
    }

    fn forget_hub(&mut self, key: HubKey) {
        if self.hubs_by_key.remove(&key).is_some() {
            self.hubs.retain(|_, hub| hub.key != key);
            self.hubs_by_host.retain(|_, hub| hub.key != key);
        }
    }

    pub(crate) fn put_dps(&mut self, dps: Dps) -> Arc<Dps> {
        self.forget_dps(&dps.id_scope);
        let dps = Arc::new(dps);
        self.dps.insert(dps.name.as_str().to_ascii_lowercase(), dps.clone());
        self.dps_by_scope.insert(dps.id_scope.clone(), dps.clone());
        for host in dps.host_names() {
            self.dps_by_host.insert(host.to_ascii_lowercase(), dps.clone());
        }
        dps
    }

    pub(crate) fn remove_dps(&mut self, scope: &IdScope) {
        self.forget_dps(scope);
        self.forget_roles(|of| matches!(of, RoleScope::Dps(of) if of == scope));
        self.certificates.remove(&CertificateOwner::Dps(scope.clone()));
    }

    fn forget_dps(&mut self, scope: &IdScope) {
        if self.dps_by_scope.remove(scope).is_some() {
            self.dps.retain(|_, dps| dps.id_scope != *scope);
            self.dps_by_host.retain(|_, dps| dps.id_scope != *scope);
        }
    }

    pub(crate) fn put_principal(&mut self, principal: Principal) -> Arc<Principal> {
        self.users.retain(|_, user| user.id != principal.id);
        let principal = Arc::new(principal);
        if let Login::User { name, .. } = &principal.login {
            self.users.insert(name.key(), principal.clone());
        }
        self.principals.insert(principal.id, principal.clone());
        principal
    }

    pub(crate) fn remove_principal(&mut self, id: PrincipalId) {
        self.principals.remove(&id);
        self.users.retain(|_, user| user.id != id);
        self.assignments.retain(|_, assignment| assignment.principal != id);
    }

    pub(crate) fn put_assignment(&mut self, assignment: Assignment) -> Arc<Assignment> {
        let assignment = Arc::new(assignment);
        self.assignments.insert(assignment.id, assignment.clone());
        assignment
    }

    pub(crate) fn remove_assignment(&mut self, id: Guid) {
        self.assignments.remove(&id);
    }

    fn forget_roles(&mut self, is_gone: impl Fn(&RoleScope) -> bool) {
        self.assignments.retain(|_, assignment| !is_gone(&assignment.scope));
    }

    /// Replaces all certificates of an owner.
    pub(crate) fn put_certificates(&mut self, owner: &CertificateOwner, mut certificates: Vec<CaCertificate>) {
        certificates.sort_by_key(|certificate| certificate.name.as_str().to_ascii_lowercase());
        self.certificates.insert(owner.clone(), certificates.into());
    }

    /// Replaces or adds one certificate of an owner.
    pub(crate) fn put_certificate(&mut self, owner: &CertificateOwner, certificate: CaCertificate) {
        let mut all = self.certificates_without(owner, &certificate.name);
        all.push(certificate);
        self.put_certificates(owner, all);
    }

    pub(crate) fn remove_certificate(&mut self, owner: &CertificateOwner, name: &CertificateName) {
        self.put_certificates(owner, self.certificates_without(owner, name));
    }

    fn certificates_without(&self, owner: &CertificateOwner, name: &CertificateName) -> Vec<CaCertificate> {
        self.certificates(owner).iter().filter(|certificate| certificate.name != *name).cloned().collect()
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}
