//! The port through which DPS reaches hubs, local or far.

use async_trait::async_trait;
use roadstead_model::{DeviceAuth, DeviceId, InitialTwin, Secret, Thumbprint};
use serde_json::{Map, Value};
use thiserror::Error;

/// A hub as DPS knows it.
#[derive(Debug, Clone, Copy)]
pub struct HubAddress<'a> {
    /// Lower case: `plant.localhost`.
    pub host_name: &'a str,
    /// `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`; `None` for a hub that is no longer linked.
    pub connection_string: Option<&'a Secret>,
}

/// A device identity that shall exist on a hub.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// The device's id on the hub.
    pub id: DeviceId,
    /// How the device shall prove itself. `CertificateAuthority { through }` names the enrollment group's certificate
    /// (SHA-256): a hub that cannot express it registers `leaf` as thumbprint instead.
    pub auth: DeviceAuth,
    /// SHA-256 of the certificate the device presented to DPS.
    pub leaf: Option<Thumbprint>,
    /// Whether the device is an IoT Edge device.
    pub iot_edge: bool,
    /// What a new twin starts with, and what [`Ensure::ResetTwin`] goes back to.
    pub initial_twin: InitialTwin,
    /// What becomes of a device that is there already.
    pub ensure: Ensure,
}

/// What becomes of a device that is there already. One that is missing is always created, enabled, with `auth`, `iot_edge`
/// and the initial twin (or the one given here). The status of an existing device is never touched.
#[derive(Debug, Clone, PartialEq)]
pub enum Ensure {
    /// It stays as it is: nothing changed since it was written. One read, no write.
    Present,
    /// `auth` and `iot_edge` are written where they differ; the twin stays.
    Credentials,
    /// As `Credentials`, and tags and desired properties become those of the initial twin, reported properties become empty.
    ResetTwin,
    /// As `Credentials`, and the twin becomes this one.
    WithTwin(Box<TwinSnapshot>),
}

/// A device's data on the way from one hub to another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TwinSnapshot {
    /// The twin's tags.
    pub tags: Map<String, Value>,
    /// Desired properties, without metadata.
    pub desired: Map<String, Value>,
    /// Reported properties, without metadata.
    pub reported: Map<String, Value>,
    /// Whether the device was an IoT Edge device.
    pub iot_edge: bool,
}

/// Why a hub did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The hub does not accept the link's credentials, or there are none.
    #[error("it refuses the credentials of its link to this DPS instance")]
    Unauthorized,
    /// There is no such hub.
    #[error("it does not exist")]
    NotFound,
    /// The hub cannot be asked now; later it may.
    #[error("it cannot be reached: {0}")]
    Unavailable(String),
    /// The hub is on another server, which does not answer as a hub does now. It is asked again for a while.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The hub says no, and will say so again: a quota, or a twin it does not take.
    #[error("it refuses: {0}")]
    Refused(String),
}

/// Hubs, as DPS needs them. Each call is durable when it returns `Ok`, and doing it again does no harm.
#[async_trait]
pub trait HubLink: Send + Sync {
    /// Makes sure that a device exists as stated, with identity and twin in one step.
    async fn ensure_device(&self, hub: HubAddress<'_>, device: &DeviceSpec) -> Result<(), LinkError>;
    /// Reads a device's twin and capabilities, to take them to another hub. `None` when there is no such device. Removes nothing.
    async fn take_twin(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError>;
    /// Removes a device and all it has there. Fine when there is none.
    async fn remove_device(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<(), LinkError>;
    /// The hub's own host name, lower case, for any name it answers to, in any case. `None` when that is not known here: then
    /// the hub has one name only.
    fn host_of(&self, name: &str) -> Option<String>;
    /// How many devices the hub has.
    async fn device_count(&self, hub: HubAddress<'_>) -> Result<u64, LinkError>;
}

/// The one name that stands for a hub, whichever of its names is given: names are compared in this form.
pub(crate) fn own_name(hubs: &dyn HubLink, name: &str) -> String {
    hubs.host_of(name).unwrap_or_else(|| name.to_ascii_lowercase())
}
