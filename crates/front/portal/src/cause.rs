//! Why devices are refused and why they go, in the words of the pages.

use roadstead_model::{DisconnectReason, RefusalCause};
use roadstead_service::Kind;

/// Causes that only hubs have.
const OF_HUBS: [RefusalCause; 5] = [
    RefusalCause::WrongPolicy,
    RefusalCause::DeviceDisabled,
    RefusalCause::UnknownDevice,
    RefusalCause::UnknownModule,
    RefusalCause::UnknownHost,
];
/// Causes that only DPS instances have.
const OF_DPS: [RefusalCause; 5] = [
    RefusalCause::WrongTpm,
    RefusalCause::UnknownIdScope,
    RefusalCause::NotEnrolled,
    RefusalCause::EnrollmentDisabled,
    RefusalCause::NotAssigned,
];

/// The causes for which a back end is not let in.
pub(crate) const OF_SERVICES: [RefusalCause; 6] = [
    RefusalCause::NoCredentials,
    RefusalCause::BadToken,
    RefusalCause::TokenExpired,
    RefusalCause::WrongAudience,
    RefusalCause::WrongKey,
    RefusalCause::WrongPolicy,
];

/// The causes for which a hub or DPS instance may refuse a device.
pub(crate) fn of(kind: Kind) -> Vec<RefusalCause> {
    let others = match kind {
        Kind::Hub => OF_DPS,
        Kind::Dps => OF_HUBS,
    };
    RefusalCause::ALL.iter().copied().filter(|cause| !others.contains(cause)).collect()
}

/// A cause by the word of the API; the word itself where it is none that is known here.
pub(crate) fn words(word: &str) -> &str {
    RefusalCause::from_word(word).map_or(word, |cause| in_words(cause))
}

/// What was wrong: fits after *refused:*.
pub(crate) fn in_words(cause: RefusalCause) -> &'static str {
    match cause {
        RefusalCause::NoCredentials => "neither token nor certificate",
        RefusalCause::BadToken => "token that cannot be read",
        RefusalCause::TokenExpired => "token that has expired",
        RefusalCause::WrongAudience => "token for another host or id",
        RefusalCause::WrongKey => "token signed with another key",
        RefusalCause::WrongPolicy => "policy or role that may not do this",
        RefusalCause::WrongMeans => "token instead of certificate, or the reverse",
        RefusalCause::BadCertificate => "certificate of no use",
        RefusalCause::CertificateExpired => "certificate expired, or not valid yet",
        RefusalCause::WrongCertificate => "another certificate than is registered",
        RefusalCause::WrongCommonName => "certificate for another id",
        RefusalCause::UnknownIssuer => "certificate of no verified CA",
        RefusalCause::UntrustedPath => "certificate chain that does not hold",
        RefusalCause::WrongTpm => "another TPM than is enrolled",
        RefusalCause::DeviceDisabled => "device is disabled",
        RefusalCause::UnknownDevice => "device is not registered",
        RefusalCause::UnknownModule => "module is not registered",
        RefusalCause::UnknownHost => "host name of no hub here",
        RefusalCause::UnknownIdScope => "ID scope of no DPS here",
        RefusalCause::NotEnrolled => "device is not enrolled",
        RefusalCause::EnrollmentDisabled => "enrollment is disabled",
        RefusalCause::NotAssigned => "no hub took the device",
        RefusalCause::BadRequest => "request that is not allowed",
        RefusalCause::TooLarge => "message too large",
        RefusalCause::Throttled => "too much at once",
        RefusalCause::QuotaExceeded => "quota of the day used up",
        RefusalCause::ServerBusy => "server is busy",
        RefusalCause::FaultInjected => "fault that a test asked for",
        RefusalCause::ServerNotTrusted => "device does not trust the server's certificate",
        RefusalCause::TlsFailed => "TLS found no common ground",
    }
}

/// Why a connection ended, by the word of the API.
pub(crate) fn reason(word: &str) -> &str {
    let Some(reason) = DisconnectReason::from_word(word) else { return word };
    match reason {
        DisconnectReason::ClientClosed => "it said goodbye",
        DisconnectReason::ConnectionLost => "the connection broke",
        DisconnectReason::KeepAliveTimeout => "nothing was heard of it for longer than its keep-alive",
        DisconnectReason::NotReading => "it did not take what was sent to it",
        DisconnectReason::TokenExpired => "its token expired and was not renewed",
        DisconnectReason::ProtocolError => "it sent what is not allowed",
        DisconnectReason::Throttled => "it sent too much",
        DisconnectReason::FaultInjected => "a test asked for it",
        DisconnectReason::TakenOver => "a newer connection with its id took over",
        DisconnectReason::Disabled => "it was disabled",
        DisconnectReason::Deleted => "it was deleted",
        DisconnectReason::CredentialsChanged => "the key or certificate that it used was taken away",
        DisconnectReason::TrustRevoked => "the CA that vouched for it was removed",
        DisconnectReason::HubDeleted => "the hub was deleted",
        DisconnectReason::ServerStopped => "the server stopped",
        DisconnectReason::ServerError => "the server could not go on; its log has more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_by_words_of_its_own() {
        let mut told: Vec<&str> = RefusalCause::ALL.iter().map(|cause| words(cause.as_str())).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), RefusalCause::ALL.len());
        assert_eq!(words("newerCause"), "newerCause");
        assert_eq!(
            (reason("keepAliveTimeout"), reason("newer")),
            ("nothing was heard of it for longer than its keep-alive", "newer")
        );
    }

    #[test]
    fn hubs_and_dps_have_causes_of_their_own() {
        let (hub, dps) = (of(Kind::Hub), of(Kind::Dps));
        assert!(hub.contains(&RefusalCause::DeviceDisabled) && !dps.contains(&RefusalCause::DeviceDisabled));
        assert!(dps.contains(&RefusalCause::NotEnrolled) && !hub.contains(&RefusalCause::NotEnrolled));
        assert!(hub.contains(&RefusalCause::WrongKey) && dps.contains(&RefusalCause::WrongKey));
    }
}
