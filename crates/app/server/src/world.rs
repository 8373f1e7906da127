//! Opens and closes what administrators make and delete: hubs, DPS instances, names.

use std::sync::Arc;

use anyhow::{Context, Result};
use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use roadstead_auth::Trust;
use roadstead_dps::{Instance, Instances, TrustObserver};
use roadstead_hub::{CloseReason, Hub, HubParts, Hubs, UploadKey, UploadParts};
use roadstead_journal::Journal;
use roadstead_model::{CertificateOwner, Clock, Dps, Hub as HubResource, HubKey, LinkedHub, Random, Thumbprint};
use roadstead_resources::{Change, Observer, Resources};
use roadstead_store::{Blobs, EventLog, Records, Retention, Write};
use tracing::{error, info, warn};

use crate::names::Names;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The observer of all resources.
pub struct World {
    pub hubs: Arc<Hubs>,
    pub dps: Arc<Instances>,
    pub names: Arc<Names>,
    pub records: Arc<dyn Records>,
    pub log: Arc<dyn EventLog>,
    pub blobs: Arc<dyn Blobs>,
    /// What the keys that sign uploads are made of.
    pub upload_secret: [u8; 32],
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub journal: Arc<Journal>,
    /// Bytes of events kept for each hub.
    pub hub_bytes_max: u64,
    /// Known once they are open: their opening already tells of changes.
    pub resources: ArcSwapOption<Resources>,
    /// Held while a hub's trust is read and set, so that an older list never replaces a newer one.
    pub renewing: tokio::sync::Mutex<()>,
    /// Held while remains of deleted hubs are removed.
    pub removing: tokio::sync::Mutex<()>,
}

#[async_trait]
impl Observer for World {
    async fn changed(&self, change: &Change) {
        if let Err(cause) = self.follow(change).await {
            error!("a change of resources could not be followed: {cause:#}");
        }
    }
}

impl World {
    async fn follow(&self, change: &Change) -> Result<()> {
        match change {
            Change::HubPut(hub) => self.put_hub(hub).await?,
            Change::HubDeleted(key) => self.delete_hub(*key).await?,
            Change::DpsPut(dps) => {
                self.dps.refresh().await?;
                self.names.add(dps.host_names().iter().map(String::as_str))?;
                self.renew_linked(dps).await?;
            }
            Change::CertificatesChanged(CertificateOwner::Hub(key), _) => self.renew(*key).await?,
            Change::DpsDeleted(_) | Change::CertificatesChanged(CertificateOwner::Dps(_), _) => {
                self.dps.refresh().await?;
                self.renew_all().await?;
            }
        }
        Ok(())
    }

    async fn put_hub(&self, resource: &Arc<HubResource>) -> Result<()> {
        self.names.add(std::iter::once(&resource.host_name).chain(&resource.aliases).map(String::as_str))?;
        let age_ms = i64::from(resource.retention_days) * DAY_MS;
        let retention = Retention { age_ms, bytes_max: self.hub_bytes_max };
        let log = self
            .log
            .open(resource.key, resource.partition_count, retention)
            .await
            .with_context(|| format!("the event log of hub `{}`", resource.name))?;
        if let Some(hub) = self.hubs.find(resource.key) {
            hub.set_resource(resource.clone());
            self.hubs.put(hub);
            return Ok(());
        }
        let (records, clock, random) = (self.records.clone(), self.clock.clone(), self.random.clone());
        let journal = self.journal.clone();
        let trust = self.trust_of(resource.key).await?;
        let hub = Hub::new(resource.clone(), trust, HubParts { records, log, clock, random, journal });
        let key = UploadKey::derive(&self.upload_secret, &resource.key.to_string());
        hub.set_uploads(UploadParts { blobs: self.blobs.clone(), key });
        self.hubs.put(hub);
        info!(hub = %resource.name, host = resource.host_name, "hub open");
        Ok(())
    }

    async fn delete_hub(&self, key: HubKey) -> Result<()> {
        if let Some(hub) = self.hubs.remove(key) {
            hub.close(CloseReason::HubDeleted);
        }
        self.remove_remains().await
    }

    /// Removes events and files of hubs that were deleted, now or before a crash. What could not be removed is tried again at
    /// the next call.
    ///
    /// Only what a deletion left a note of goes: a hub that the database does not know may be one that a restored copy of it
    /// will know again.
    pub async fn remove_remains(&self) -> Result<()> {
        let _one_at_a_time = self.removing.lock().await;
        let deleted = self.records.list_deleted_hubs().await?;
        // One that is open yet is told to close before its data goes.
        for key in deleted.into_iter().filter(|key| self.hubs.find(*key).is_none()) {
            if let Err(cause) = self.remove_remains_of(key).await {
                warn!(hub = %key, "events and files of a deleted hub could not be removed, which is tried again: {cause:#}");
            }
        }
        Ok(())
    }

    async fn remove_remains_of(&self, key: HubKey) -> Result<()> {
        self.log.remove(key).await?;
        self.blobs.delete_hub(key).await?;
        Ok(self.records.commit(vec![Write::ForgetDeletedHub(key)]).await?)
    }

    async fn renew_linked(&self, dps: &Dps) -> Result<()> {
        for link in &dps.linked_hubs {
            if let Some(hub) = self.hubs.by_host(&link.host_name) {
                self.renew(hub.resource().key).await?;
            }
        }
        Ok(())
    }

    /// Gives every hub the trust it should have now.
    pub async fn renew_all(&self) -> Result<()> {
        for hub in self.hubs.all() {
            self.renew(hub.resource().key).await?;
        }
        Ok(())
    }

    async fn renew(&self, key: HubKey) -> Result<()> {
        let _one_at_a_time = self.renewing.lock().await;
        let Some(hub) = self.hubs.find(key) else { return Ok(()) };
        let (before, now) = (hub.trust(), self.trust_of(key).await?);
        let kept: Vec<Thumbprint> = now.thumbprints().collect();
        let revoked: Vec<Thumbprint> = before.thumbprints().filter(|digest| !kept.contains(digest)).collect();
        hub.set_trust(now, &revoked);
        Ok(())
    }

    /// A hub believes its own verified CAs and, for devices that came through DPS, those of the instances it is linked to.
    async fn trust_of(&self, key: HubKey) -> Result<Arc<Trust>> {
        let uploaded = self.records.list_certificates(&CertificateOwner::Hub(key)).await?;
        let own = Trust::new(&uploaded, []);
        let Some(resources) = self.resources.load_full() else { return Ok(Arc::new(own)) };
        let directory = resources.directory();
        let leads_here =
            |link: &LinkedHub| directory.find_hub_by_host(&link.host_name).is_some_and(|hub| hub.key == key);
        let is_linked = |dps: &&Arc<Dps>| dps.linked_hubs.iter().any(leads_here);
        let linked: Vec<Arc<Trust>> = directory
            .dps()
            .filter(is_linked)
            .filter_map(|dps| self.dps.find(dps.id_scope.as_str()).ok())
            .map(|instance| instance.trust())
            .collect();
        Ok(Arc::new(own.with_linked(linked.iter().map(|trust| &**trust))))
    }
}

#[async_trait]
impl TrustObserver for World {
    async fn trust_changed(&self, instance: &Instance) {
        for host in instance.linked_hosts() {
            let Some(hub) = self.hubs.by_host(&host) else { continue };
            if let Err(cause) = self.renew(hub.resource().key).await {
                error!(%host, "a hub could not take over what its DPS instance trusts: {cause:#}");
            }
        }
    }
}
