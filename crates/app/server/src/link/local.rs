//! Links to the hubs of this process.

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_auth::Segment;
use roadstead_dps::{DeviceSpec, Ensure, HubAddress, HubLink, LinkError, TwinSnapshot};
use roadstead_hub::{Adopted, Hub, HubError, Hubs, IdentityRecord, Known};
use roadstead_model::{Clock, DeviceId, Right};
use roadstead_sas::ConnectionString;

/// Links to hubs in this process. The connection string of a link is judged as any back end's token would be, so a key that
/// was regenerated, or a policy without RegistryWrite, is refused here as it is in Azure.
pub struct LocalLink {
    hubs: Arc<Hubs>,
    clock: Arc<dyn Clock>,
}

impl LocalLink {
    /// Links to `hubs`.
    pub fn new(hubs: Arc<Hubs>, clock: Arc<dyn Clock>) -> Self {
        Self { hubs, clock }
    }

    fn open(&self, address: HubAddress<'_>) -> Result<Arc<Hub>, LinkError> {
        let hub = self.hubs.by_host(address.host_name).ok_or(LinkError::NotFound)?;
        let text = address.connection_string.ok_or(LinkError::Unauthorized)?;
        let parsed = ConnectionString::parse(text.expose()).map_err(|_| LinkError::Unauthorized)?;
        let key = parsed.shared_access_key.as_ref().ok_or(LinkError::Unauthorized)?;
        let expiry_s = self.clock.now().seconds().0 + 60;
        let token = roadstead_sas::sign(address.host_name, key, expiry_s, parsed.shared_access_key_name.as_deref());
        match hub.authorize(&token, &[Segment::AnyCase("devices")], Right::RegistryWrite) {
            Ok(_) => Ok(hub),
            Err(_) => Err(LinkError::Unauthorized),
        }
    }
}

#[async_trait]
impl HubLink for LocalLink {
    async fn ensure_device(&self, hub: HubAddress<'_>, device: &DeviceSpec) -> Result<(), LinkError> {
        let hub = self.open(hub)?;
        let spec = roadstead_hub::DeviceSpec {
            id: device.id.clone(),
            auth: device.auth.clone(),
            iot_edge: device.iot_edge,
            initial_twin: device.initial_twin.clone(),
            known: match &device.ensure {
                Ensure::Present => Known::Keep,
                Ensure::Credentials => Known::Credentials,
                Ensure::ResetTwin => Known::Reset,
                Ensure::WithTwin(twin) => {
                    let TwinSnapshot { tags, desired, reported, .. } = (**twin).clone();
                    Known::Adopt(Box::new(Adopted { tags, desired, reported }))
                }
            },
        };
        hub.ensure_device(&spec).await.map_err(refusal)
    }

    async fn take_twin(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        match self.open(hub)?.find_identity(&device.clone().into()).await {
            Ok(IdentityRecord { device, twin, .. }) => Ok(Some(TwinSnapshot {
                tags: twin.tags,
                desired: twin.desired.value,
                reported: twin.reported.value,
                iot_edge: device.iot_edge,
            })),
            Err(HubError::DeviceNotFound(_)) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    async fn remove_device(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<(), LinkError> {
        self.open(hub)?.release_device(device).await.map_err(refusal)
    }

    fn host_of(&self, name: &str) -> Option<String> {
        self.hubs.by_host(name).map(|hub| hub.resource().host_name.clone())
    }

    async fn device_count(&self, hub: HubAddress<'_>) -> Result<u64, LinkError> {
        Ok(self.open(hub)?.count_devices().await.map_err(refusal)?.total)
    }
}

fn refusal(error: HubError) -> LinkError {
    match error {
        HubError::TooManyDevices { .. } | HubError::Invalid(_) => LinkError::Refused(error.to_string()),
        HubError::Internal(cause) => {
            tracing::error!(%cause, "a hub could not be written to by provisioning");
            LinkError::Unavailable("internal error".to_owned())
        }
        other => LinkError::Unavailable(other.to_string()),
    }
}
