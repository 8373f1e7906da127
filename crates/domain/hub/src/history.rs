//! What the journal is told: what happened to the hub's devices, and in one word why somebody was refused.

use roadstead_journal::{Journal, Refused, cause, service};
use roadstead_model::{DeviceAuth, DeviceStatus, JournalOwner, Origin, RefusalCause, What};
use roadstead_store::BlobError;

use crate::{blob::FileError, error::HubError, hub::Hub, session::Session};

impl Hub {
    /// Where refusals of this hub are noted, and what happened to its devices is read.
    pub fn journal(&self) -> &Journal {
        &self.parts.journal
    }

    /// By what name the journal knows this hub.
    pub fn journal_owner(&self) -> JournalOwner {
        JournalOwner::Hub(self.key())
    }

    /// The journal of this hub's back ends.
    pub fn services_owner(&self) -> JournalOwner {
        JournalOwner::HubServices(self.key())
    }

    /// Notes a refusal of a device whose session is not at hand.
    pub fn note_refused(&self, id: &str, origin: Option<Origin>, (cause, code): (RefusalCause, &str), message: String) {
        let Some(origin) = origin else { return };
        let (owner, code, resource) = (self.journal_owner(), code.to_owned(), self.resource());
        self.journal().refused(Refused { owner, id, origin, target: &resource.host_name, cause, code, message });
    }

    /// Notes a back end that was not let in, by the token that it showed; other refusals are between it and the hub.
    pub fn note_service_refused(&self, token: &str, origin: Origin, refused: &HubError, code: &str) {
        let HubError::Unauthorized(why) = refused else { return };
        self.journal().refused(Refused {
            owner: self.services_owner(),
            id: &service::claimed(token, why),
            origin,
            target: &self.resource().host_name,
            cause: refused.cause(),
            code: code.to_owned(),
            message: refused.to_string(),
        });
    }

    /// `id`: the text of an identity.
    pub(crate) fn note(&self, id: &str, what: What) {
        self.journal().note(self.journal_owner(), id, what);
    }

    /// Notes what of an identity is another than before.
    pub(crate) fn note_change(&self, id: &str, status: [DeviceStatus; 2], auth: [&DeviceAuth; 2]) {
        match status {
            [DeviceStatus::Enabled, DeviceStatus::Disabled] => self.note(id, What::Disabled),
            [DeviceStatus::Disabled, DeviceStatus::Enabled] => self.note(id, What::Enabled),
            _ => {}
        }
        if auth[0] != auth[1] {
            self.note(id, What::CredentialsChanged);
        }
    }
}

impl Session {
    /// Notes that something the device asked for was refused, as its front words it.
    pub fn note_refused(&self, cause: RefusalCause, code: &str, message: String) {
        self.hub().note_refused(self.key(), self.origin(), (cause, code), message);
    }
}

impl FileError {
    /// Why somebody was refused, in one word. What is wrong with a signature, which this hub gave, only its sentence says.
    pub fn cause(&self) -> RefusalCause {
        match self {
            Self::Refused(refused) => refused.cause(),
            Self::TooLarge { .. } | Self::Blob(BlobError::TooLarge | BlobError::MetadataTooLarge { .. }) => {
                RefusalCause::TooLarge
            }
            Self::Blob(BlobError::Busy | BlobError::Store(_)) => RefusalCause::ServerBusy,
            Self::Name(_)
            | Self::Signature(_)
            | Self::NotFound
            | Self::Md5Mismatch { .. }
            | Self::Blob(
                BlobError::AlreadyExists
                | BlobError::EtagMismatch
                | BlobError::UnknownBlock { .. }
                | BlobError::OutOfRange { .. },
            ) => RefusalCause::BadRequest,
        }
    }
}

impl HubError {
    /// Why somebody was refused, in one word.
    pub fn cause(&self) -> RefusalCause {
        match self {
            Self::Unauthorized(refusal) => cause::of_auth(refusal),
            Self::UnknownDevice(_) | Self::ImpossibleId(_) | Self::DeviceNotFound(_) => RefusalCause::UnknownDevice,
            Self::UnknownModule(_) | Self::ModuleNotFound(_) => RefusalCause::UnknownModule,
            Self::DeviceDisabled(_) => RefusalCause::DeviceDisabled,
            Self::TwinTooLarge { .. } | Self::MessageTooLarge { .. } | Self::PayloadTooLarge { .. } => {
                RefusalCause::TooLarge
            }
            Self::Throttled { .. } => RefusalCause::Throttled,
            Self::QuotaExceeded { .. } => RefusalCause::QuotaExceeded,
            Self::FaultInjected(_) | Self::TooManyFaults { .. } => RefusalCause::FaultInjected,
            Self::Closed(_) | Self::Full(_) | Self::Busy | Self::Internal(_) => RefusalCause::ServerBusy,
            Self::DeviceAlreadyExists(_)
            | Self::ModuleAlreadyExists(_)
            | Self::EtagMismatch { .. }
            | Self::TwinVersionMismatch { .. }
            | Self::TwinInvalid { .. }
            | Self::TooManyDevices { .. }
            | Self::DefinedTwice(_)
            | Self::TooManyModules { .. }
            | Self::QueueFull { .. }
            | Self::InvalidExpiry { .. }
            | Self::LockLost
            | Self::TooManySubscriptions { .. }
            | Self::BadQuery(_)
            | Self::DeviceNotOnline { .. }
            | Self::DeviceConnectionClosedRemotely
            | Self::MethodTimedOut { .. }
            | Self::MethodAnswerUnfit(_)
            | Self::TooManyCalls { .. }
            | Self::Invalid(_)
            | Self::UploadsMissing
            | Self::TooManyUploads { .. }
            | Self::UploadUnknown
            | Self::UploadExpired
            | Self::UploadEmpty => RefusalCause::BadRequest,
        }
    }
}
