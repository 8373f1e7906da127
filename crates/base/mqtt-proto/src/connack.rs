//! CONNACK: the server's answer to CONNECT. Source: 3.2

use crate::error::DecodeError;
use crate::reader::Reader;

/// Accepted or refused; only an accepted client can find a session present, [MQTT-3.2.2-4].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connack {
    /// Return code 0.
    Accepted {
        /// The server kept the session of an earlier connection.
        session_present: bool,
    },
    /// Return codes 1 to 5; the server closes behind it, [MQTT-3.2.2-5].
    Refused(Refusal),
}

/// Why a server does not want a client; the number is the return code. Source: 3.2.2.3, table 3.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// The level of the protocol is not served.
    UnacceptableProtocol = 1,
    /// A client id that is well-formed and not allowed.
    IdentifierRejected = 2,
    /// Come back later.
    ServerUnavailable = 3,
    /// The data in user name or password is malformed.
    BadUserNameOrPassword = 4,
    /// Not allowed to connect.
    NotAuthorized = 5,
}

impl Connack {
    pub(crate) fn read(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (flags, code) = (body.u8()?, body.u8()?);
        let refusal = match code {
            0 if flags <= 1 => return Ok(Self::Accepted { session_present: flags == 1 }),
            _ if code > 5 => return Err(DecodeError::ConnackCode { code }),
            _ if flags != 0 => return Err(DecodeError::ConnackFlags { flags, code }),
            1 => Refusal::UnacceptableProtocol,
            2 => Refusal::IdentifierRejected,
            3 => Refusal::ServerUnavailable,
            4 => Refusal::BadUserNameOrPassword,
            _ => Refusal::NotAuthorized,
        };
        Ok(Self::Refused(refusal))
    }
}
