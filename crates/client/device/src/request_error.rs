//! Why something that a device asked of its hub was not done.

use crate::connect_error::ConnectError;
use crate::limits::REQUEST_TIMEOUT;
use std::sync::Arc;

/// Why something that a device asked of its hub was not done. Its text says what to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The hub refused.
    #[error("the hub refused with {status}: {message}")]
    Refused {
        /// As in HTTP: 400, 404, 413, 429.
        status: u16,
        /// What the hub said.
        message: String,
    },
    /// The hub granted no subscription: it has no such feature for this device.
    #[error("the hub granted no subscription: this device may not use what was asked for")]
    NotGranted,
    /// No answer in time, reconnects included.
    #[error("the hub did not answer within {} s: ask again", REQUEST_TIMEOUT.as_secs())]
    Timeout,
    /// What was to be sent has no form in JSON.
    #[error("it cannot be written as JSON: {cause}")]
    Json {
        /// Why, in a few words.
        cause: String,
    },
    /// What was received is not what it should be.
    #[error("the hub's answer cannot be read: {cause}")]
    Odd {
        /// Why, in a few words.
        cause: String,
    },
    /// The device has disconnected, or the hub refused it.
    #[error("the connection is closed{}", cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default())]
    Closed {
        /// What the hub said; nothing if the device was told to disconnect.
        cause: Option<Arc<ConnectError>>,
    },
}
