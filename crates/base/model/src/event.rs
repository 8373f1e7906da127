//! What is appended to a hub's event log.

use crate::{id::GenerationId, properties::Properties};

/// What kind of event it is: the annotation `iothub-message-source`. The code is stored: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventSource {
    Telemetry = 0,
    TwinChange = 1,
    DeviceLifecycle = 2,
    DeviceConnectionState = 3,
    ModuleLifecycle = 4,
}

impl EventSource {
    /// The source with this stored code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Telemetry, Self::TwinChange, Self::DeviceLifecycle, Self::DeviceConnectionState, Self::ModuleLifecycle]
            .get(usize::from(code))
            .copied()
    }
}

/// How the sender proved itself: the annotation `iothub-connection-auth-method`. The code is stored: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AuthMethod {
    /// A token signed with the device's, or the module's, own key.
    DeviceSas = 0,
    /// A token signed with a key of one of the hub's policies.
    HubSas = 1,
    /// A certificate, by thumbprint or by CA.
    X509 = 2,
    /// The hub itself wrote the event.
    Hub = 3,
}

impl AuthMethod {
    /// The method with this stored code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::DeviceSas, Self::HubSas, Self::X509, Self::Hub].get(usize::from(code)).copied()
    }
}

/// One event on its way into the log. Borrows everything: the log copies it once, into the buffer that is written.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub source: EventSource,
    pub auth: AuthMethod,
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    pub generation: GenerationId,
    pub properties: &'a Properties,
    pub body: &'a [u8],
}
