//! Why a connection ended: for the log, since MQTT 3.1.1 has no word for it on the wire.

use std::io;

use roadstead_hub::{CloseReason, HubError};
use roadstead_model::DisconnectReason;
use roadstead_mqtt_proto::{DecodeError, FrameError, PacketType};
use thiserror::Error;

use crate::Caller;

pub(crate) use roadstead_front_transport::shown;

#[derive(Debug, Error)]
pub(crate) enum End {
    #[error("the client said goodbye")]
    Disconnected,
    #[error("the client was refused: {0}")]
    Refused(String),
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    #[error("the client closed without DISCONNECT")]
    Closed,
    #[error("not MQTT: {0}")]
    Frame(#[from] FrameError),
    #[error("not MQTT 3.1.1: {0}")]
    Decode(#[from] DecodeError),
    #[error("a client may not send {0:?} at this point")]
    Unexpected(PacketType),
    #[error("the first packet is not CONNECT")]
    NotConnect,
    #[error("no CONNECT within {} s", crate::limits::CONNECT_WAIT.as_secs())]
    NoConnect,
    #[error("nothing was heard for {silence_s} s, keep-alive is {keep_alive_s} s")]
    Silent { silence_s: u64, keep_alive_s: u16 },
    #[error("the client did not read what it was sent for {} s", crate::limits::WRITE_WAIT.as_secs())]
    NotReading,
    #[error("QoS 2 is not supported by IoT Hub; publish with QoS 0 or 1")]
    QosTwo,
    #[error("topic `{0}` is not one a device may publish to; telemetry goes to devices/<device id>/messages/events/")]
    WrongTopic(String),
    #[error("topic filter `{0}` is not one a device may subscribe to")]
    WrongFilter(String),
    #[error("the token expired {0} s ago and was not renewed")]
    TokenExpired(i64),
    #[error("the hub closed the session: {0}")]
    ClosedByHub(CloseReason),
    #[error("the device asked for this fault")]
    Fault,
    #[error("DPS closed the session: {0}")]
    Revoked(&'static str),
    #[error("more than {} requests on one DPS connection", crate::limits::DPS_REQUESTS_MAX)]
    TooManyRequests,
    #[error("the DPS connection was open for {} s", crate::limits::DPS_SESSION.as_secs())]
    TooLong,
    #[error(transparent)]
    Hub(HubError),
}

impl From<HubError> for End {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Closed(reason) => Self::ClosedByHub(reason),
            error => Self::Hub(error),
        }
    }
}

impl End {
    /// What back ends are told of it.
    pub(crate) fn disconnect_reason(&self) -> DisconnectReason {
        match self {
            Self::Disconnected => DisconnectReason::ClientClosed,
            Self::Lost(_) | Self::Closed => DisconnectReason::ConnectionLost,
            Self::Silent { .. } => DisconnectReason::KeepAliveTimeout,
            Self::NotReading => DisconnectReason::NotReading,
            Self::TokenExpired(_) => DisconnectReason::TokenExpired,
            Self::ClosedByHub(reason) => (*reason).into(),
            Self::Fault => DisconnectReason::FaultInjected,
            Self::Hub(HubError::Throttled { .. } | HubError::QuotaExceeded { .. }) => DisconnectReason::Throttled,
            Self::Hub(HubError::Internal(_) | HubError::Full(_) | HubError::Busy) => DisconnectReason::ServerError,
            Self::Refused(_)
            | Self::Frame(_)
            | Self::Decode(_)
            | Self::Unexpected(_)
            | Self::NotConnect
            | Self::NoConnect
            | Self::QosTwo
            | Self::WrongTopic(_)
            | Self::WrongFilter(_)
            | Self::Revoked(_)
            | Self::TooManyRequests
            | Self::TooLong
            | Self::Hub(_) => DisconnectReason::ProtocolError,
        }
    }

    /// One line per connection: at `debug` for what clients do every day, at `info` for what a user wants explained,
    /// at `error` for what is our own fault.
    pub(crate) fn log(&self, caller: &Caller) {
        let (connection, address) = (caller.connection, caller.address);
        match self {
            Self::Disconnected | Self::Lost(_) | Self::Closed => {
                tracing::debug!(connection, %address, "mqtt connection ended: {self}");
            }
            Self::Hub(error @ (HubError::Internal(_) | HubError::Full(_))) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(connection, %address, cause, "mqtt connection ended: {self}");
            }
            _ => tracing::info!(connection, %address, "mqtt connection ended: {self}"),
        }
    }
}
