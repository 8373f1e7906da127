//! One hub and what it decides: who may connect, what becomes of a message, what a twin may hold, who reads the events.
//!
//! Owns all that belongs to a device or module: its identity, its twin, its live session, the messages that wait for it, the
//! files it uploads. Refuses to know protocols, storage engines and DPS. A [`Session`] is a device that connected; dropping it
//! ends the connection. All of an installation's hubs are in [`Hubs`], found by the host name a client used.
//!
//! | for | modules |
//! |---|---|
//! | who is there | [`registry`], [`modules`], [`edge`], [`bulk`], [`provision`], `credentials` |
//! | who is connected | [`session`], `sessions`, `presence`; [`mailbox`]: from the hub to a live session |
//! | what is said | [`twins`] and their rules ([`twin`]), [`methods`], [`messages`], [`upload`] and [`blob`] |
//! | what is known | [`query`], [`events`] of all partitions or of one [`partition`], with its [`readers`], or a few of them, to look at ([`sample`]); [`contents`]: how much there is; `hub_events`: what the hub itself tells; `routing`: the one way into the log; `history`: what the journal is told |
//! | what tests ask for | `throttle`: as slow as an Azure tier; `fault`: failures on request |

pub mod blob;
pub mod bulk;
pub mod contents;
mod credentials;
pub mod edge;
pub mod error;
pub mod events;
pub mod fault;
mod file_notifications;
mod history;
pub mod hub;
mod hub_events;
pub mod hubs;
pub mod limits;
pub mod log_page;
pub mod mailbox;
pub mod messages;
pub mod methods;
pub mod modules;
pub mod partition;
mod presence;
pub mod progress;
pub mod provision;
pub mod query;
pub mod readers;
pub mod registry;
pub mod renewal;
mod routing;
pub mod sample;
pub mod session;
mod sessions;
pub mod tally;
mod throttle;
pub mod twin;
pub mod twins;
pub mod upload;

pub use blob::{BlockPut, FileAccess, FileError, FilePut, ReadableFile, WritableFile};
pub use bulk::{RegistryChange, When, check_bulk};
pub use contents::Contents;
pub use credentials::AuthSpec;
pub use edge::ScopeSpec;
pub use error::HubError;
pub use events::{EventPosition, EventReader};
pub use fault::{Fault, FaultKind};
pub use hub::{Hub, HubParts, Login, Revision};
pub use hubs::Hubs;
pub use log_page::{Direction, LogPage, LogQuestion};
pub use mailbox::{DesiredChange, Interests, MethodCall, Notice};
pub use messages::{Delivery, LockToken, NewMessage, Settlement};
pub use methods::{MethodAnswer, MethodRequest};
pub use modules::ModuleSpec;
pub use partition::{EventStart, PartitionReader, PartitionState};
pub use progress::{ConsumerGroupProgress, Consumers, Position, Progress};
pub use provision::{Adopted, DeviceSpec, Known};
pub use query::{QueryPage, RowKind};
pub use readers::ReaderError;
pub use registry::{IdentitySpec, IfMatch};
pub use renewal::KeySlot;
pub use roadstead_sas::{BlobSasError, UploadKey};
pub use roadstead_store::{
    BlobChunks, BlobCondition, BlobError, BlobInfo, BlobProperties, BlobRead, BlockId, ByteRange, IdentityRecord,
    ListedBlob, QueryRow, StoreError, StoredEvent, Ticket, limits as store_limits,
};
pub use sample::{EventSample, Glimpse};
pub use session::{CloseReason, Session, SessionRequest};
pub use tally::TelemetryCounts;
pub use throttle::Operation;
pub use twin::{Beginning, SectionChange, TwinChange, TwinFault, TwinSectionName, TwinWrite};
pub use twins::{DeviceTwin, OwnTwin};
pub use upload::{UploadGrant, UploadParts};
