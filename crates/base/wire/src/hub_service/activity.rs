//! What a hub knows of an identity's connection, beside its stored identity.

use roadstead_model::{DisconnectReason, Presence, UnixMillis};

/// Azure's "never". Source: `reference/hub-service.md` 1.4
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// The connection of a device or module as back ends see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    pub connected: bool,
    /// When `connected` last changed.
    pub connection_updated: Option<UnixMillis>,
    /// Why it is not connected; `None` also when nobody knows.
    pub disconnected_by: Option<DisconnectReason>,
    /// When the device last did anything.
    pub last_activity: Option<UnixMillis>,
    /// Messages that wait for the device.
    pub queued_messages: u32,
    /// The `PnP` model that it announced.
    pub model_id: Option<String>,
}

impl Activity {
    /// As the hub keeps it.
    pub fn of(presence: &Presence, queued_messages: u32) -> Self {
        Self {
            connected: presence.connected,
            connection_updated: presence.updated,
            disconnected_by: presence.reason,
            last_activity: presence.last_activity,
            queued_messages,
            model_id: presence.model_id.clone(),
        }
    }

    /// `Connected` or `Disconnected`.
    pub fn connection_state(&self) -> &'static str {
        if self.connected { "Connected" } else { "Disconnected" }
    }

    /// `keepAliveTimeout`. Not Azure's, which does not tell.
    pub(super) fn disconnect_reason(&self) -> Option<String> {
        self.disconnected_by.map(|reason| reason.as_str().to_owned())
    }
}

/// The time, or Azure's "never".
pub(super) fn iso(at: Option<UnixMillis>) -> String {
    at.map_or_else(|| NEVER.to_owned(), UnixMillis::iso)
}

/// The time, or Azure's "never" at the epoch: the model has no absent times.
pub(super) fn iso_unless_zero(at: UnixMillis) -> String {
    iso(Some(at).filter(|at| at.0 != 0))
}
