//! What TLS refused, or a client refused in TLS: the only trace of a device that never got further.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{AlertDescription, Error};

/// A handshake that failed.
#[derive(Debug)]
pub struct RefusedHandshake {
    /// Of the listener.
    pub listener: &'static str,
    /// Of the client.
    pub address: SocketAddr,
    /// The client does not take the server's certificate.
    pub is_server_untrusted: bool,
    /// `TLS alert UnknownCA`; `TLS` where there was no alert of the client's.
    pub code: String,
    /// In a sentence.
    pub message: String,
}

/// Who hears of them.
pub type HandshakeObserver = Arc<dyn Fn(RefusedHandshake) + Send + Sync>;

impl RefusedHandshake {
    pub(crate) fn new(listener: &'static str, address: SocketAddr, error: &io::Error) -> Self {
        let alert = match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
            Some(Error::AlertReceived(alert)) => Some(*alert),
            _ => None,
        };
        let is_server_untrusted = matches!(
            alert,
            Some(
                AlertDescription::UnknownCA
                    | AlertDescription::BadCertificate
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::CertificateExpired
                    | AlertDescription::UnsupportedCertificate
            )
        );
        let code = alert.map_or_else(|| "TLS".to_owned(), |alert| format!("TLS alert {alert:?}"));
        let message = match alert {
            Some(alert) if is_server_untrusted => {
                format!("the client does not take this server's certificate ({alert:?})")
            }
            Some(alert) => format!("the client ended the TLS handshake ({alert:?})"),
            None => format!("the TLS handshake failed: {error}"),
        };
        Self { listener, address, is_server_untrusted, code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_not_trust_whom() {
        for (error, untrusted, code) in [
            (Error::AlertReceived(AlertDescription::UnknownCA), true, "TLS alert UnknownCA"),
            (Error::AlertReceived(AlertDescription::HandshakeFailure), false, "TLS alert HandshakeFailure"),
            (Error::NoCertificatesPresented, false, "TLS"),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            let refused = RefusedHandshake::new("mqtt", SocketAddr::from(([192, 0, 2, 7], 1)), &error);
            assert_eq!((refused.is_server_untrusted, &*refused.code), (untrusted, code), "{refused:?}");
        }
    }
}
