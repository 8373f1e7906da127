//! Why a message was not acknowledged.

use crate::connect_error::ConnectError;
use crate::message::MessageError;
use std::sync::Arc;

/// Why a message was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It cannot be sent at all. The connection goes on.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The device is closed. Whether the hub has the message is not known.
    #[error("the device is closed{}", shown(cause.as_deref()))]
    Closed {
        /// Why, unless it was told to disconnect.
        cause: Option<Arc<ConnectError>>,
    },
}

fn shown(cause: Option<&ConnectError>) -> String {
    cause.map_or_else(String::new, |cause| format!(": {cause}"))
}
