//! What is counted.

/// What is counted of a hub or a DPS instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Devices and modules that are connected.
    ConnectedDevices,
    /// Devices that there are.
    Devices,
    /// Messages that devices tried to send.
    TelemetryAttempts,
    /// Messages from devices that were taken.
    Telemetry,
    /// Refused registrations, connections and messages.
    Refusals,
    /// Devices that tried to prove who they are, to register or to ask how that went.
    Attestations,
    /// Devices that asked to be registered.
    Registrations,
    /// Devices that were given a hub.
    Assignments,
}

/// How readings become values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Is what it is at the moment.
    Level,
    /// Only ever grows; what counts is by how much.
    Count,
}

impl Metric {
    pub fn nature(self) -> Nature {
        match self {
            Self::ConnectedDevices | Self::Devices => Nature::Level,
            _ => Nature::Count,
        }
    }
}
