//! All hubs of an installation, by the names clients use.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use roadstead_model::HubKey;

use crate::hub::Hub;

/// Hubs by host name. Reading takes no lock.
#[derive(Debug, Default)]
pub struct Hubs {
    by_key: Mutex<HashMap<HubKey, Arc<Hub>>>,
    by_name: ArcSwap<HashMap<String, Arc<Hub>>>,
}

impl Hubs {
    /// No hubs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hub, or takes note of its new names.
    pub fn put(&self, hub: Arc<Hub>) {
        let mut by_key = self.by_key.lock();
        by_key.insert(hub.key(), hub);
        self.index(&by_key);
    }

    /// Takes a hub out. Its sessions are the caller's to close.
    pub fn remove(&self, key: HubKey) -> Option<Arc<Hub>> {
        let mut by_key = self.by_key.lock();
        let hub = by_key.remove(&key);
        self.index(&by_key);
        hub
    }

    /// The hub with this key.
    pub fn find(&self, key: HubKey) -> Option<Arc<Hub>> {
        self.by_key.lock().get(&key).cloned()
    }

    /// The hub that answers to this host name or alias, in any letter case, with or without a port.
    pub fn by_host(&self, host: &str) -> Option<Arc<Hub>> {
        let by_name = self.by_name.load();
        let name = host_of(host);
        by_name.get(name).or_else(|| by_name.get(&name.to_ascii_lowercase())).cloned()
    }

    /// Every hub, in no order.
    pub fn all(&self) -> Vec<Arc<Hub>> {
        self.by_key.lock().values().cloned().collect()
    }

    fn index(&self, by_key: &HashMap<HubKey, Arc<Hub>>) {
        let mut by_name = HashMap::new();
        for hub in by_key.values() {
            let resource = hub.resource();
            for name in resource.aliases.iter().chain([&resource.host_name]) {
                by_name.insert(name.to_ascii_lowercase(), hub.clone());
            }
        }
        self.by_name.store(Arc::new(by_name));
    }
}

/// `plant.localhost:8443` → `plant.localhost`, `[::1]:8443` → `::1`.
fn host_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => match host.split_once(':') {
            Some((name, port)) if !port.contains(':') => name,
            _ => host,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_brackets_are_not_part_of_a_name() {
        for (host, name) in [
            ("plant.localhost", "plant.localhost"),
            ("plant.localhost:8443", "plant.localhost"),
            ("127.0.0.1:443", "127.0.0.1"),
            ("[::1]:8443", "::1"),
            ("::1", "::1"),
            ("", ""),
        ] {
            assert_eq!(host_of(host), name, "{host}");
        }
    }
}
