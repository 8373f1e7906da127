//! Why a connection ended, in one word.

use std::fmt;

/// Why an identity is not connected any more. Prints as the word that APIs show and stores keep: `keepAliveTimeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client said goodbye.
    ClientClosed,
    /// The connection broke, or the client closed it without a goodbye.
    ConnectionLost,
    /// Nothing was heard for longer than the client's keep-alive allows.
    KeepAliveTimeout,
    /// The client did not take what was sent to it.
    NotReading,
    /// The client's token expired and was not renewed.
    TokenExpired,
    /// The client sent what its protocol, or the hub, does not allow.
    ProtocolError,
    /// The hub is to be slow, and the client sent too much.
    Throttled,
    /// A test asked for it.
    FaultInjected,
    /// A newer connection took over. Never the reason why an identity is absent, since it is there.
    TakenOver,
    /// The device was disabled.
    Disabled,
    /// The device or module was deleted.
    Deleted,
    /// The credential that the client used was taken away.
    CredentialsChanged,
    /// The CA that vouched for the client was removed.
    TrustRevoked,
    /// The hub was deleted.
    HubDeleted,
    /// The server stopped, in order or not.
    ServerStopped,
    /// The server could not do its work, for want of space on the disk for example.
    ServerError,
}

impl DisconnectReason {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::ClientClosed,
        Self::ConnectionLost,
        Self::KeepAliveTimeout,
        Self::NotReading,
        Self::TokenExpired,
        Self::ProtocolError,
        Self::Throttled,
        Self::FaultInjected,
        Self::TakenOver,
        Self::Disabled,
        Self::Deleted,
        Self::CredentialsChanged,
        Self::TrustRevoked,
        Self::HubDeleted,
        Self::ServerStopped,
        Self::ServerError,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientClosed => "clientClosed",
            Self::ConnectionLost => "connectionLost",
            Self::KeepAliveTimeout => "keepAliveTimeout",
            Self::NotReading => "notReading",
            Self::TokenExpired => "tokenExpired",
            Self::ProtocolError => "protocolError",
            Self::Throttled => "throttled",
            Self::FaultInjected => "faultInjected",
            Self::TakenOver => "takenOver",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::CredentialsChanged => "credentialsChanged",
            Self::TrustRevoked => "trustRevoked",
            Self::HubDeleted => "hubDeleted",
            Self::ServerStopped => "serverStopped",
            Self::ServerError => "serverError",
        }
    }

    /// The reason with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_each_is_one() {
        for reason in DisconnectReason::ALL {
            assert_eq!(DisconnectReason::from_word(&reason.to_string()), Some(reason));
        }
        for bad in ["", "ClientClosed", "the client said goodbye"] {
            assert_eq!(DisconnectReason::from_word(bad), None, "{bad}");
        }
    }
}
