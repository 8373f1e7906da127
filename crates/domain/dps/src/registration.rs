//! What devices ask of DPS: register, ask after the operation, look up the registration; and what back ends ask about it.

use std::{pin::pin, sync::Arc};

use roadstead_auth::{Credential, Evidence};
use roadstead_model::{
    AllocationPolicy, EnrollmentGroupId, OperationStatus, ProvisioningStatus, Registration, RegistrationId,
    RegistrationState, State, UnixMillis,
};
use roadstead_store::{Expect, StoreError, Write};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::{debug, error, info};

use crate::{
    allocation,
    assignment::{self, Assignment},
    attestation::{self, Admission, Presented},
    enrollment::Precondition,
    error::{DpsError, code},
    instance::Instance,
    limits::REGISTER_ANSWER,
    operation::{self, Remembered},
    query::{Listing, PageRequest},
    session::DpsSession,
    tpm::{self, Challenge},
};

/// What a device sends to register: `{"registrationId":"dev-01","payload":{"model":"m7"}}`, and the API version of the request.
#[derive(Debug, Clone, Default)]
pub struct RegistrationRequest {
    /// Optional; must then be the authenticated id.
    pub registration_id: Option<String>,
    /// For the custom-allocation webhook only.
    pub payload: Option<Value>,
    /// `2019-03-31`. Up to `2018-04-01` the default is never to reprovision.
    pub api_version: String,
    /// Only from a device with a TPM.
    pub tpm: Option<TpmKeys>,
}

/// The public keys of a device's TPM, base64 of `TPM2B_PUBLIC`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TpmKeys {
    /// Must be the enrolled one.
    pub endorsement_key: String,
    /// Absent: the enrolled one.
    pub storage_root_key: Option<String>,
}

/// See [`DpsSession::register`].
pub(crate) async fn register(
    session: &DpsSession,
    evidence: &Evidence<'_>,
    request: RegistrationRequest,
) -> Result<OperationStatus, DpsError> {
    let (instance, id) = (session.instance(), session.registration_id());
    instance.tally.registration();
    if let Some(other) = request.registration_id.as_ref().filter(|other| !other.eq_ignore_ascii_case(id.as_str())) {
        let fault = format!("`{}` is not `{id}`, as which the device authenticated", other.escape_debug());
        return Err(DpsError::Invalid { member: "registrationId", fault });
    }
    let admission = admit(session, &Presented { evidence, tpm: request.tpm.as_ref() }).await?;
    let operation_id = operation::fresh_id(instance.scope(), &*instance.ports.random);
    if let Some(state) = disabled(&admission, id, instance.now()) {
        return Ok(OperationStatus { operation_id, state: Some(state) });
    }
    let known = instance.known();
    let custom = allocation::policy(&known.dps, admission.source.provisioning()) == AllocationPolicy::Custom;
    let assignment = Assignment { instance: instance.clone(), known, id: id.clone(), admission, request };
    if custom {
        return start(assignment, operation_id);
    }
    assign_or_go_on(assignment, operation_id).await
}

/// See [`DpsSession::operation_status`].
pub(crate) async fn operation_status(
    session: &DpsSession,
    evidence: &Evidence<'_>,
    operation_id: &str,
) -> Result<OperationStatus, DpsError> {
    let (instance, id) = (session.instance(), session.registration_id());
    let admission = admit(session, &Presented { evidence, tpm: None }).await?;
    let not_found = || DpsError::OperationNotFound {
        registration_id: id.clone(),
        operation_id: operation_id.chars().flat_map(char::escape_debug).take(128).collect(),
    };
    if !operation::is_ours(instance.scope(), operation_id) {
        return Err(not_found());
    }
    let state = match instance.operations.find(&id.key(), operation_id) {
        _ if admission.source.provisioning().status == ProvisioningStatus::Disabled => {
            disabled(&admission, id, instance.now())
        }
        Remembered::Assigning => None,
        Remembered::Failed(state) => Some(*state),
        Remembered::Nothing => Some(find(instance, id, &admission).await?.ok_or_else(not_found)?),
    };
    Ok(OperationStatus { operation_id: operation_id.to_owned(), state })
}

/// See [`DpsSession::registration_status`].
pub(crate) async fn registration_status(
    session: &DpsSession,
    evidence: &Evidence<'_>,
) -> Result<RegistrationState, DpsError> {
    let (instance, id) = (session.instance(), session.registration_id());
    let admission = admit(session, &Presented { evidence, tpm: None }).await?;
    if let Some(state) = disabled(&admission, id, instance.now()) {
        return Ok(state);
    }
    find(instance, id, &admission).await?.ok_or_else(|| DpsError::RegistrationNotFound(id.clone()))
}

