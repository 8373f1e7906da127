//! The hubs and DPS instances that somebody may see.

use crate::call::text;
use crate::fault::Fault;
use roadstead_service::{Kind, Management, Resource, ServiceError};
use serde_json::Value;

/// What there is of a kind; nothing for whom there is nothing to be seen.
pub(crate) async fn list(management: &Management, kind: Kind) -> Result<Vec<Value>, Fault> {
    match management.list(kind, None).await {
        Ok(found) => Ok(found),
        Err(error) if error.status() == Some(403) => Ok(Vec::new()),
        Err(ServiceError::Unseen { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The group is in the id only: `/subscriptions/S/resourceGroups/G/providers/…`.
pub(crate) fn resource(kind: Kind, shown: &Value) -> Resource {
    let group = text(shown, "/id").split('/').nth(4).unwrap_or_default().to_owned();
    Resource { kind, group, name: text(shown, "/name").to_owned() }
}
