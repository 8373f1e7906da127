//! Why a connection could not be made, or did not last.

use crate::limits::RECEIVED_MAX;
use crate::options::OptionsError;
use crate::trust::TrustError;
use roadstead_model::id::IdError;
use roadstead_mqtt_proto::{DecodeError, FrameError, Refusal};
use rustls::CertificateError;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a connection to DPS or a hub could not be made, or did not last. Its text says what happened, why, and what to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The server answered CONNECT with a refusal.
    #[error("{host} refused the connection with code {} ({}): {}", *code as u8, meaning(*code), advice(*code))]
    Refused {
        /// Who refused: `dev.localhost`
        host: String,
        /// CONNACK's return code.
        code: Refusal,
    },
    /// The name leads to no address.
    #[error("no address is known for {host} ({cause}): check the name, or give its address with `connect_to`")]
    Resolve {
        /// The name.
        host: String,
        /// Why, in a few words.
        cause: String,
    },
    /// Nobody accepts a TCP connection.
    #[error("cannot reach {host} at {address}: {cause}")]
    Unreachable {
        /// The name.
        host: String,
        /// The first of its addresses.
        address: SocketAddr,
        /// Why, and what to try.
        cause: String,
    },
    /// TLS failed: the server is not trusted, or does not like our certificate.
    #[error("no TLS connection with {host}: {cause}")]
    Tls {
        /// The name.
        host: String,
        /// Why, and what to try.
        cause: String,
    },
    /// The server takes too long.
    #[error("{host} did not finish {step} within {} s: it is overloaded, or something between cuts the connection", after.as_secs())]
    Timeout {
        /// The name.
        host: String,
        /// `the TCP connection`, `the TLS handshake`, `CONNACK`, `SUBACK`, `PINGRESP`, `PUBACK`
        step: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The connection ended without a word.
    #[error(
        "{host} closed the connection ({cause}): a hub does so to a message or topic it does not allow, to a device that connected a second time, was disabled or deleted, and when it stops"
    )]
    Lost {
        /// The name.
        host: String,
        /// Why, in a few words.
        cause: String,
    },
    /// What the server sent is not MQTT 3.1.1.
    #[error("{host} does not speak MQTT 3.1.1 ({cause}): check host and port")]
    Protocol {
        /// The name.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The CAs to trust cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Not a device id.
    #[error(transparent)]
    DeviceId(#[from] IdError),
    /// The connection string does not say all that is needed.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

impl ConnectError {
    /// Whether a later try may succeed without anything being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code == Refusal::ServerUnavailable,
            Self::Resolve { .. } | Self::Unreachable { .. } | Self::Timeout { .. } | Self::Lost { .. } => true,
            Self::Tls { .. } | Self::Protocol { .. } | Self::Trust(_) | Self::DeviceId(_) | Self::Options(_) => false,
        }
    }

    /// Whether a device that was connected gives up: the hub said no, and will say so again. A server that is wrongly set up for a
    /// while, on the other hand, must not cost a fleet.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code != Refusal::ServerUnavailable,
            Self::Trust(_) | Self::DeviceId(_) | Self::Options(_) => true,
            _ => false,
        }
    }

    /// What happened, in a few words without names: for counting. `connection refused with code 5 (not authorized)`
    pub fn kind(&self) -> String {
        match self {
            Self::Refused { code, .. } => format!("connection refused with code {} ({})", *code as u8, meaning(*code)),
            Self::Resolve { .. } => "unknown host".to_owned(),
            Self::Unreachable { .. } => "server not reached".to_owned(),
            Self::Tls { .. } => "TLS failed".to_owned(),
            Self::Timeout { step, .. } => format!("no {step} in time"),
            Self::Lost { .. } => "connection lost".to_owned(),
            Self::Protocol { .. } => "not MQTT".to_owned(),
            Self::Trust(_) => "unusable CA file".to_owned(),
            Self::DeviceId(_) => "bad device id".to_owned(),
            Self::Options(_) => "bad connection string".to_owned(),
        }
    }

    /// What broke while talking with `host`.
    pub(crate) fn of_line(host: &str, fault: LineFault) -> Self {
        let host = host.to_owned();
        match fault {
            LineFault::Io(error) => match tls_cause(&error) {
                Some(cause) => Self::Tls { host, cause },
                None => Self::Lost { host, cause: io_cause(&error) },
            },
            LineFault::Frame(error) => Self::Protocol { host, cause: error.to_string() },
            LineFault::Packet(error) => Self::Protocol { host, cause: error.to_string() },
            LineFault::Unacknowledged => Self::Protocol { host, cause: fault.to_string() },
        }
    }

    pub(crate) fn unexpected(host: &str, what: &str) -> Self {
        Self::Protocol { host: host.to_owned(), cause: what.to_owned() }
    }
}