/// See [`DpsSession::authenticate`].
pub(crate) async fn authenticate(session: &DpsSession, evidence: &Evidence<'_>) -> Result<(), DpsError> {
    admit(session, &Presented { evidence, tpm: None }).await.map(drop)
}

/// See [`DpsSession::challenge`].
pub(crate) async fn challenge(session: &DpsSession, keys: &TpmKeys) -> Result<Challenge, DpsError> {
    let nothing = Evidence { token: None, chain: &[] };
    let refusal = match admit(session, &Presented { evidence: &nothing, tpm: Some(keys) }).await {
        Err(DpsError::TpmChallenge { authentication_key }) => {
            return Ok(Challenge { authentication_key, refusal: None });
        }
        Err(refusal) => Some(refusal),
        Ok(_) => None,
    };
    let authentication_key = tpm::challenge_stranger(keys, &*session.instance().ports.random)?;
    Ok(Challenge { authentication_key, refusal })
}

/// Judges the evidence against the individual enrollment, or against the groups when there is none.
async fn admit(session: &DpsSession, presented: &Presented<'_>) -> Result<Admission, DpsError> {
    let Presented { evidence, tpm } = *presented;
    let (instance, id) = (session.instance(), session.registration_id());
    instance.tally.attestation();
    let (scope, records) = (instance.scope(), &instance.ports.records);
    let now = instance.now().seconds();
    let admission = if let Some(enrollment) = records.find_enrollment(scope, id).await? {
        attestation::judge_individual(scope, id, Arc::new(enrollment), presented, &*instance.ports.random, now)
    } else if tpm.is_some() && !evidence.has_token() {
        // Groups know no TPM. Source: `reference/dps.md` 2.5
        Err(DpsError::EnrollmentNotFound(id.clone()))
    } else {
        let credential = evidence.credential()?;
        let known = instance.known();
        let several = matches!(credential, Credential::Token(_)) && known.grouping.key_group_count() > 1;
        let prior = if several { records.find_registration(scope, id).await? } else { None };
        let hint = prior.and_then(|registration| registration.group);
        attestation::judge_grouped(scope, id, &known.grouping, hint.as_ref(), evidence, now)
    };
    match admission {
        Ok(admission) => {
            session.rests_on(&admission);
            Ok(admission)
        }
        Err(challenge @ DpsError::TpmChallenge { .. }) => {
            debug!(%scope, registration_id = %id, "TPM challenged");
            Err(challenge)
        }
        Err(refusal) => {
            info!(%scope, registration_id = %id, %refusal, "device refused");
            Err(refusal)
        }
    }
}

fn disabled(admission: &Admission, id: &RegistrationId, now: UnixMillis) -> Option<RegistrationState> {
    if admission.source.provisioning().status == ProvisioningStatus::Enabled {
        return None;
    }
    let message = match admission.source.group() {
        Some(group) => format!("enrollment group `{group}` is disabled"),
        None => format!("enrollment `{id}` is disabled"),
    };
    Some(RegistrationState {
        registration_id: id.clone(),
        state: State::Disabled { code: code::DISABLED, message },
        attested: admission.attested,
        group: admission.source.group().cloned(),
        payload: None,
        authentication_key: None,
        etag: None,
        created: now,
        updated: now,
    })
}

async fn find(
    instance: &Instance,
    id: &RegistrationId,
    admission: &Admission,
) -> Result<Option<RegistrationState>, DpsError> {
    let registration = instance.ports.records.find_registration(instance.scope(), id).await?;
    Ok(registration.map(|registration| tpm::told(admission, &registration, &*instance.ports.random)))
}

/// Lets an assignment that asks a webhook go on in the background, unless one is under way already.
fn start(assignment: Assignment, operation_id: String) -> Result<OperationStatus, DpsError> {
    let instance = assignment.instance.clone();
    let device = assignment.id.key();
    let (operation_id, is_new) = instance.operations.begin(&device, operation_id)?;
    if is_new {
        let task = tokio::spawn(run(assignment, device.clone(), operation_id.clone()));
        instance.operations.runs_as(&device, &operation_id, task.abort_handle());
    }
    Ok(OperationStatus { operation_id, state: None })
}

/// Assigns while the device waits. What takes long goes on in the background, and so does what the device no longer waits for.
async fn assign_or_go_on(assignment: Assignment, operation_id: String) -> Result<OperationStatus, DpsError> {
    if let Some(operation_id) = assignment.instance.operations.find_running(&assignment.id.key()) {
        return Ok(OperationStatus { operation_id, state: None });
    }
    let (answer, answered) = oneshot::channel();
    tokio::spawn(see_through(assignment, operation_id, answer));
    let cut_short = |_| DpsError::Internal(StoreError::Unavailable("a register was cut short".to_owned()));
    answered.await.map_err(cut_short)?
}

