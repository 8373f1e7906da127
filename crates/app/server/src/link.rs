//! How DPS reaches hubs: those of this process directly, all others as any back end would.

mod local;
mod remote;

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use roadstead_config::Links as Settings;
use roadstead_dps::{DeviceSpec, HubAddress, HubLink, LinkError, TwinSnapshot};
use roadstead_hub::Hubs;
use roadstead_model::{Clock, DeviceId};

use local::LocalLink;
use remote::RemoteLink;

/// Links to every hub. Whether a hub is one of ours is decided at each call, as hubs come and go.
pub struct Links {
    local: LocalLink,
    remote: RemoteLink,
}

impl Links {
    /// Links to `hubs`, and to those of other servers. Errors: CA files that cannot be read.
    pub fn new(hubs: Arc<Hubs>, clock: Arc<dyn Clock>, settings: &Settings) -> Result<Self> {
        let remote = RemoteLink::new(&settings.ca_files, clock.clone()).context("links.ca_files")?;
        Ok(Self { local: LocalLink::new(hubs, clock), remote })
    }

    fn to(&self, hub: HubAddress<'_>) -> &dyn HubLink {
        if self.local.host_of(hub.host_name).is_some() { &self.local } else { &self.remote }
    }
}

#[async_trait]
impl HubLink for Links {
    async fn ensure_device(&self, hub: HubAddress<'_>, device: &DeviceSpec) -> Result<(), LinkError> {
        self.to(hub).ensure_device(hub, device).await
    }

    async fn take_twin(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        self.to(hub).take_twin(hub, device).await
    }

    async fn remove_device(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<(), LinkError> {
        self.to(hub).remove_device(hub, device).await
    }

    fn host_of(&self, name: &str) -> Option<String> {
        self.local.host_of(name)
    }

    async fn device_count(&self, hub: HubAddress<'_>) -> Result<u64, LinkError> {
        self.to(hub).device_count(hub).await
    }
}
