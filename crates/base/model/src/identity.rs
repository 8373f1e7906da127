//! Who an identity of a hub is: a device, or a module on it.

use std::fmt;

use crate::{
    clock::UnixMillis,
    device::DeviceAuth,
    disconnect_reason::DisconnectReason,
    etag::Etag,
    id::{DeviceId, GenerationId, IdError, ModuleId},
};

/// Names whatever has a twin and connects: a device, or one of its modules. Prints as `thermo-7` or `thermo-7/camera`,
/// which is unambiguous: neither id can contain a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId {
    pub device: DeviceId,
    pub module: Option<ModuleId>,
}

impl IdentityId {
    /// A module of a device.
    pub fn of_module(device: DeviceId, module: ModuleId) -> Self {
        Self { device, module: Some(module) }
    }

    /// Errors: either id is none.
    pub fn parse(device: &str, module: Option<&str>) -> Result<Self, IdError> {
        Ok(Self { device: DeviceId::parse(device)?, module: module.map(ModuleId::parse).transpose()? })
    }

    /// The text that [`fmt::Display`] prints, taken apart again.
    /// Errors: either id is none.
    pub fn from_text(text: &str) -> Result<Self, IdError> {
        match text.split_once('/') {
            Some((device, module)) => Self::parse(device, Some(module)),
            None => Self::parse(text, None),
        }
    }
}

impl From<DeviceId> for IdentityId {
    fn from(device: DeviceId) -> Self {
        Self { device, module: None }
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.module {
            Some(module) => write!(f, "{}/{module}", self.device),
            None => write!(f, "{}", self.device),
        }
    }
}

/// A module identity as a hub keeps it. It is as enabled as its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub device: DeviceId,
    pub id: ModuleId,
    pub generation: GenerationId,
    pub etag: Etag,
    pub auth: DeviceAuth,
    /// Who looks after the module: `IotEdge`, or any text.
    pub managed_by: Option<String>,
    pub created: UnixMillis,
}

impl Module {
    /// The module among all identities.
    pub fn identity(&self) -> IdentityId {
        IdentityId::of_module(self.device.clone(), self.id.clone())
    }
}

/// Whether an identity is connected, and what is known of its last connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presence {
    pub connected: bool,
    /// When `connected` changed last; `None` before the first connection.
    pub updated: Option<UnixMillis>,
    /// When the identity was last heard of.
    pub last_activity: Option<UnixMillis>,
    /// Why the last connection ended; `None` while connected, or when nobody knows.
    pub reason: Option<DisconnectReason>,
    /// The PnP model that the last connection announced.
    pub model_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in ["thermo-7", "thermo-7/camera", "edge/$edgeAgent"] {
            assert_eq!(IdentityId::from_text(text).unwrap().to_string(), text);
        }
        for bad in ["", "/", "a/", "/b", "a/b/c", "a b"] {
            assert!(IdentityId::from_text(bad).is_err(), "{bad}");
        }
    }
}
