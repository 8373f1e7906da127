//! A back end's way to a Roadstead server: the public HTTPS APIs, as any other client of them would use them, and events over
//! AMQP, from an Azure IoT hub as well.
//!
//! Owns who is asking (access tokens and SAS tokens), whom is trusted (one CA file and nothing else, unless
//! [`Trust`] says so), where names lead,
//! paging, patience, and what a refusal says. Refuses to know the documents it carries: every answer is read into the
//! type that the caller names, `roadstead_wire`'s structs or a plain [`serde_json::Value`].
//!
//! | client | API | as whom |
//! |---|---|---|
//! | [`log_in`] | the token endpoint: tokens for credentials | anybody |
//! | [`Management`] | Resource Manager: groups, hubs, DPS, their keys and certificates; who may do what | an administrator |
//! | [`HubService`] | a hub's identities, twins, methods, messages, uploaded files and queries | a policy of the hub, or who logged in |
//! | [`Provisioning`] | a DPS' enrollments and registrations | a policy of the DPS, or who logged in |
//! | [`EventStream`] | a hub's events as they arrive | a policy of the hub, or who logged in |
//! | [`AmqpEvents`] | the same from the built-in endpoint, over AMQP | a policy of the hub |
//!
//! A server in the same process is asked without a socket: [`InProcess`].
//!
//! Sources: `reference/arm-and-az.md`, `reference/hub-service.md` 1, `reference/dps.md` 4.

#![warn(missing_docs)]

pub mod amqp;
pub mod authority;
pub mod contents;
pub mod error;
pub mod event_log;
mod event_source;
pub mod events;
pub mod hub;
pub mod in_process;
pub mod journal;
pub mod limits;
pub mod login;
pub mod management;
mod names;
mod page;
pub mod policy;
pub mod provisioning;
pub mod refusal;
pub mod transport;
pub mod trust;

pub use amqp::{AmqpEvents, EventHub, EventHubStringError};
pub use authority::{AccessToken, Authority};
pub use error::ServiceError;
pub use event_log::LogWanted;
pub use events::{EventFilter, EventStream, Skipped, StreamItem};
pub use hub::{Delivery, Download, FeedbackBatch, HubService, Settlement};
pub use in_process::InProcess;
pub use journal::{RefusalsWanted, RefusedWho};
pub use login::{Api, Proof, Tokens, log_in};
pub use management::{Credentials, Deletion, IssuedPage, Kind, Management, PrincipalKind, Resource};
pub use policy::Policy;
pub use provisioning::{EnrollmentKind, Provisioning};
pub use refusal::Refusal;
pub use roadstead_wire::arm::{CaRequest, Contents, Disk, IssueAnswer, IssueRequest, Issued};
pub use roadstead_wire::consumers::{ConsumerGroup, Consumers};
pub use roadstead_wire::event_log::EventLogPage;
pub use roadstead_wire::file_upload::UploadedFile;
pub use roadstead_wire::hub_service::{BulkResult, FeedbackRecord, MethodCall, OperationError, PurgeResult};
pub use roadstead_wire::journal::{Entry, Mend};
pub use roadstead_wire::twin_history::TwinVersion;
pub use transport::{Reach, Transport};
pub use trust::Trust;
