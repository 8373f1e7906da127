//! Everything a hub can refuse, in one vocabulary. Each front has one table from it to its protocol.

use std::time::Duration;

use roadstead_auth::AuthRefusal;
use roadstead_model::{DeviceId, IdError, IdentityId};
use roadstead_query::QueryError;
use roadstead_store::StoreError;
use thiserror::Error;

use crate::{
    fault::FaultKind,
    throttle::Operation,
    twin::{TwinFault, TwinSectionName},
};

/// Why a hub said no. Not `#[non_exhaustive]`: a new refusal must get an answer in every front before it compiles.
#[derive(Debug, Error)]
pub enum HubError {
    /// The caller is not who it says, or may not do this.
    #[error(transparent)]
    Unauthorized(AuthRefusal),
    /// A login for a device that the hub does not have. At login this is worded as any other failed login.
    #[error(
        "no device `{0}` is registered in this hub; registered devices are listed by `roadstead iot hub device-identity list`"
    )]
    UnknownDevice(DeviceId),
    /// A login for a module that its device does not have, worded alike.
    #[error(
        "no module `{0}` is registered in this hub; those of a device are listed by `roadstead iot hub module-identity list`"
    )]
    UnknownModule(IdentityId),
    /// Whoever logs in under an id that nothing can be registered under is as unknown as any other stranger.
    #[error("nobody is registered under that id: {0}")]
    ImpossibleId(IdError),
    #[error("device `{0}` is disabled")]
    DeviceDisabled(DeviceId),
    #[error("device `{0}` is not registered")]
    DeviceNotFound(DeviceId),
    #[error("device `{0}` is registered already")]
    DeviceAlreadyExists(DeviceId),
    #[error("module `{0}` is not registered")]
    ModuleNotFound(IdentityId),
    #[error("module `{0}` is registered already")]
    ModuleAlreadyExists(IdentityId),
    #[error("`{id}` changed in the meantime: its etag is not the one given in If-Match")]
    EtagMismatch { id: IdentityId },
    /// A device reported on the condition that its reported properties have a version which they do not have.
    #[error("the reported properties of `{id}` have version {version}, not the {expected} that the request asked for")]
    TwinVersionMismatch { id: IdentityId, expected: i64, version: i64 },
    #[error("{section}: {fault}")]
    TwinInvalid { section: TwinSectionName, fault: TwinFault },
    #[error("{section} would have {bytes} bytes, at most {bytes_max} are allowed")]
    TwinTooLarge { section: TwinSectionName, bytes: usize, bytes_max: usize },
    #[error("the hub holds {max} devices already, which is its limit")]
    TooManyDevices { max: u64 },
    #[error("`{0}` is named more than once in the request, and was left alone")]
    DefinedTwice(IdentityId),
    #[error("device `{device}` has {max} modules already, which is its limit")]
    TooManyModules { device: DeviceId, max: usize },
    #[error("the message has {bytes} bytes with its properties, at most {bytes_max} are allowed")]
    MessageTooLarge { bytes: usize, bytes_max: usize },
    #[error(
        "{depth_max} messages wait for device `{id}` already, which is the limit; purge them or let the device receive them"
    )]
    QueueFull { id: DeviceId, depth_max: u32 },
    #[error("the message would live for more than {days_max} days: set an earlier expiry")]
    InvalidExpiry { days_max: i64 },
    /// Held for too long, settled already, or forgotten by a restart.
    #[error("the lock is lost: it expired, or what it locked is gone; receive again")]
    LockLost,
    #[error("{subscriptions} subscriptions, at most {max} are allowed in one session")]
    TooManySubscriptions { subscriptions: usize, max: usize },
    /// A query that cannot be run; it says where it goes wrong.
    #[error("{}", .0.line_text())]
    BadQuery(QueryError),
    #[error("the payload has {bytes} bytes, at most {bytes_max} are allowed")]
    PayloadTooLarge { bytes: usize, bytes_max: usize },
    /// The device is not connected, or does not listen to direct methods.
    #[error(
        "timed out waiting for the device to connect and listen to direct methods; it was waited for {} s",
        waited.as_secs()
    )]
    DeviceNotOnline { waited: Duration },
    /// The device's session ended while it was asked.
    #[error("the device's connection ended before it answered")]
    DeviceConnectionClosedRemotely,
    #[error("timed out waiting for the device's answer; it was waited for {} s", waited.as_secs())]
    MethodTimedOut { waited: Duration },
    #[error("the device's answer cannot be passed on: {0}")]
    MethodAnswerUnfit(String),
    #[error("{max} method calls are under way already, which is the limit; try again when some are answered")]
    TooManyCalls { max: usize },
    /// The hub is as slow as its settings say.
    #[error("too many {operation} for the tier this hub is throttled like; try again in {retry_after_s} s")]
    Throttled { operation: Operation, retry_after_s: u32 },
    /// The hub takes as many messages a day as its settings say.
    #[error("the hub has had its {messages_max} messages of today; it takes more after midnight UTC")]
    QuotaExceeded { messages_max: u64 },
    /// A test asked for it.
    #[error("a message asked for this fault, which still lasts: {0}")]
    FaultInjected(FaultKind),
    #[error("{max} devices have asked for faults already, which is the limit; try again when some are over")]
    TooManyFaults { max: usize },
    #[error("{0}")]
    Invalid(String),
    #[error("this hub has no place for files")]
    UploadsMissing,
    #[error("device `{device}` has {max} uploads under way, which is the limit; end them by telling how they went")]
    TooManyUploads { device: DeviceId, max: usize },
    #[error("the correlation id is not of an upload under way of this device")]
    UploadUnknown,
    #[error("the correlation id expired; start the upload anew")]
    UploadExpired,
    /// Told to have succeeded.
    #[error("there is no file at the place of this upload: upload it before you tell that it succeeded")]
    UploadEmpty,
    /// The session was closed while it asked for something.
    #[error("the session is closed: {0}")]
    Closed(crate::session::CloseReason),
    /// Nothing more can be stored now. The cause, which names the place on our disk, goes to the log, not to the client.
    #[error("the hub cannot store more now")]
    Full(#[source] StoreError),
    /// Ask again: credentials changed again and again while they were judged, or another write came between.
    #[error("another change came between; try again")]
    Busy,
    /// Our own fault. The cause goes to the log, not to the client.
    #[error("internal error")]
    Internal(#[source] StoreError),
}

impl From<StoreError> for HubError {
    fn from(error: StoreError) -> Self {
        match error {
            full @ StoreError::Full(_) => Self::Full(full),
            other => Self::Internal(other),
        }
    }
}

impl From<IdError> for HubError {
    fn from(error: IdError) -> Self {
        Self::Invalid(error.to_string())
    }
}
