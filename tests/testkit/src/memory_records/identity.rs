//! Devices and modules, and what each of them has.

use std::collections::BTreeMap;

use roadstead_model::{DeviceId, HubKey, IdentityId, Module, Presence, Subscription, Twin, UnixMillis};
use roadstead_store::{Expect, IdentityRecord};

use super::tables::{Tables, on_hub, write};

/// What belongs to one identity, or to a device and its modules, in any of the tables.
fn forget<V>(table: &mut BTreeMap<(HubKey, String), V>, hub: HubKey, id: &str) {
    table.retain(|(of, name), _| *of != hub || (name != id && !name.starts_with(&format!("{id}/"))));
}

impl Tables {
    fn is_known(&self, hub: HubKey, id: &IdentityId) -> bool {
        let key = (hub, id.to_string());
        self.devices.contains_key(&key) || self.modules.contains_key(&key)
    }

    pub(super) fn identity(&self, hub: HubKey, id: &str) -> Option<IdentityRecord> {
        let key = (hub, id.to_owned());
        let module = self.modules.get(&key).cloned();
        let device = self.devices.get(&(hub, id.split('/').next()?.to_owned()))?.clone();
        if id.contains('/') && module.is_none() {
            return None;
        }
        let queued = self.messages.get(&key).map_or(0, |messages| messages.len() as u32);
        let presence = self.presence.get(&key).cloned().unwrap_or_default();
        Some(IdentityRecord { device, module, twin: self.twins.get(&key)?.clone(), presence, queued })
    }

    pub(super) fn put_twin(&mut self, hub: HubKey, id: &IdentityId, twin: Twin, expect: &Expect) -> bool {
        let key = (hub, id.to_string());
        let stored = self.twins.get(&key).map(|twin| twin.version);
        let holds = match expect {
            Expect::Version(version) => stored == Some(*version),
            other => return write(&mut self.twins, key, Some(twin), other, |_| None),
        };
        if holds {
            self.twins.insert(key, twin);
        }
        holds
    }

    /// With its modules and all that belongs to them.
    pub(super) fn delete_device(&mut self, hub: HubKey, id: &DeviceId, expect: &Expect) -> bool {
        let done = write(&mut self.devices, on_hub(hub, id), None, expect, |d| Some(&d.etag));
        if done {
            forget(&mut self.modules, hub, id.as_str());
            forget(&mut self.twins, hub, id.as_str());
            forget(&mut self.subscriptions, hub, id.as_str());
            forget(&mut self.presence, hub, id.as_str());
            forget(&mut self.messages, hub, id.as_str());
            let is_of = |text: &str| {
                text.strip_prefix(id.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            self.twin_revisions.retain(|_, ((of, text), _)| *of != hub || !is_of(text));
        }
        done
    }

    /// Where its device is.
    pub(super) fn put_module(&mut self, hub: HubKey, module: Module, expect: &Expect) -> bool {
        let key = (hub, module.identity().to_string());
        self.devices.contains_key(&on_hub(hub, &module.device))
            && write(&mut self.modules, key, Some(module), expect, |m| Some(&m.etag))
    }

    /// With all that belongs to it.
    pub(super) fn delete_module(&mut self, hub: HubKey, id: &IdentityId, expect: &Expect) -> bool {
        let key = (hub, id.to_string());
        let done = id.module.is_some() && write(&mut self.modules, key, None, expect, |m| Some(&m.etag));
        if done {
            forget(&mut self.twins, hub, &id.to_string());
            forget(&mut self.subscriptions, hub, &id.to_string());
            forget(&mut self.presence, hub, &id.to_string());
            self.twin_revisions.retain(|_, (of, _)| *of != (hub, id.to_string()));
        }
        done
    }

    /// Passes over who is not there.
    pub(super) fn put_subscriptions(&mut self, hub: HubKey, id: &IdentityId, list: Vec<Subscription>) -> bool {
        let list = Some(list).filter(|list| !list.is_empty());
        !self.is_known(hub, id) || write(&mut self.subscriptions, (hub, id.to_string()), list, &Expect::Any, |_| None)
    }

    /// Likewise.
    pub(super) fn put_presence(&mut self, hub: HubKey, id: &IdentityId, presence: Presence) -> bool {
        if self.is_known(hub, id) {
            self.presence.insert((hub, id.to_string()), presence);
        }
        true
    }

    /// Likewise.
    pub(super) fn put_activity(&mut self, hub: HubKey, heard: Vec<(IdentityId, UnixMillis)>) -> bool {
        for (id, at) in heard {
            if let Some(presence) = self.presence.get_mut(&(hub, id.to_string())) {
                presence.last_activity = Some(at);
            }
        }
        true
    }
}
