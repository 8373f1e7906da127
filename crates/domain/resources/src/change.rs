//! Who must hear of what changed.

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_model::{CaCertificate, CertificateOwner, Dps, Hub, HubKey, IdScope};

/// One thing that is now otherwise. Durable before it is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A hub is new or changed.
    HubPut(Arc<Hub>),
    /// A hub is gone, its certificates with it.
    HubDeleted(HubKey),
    /// A DPS instance is new or changed.
    DpsPut(Arc<Dps>),
    /// A DPS instance is gone, its certificates with it.
    DpsDeleted(IdScope),
    /// All CA certificates that this owner now has, unverified ones too. Comes after the owner's own `Put`.
    CertificatesChanged(CertificateOwner, Arc<[CaCertificate]>),
}

/// Opens and closes what changes call for: hubs, DPS instances, server certificates for new names.
///
/// Called in the order of the changes, one at a time, after [`Resources::directory`](crate::Resources::directory) shows
/// the change and before the administrator has an answer: who made a hub may use it at once. Until
/// it returns no other change is made, so it must not ask for one itself.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Hears of a change.
    async fn changed(&self, change: &Change);
}
