//! What the journal is told: who registered, and in one word why somebody was refused.

use roadstead_journal::{Journal, Refused, cause, service};
use roadstead_model::{JournalOwner, OperationStatus, Origin, RefusalCause, RegistrationState, State, What};

use crate::{error::DpsError, instance::Instance, instances::Instances, session::DpsSession};

impl Instance {
    /// What happened to the devices of this instance.
    pub fn journal(&self) -> &Journal {
        &self.ports.journal
    }

    /// By what name the journal knows this instance.
    pub fn journal_owner(&self) -> JournalOwner {
        JournalOwner::Dps(self.scope().clone())
    }

    /// The journal of this instance's back ends.
    pub fn services_owner(&self) -> JournalOwner {
        JournalOwner::DpsServices(self.scope().clone())
    }

    /// Notes a back end that was not let in, by the token that it showed; other refusals are between it and the instance.
    pub fn note_service_refused(&self, token: &str, origin: Origin, host: &str, refused: &DpsError) {
        let DpsError::Unauthorized(why) = refused else { return };
        self.journal().refused(Refused {
            owner: self.services_owner(),
            id: &service::claimed(token, why),
            origin,
            target: host,
            cause: cause::of_auth(why),
            code: refused.code().to_string(),
            message: refused.to_string(),
        });
    }

    /// The instance's name: `plant-dps`.
    pub fn name(&self) -> String {
        self.known().dps.name.to_string()
    }
}

impl Instances {
    /// Notes a refusal that a front worded for a device. What a device is told of a registration that failed, or of a disabled
    /// enrollment, is no [`DpsError`]: its [`DpsSession`] notes that.
    pub fn note_refused(&self, scope: &str, registration_id: &str, origin: Origin, refused: &DpsError) {
        let Some(cause) = refused.cause() else { return };
        let owner = self.find(scope).map_or(JournalOwner::NoDps, |instance| instance.journal_owner());
        let message = match refused {
            DpsError::Internal(_) => "internal error".to_owned(),
            refused => refused.to_string(),
        };
        let (id, code) = (registration_id, refused.code().to_string());
        self.journal().refused(Refused { owner, id, origin, target: scope, cause, code, message });
    }
}

impl DpsSession {
    /// Notes what a device was answered.
    pub(crate) fn note_answer(&self, answered: Option<&OperationStatus>) {
        if let Some(state) = answered.and_then(|status| status.state.as_ref()) {
            self.note_state(state, true);
        }
    }

    /// What a device is told may be a refusal, too. `registers`: an assignment is news.
    pub(crate) fn note_state(&self, told: &RegistrationState, registers: bool) {
        let (instance, id) = (self.instance(), self.registration_id().as_str());
        let (cause, code, message) = match &told.state {
            State::Assigned { hub, .. } if registers => {
                let group = told.group.as_ref();
                let enrollment = group.map_or_else(|| told.registration_id.to_string(), ToString::to_string);
                let is_group = group.is_some();
                let what = What::Registered { origin: self.origin, hub: hub.clone(), enrollment, is_group };
                return instance.journal().note(instance.journal_owner(), id, what);
            }
            State::Assigned { .. } => return,
            State::Disabled { code, message } => (RefusalCause::EnrollmentDisabled, code, message),
            State::Failed { code, message } => (RefusalCause::NotAssigned, code, message),
        };
        let Some(origin) = self.origin else { return };
        instance.journal().refused(Refused {
            owner: instance.journal_owner(),
            id,
            origin,
            target: instance.scope().as_str(),
            cause,
            code: code.to_string(),
            message: message.clone(),
        });
    }
}

impl DpsError {
    /// Why somebody was refused, in one word. `None`: a challenge is no refusal.
    pub fn cause(&self) -> Option<RefusalCause> {
        Some(match self {
            Self::TpmChallenge { .. } => return None,
            Self::UnknownScope { .. } => RefusalCause::UnknownIdScope,
            Self::Unauthorized(refusal) => cause::of_auth(refusal),
            Self::NoKeyFits { groups: 0, .. } | Self::NoGroupOnPath { .. } | Self::EnrollmentNotFound(_) => {
                RefusalCause::NotEnrolled
            }
            Self::NoKeyFits { .. } | Self::GroupKeyItself { .. } => RefusalCause::WrongKey,
            Self::OtherTpm { .. } => RefusalCause::WrongTpm,
            Self::Throttled { .. } => RefusalCause::Throttled,
            Self::Concurrent { .. } | Self::HubUnavailable { .. } | Self::Internal(_) => RefusalCause::ServerBusy,
            Self::Invalid { .. }
            | Self::BadCertificate { .. }
            | Self::GroupNotFound(_)
            | Self::RegistrationNotFound(_)
            | Self::OperationNotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::CertificateTaken { .. }
            | Self::EtagMismatch { .. }
            | Self::TooMany { .. } => RefusalCause::BadRequest,
        })
    }
}