/// What can break on a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineFault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Packet(#[from] DecodeError),
    #[error("it sent more than {RECEIVED_MAX} messages ahead of their acknowledgements")]
    Unacknowledged,
}

fn meaning(code: Refusal) -> &'static str {
    match code {
        Refusal::UnacceptableProtocol => "protocol version not served",
        Refusal::IdentifierRejected => "client id rejected",
        Refusal::ServerUnavailable => "server unavailable",
        Refusal::BadUserNameOrPassword => "malformed user name or password",
        Refusal::NotAuthorized => "not authorized",
    }
}

/// Source: what hubs use the codes for, `reference/hub-device.md` 1.3
fn advice(code: Refusal) -> &'static str {
    match code {
        Refusal::UnacceptableProtocol => "the port must be that of MQTT 3.1.1 over TLS, 8883",
        Refusal::IdentifierRejected => "check that the device id, or registration id, is the one registered there",
        Refusal::ServerUnavailable => "it is busy, or the device is disabled there; enable the device, or try later",
        Refusal::BadUserNameOrPassword => "check host name and device id, or ID scope and registration id",
        Refusal::NotAuthorized => {
            "check that the device exists there, that key or certificate are its own, that it is to use this kind of credential, and this machine's clock"
        }
    }
}

/// What rustls said, if it was rustls.
pub(crate) fn tls_cause(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(fault) => certificate_cause(fault),
        rustls::Error::AlertReceived(alert) => {
            format!("the server broke off with {alert:?}; the certificate, if one was shown, is not one that it takes")
        }
        rustls::Error::InvalidMessage(_) => "who answers does not speak TLS; check the port".to_owned(),
        other => other.to_string(),
    })
}

fn certificate_cause(fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer => {
            "its certificate comes from a CA that is not trusted here; name that CA's PEM file with `Trust::file` or `SSL_CERT_FILE`".to_owned()
        }
        CertificateError::NotValidForName => "its certificate is for other names; connect by one of them".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is for other names ({}); connect by one of them", presented.join(", "))
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it, or correct this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; correct the clock of this machine or of the one that issued it".to_owned()
        }
        other => format!("its certificate is not accepted: {other}"),
    }
}

/// An I/O error in a few words, with what to try where that is known.
pub(crate) fn io_cause(error: &io::Error) -> String {
    /// `EMFILE` and `ENFILE`, which std does not name.
    const TOO_MANY_FILES: [i32; 2] = [24, 23];
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "connection refused; is the server running, and is this its port?".to_owned()
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the connection was reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "end of stream".to_owned(),
        io::ErrorKind::AddrNotAvailable => {
            "no local port is left for it; fewer devices, or several addresses, are needed".to_owned()
        }
        _ if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => {
            "too many open files; raise the limit with `ulimit -n`".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_check_and_only_one_passes_by_itself() {
        for (code, number, word, transient) in [
            (Refusal::UnacceptableProtocol, "code 1", "8883", false),
            (Refusal::IdentifierRejected, "code 2", "device id", false),
            (Refusal::ServerUnavailable, "code 3", "disabled", true),
            (Refusal::BadUserNameOrPassword, "code 4", "ID scope", false),
            (Refusal::NotAuthorized, "code 5", "clock", false),
        ] {
            let error = ConnectError::Refused { host: "hub1.example".to_owned(), code };
            let text = error.to_string();
            assert!(text.starts_with("hub1.example refused") && text.contains(number) && text.contains(word), "{text}");
            assert_eq!(error.is_transient(), transient, "{text}");
        }
    }

    #[test]
    fn what_breaks_a_line_is_named() {
        let tls = |error: rustls::Error| LineFault::Io(io::Error::new(io::ErrorKind::InvalidData, error));
        for (fault, word, transient) in [
            (tls(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)), "SSL_CERT_FILE", false),
            (tls(rustls::Error::InvalidCertificate(CertificateError::NotValidForName)), "other names", false),
            (tls(rustls::Error::InvalidCertificate(CertificateError::Expired)), "clock", false),
            (tls(rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA)), "UnknownCA", false),
            (LineFault::Io(io::ErrorKind::UnexpectedEof.into()), "end of stream", true),
            (LineFault::Io(io::Error::from_raw_os_error(24)), "ulimit", true),
            (LineFault::Frame(FrameError::LengthOverrun), "MQTT 3.1.1", false),
            (LineFault::Packet(DecodeError::ZeroPacketId), "packet id 0", false),
        ] {
            let error = ConnectError::of_line("h", fault);
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }
}
