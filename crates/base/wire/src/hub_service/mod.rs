//! The hub's service API: identities, twins, bulk changes, statistics, direct methods, queues.
//!
//! The structs have Azure's exact shape, explicit nulls included. Keys are [`Secret`]s, so that printing a body for
//! debugging shows none. Requests are read with [`crate::object_body`].
//! Source: `reference/hub-service.md` 1.4 to 1.9 and 2.3, `openapi/iothub-service-2021-04-12-derived.json`
//!
//! [`Secret`]: roadstead_model::Secret

mod activity;
mod bulk;
mod device;
mod feedback;
mod file_notification;
mod method;
mod module;
mod purge;
mod twin;

pub use activity::{Activity, NEVER};
pub use bulk::{
    BulkResult, ImportMode, OperationError, OperationWarning, RegistryOperation, Statistics, WholeProperties,
};
pub use device::{Authentication, AuthenticationType, Capabilities, Device, SymmetricKey, Thumbprints};
pub use feedback::{FEEDBACK_CONTENT_TYPE, FeedbackRecord};
pub use file_notification::{FILE_NOTIFICATION_CONTENT_TYPE, FileNotification};
pub use method::{MethodCall, MethodResult};
pub use module::Module;
pub use purge::PurgeResult;
pub use twin::{PropertyChanges, RowAuthentication, SectionChange, Twin, TwinChanges, TwinProperties};
