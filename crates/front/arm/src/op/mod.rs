//! Operations, one file per group of them. Each translates both ways and decides nothing.

pub(crate) mod application;
pub(crate) mod assignment;
pub(crate) mod audit;
pub(crate) mod certificate;
pub(crate) mod consumer_group;
pub(crate) mod contents;
pub(crate) mod count;
pub(crate) mod deployment;
pub(crate) mod device_page;
pub(crate) mod disk;
pub(crate) mod dps;
pub(crate) mod filter;
pub(crate) mod group;
pub(crate) mod hub;
pub(crate) mod hub_settings;
pub(crate) mod issuing;
pub(crate) mod kept;
pub(crate) mod key;
pub(crate) mod metadata;
pub(crate) mod metric;
pub(crate) mod name;
pub(crate) mod principal;
pub(crate) mod provider;
pub(crate) mod resource;
pub(crate) mod role;
pub(crate) mod route_test;
pub(crate) mod service_principal;
pub(crate) mod subscription;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod user;

/// Where names stand in `/subscriptions/S/resourceGroups/RG/providers/Microsoft.Devices/IotHubs/H/certificates/C`.
pub(crate) const GROUP: usize = 3;
pub(crate) const NAME: usize = 7;
pub(crate) const INNER_NAME: usize = 9;
