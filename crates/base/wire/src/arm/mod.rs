//! The part of Resource Manager that `az` and the management SDKs need: groups, hubs, DPS instances, keys, certificates,
//! roles, users and service principals, the activity log, and how they find and enter it.
//!
//! Structs have the members that clients read or send; what Roadstead only keeps and gives back stays in `other` maps. Keys,
//! connection strings and tokens are [`Secret`]s. Source: `reference/arm-and-az.md` 2, 3, 5, 6
//!
//! [`Secret`]: roadstead_model::Secret

mod activity;
mod certificate;
mod contents;
mod disk;
mod dps;
mod envelope;
mod error;
mod graph;
mod hub;
mod hub_settings;
mod issuing;
mod key;
mod metadata;
mod metric;
mod provider;
mod resource_id;
mod role;
mod token;

pub use activity::{activity, group as group_of_target};
pub use certificate::{CertificateProperties, CertificateRequest, OfCertificate, READ_ONLY_OF_CERTIFICATE, http_date};
pub use contents::{Contents, DESTROYED_HEADER};
pub use disk::Disk;
pub use dps::{DpsProperties, IotHubLink, mask_connection_string};
pub use envelope::{
    GroupProperties, List, NameAvailability, NameQuery, Resource, Sku, Subscription, TagsUpdate, Tenant, Unavailable,
};
pub use error::ArmError;
pub use graph::{
    AddPassword, ChangePassword, DirectoryIds, FEDERATED, FederatedIdentity, GraphApplication, GraphPrincipal,
    NewApplication, NewServicePrincipal, NewUser, ObjectIdentity, PasswordCredential, PrincipalPatch, RemovePassword,
    SecretWish,
};
pub use hub::{EventHub, EventHubEndpoints, HubProperties, Location};
pub use hub_settings::{
    CloudToDevice, Feedback, MessagingEndpoints, Roadstead, Route, RouteSource, Routing, StorageEndpoint,
    StorageEndpoints, Throttle, Throttling,
};
pub use issuing::{CaRequest, IssueAnswer, IssueRequest, Issued, IssuedList};
pub use key::AccessKey;
pub use metadata::Cloud;
pub use metric::{Aggregation, GRAINS, Localized, MetricName, MetricSeries, MetricValue, Metrics, TimeSeries};
pub use provider::{API_VERSION, NAMESPACE, QuotaMetric, dps_tiers, hub_tiers, location, operations, provider, usage};
pub use resource_id::{Kind, ResourceId};
pub use role::{
    AssignmentProperties, AssignmentRequest, AssignmentResource, AssignmentWish, parse_role, role_definition,
    role_definition_id, role_permissions, role_words,
};
pub use token::{DeviceCodeAnswer, IdClaims, TokenAnswer, TokenError, client_info};

/// What a resource is once it is made: nothing here takes long enough to be polled.
pub const SUCCEEDED: &str = "Succeeded";
