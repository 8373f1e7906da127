//! What a hub elsewhere says no with, in the words of the link.

use roadstead_dps::LinkError;
use roadstead_service::{Refusal, ServiceError};

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The API said so, or nobody answered.
    Service(ServiceError),
    /// An entry of a bulk request failed.
    Change { code: String, message: String },
    /// Others changed the device at the same time, again and again.
    Busy,
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl Fault {
    /// Whether the hub was not reached at all, so that the next call would not reach it either.
    pub(super) fn is_silence(&self) -> bool {
        let Self::Service(error) = self else { return false };
        matches!(error, ServiceError::Unreachable { .. } | ServiceError::Broken { .. } | ServiceError::Untrusted { .. })
    }
}

impl From<Fault> for LinkError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Service(ServiceError::Refused(refusal)) => of_refusal(&refusal),
            Fault::Service(error) => Self::Unreachable(of_silence(&error)),
            Fault::Change { code, message } if is_passing(&code) => Self::Unreachable(message),
            Fault::Change { code, message } => Self::Refused(format!("{message} ({code})")),
            Fault::Busy => Self::Unreachable("the device is being changed by others at the same time".to_owned()),
        }
    }
}

/// Codes of what will pass by itself. Source: `reference/hub-service.md` 1.3
fn is_passing(code: &str) -> bool {
    ["ThrottlingException", "ServerError", "ServiceUnavailable", "GatewayTimeout"].contains(&code)
}

fn of_refusal(refusal: &Refusal) -> LinkError {
    match (refusal.status, refusal.code.as_deref()) {
        // A Roadstead server and Azure alike: the name leads to somebody, but not to this hub.
        (401 | 404, Some("IotHubNotFound")) => LinkError::NotFound,
        (401, _) => LinkError::Unauthorized,
        // A quota that begins anew, a hub that is suspended: not in the next minutes.
        (403, _) => LinkError::Unavailable(refusal.to_string()),
        (408 | 429 | 500.., _) => LinkError::Unreachable(refusal.to_string()),
        _ => LinkError::Refused(refusal.to_string()),
    }
}

fn of_silence(error: &ServiceError) -> String {
    match error {
        ServiceError::Unreachable { cause, .. } | ServiceError::Broken { cause, .. } => cause.clone(),
        ServiceError::Untrusted { cause, trust, .. } => format!(
            "its certificate is not trusted, {cause}; trusted are {trust}, and `links.ca_files` in roadstead.toml names further CAs"
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_the_words_of_the_link() {
        let refused = |status, code: Option<&str>| {
            let refusal =
                Refusal { status, code: code.map(str::to_owned), message: "no".to_owned(), tracking_id: None };
            LinkError::from(Fault::Service(ServiceError::Refused(refusal)))
        };
        for (status, code, expected) in [
            (401, Some("IotHubUnauthorized"), LinkError::Unauthorized),
            (401, None, LinkError::Unauthorized),
            (404, Some("IotHubNotFound"), LinkError::NotFound),
            (403, Some("IotHubQuotaExceeded"), LinkError::Unavailable("no (IotHubQuotaExceeded)".to_owned())),
            (429, Some("ThrottlingException"), LinkError::Unreachable("no (ThrottlingException)".to_owned())),
            (503, None, LinkError::Unreachable("no (HTTP 503)".to_owned())),
            (400, Some("ArgumentInvalid"), LinkError::Refused("no (ArgumentInvalid)".to_owned())),
            (413, Some("TooManyDevices"), LinkError::Refused("no (TooManyDevices)".to_owned())),
        ] {
            assert_eq!(refused(status, code), expected, "{status} {code:?}");
        }
        let changed = |code: &str| LinkError::from(Fault::Change { code: code.to_owned(), message: "no".to_owned() });
        assert_eq!(changed("ThrottlingException"), LinkError::Unreachable("no".to_owned()));
        assert_eq!(changed("TooManyDevices"), LinkError::Refused("no (TooManyDevices)".to_owned()));
    }
}
