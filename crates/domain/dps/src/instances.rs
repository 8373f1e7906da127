//! All DPS instances of an installation.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use parking_lot::RwLock;
use roadstead_journal::Journal;
use roadstead_model::{Clock, IdScope, Random};
use roadstead_store::Records;

use crate::{
    error::DpsError,
    instance::{Instance, TrustObserver, TrustObservers},
    link::HubLink,
    webhook::AllocationWebhook,
};

/// Characters of a presented scope that a refusal repeats.
const SHOWN_SCOPE_CHARS_MAX: usize = 32;

/// What the provisioning service stands on.
#[derive(Clone)]
pub struct Ports {
    /// Where records are kept.
    pub records: Arc<dyn Records>,
    /// How hubs are reached.
    pub hubs: Arc<dyn HubLink>,
    /// How custom-allocation webhooks are called.
    pub webhooks: Arc<dyn AllocationWebhook>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys, etags and ids come from.
    pub random: Arc<dyn Random>,
    /// Where it is noted what happened to devices.
    pub journal: Arc<Journal>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Ports")
    }
}

/// All DPS instances, by ID scope and by host name.
pub struct Instances {
    ports: Ports,
    by_scope: RwLock<HashMap<IdScope, Arc<Instance>>>,
    refreshing: tokio::sync::Mutex<()>,
    heirs: Arc<TrustObservers>,
}

impl fmt::Debug for Instances {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.by_scope.read().keys()).finish()
    }
}

impl Instances {
    /// Reads what is stored.
    ///
    /// Errors: `Internal`.
    pub async fn open(ports: Ports) -> Result<Self, DpsError> {
        let instances = Self {
            ports,
            by_scope: RwLock::default(),
            refreshing: tokio::sync::Mutex::default(),
            heirs: Arc::default(),
        };
        instances.refresh().await?;
        Ok(instances)
    }

    /// What happened to the devices of all instances, and to those that named none of them.
    pub fn journal(&self) -> &Journal {
        &self.ports.journal
    }

    /// Names who is told when an instance's trust changes. The first to be named stays.
    pub fn observe_trust(&self, observer: Arc<dyn TrustObserver>) {
        let _ = self.heirs.set(observer);
    }

    /// The instance of an ID scope as a device presents it, in any case: `0ne00ABC123`.
    ///
    /// Errors: `UnknownScope`. Source: `reference/dps.md` 3.7 (recommendation)
    pub fn find(&self, scope: &str) -> Result<Arc<Instance>, DpsError> {
        let found = IdScope::parse(scope).ok().and_then(|scope| self.by_scope.read().get(&scope).cloned());
        found.ok_or_else(|| {
            let shown = scope.chars().flat_map(char::escape_debug).take(SHOWN_SCOPE_CHARS_MAX).collect();
            DpsError::UnknownScope { scope: shown }
        })
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<Arc<Instance>> {
        self.by_scope.read().values().cloned().collect()
    }

    /// The instance whose service endpoint has this host name, its own or Azure's, in any case: `plant-dps.localhost`.
    pub fn find_by_host(&self, host_name: &str) -> Option<Arc<Instance>> {
        let instances = self.by_scope.read();
        instances.values().find(|instance| instance.answers_to(host_name)).cloned()
    }

    /// Takes note of instances, links, policies and CA certificates that were made, changed or deleted. To be called after
    /// every such change; sends away the devices whose trust ended.
    ///
    /// Errors: `Internal`; what was known stays.
    pub async fn refresh(&self) -> Result<(), DpsError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let stored = self.ports.records.list_dps().await?;
        let scopes: HashSet<IdScope> = stored.iter().map(|dps| dps.id_scope.clone()).collect();
        for dps in stored {
            let known = self.by_scope.read().get(&dps.id_scope).cloned();
            if let Some(instance) = known {
                instance.refresh(dps).await?;
            } else {
                let instance = Instance::open(dps, self.ports.clone(), self.heirs.clone()).await?;
                self.by_scope.write().insert(instance.scope().clone(), Arc::new(instance));
            }
        }
        self.by_scope.write().retain(|scope, instance| {
            let stays = scopes.contains(scope);
            if !stays {
                instance.sessions.close_all("instance deleted");
            }
            stays
        });
        Ok(())
    }
}
