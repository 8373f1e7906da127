//! How a device's connection fares.

use crate::connect_error::ConnectError;
use std::sync::Arc;

/// How a device's connection fares. The renewal of a SAS token is no change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// Connected.
    Connected {
        /// How often a lost connection was made anew until now.
        reconnects: u64,
    },
    /// Trying to connect again. Messages wait.
    Reconnecting {
        /// Tries since the connection was last held for a while, from 1.
        attempt: u32,
        /// Why the connection or the last try failed.
        cause: Arc<ConnectError>,
    },
    /// Over: the device was told to disconnect, or the hub refused it in a way that no further try can mend.
    Closed {
        /// What the hub said; nothing if the device was told to disconnect.
        cause: Option<Arc<ConnectError>>,
    },
}
