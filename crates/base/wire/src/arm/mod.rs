//! The part of Resource Manager that `az` and the management SDKs need: groups, hubs, DPS instances, keys, certificates,
//! and how they find and enter it.
//!
//! Structs have the members that clients read or send; what Roadstead only keeps and gives back stays in `other` maps. Keys,
//! connection strings and tokens are [`Secret`]s. Source: `reference/arm-and-az.md` 2, 3, 5, 6
//!
//! [`Secret`]: roadstead_model::Secret

mod certificate;
mod dps;
mod envelope;
mod error;
mod hub;
mod hub_settings;
mod key;
mod metadata;
mod provider;
mod resource_id;
mod token;

pub use certificate::{CertificateProperties, CertificateRequest, http_date};
pub use dps::{DpsProperties, IotHubLink, mask_connection_string};
pub use envelope::{
    GroupProperties, List, NameAvailability, NameQuery, Resource, Sku, Subscription, TagsUpdate, Tenant, Unavailable,
};
pub use error::ArmError;
pub use hub::{EventHub, EventHubEndpoints, HubProperties, Location};
pub use hub_settings::{
    CloudToDevice, Feedback, MessagingEndpoints, Roadstead, Route, RouteSource, Routing, StorageEndpoint,
    StorageEndpoints, Throttle, Throttling,
};
pub use key::AccessKey;
pub use metadata::Cloud;
pub use provider::{API_VERSION, NAMESPACE, QuotaMetric, dps_tiers, hub_tiers, location, operations, provider, usage};
pub use resource_id::{Kind, ResourceId};
pub use token::{TokenAnswer, TokenError};

/// What a resource is once it is made: nothing here takes long enough to be polled.
pub const SUCCEEDED: &str = "Succeeded";