async fn see_through(
    assignment: Assignment,
    operation_id: String,
    mut answer: oneshot::Sender<Result<OperationStatus, DpsError>>,
) {
    let (instance, device) = (&assignment.instance, assignment.id.key());
    let mut assigning = pin!(assignment::assign_patiently(&assignment));
    tokio::select! {
        outcome = &mut assigning => {
            let told = outcome.map(|assigned| OperationStatus { operation_id, state: Some(assigned.state) });
            let _ = answer.send(told); // nobody may be waiting any more
            return;
        }
        () = tokio::time::sleep(REGISTER_ANSWER) => {}
        () = answer.closed() => {}
    }
    let begun = instance.operations.begin(&device, operation_id);
    let told = begun.clone().map(|(operation_id, _)| OperationStatus { operation_id, state: None });
    let _ = answer.send(told); // as above
    // Another register of the device goes on already: this one would only wait for it.
    let Ok((operation_id, true)) = begun else { return };
    let ending = Ending { instance: instance.clone(), device, operation_id };
    let outcome = assigning.await;
    ending.with(&assignment, outcome);
}

/// An operation that ends, however its task does.
struct Ending {
    instance: Arc<Instance>,
    device: String,
    operation_id: String,
}

impl Ending {
    fn with(self, assignment: &Assignment, outcome: Result<assignment::Assigned, DpsError>) {
        settle(assignment, &self.device, &self.operation_id, outcome);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.instance.operations.finish(&self.device, &self.operation_id, None, self.instance.now());
    }
}

async fn run(assignment: Assignment, device: String, operation_id: String) {
    let outcome = assignment::assign_patiently(&assignment).await;
    settle(&assignment, &device, &operation_id, outcome);
}

/// Ends an operation with what no record tells of.
fn settle(assignment: &Assignment, device: &str, operation_id: &str, outcome: Result<assignment::Assigned, DpsError>) {
    let instance = &assignment.instance;
    let failure = match outcome {
        Ok(assigned) => (!assigned.recorded).then_some(assigned.state),
        Err(refusal) => {
            let code = refusal.code();
            let message = if let DpsError::Internal(cause) = refusal {
                error!(registration_id = %assignment.id, operation_id, %cause, "registration failed");
                "internal error".to_owned()
            } else {
                refusal.to_string()
            };
            Some(assignment.failed(code, message, None))
        }
    };
    instance.operations.finish(device, operation_id, failure, instance.now());
}

impl Instance {
    /// A device's registration record, for back ends.
    ///
    /// Errors: `RegistrationNotFound`, `Internal`. Source: `reference/dps.md` 4.2
    pub async fn find_registration(&self, id: &RegistrationId) -> Result<Registration, DpsError> {
        let found = self.ports.records.find_registration(self.scope(), id).await?;
        found.ok_or_else(|| DpsError::RegistrationNotFound(id.clone()))
    }

    /// Deletes a registration record: the next register is a first one. The device stays on its hub.
    ///
    /// Errors: `RegistrationNotFound`, `EtagMismatch`, `Internal`. Source: `reference/dps.md` 3.5, 4.2
    pub async fn delete_registration(&self, id: &RegistrationId, precondition: Precondition) -> Result<(), DpsError> {
        let expect = match precondition {
            Precondition::Etag(etag) => Expect::Etag(etag),
            Precondition::Absent | Precondition::Present | Precondition::Any => Expect::Present,
        };
        let versioned = matches!(expect, Expect::Etag(_));
        let delete = Write::DeleteRegistration(self.scope().clone(), id.clone(), expect);
        match self.ports.records.commit(vec![delete]).await {
            Err(StoreError::Conflict { .. }) if versioned => {
                Err(DpsError::EtagMismatch { kind: "registration", id: id.to_string() })
            }
            Err(StoreError::Conflict { .. }) => Err(DpsError::RegistrationNotFound(id.clone())),
            outcome => Ok(outcome?),
        }
    }

    /// Registrations that came by a group, a page at a time.
    ///
    /// Errors: `Invalid` for a foreign continuation, `Internal`. Source: `reference/dps.md` 4.2
    pub async fn list_registrations(
        &self,
        group: &EnrollmentGroupId,
        page: &PageRequest,
    ) -> Result<Listing<Registration>, DpsError> {
        let after = page.after()?;
        let found = self.ports.records.list_registrations(self.scope(), group, after.as_deref(), page.limit()).await?;
        Ok(Listing::of(found))
    }
}
