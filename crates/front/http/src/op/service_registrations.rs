//! Registrations: which devices came, and where they are. Source: `reference/dps.md` 4.2

use roadstead_dps::{DpsError, Instance, Precondition};
use roadstead_model::{EnrollmentGroupId, RegistrationId};
use roadstead_wire::{dps_service::DeviceRegistrationState, query::ItemType};

use crate::{
    call::Call,
    op::service::{deleted, listing, no_id, page, precondition},
    reply::Reply,
};

/// `GET /registrations/{id}`
pub(crate) async fn show(dps: &Instance, id: &str) -> Result<Reply, DpsError> {
    let registration = dps.find_registration(&read_id(id)?).await?;
    Ok(Reply::ok(&DeviceRegistrationState::from(&registration)))
}

/// `DELETE /registrations/{id}`
pub(crate) async fn delete(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let precondition = precondition(call, None).unwrap_or(Precondition::Any);
    dps.delete_registration(&read_id(id)?, precondition).await?;
    Ok(deleted())
}

/// `POST /registrations/{enrollmentGroupId}/query`
pub(crate) async fn query(dps: &Instance, call: &Call, group: &str) -> Result<Reply, DpsError> {
    let group = EnrollmentGroupId::parse(group).map_err(no_id("enrollmentGroupId"))?;
    let found = dps.list_registrations(&group, &page(call)?).await?;
    Ok(listing(call, &found, ItemType::DeviceRegistration, |registration| DeviceRegistrationState::from(registration)))
}

fn read_id(id: &str) -> Result<RegistrationId, DpsError> {
    RegistrationId::parse(id).map_err(no_id("registrationId"))
}
