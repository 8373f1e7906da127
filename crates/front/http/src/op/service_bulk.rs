//! Several enrollments in one request: each change stands for itself, and the answer names those that failed.
//! Source: `reference/dps.md` 4.3

use roadstead_dps::{BulkChange, DpsError, Instance, Precondition, limits::BULK_MAX};
use roadstead_model::{EnrollmentGroupId, RegistrationId};
use roadstead_wire::dps_service::{
    BulkError, BulkGroupError, BulkGroups, BulkIndividuals, BulkMode, BulkResult, EnrollmentGroup, IndividualEnrollment,
};

use crate::{
    call::Call,
    op::{
        service::{invalid, no_id, read_body, read_etag},
        service_draft,
    },
    refusal::dps_code,
    reply::Reply,
};

/// `POST /enrollments`
pub(crate) async fn enrollments(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    let BulkIndividuals { mode, enrollments } = read_body(call)?;
    check_count("enrollments", enrollments.len())?;
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for enrollment in enrollments {
        let id = enrollment.registration_id.clone();
        match change(mode.0, enrollment) {
            Ok(change) => changes.push(change),
            Err(refused) => errors.push(error(id, &refused)),
        }
    }
    let failures = dps.change_enrollments(changes).await?;
    errors.extend(failures.iter().map(|failure| error(failure.registration_id.to_string(), &failure.error)));
    Ok(Reply::ok(&BulkResult::new(errors)))
}

/// `POST /enrollmentGroups`
pub(crate) async fn groups(dps: &Instance, call: &Call) -> Result<Reply, DpsError> {
    let BulkGroups { mode, enrollment_groups } = read_body(call)?;
    check_count("enrollmentGroups", enrollment_groups.len())?;
    let mut errors = Vec::new();
    for group in enrollment_groups {
        let id = group.enrollment_group_id.clone();
        if let Err(refused) = change_group(dps, mode.0, group).await {
            errors.push(BulkGroupError {
                enrollment_group_id: id,
                error_code: dps_code(&refused).number(),
                error_status: status(&refused),
            });
        }
    }
    Ok(Reply::ok(&BulkResult::new(errors)))
}

fn check_count(member: &'static str, count: usize) -> Result<(), DpsError> {
    match count {
        0..=BULK_MAX => Ok(()),
        _ => Err(invalid(member, format!("has {count} entries, at most {BULK_MAX} are allowed"))),
    }
}

fn change(mode: BulkMode, enrollment: IndividualEnrollment) -> Result<BulkChange, DpsError> {
    if let Some(precondition) = precondition(mode, enrollment.settings.etag.as_deref())? {
        return Ok(BulkChange::Put(Box::new(service_draft::enrollment(enrollment)?), precondition));
    }
    let id = RegistrationId::parse(&enrollment.registration_id).map_err(no_id("registrationId"))?;
    Ok(BulkChange::Delete(id, Precondition::Any))
}

async fn change_group(dps: &Instance, mode: BulkMode, group: EnrollmentGroup) -> Result<(), DpsError> {
    if let Some(precondition) = precondition(mode, group.settings.etag.as_deref())? {
        return dps.put_enrollment_group(service_draft::group(group)?, precondition).await.map(|_| ());
    }
    let id = EnrollmentGroupId::parse(&group.enrollment_group_id).map_err(no_id("enrollmentGroupId"))?;
    dps.delete_enrollment_group(&id, Precondition::Any).await
}

/// On what a write depends; `None`: the entry is to be deleted.
fn precondition(mode: BulkMode, etag: Option<&str>) -> Result<Option<Precondition>, DpsError> {
    match mode {
        BulkMode::Create => Ok(Some(Precondition::Absent)),
        BulkMode::Update => Ok(Some(Precondition::Present)),
        BulkMode::UpdateIfMatchEtag => match etag.and_then(read_etag) {
            Some(precondition) => Ok(Some(precondition)),
            None => Err(invalid("etag", "mode updateIfMatchETag needs the etag of each enrollment")),
        },
        BulkMode::Delete => Ok(None),
    }
}

fn error(registration_id: String, refused: &DpsError) -> BulkError {
    BulkError { registration_id, error_code: dps_code(refused).number(), error_status: status(refused) }
}

/// The text of a refusal; a cause of our own stays in the log.
fn status(refused: &DpsError) -> String {
    match refused {
        DpsError::Internal(cause) => {
            tracing::error!(%cause, "a change of a bulk request failed");
            "internal error".to_owned()
        }
        refused => refused.to_string(),
    }
}
