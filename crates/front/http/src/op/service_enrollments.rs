//! Individual enrollments. Source: `reference/dps.md` 4.2

use roadstead_dps::{DpsError, Instance, Precondition};
use roadstead_model::RegistrationId;
use roadstead_wire::{dps_service::IndividualEnrollment, query::ItemType};

use crate::{
    call::Call,
    op::{
        service::{WHOLE, WITH_KEYS, WITHOUT_KEYS, deleted, invalid, listing, no_id, page, precondition, read_body},
        service_draft,
    },
    reply::Reply,
};

/// `GET /enrollments/{id}`: with the state of the device's registration, once it has one.
pub(crate) async fn show(dps: &Instance, id: &str) -> Result<Reply, DpsError> {
    let (enrollment, registration) = dps.find_enrollment(&read_id(id)?).await?;
    let registration_state = registration.as_ref().map(Into::into);
    Ok(Reply::ok(&IndividualEnrollment { registration_state, ..WITHOUT_KEYS.individual(&enrollment) }))
}

/// `PUT /enrollments/{id}`: creates without `If-Match`, else creates or replaces.
pub(crate) async fn put(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let body: IndividualEnrollment = read_body(call)?;
    if !body.registration_id.eq_ignore_ascii_case(id) {
        return Err(invalid("registrationId", format!("is `{}`, but the path says `{id}`", body.registration_id)));
    }
    let precondition = precondition(call, body.settings.etag.as_deref()).unwrap_or(Precondition::Absent);
    let enrollment = dps.put_enrollment(service_draft::enrollment(body)?, precondition).await?;
    Ok(Reply::ok(&WITH_KEYS.individual(&enrollment)))
}

/// `DELETE /enrollments/{id}`
pub(crate) async fn delete(dps: &Instance, call: &Call, id: &str) -> Result<Reply, DpsError> {
    let precondition = precondition(call, None).unwrap_or(Precondition::Any);
    dps.delete_enrollment(&read_id(id)?, precondition).await?;
    Ok(deleted())
}

/// `POST /enrollments/query`
pub(crate) async fn query(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    let found = dps.list_enrollments(&page(call)?).await?;
    Ok(listing(call, &found, ItemType::Enrollment, |enrollment| WITHOUT_KEYS.individual(enrollment)))
}

/// `POST /enrollments/{id}/attestationmechanism`: with keys and certificates.
pub(crate) async fn attestation(dps: &Instance, id: &str) -> Result<Reply, DpsError> {
    let (enrollment, _) = dps.find_enrollment(&read_id(id)?).await?;
    Ok(Reply::ok(&WHOLE.attestation(&enrollment.attestation)))
}

fn read_id(id: &str) -> Result<RegistrationId, DpsError> {
    RegistrationId::parse(id).map_err(no_id("registrationId"))
}
