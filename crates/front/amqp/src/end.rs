//! Why a connection ended: for the log; the peer was told in AMQP where it could be.

use std::io;

use roadstead_amqp_proto::{AmqpError, connection::ConnectionError};
use roadstead_hub::{CloseReason, HubError};
use roadstead_model::DisconnectReason;
use thiserror::Error;

use crate::{Caller, limits};

pub(crate) use roadstead_front_transport::shown;

#[derive(Debug, Error)]
pub(crate) enum End {
    #[error("the client said goodbye")]
    Closed,
    #[error("the client gave up: {}", shown(&.0.to_string()))]
    GivenUp(AmqpError),
    #[error("the client was refused: {0}")]
    Refused(String),
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    #[error("the client hung up without close")]
    HungUp,
    #[error("not AMQP as it should be: {0}")]
    Protocol(#[from] ConnectionError),
    #[error("no open within {} s", limits::OPEN_WAIT.as_secs())]
    NoOpen,
    #[error("no token that holds for {} s: put one on $cbs", limits::TOKEN_WAIT.as_secs())]
    NoToken,
    #[error("the client did not read what it was sent for {} s", limits::WRITE_WAIT.as_secs())]
    NotReading,
    #[error("the hub closed the connection: {0}")]
    ClosedByHub(CloseReason),
    #[error("the device was sent away: {0}")]
    Revoked(&'static str),
    #[error("a DPS connection that was open for too long")]
    TooLong,
    #[error("more than {} requests on one DPS connection", limits::DPS_REQUESTS_MAX)]
    TooManyRequests,
    #[error("the device asked for this fault")]
    Fault,
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl End {
    /// What back ends are told of the devices of the connection.
    pub(crate) fn disconnect_reason(&self) -> DisconnectReason {
        match self {
            Self::Closed => DisconnectReason::ClientClosed,
            Self::Lost(_) | Self::HungUp => DisconnectReason::ConnectionLost,
            Self::Protocol(ConnectionError::Silent { .. }) => DisconnectReason::KeepAliveTimeout,
            Self::NotReading => DisconnectReason::NotReading,
            Self::NoToken => DisconnectReason::TokenExpired,
            Self::ClosedByHub(reason) => (*reason).into(),
            Self::Fault => DisconnectReason::FaultInjected,
            Self::Hub(HubError::Throttled { .. } | HubError::QuotaExceeded { .. }) => DisconnectReason::Throttled,
            Self::Hub(HubError::Internal(_) | HubError::Full(_) | HubError::Busy) => DisconnectReason::ServerError,
            Self::GivenUp(_)
            | Self::Refused(_)
            | Self::Protocol(_)
            | Self::NoOpen
            | Self::Revoked(_)
            | Self::TooLong
            | Self::TooManyRequests
            | Self::Hub(_) => DisconnectReason::ProtocolError,
        }
    }

    /// One line per connection: at `debug` for what clients do every day, at `info` for what a user wants explained,
    /// at `error` for what is our own fault.
    pub(crate) fn log(&self, caller: &Caller) {
        let (connection, address) = (caller.connection, caller.address);
        match self {
            Self::Closed | Self::Lost(_) | Self::HungUp => {
                tracing::debug!(connection, %address, "amqp connection ended: {self}");
            }
            Self::Hub(error @ (HubError::Internal(_) | HubError::Full(_))) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(connection, %address, cause, "amqp connection ended: {self}");
            }
            _ => tracing::info!(connection, %address, "amqp connection ended: {self}"),
        }
    }
}
