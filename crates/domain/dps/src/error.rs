//! Every refusal of the provisioning service.

use roadstead_auth::AuthRefusal;
use roadstead_model::{EnrollmentGroupId, RegistrationId};
use roadstead_pki::{CertificateError, PathRefusal};
use roadstead_store::StoreError;
use thiserror::Error;

use crate::limits::RETRY_AFTER_S;

/// Every refusal. The text begins with Azure's phrase where one is known and names the cause; it may be shown to the caller,
/// except that of [`DpsError::Internal`].
#[derive(Debug, Clone, Error)]
pub enum DpsError {
    /// No instance has this ID scope.
    #[error("Unauthorized: no DPS instance has the ID scope `{scope}`")]
    UnknownScope {
        /// As presented, cut.
        scope: String,
    },
    /// The credentials do not hold.
    #[error("{phrase}: {0}", phrase = phrase(.0))]
    Unauthorized(#[from] AuthRefusal),
    /// A token, and no individual enrollment, and no group whose derived key signed it.
    #[error(
        "Unauthorized: there is no individual enrollment `{registration_id}`, and the token is not signed with the key \
         that any of {groups} symmetric-key enrollment groups gives this id"
    )]
    NoKeyFits {
        /// The device.
        registration_id: RegistrationId,
        /// How many groups were tried.
        groups: usize,
    },
    /// The token is signed with a group's own key instead of the device's.
    #[error(
        "Unauthorized: the token is signed with the key of enrollment group `{group}` itself; sign it with the device's \
         key, HMAC-SHA256 of `{registration_id}` under the group's key"
    )]
    GroupKeyItself {
        /// The group.
        group: EnrollmentGroupId,
        /// The device.
        registration_id: RegistrationId,
    },
    /// The certificate leads to a verified CA, but no group names a certificate on the path.
    #[error(
        "CA certificate not found: there is no individual enrollment `{registration_id}`, and no enrollment group names a \
         certificate on the path {}", path.join(" < ")
    )]
    NoGroupOnPath {
        /// The device.
        registration_id: RegistrationId,
        /// Names on the path, leaf first.
        path: Vec<String>,
    },
    /// A device with a TPM asks to register: no refusal, but what its TPM must answer.
    #[error("Unauthorized: sign a token with the key that the challenge holds for the device's TPM")]
    TpmChallenge {
        /// For the TPM alone: [`roadstead_tpm::Activation`].
        authentication_key: Vec<u8>,
    },
    /// The TPM is not the enrolled one.
    #[error("Unauthorized: the {key} that came is not the one of enrollment `{registration_id}`")]
    OtherTpm {
        /// `endorsement key` or `storage root key`.
        key: &'static str,
        /// The device.
        registration_id: RegistrationId,
    },
    /// A member of the request does not fit.
    #[error("{member}: {fault}")]
    Invalid {
        /// As Azure spells it: `attestation.symmetricKey.primaryKey`.
        member: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// A certificate of an enrollment cannot be read.
    #[error("{member}: {fault}")]
    BadCertificate {
        /// Where it was.
        member: &'static str,
        /// What is wrong with it.
        fault: CertificateError,
    },
    /// No individual enrollment of this id.
    #[error("there is no enrollment `{0}`")]
    EnrollmentNotFound(RegistrationId),
    /// No enrollment group of this id.
    #[error("there is no enrollment group `{0}`")]
    GroupNotFound(EnrollmentGroupId),
    /// The device never registered, or its record was deleted.
    #[error("there is no registration of `{0}`")]
    RegistrationNotFound(RegistrationId),
    /// No such operation of this device.
    #[error("there is no operation `{operation_id}` of `{registration_id}`")]
    OperationNotFound {
        /// The device.
        registration_id: RegistrationId,
        /// As presented, cut.
        operation_id: String,
    },
    /// An enrollment of this id exists and the request did not say to replace it.
    #[error("{kind} `{id}` exists already; send If-Match to replace it")]
    AlreadyExists {
        /// `enrollment` or `enrollment group`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// A certificate is in another enrollment already.
    #[error("{member}: the certificate is in {owner} already; one certificate enrolls by one entry only")]
    CertificateTaken {
        /// Where it was to go.
        member: &'static str,
        /// ``enrollment `dev-01` ``
        owner: String,
    },
    /// The stored record has another etag, or is gone.
    #[error("Precondition failed: {kind} `{id}` is no longer of the version that If-Match names")]
    EtagMismatch {
        /// `enrollment`, `enrollment group` or `registration`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// Other changes of the same record or device got in the way; the same request may succeed now.
    #[error("Precondition failed: `{id}` is being changed by other requests at the same time")]
    Concurrent {
        /// The device or enrollment.
        id: String,
    },
    /// An instance has as many of something as it may.
    #[error("this DPS instance has {max} {what} already, the most it may have")]
    TooMany {
        /// `symmetric-key enrollment groups`
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Too much is under way; later it may work.
    #[error("too many registrations are under way: try again in {retry_after_s} s")]
    Throttled {
        /// Seconds.
        retry_after_s: u32,
    },
    /// The hub cannot be asked now; later it may.
    #[error("hub `{hub}` cannot be reached now: {cause}")]
    HubUnavailable {
        /// Its host name.
        hub: String,
        /// From the link.
        cause: String,
        /// Whether the hub is on another server.
        is_far: bool,
    },
    /// A surprise below: to the log, not to the caller.
    #[error("internal error: {0}")]
    Internal(#[from] StoreError),
}

impl DpsError {
    /// Seconds after which the same request may succeed, of refusals that say so.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Throttled { retry_after_s } => Some(*retry_after_s),
            Self::HubUnavailable { .. } => Some(RETRY_AFTER_S),
            _ => None,
        }
    }

    /// Azure's error code; a thousandth of it is the HTTP status. Source: `reference/dps.md` 3.7, where the doubtful ones are
    /// marked; 400004 for limits, 409201 for a certificate twice and 503001 are `guess (?)`
    pub fn code(&self) -> u32 {
        match self {
            Self::Unauthorized(AuthRefusal::NoCredentials) => 401_000,
            Self::UnknownScope { .. }
            | Self::Unauthorized(_)
            | Self::NoKeyFits { .. }
            | Self::GroupKeyItself { .. }
            | Self::NoGroupOnPath { .. }
            | Self::TpmChallenge { .. }
            | Self::OtherTpm { .. } => 401_002,
            Self::Invalid { .. } | Self::BadCertificate { .. } | Self::TooMany { .. } => 400_004,
            Self::EnrollmentNotFound(_) | Self::GroupNotFound(_) => 404_201,
            Self::RegistrationNotFound(_) | Self::OperationNotFound { .. } => 404_202,
            Self::AlreadyExists { .. } | Self::CertificateTaken { .. } => 409_201,
            Self::Concurrent { .. } => 409_203,
            Self::EtagMismatch { .. } => 412_201,
            Self::Throttled { .. } => 429_001,
            Self::HubUnavailable { .. } => 503_001,
            Self::Internal(_) => 500_001,
        }
    }
}

/// Codes inside a registration that failed or is disabled. Source: `reference/dps.md` 3.7
pub mod code {
    /// The custom-allocation webhook failed.
    pub const CUSTOM_ALLOCATION: u32 = 400_207;
    /// No hub specified, eligible or found.
    pub const NO_HUB: u32 = 400_208;
    /// The hub refused the credentials of its link.
    pub const HUB_UNAUTHORIZED: u32 = 400_209;
    /// The hub refused the device. `guess (?)`
    pub const HUB_REFUSED: u32 = 400_004;
    /// The enrollment is disabled. `guess (?)`: Azure's number is not known.
    pub const DISABLED: u32 = 403_001;
}

/// Azure's words for a refusal. Source: `reference/dps.md` 3.7
fn phrase(refusal: &AuthRefusal) -> &'static str {
    match refusal {
        AuthRefusal::Path(
            PathRefusal::UnknownIssuer { .. } | PathRefusal::UnknownRoot { .. } | PathRefusal::Unverified { .. },
        ) => "CA certificate not found",
        AuthRefusal::Path(_)
        | AuthRefusal::Certificate { .. }
        | AuthRefusal::Unfit(_)
        | AuthRefusal::Thumbprint { .. }
        | AuthRefusal::CommonName { .. }
        | AuthRefusal::NoCommonName(_) => "Invalid certificate",
        _ => "Unauthorized",
    }
}
