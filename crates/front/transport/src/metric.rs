//! What is counted. Every metric carries the listener's name.

use metrics::{counter, gauge};

/// Why a TLS handshake came to nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HandshakeFailure {
    Timeout,
    Tls,
    Closed,
}

pub(crate) fn accepted(listener: &'static str) {
    counter!("roadstead_connections_accepted_total", "listener" => listener).increment(1);
    gauge!("roadstead_connections", "listener" => listener).increment(1);
}

pub(crate) fn ended(listener: &'static str) {
    gauge!("roadstead_connections", "listener" => listener).decrement(1);
}

pub(crate) fn refused(listener: &'static str) {
    counter!("roadstead_connections_refused_total", "listener" => listener).increment(1);
}

pub(crate) fn handshake_failed(listener: &'static str, failure: HandshakeFailure) {
    let reason = match failure {
        HandshakeFailure::Timeout => "timeout",
        HandshakeFailure::Tls => "tls",
        HandshakeFailure::Closed => "closed",
    };
    counter!("roadstead_handshakes_failed_total", "listener" => listener, "reason" => reason).increment(1);
}
