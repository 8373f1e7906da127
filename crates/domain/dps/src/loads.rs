//! How many devices each hub has, as far as is known.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use roadstead_model::{LinkedHub, UnixMillis};
use tokio::{sync::oneshot, task::JoinHandle};
use tracing::warn;

use crate::{
    limits::{LOAD_BELIEVED_MS, LOAD_WAIT},
    link::{HubAddress, HubLink, own_name},
};

/// Numbers of devices, asked for now and then and counted on in between. A hub is asked by one at a time, and nobody waits
/// long for one that does not answer.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    by_hub: Mutex<HashMap<String, Load>>,
}

#[derive(Debug, Default)]
struct Load {
    /// `None` when the hub does not say, or was never asked.
    devices: Option<u64>,
    believed_until: Option<UnixMillis>,
    asking: Option<JoinHandle<()>>,
}

impl Loads {
    /// The load of each of `hubs`, in their order; `None` for one that cannot be asked.
    pub(crate) async fn of(
        self: &Arc<Self>,
        hubs: &[&LinkedHub],
        link: &Arc<dyn HubLink>,
        now: UnixMillis,
    ) -> Vec<Option<u64>> {
        let names: Vec<String> = hubs.iter().map(|hub| own_name(&**link, &hub.host_name)).collect();
        let asked: Vec<_> =
            names.iter().zip(hubs).filter_map(|(name, hub)| self.ask_if_unknown(name, hub, link, now)).collect();
        let all = async {
            for answer in asked {
                let _ = answer.await; // a hub that failed is one that does not say
            }
        };
        let _ = tokio::time::timeout(LOAD_WAIT, all).await; // who is late says it to the next one
        let loads = self.by_hub.lock();
        names.iter().map(|name| loads.get(name)?.devices).collect()
    }

    /// Counts a device that was just placed on the hub with this own name.
    pub(crate) fn add(&self, hub: &str) {
        if let Some(devices) = self.by_hub.lock().get_mut(hub).and_then(|load| load.devices.as_mut()) {
            *devices += 1;
        }
    }

    /// Asks in a task of its own; what is given back ends when the answer is there.
    fn ask_if_unknown(
        self: &Arc<Self>,
        name: &str,
        hub: &LinkedHub,
        link: &Arc<dyn HubLink>,
        now: UnixMillis,
    ) -> Option<oneshot::Receiver<()>> {
        let mut loads = self.by_hub.lock();
        let load = loads.entry(name.to_owned()).or_default();
        let is_believed = load.believed_until.is_some_and(|until| now < until);
        if is_believed || load.asking.as_ref().is_some_and(|task| !task.is_finished()) {
            return None;
        }
        let (done, answered) = oneshot::channel();
        let (this, link, name, secret) = (self.clone(), link.clone(), name.to_owned(), hub.connection_string.clone());
        load.asking = Some(tokio::spawn(async move {
            let address = HubAddress { host_name: &name, connection_string: Some(&secret) };
            let devices = link.device_count(address).await;
            let devices =
                devices.inspect_err(|error| warn!(hub = name, %error, "cannot count the devices of a linked hub"));
            if let Some(load) = this.by_hub.lock().get_mut(&name) {
                (load.devices, load.believed_until) = (devices.ok(), Some(now.plus_ms(LOAD_BELIEVED_MS)));
            }
            let _ = done.send(()); // nobody may be waiting any more
        }));
        Some(answered)
    }
}
