//! How many devices each hub has, as far as is known.

use std::collections::HashMap;

use parking_lot::Mutex;
use roadstead_model::{LinkedHub, UnixMillis};
use tracing::warn;

use crate::{
    limits::LOAD_BELIEVED_MS,
    link::{HubAddress, HubLink, own_name},
};

/// Numbers of devices, asked for now and then and counted on in between.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    by_hub: Mutex<HashMap<String, Load>>,
}

#[derive(Debug, Clone, Copy)]
struct Load {
    devices: u64,
    at: UnixMillis,
}

impl Loads {
    /// The load of each of `hubs`, in their order; `None` for one that cannot be asked.
    pub(crate) async fn of(&self, hubs: &[&LinkedHub], link: &dyn HubLink, now: UnixMillis) -> Vec<Option<u64>> {
        let mut loads = Vec::with_capacity(hubs.len());
        for hub in hubs {
            let name = own_name(link, &hub.host_name);
            loads.push(match self.believed(&name, now) {
                Some(devices) => Some(devices),
                None => self.ask(name, hub, link, now).await,
            });
        }
        loads
    }

    /// Counts a device that was just placed on the hub with this own name.
    pub(crate) fn add(&self, hub: &str) {
        if let Some(load) = self.by_hub.lock().get_mut(hub) {
            load.devices += 1;
        }
    }

    fn believed(&self, hub: &str, now: UnixMillis) -> Option<u64> {
        let load = self.by_hub.lock().get(hub).copied()?;
        (now < load.at.plus_ms(LOAD_BELIEVED_MS)).then_some(load.devices)
    }

    async fn ask(&self, name: String, hub: &LinkedHub, link: &dyn HubLink, now: UnixMillis) -> Option<u64> {
        let address = HubAddress { host_name: &name, connection_string: Some(&hub.connection_string) };
        match link.device_count(address).await {
            Ok(devices) => {
                self.by_hub.lock().insert(name, Load { devices, at: now });
                Some(devices)
            }
            Err(error) => {
                warn!(hub = name, %error, "cannot count the devices of a linked hub");
                None
            }
        }
    }
}
