//! What Roadstead knows: identifiers, records and the values they are made of.
//!
//! Owns the nouns every other crate speaks in. Refuses to know how anything is stored, sent or decided:
//! no sockets, no storage, no clock reads. Identifiers are made only by parsing, so a value of type
//! [`DeviceId`] is always one that Azure would accept.

pub mod access;
pub mod audit;
pub mod clock;
pub mod device;
pub mod disconnect_reason;
pub mod enrollment;
pub mod etag;
pub mod event;
pub mod file;
pub mod guid;
pub mod happening;
pub mod hub_settings;
pub mod id;
pub mod identity;
pub mod issued;
pub mod limits;
pub mod message;
pub mod principal;
pub mod properties;
pub mod registration_state;
pub mod resource;
pub mod role;
pub mod secret;
pub mod twin;
pub mod twin_revision;

pub use access::{AccessPolicy, Right, Rights};
pub use audit::{AuditEntry, AuditOutcome};
pub use clock::{Clock, Random, UnixMillis, UnixSeconds};
pub use device::{Device, DeviceAuth, DeviceStatus, Subscription, Thumbprint};
pub use disconnect_reason::DisconnectReason;
pub use enrollment::{
    AllocationPolicy, Attestation, CertificateEntry, Enrollment, EnrollmentGroup, GroupAttestation, Provisioning,
    ProvisioningStatus, Registration, RegistrationStatus, ReprovisionPolicy, Substatus, SymmetricKeys, TpmAttestation,
    Webhook,
};
pub use etag::Etag;
pub use event::{AuthMethod, Event, EventSource};
pub use file::FileNotification;
pub use guid::Guid;
pub use happening::{
    DeviceProtocol, Happening, HappeningClass, JournalOwner, Origin, RefusalCause, RefusalEntry, What,
};
pub use hub_settings::{CloudToDevice, EventSwitches, FileUploads, HubSettings, ThrottleProfile, Tier};
pub use id::{
    CertificateName, ConsumerGroupName, DeviceId, DpsName, EnrollmentGroupId, GenerationId, GroupName, HubKey, HubName,
    IdError, IdScope, ModuleId, RegistrationId, UserName,
};
pub use identity::{IdentityId, Module, Presence};
pub use issued::IssuedCertificate;
pub use message::{Ack, CloudMessage, Feedback, MessageOutcome};
pub use principal::{
    ClientSecret, FederatedCredential, IssuerLink, Login, Principal, PrincipalId, UserLogin, UserProof,
};
pub use properties::{Properties, Property, SystemProperty};
pub use registration_state::{AttestedBy, OperationStatus, RegistrationState, State};
pub use resource::{CaCertificate, CertificateOwner, ConsumerGroup, Dps, Hub, LinkedHub, ResourceGroup};
pub use role::{Assignment, Role, RoleScope};
pub use secret::Secret;
pub use twin::{InitialTwin, Twin, TwinSection};
pub use twin_revision::{Actor, TwinRevision};
