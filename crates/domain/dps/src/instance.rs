//! One DPS instance.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use parking_lot::RwLock;
use roadstead_auth::{PolicyGrant, Segment, Trust, policy};
use roadstead_model::{CertificateOwner, Dps, EnrollmentGroup, IdScope, RegistrationId, Right, Thumbprint, UnixMillis};
use roadstead_store::{Expect, Page, Records, StoreError};

use crate::{
    certificate_index::CertificateIndex,
    error::DpsError,
    grouping::Grouping,
    instances::Ports,
    limits,
    loads::Loads,
    operation::Operations,
    session::{DpsSession, Sessions},
    tally::Tally,
    turn::Turns,
};

/// One DPS instance: what devices of its ID scope register with, and what back ends manage enrollments on.
pub struct Instance {
    scope: IdScope,
    pub(crate) ports: Ports,
    state: RwLock<Arc<Known>>,
    /// Held while enrollment groups are changed and while what is known is read again.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) certificates: CertificateIndex,
    pub(crate) loads: Arc<Loads>,
    pub(crate) operations: Operations,
    pub(crate) sessions: Sessions,
    pub(crate) turns: Arc<Turns>,
    pub(crate) tally: Tally,
    heirs: Arc<TrustObservers>,
}

/// Those who rest on what DPS instances trust: the hubs they are linked to.
#[async_trait]
pub trait TrustObserver: Send + Sync {
    /// Hears that [`Instance::trust`] is another now, before the change that led to it is answered.
    async fn trust_changed(&self, instance: &Instance);
}

pub(crate) type TrustObservers = OnceLock<Arc<dyn TrustObserver>>;

/// What an instance knows without asking: the resource and everything about groups.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) dps: Dps,
    pub(crate) grouping: Grouping,
}

impl fmt::Debug for Instance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Instance({})", self.scope)
    }
}

impl Instance {
    pub(crate) async fn open(dps: Dps, ports: Ports, heirs: Arc<TrustObservers>) -> Result<Self, DpsError> {
        let scope = dps.id_scope.clone();
        let known = Known::read(dps, &*ports.records).await?;
        Ok(Self {
            scope,
            ports,
            state: RwLock::new(Arc::new(known)),
            changing: tokio::sync::Mutex::default(),
            certificates: CertificateIndex::default(),
            loads: Arc::default(),
            operations: Operations::default(),
            sessions: Sessions::default(),
            turns: Arc::default(),
            tally: Tally::default(),
            heirs,
        })
    }

    /// The ID scope: `0ne00ABC123`.
    pub fn scope(&self) -> &IdScope {
        &self.scope
    }

    /// Whether the service endpoint has this host name, in any case.
    pub(crate) fn answers_to(&self, host_name: &str) -> bool {
        self.known().dps.host_names().iter().any(|own| own.eq_ignore_ascii_case(host_name))
    }

    /// The certificates on which its enrollment groups rest, for hubs that must judge the devices it places.
    pub fn trust(&self) -> Arc<Trust> {
        self.known().grouping.trust.clone()
    }

    /// Host names of the hubs it may place devices on.
    pub fn linked_hosts(&self) -> Vec<String> {
        self.known().dps.linked_hubs.iter().map(|link| link.host_name.clone()).collect()
    }

    /// Begins a device's connection.
    pub fn session(self: &Arc<Self>, registration_id: RegistrationId) -> DpsSession {
        DpsSession::open(self.clone(), registration_id)
    }

    /// Judges a back end's token for a path of the service API (`[AnyCase("enrollments"), AnyCase("dev-01")]`) and a right.
    ///
    /// Errors: `Unauthorized`. Source: `reference/dps.md` 4.1
    pub fn authorize(&self, token: &str, path: &[Segment<'_>], right: Right) -> Result<PolicyGrant, DpsError> {
        let known = self.known();
        let (names, now) = (known.dps.host_names(), self.now().seconds());
        Ok(policy::judge(token, names.iter().map(String::as_str), &known.dps.policies, path, right, now)?)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.ports.clock.now()
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        self.state.read().clone()
    }

    /// Takes note of a changed resource or changed CA certificates.
    pub(crate) async fn refresh(&self, dps: Dps) -> Result<(), DpsError> {
        let _changing = self.changing.lock().await;
        self.reread(dps).await
    }

    /// Takes note of changed groups. The caller holds `changing`.
    pub(crate) async fn reread_groups(&self) -> Result<(), DpsError> {
        self.reread(self.known().dps.clone()).await
    }

    async fn reread(&self, dps: Dps) -> Result<(), DpsError> {
        let fresh = Arc::new(Known::read(dps, &*self.ports.records).await?);
        let before = std::mem::replace(&mut *self.state.write(), fresh.clone());
        let trusted: Vec<Thumbprint> = fresh.grouping.trust.thumbprints().collect();
        let revoked: Vec<Thumbprint> =
            before.grouping.trust.thumbprints().filter(|print| !trusted.contains(print)).collect();
        if !revoked.is_empty() {
            self.sessions.close_paths(&revoked, "CA certificate revoked");
        }
        let changed = !revoked.is_empty() || trusted.len() != before.grouping.trust.thumbprints().count();
        match self.heirs.get() {
            Some(heirs) if changed => heirs.trust_changed(self).await,
            _ => {}
        }
        Ok(())
    }
}

impl Known {
    async fn read(dps: Dps, records: &dyn Records) -> Result<Self, StoreError> {
        let cas = records.list_certificates(&CertificateOwner::Dps(dps.id_scope.clone())).await?;
        let groups = read_groups(records, &dps.id_scope).await?;
        Ok(Self { grouping: Grouping::new(groups, &cas), dps })
    }
}

async fn read_groups(records: &dyn Records, scope: &IdScope) -> Result<Vec<EnrollmentGroup>, StoreError> {
    let mut groups = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = records.list_enrollment_groups(scope, after.as_deref(), limits::PAGE_ITEMS_MAX).await?;
        let Page { items, next } = page;
        groups.extend(items);
        if next.is_none() {
            return Ok(groups);
        }
        after = next;
    }
}

/// What a write of a record of this version wants to find.
pub(crate) fn unchanged(stored: Option<&roadstead_model::Etag>) -> Expect {
    stored.map_or(Expect::Absent, |etag| Expect::Etag(etag.clone()))
}
