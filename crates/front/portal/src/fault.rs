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
        match self.hint() {
            Some(hint) => format!("{} {hint}", self.text()),
            None => self.text(),
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::SignedOut => Some("Sign in again.".to_owned()),
            Self::Absent { .. } => Some("It may have been deleted in the meantime.".to_owned()),
            Self::Forbidden { hint, .. } => Some(hint.clone()),
            Self::Forged => Some("Open the page again and repeat it there.".to_owned()),
            Self::Invalid(_) | Self::Overtaken => None,
            Self::Service(error) => match error.status()? {
                403 => Some("Somebody who owns it can give you a role that allows it.".to_owned()),
                404 => Some("It may have been deleted in the meantime.".to_owned()),
                409 => Some("It is there already.".to_owned()),
                412 => Some("It was changed in the meantime: look at it again, then repeat.".to_owned()),
                429 | 503 => Some("The server asks for patience: try again in a moment.".to_owned()),
                500.. => Some("The server's log has more.".to_owned()),
                _ => None,
            },
        }
    }
}
