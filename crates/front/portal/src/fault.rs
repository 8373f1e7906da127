//! Why a page cannot be shown or a thing not be done, in words.

use http::StatusCode;
use roadstead_service::ServiceError;

/// Why not.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nobody is signed in any more.
    SignedOut,
    /// What the address names is not there.
    Absent {
        /// `device`
        what: &'static str,
        /// `thermo-7`
        name: String,
    },
    /// The one who is signed in may not.
    Forbidden {
        /// What.
        text: String,
        /// What to do.
        hint: String,
    },
    /// What was typed will not do.
    Invalid(String),
    /// Somebody else changed it while its form was open.
    Overtaken,
    /// The form is not one of this session's pages.
    Forged,
    /// An API says no, or nothing.
    Service(ServiceError),
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        match &error {
            // Rights were looked at before: this is a token that counts no longer.
            ServiceError::SignIn { .. } => Self::SignedOut,
            ServiceError::Refused(refusal) if refusal.status == 401 => Self::SignedOut,
            _ => Self::Service(error),
        }
    }
}

impl Fault {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Absent { .. } => StatusCode::NOT_FOUND,
            Self::Forbidden { .. } | Self::Forged => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Overtaken => StatusCode::PRECONDITION_FAILED,
            Self::Service(error) => {
                let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
                status.filter(|status| status.as_u16() >= 400).unwrap_or(StatusCode::BAD_GATEWAY)
            }
        }
    }

    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::SignedOut => "Signed out",
            Self::Absent { .. } => "Not here",
            Self::Forbidden { .. } => "Not allowed",
            Self::Forged => "Not done",
            Self::Invalid(_) | Self::Overtaken | Self::Service(_) => "That did not work",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::SignedOut => "You are not signed in any more.".to_owned(),
            Self::Absent { what, name } => format!("There is no {what} {name}."),
            Self::Forbidden { text, .. } | Self::Invalid(text) => text.clone(),
            Self::Overtaken => {
                "Somebody else changed it while this page was open, so nothing was saved: here is what it is now."
                    .to_owned()
            }
            Self::Forged => "The form did not come from a page of this session, so nothing was done.".to_owned(),
            Self::Service(ServiceError::Refused(refusal)) => match &refusal.code {
                Some(code) => format!("{} ({code})", refusal.message.trim_end_matches('.')),
                None => refusal.message.clone(),
            },
            Self::Service(error) => error.to_string(),
        }
    }

    /// What went wrong and what to do, in one line.
    pub(crate) fn sentences(&self) -> String {
        let text = self.text();
        match self.hint() {
            Some(hint) if text.ends_with('.') => format!("{text} {hint}"),
            Some(hint) => format!("{text}. {hint}"),
            None => text,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::SignedOut => Some("Sign in again.".to_owned()),
            Self::Absent { .. } => Some("It may have been deleted in the meantime.".to_owned()),
            Self::Forbidden { hint, .. } => Some(hint.clone()),
            Self::Forged => Some("Open the page again and repeat it there.".to_owned()),
            Self::Invalid(_) | Self::Overtaken => None,
            Self::Service(error) => advice(error.status()?, error.code().unwrap_or_default()).map(str::to_owned),
        }
    }
}

/// What to do about a refusal. Of one status several things are refused: where the API's own words say all, as of roles that are
/// missing and of queues that are full, there is nothing to add.
fn advice(status: u16, code: &str) -> Option<&'static str> {
    let says_all = match status {
        // The device is there, and does not answer.
        404 => matches!(code, "DeviceNotOnline" | "404103" | "DeviceConnectionClosedRemotely" | "404104"),
        409 => matches!(code, "Conflict" | "InvalidResourceGroupLocation"),
        // The device's own answer, none of it, or a full disk.
        502 | 504 | 507 => true,
        _ => false,
    };
    if says_all {
        return None;
    }
    match (status, code) {
        (404, _) => Some("It may have been deleted in the meantime."),
        (409, "409203") => Some("Try again in a moment."),
        (409, _) => Some("Open the one that is there, or take another."),
        (412, _) => Some("It was changed in the meantime: look at it again, then repeat."),
        (429 | 503, _) => Some("The server asks for patience: try again in a moment."),
        (500.., _) => Some("The server's log has more."),
        _ => None,
    }
}

/// Our messages begin small and end without a full stop; a page's sentence does not.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(chars).chain((!text.ends_with('.')).then_some('.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_service::Refusal;

    #[test]
    fn advice_is_of_what_was_refused() {
        for (status, code, words) in [
            (403, "DeviceMaximumQueueDepthExceeded", "no (DeviceMaximumQueueDepthExceeded)"),
            (403, "IotHubQuotaExceeded", "no (IotHubQuotaExceeded)"),
            (403, "AuthorizationFailed", "no (AuthorizationFailed)"),
            (404, "DeviceNotFound", "no (DeviceNotFound). It may have been deleted in the meantime."),
            (404, "404103", "no (404103)"),
            (409, "DeviceAlreadyExists", "no (DeviceAlreadyExists). Open the one that is there, or take another."),
            (409, "409201", "no (409201). Open the one that is there, or take another."),
            (409, "Conflict", "no (Conflict)"),
            (409, "409203", "no (409203). Try again in a moment."),
            (504, "504101", "no (504101)"),
            (500, "ServerError", "no (ServerError). The server's log has more."),
            (400, "InvalidParameter", "no (InvalidParameter)"),
        ] {
            let (code, message) = (Some(code.to_owned()), "no.".to_owned());
            let fault = Fault::from(ServiceError::Refused(Refusal { status, code, message, tracking_id: None }));
            assert_eq!(fault.sentences(), words, "{status}");
        }
    }

    #[test]
    fn sentences_begin_and_end_as_such() {
        assert_eq!(sentence("wrong password"), "Wrong password.");
        assert_eq!(sentence("'x' is disabled."), "'x' is disabled.");
        assert_eq!(sentence(""), ".");
    }
}
