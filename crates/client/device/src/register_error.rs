//! Why a device was not registered.

use crate::connect_error::ConnectError;
use roadstead_model::id::IdError;
use std::time::Duration;

/// Why a device was not registered. Its text says what happened, why, and what to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// DPS does not take the device.
    #[error("DPS refused the registration: {message} ({code}{}); {}", tracked(tracking_id.as_deref()), advice(*code))]
    Refused {
        /// Azure's code, six digits, of which the first three are an HTTP status: 401002
        code: u32,
        /// The cause in DPS's words.
        message: String,
        /// What to look for in the server's log.
        tracking_id: Option<String>,
    },
    /// The enrollment is there, and disabled.
    #[error("the enrollment of `{registration_id}`, or its group, is disabled: enable it, or enroll the device anew")]
    Disabled {
        /// Who wanted to register.
        registration_id: String,
    },
    /// DPS took the device and could not place it on a hub.
    #[error("DPS could not assign `{registration_id}` to a hub: {message} ({code}); {}", advice(*code))]
    Failed {
        /// Who wanted to register.
        registration_id: String,
        /// Azure's code: 400208
        code: u32,
        /// The cause in DPS's words.
        message: String,
    },
    /// DPS did not come to a decision.
    #[error("DPS did not decide about `{registration_id}` within {} s: see whether its allocation webhook answers, and try again", after.as_secs())]
    Timeout {
        /// Who wanted to register.
        registration_id: String,
        /// How long we waited.
        after: Duration,
    },
    /// The answer is not one of DPS.
    #[error("DPS answered in a way that it should not: {cause}; check host and port")]
    Odd {
        /// What is odd.
        cause: String,
    },
    /// Not a registration id.
    #[error(transparent)]
    RegistrationId(#[from] IdError),
    /// There is no connection to DPS, or it did not last. TLS and trust are among the causes.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl RegisterError {
    /// Whether a later try may succeed without anything being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => matches!(code / 1000, 409 | 429 | 500..),
            Self::Connect(error) => error.is_transient(),
            Self::Timeout { .. } => true,
            Self::Disabled { .. } | Self::Failed { .. } | Self::Odd { .. } | Self::RegistrationId(_) => false,
        }
    }

    /// What happened, in a few words without names: for counting. `registration refused with 401002`
    pub fn kind(&self) -> String {
        match self {
            Self::Refused { code, .. } => format!("registration refused with {code}"),
            Self::Disabled { .. } => "enrollment disabled".to_owned(),
            Self::Failed { code, .. } => format!("assignment failed with {code}"),
            Self::Timeout { .. } => "registration not decided in time".to_owned(),
            Self::Odd { .. } => "odd answer of DPS".to_owned(),
            Self::RegistrationId(_) => "bad registration id".to_owned(),
            Self::Connect(error) => error.kind(),
        }
    }
}

fn tracked(tracking_id: Option<&str>) -> String {
    tracking_id.map_or_else(String::new, |id| format!(", tracking id {id}"))
}

/// Source: what DPS uses the codes for, `reference/dps.md` 3.7
fn advice(code: u32) -> &'static str {
    match code {
        400_207 => "see what the webhook of the enrollment's custom allocation answered",
        400_208 => "link a hub to DPS, or name one in the enrollment that is linked",
        400_209 => "the linked hub refuses DPS: renew the link's connection string",
        _ => match code / 1000 {
            401 => {
                "check ID scope, registration id, that there is an enrollment for it, that key or certificate are the ones enrolled, and this machine's clock"
            }
            404 => "check that there is an enrollment for this registration id",
            409 => "another registration of this device is under way; try again",
            429 | 500.. => "it asks for patience; try later",
            _ => "see the service's documentation of this code",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_to_try() {
        let refused =
            |code| RegisterError::Refused { code, message: "because".to_owned(), tracking_id: Some("t-1".to_owned()) };
        for (code, word, transient) in [
            (400_004, "documentation", false),
            (401_002, "clock", false),
            (404_201, "enrollment", false),
            (409_203, "try again", true),
            (429_001, "patience", true),
            (500_001, "patience", true),
        ] {
            let text = refused(code).to_string();
            assert!(text.starts_with("DPS refused the registration: because") && text.contains(word), "{text}");
            assert!(text.contains(&format!("({code}, tracking id t-1)")), "{text}");
            assert_eq!(refused(code).is_transient(), transient, "{text}");
        }
        let failed = |code| RegisterError::Failed { registration_id: "d".to_owned(), code, message: "m".to_owned() };
        for (code, word) in [(400_207, "webhook"), (400_208, "link a hub"), (400_209, "renew")] {
            assert!(failed(code).to_string().contains(word), "{}", failed(code));
        }
    }
}
