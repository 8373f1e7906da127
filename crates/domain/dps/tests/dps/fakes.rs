//! Stand-ins for the ports of DPS.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use roadstead_dps::{
    AllocationAnswer, AllocationRequest, AllocationWebhook, DeviceSpec, Ensure, HubAddress, HubLink, LinkError,
    TwinSnapshot, WebhookError,
};
use roadstead_model::{DeviceAuth, DeviceId, Webhook};
use tokio::sync::Semaphore;

/// A device on a hub in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct HubDevice {
    pub auth: DeviceAuth,
    pub twin: TwinSnapshot,
}

/// Hubs in memory. Every call gives way once, so that tests see what happens in between.
#[derive(Debug, Default)]
pub struct FakeHubs {
    devices: Mutex<BTreeMap<(String, String), HubDevice>>,
    faults: Mutex<BTreeMap<String, LinkError>>,
    mute: Mutex<BTreeSet<String>>,
    loads: Mutex<BTreeMap<String, u64>>,
    aliases: Mutex<BTreeMap<String, String>>,
    in_flight: Mutex<BTreeSet<(String, String)>>,
    pub writes: AtomicUsize,
    pub reads: AtomicUsize,
    /// How often a device was asked for while it was asked for already.
    pub overlaps: AtomicUsize,
}

impl FakeHubs {
    pub fn find(&self, hub: &str, device: &str) -> Option<HubDevice> {
        self.devices.lock().get(&(hub.to_owned(), device.to_owned())).cloned()
    }

    /// Host names of the hubs that have the device.
    pub fn hubs_of(&self, device: &str) -> Vec<String> {
        let devices = self.devices.lock();
        devices.keys().filter(|(_, id)| id == device).map(|(hub, _)| hub.clone()).collect()
    }

    pub fn change(&self, hub: &str, device: &str, change: impl FnOnce(&mut HubDevice)) {
        change(self.devices.lock().get_mut(&(hub.to_owned(), device.to_owned())).unwrap());
    }

    pub fn delete(&self, hub: &str, device: &str) {
        self.devices.lock().remove(&(hub.to_owned(), device.to_owned())).unwrap();
    }

    /// Lets every call to a hub fail so, or none.
    pub fn fail(&self, hub: &str, fault: Option<LinkError>) {
        match fault {
            Some(fault) => self.faults.lock().insert(hub.to_owned(), fault),
            None => self.faults.lock().remove(hub),
        };
    }

    /// Lets a hub never answer, or answer the calls to come.
    pub fn mute(&self, hub: &str, is_mute: bool) {
        let mut mute = self.mute.lock();
        if is_mute {
            mute.insert(hub.to_owned())
        } else {
            mute.remove(hub)
        };
    }

    /// Says of a hub that it has so many devices beside those placed here.
    pub fn load(&self, hub: &str, devices: u64) {
        self.loads.lock().insert(hub.to_owned(), devices);
    }

    /// Lets a hub answer to another name too.
    pub fn alias(&self, hub: &str, alias: &str) {
        self.aliases.lock().insert(alias.to_owned(), hub.to_owned());
    }

    async fn enter(&self, hub: HubAddress<'_>) -> Result<String, LinkError> {
        tokio::task::yield_now().await;
        if self.mute.lock().contains(hub.host_name) {
            std::future::pending::<()>().await;
        }
        match self.faults.lock().get(hub.host_name) {
            Some(fault) => Err(fault.clone()),
            None if hub.connection_string.is_none() => Err(LinkError::Unauthorized),
            None => Ok(hub.host_name.to_owned()),
        }
    }
}

#[async_trait]
impl HubLink for FakeHubs {
    async fn ensure_device(&self, hub: HubAddress<'_>, device: &DeviceSpec) -> Result<(), LinkError> {
        let key = (hub.host_name.to_owned(), device.id.as_str().to_owned());
        if !self.in_flight.lock().insert(key.clone()) {
            self.overlaps.fetch_add(1, Ordering::SeqCst);
        }
        let entered = self.enter(hub).await;
        self.in_flight.lock().remove(&key);
        entered?;
        let mut devices = self.devices.lock();
        self.reads.fetch_add(1, Ordering::SeqCst);
        let initial = TwinSnapshot {
            tags: device.initial_twin.tags.clone(),
            desired: device.initial_twin.desired.clone(),
            ..TwinSnapshot::default()
        };
        let stored = devices.get(&key).cloned();
        let twin = match (&device.ensure, stored.clone()) {
            (Ensure::Present, Some(_)) => return Ok(()),
            (Ensure::WithTwin(twin), _) => (**twin).clone(),
            (Ensure::Credentials, Some(stored)) => stored.twin,
            (Ensure::ResetTwin, _) | (Ensure::Present | Ensure::Credentials, None) => initial,
        };
        let fresh = HubDevice { auth: device.auth.clone(), twin: TwinSnapshot { iot_edge: device.iot_edge, ..twin } };
        if stored.as_ref() != Some(&fresh) {
            self.writes.fetch_add(1, Ordering::SeqCst);
            devices.insert(key, fresh);
        }
        Ok(())
    }

    async fn take_twin(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        let key = (self.enter(hub).await?, device.as_str().to_owned());
        Ok(self.devices.lock().get(&key).map(|device| device.twin.clone()))
    }

    async fn remove_device(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<(), LinkError> {
        let key = (self.enter(hub).await?, device.as_str().to_owned());
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.devices.lock().remove(&key);
        Ok(())
    }

    fn host_of(&self, name: &str) -> Option<String> {
        self.aliases.lock().get(&name.to_ascii_lowercase()).cloned()
    }

    async fn device_count(&self, hub: HubAddress<'_>) -> Result<u64, LinkError> {
        let hub = self.enter(hub).await?;
        let placed = self.devices.lock().keys().filter(|(of, _)| *of == hub).count() as u64;
        Ok(placed + self.loads.lock().get(&hub).copied().unwrap_or_default())
    }
}

/// A webhook that answers what it was told to, once it is let.
#[derive(Debug)]
pub struct FakeWebhook {
    answers: Mutex<VecDeque<Result<AllocationAnswer, WebhookError>>>,
    pub requests: Mutex<Vec<AllocationRequest>>,
    pub gate: Semaphore,
}

impl Default for FakeWebhook {
    fn default() -> Self {
        Self { answers: Mutex::default(), requests: Mutex::default(), gate: Semaphore::new(0) }
    }
}

impl FakeWebhook {
    /// Answers the next call so; the call may go on at once.
    pub fn answer(&self, answer: Result<AllocationAnswer, WebhookError>) {
        self.answers.lock().push_back(answer);
        self.gate.add_permits(1);
    }
}

#[async_trait]
impl AllocationWebhook for FakeWebhook {
    async fn allocate(
        &self,
        _webhook: &Webhook,
        request: &AllocationRequest,
        _timeout: Duration,
    ) -> Result<AllocationAnswer, WebhookError> {
        self.requests.lock().push(request.clone());
        self.gate.acquire().await.unwrap().forget();
        self.answers.lock().pop_front().unwrap()
    }
}
