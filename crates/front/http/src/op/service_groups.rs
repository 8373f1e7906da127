//! Enrollment groups. Source: `reference/dps.md` 4.2

use roadstead_dps::{DpsError, Instance, Precondition};
use roadstead_model::EnrollmentGroupId;
use roadstead_wire::{dps_service::EnrollmentGroup, query::ItemType};

use crate::{
    call::Call,
    op::{
        service::{WHOLE, WITH_KEYS, WITHOUT_KEYS, deleted, invalid, listing, no_id, page, precondition, read_body},
        service_draft,
    },
    reply::Reply,
};

/// `GET /enrollmentGroups/{id}`
pub(crate) async fn show(dps: &Instance, id: &str) -> Result<Reply, DpsError> {
    let group = dps.find_enrollment_group(&read_id(id)?).await?;
    Ok(Reply::ok(&WITHOUT_KEYS.group(&group)))
}

/// `PUT /enrollmentGroups/{id}`: creates without `If-Match`, else creates or replaces.
pub(crate) async fn put(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let body: EnrollmentGroup = read_body(call)?;
    if !body.enrollment_group_id.eq_ignore_ascii_case(id) {
        let fault = format!("is `{}`, but the path says `{id}`", body.enrollment_group_id);
        return Err(invalid("enrollmentGroupId", fault));
    }
    let precondition = precondition(call, body.settings.etag.as_deref()).unwrap_or(Precondition::Absent);
    let group = dps.put_enrollment_group(service_draft::group(body)?, precondition).await?;
    Ok(Reply::ok(&WITH_KEYS.group(&group)))
}

/// `DELETE /enrollmentGroups/{id}`
pub(crate) async fn delete(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let precondition = precondition(call, None).unwrap_or(Precondition::Any);
    dps.delete_enrollment_group(&read_id(id)?, precondition).await?;
    Ok(deleted())
}

/// `POST /enrollmentGroups/query`
pub(crate) async fn query(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    let found = dps.list_enrollment_groups(&page(call)?).await?;
    Ok(listing(call, &found, ItemType::EnrollmentGroup, |group| WITHOUT_KEYS.group(group)))
}

/// `POST /enrollmentGroups/{id}/attestationmechanism`: with keys and certificates.
pub(crate) async fn attestation(dps: &Instance, id: &str) -> Result<Reply, DpsError> {
    let group = dps.find_enrollment_group(&read_id(id)?).await?;
    Ok(Reply::ok(&WHOLE.group_attestation(&group.attestation)))
}

fn read_id(id: &str) -> Result<EnrollmentGroupId, DpsError> {
    EnrollmentGroupId::parse(id).map_err(no_id("enrollmentGroupId"))
}
