//! Lines of the audit log.

use std::borrow::Cow;

use roadstead_model::{AuditEntry, AuditOutcome, Guid, PrincipalId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuditEntryV1<'a> {
    v: V1,
    operation: Guid,
    at: UnixMillis,
    principal: PrincipalId,
    caller: Cow<'a, str>,
    address: Cow<'a, str>,
    action: Cow<'a, str>,
    target: Cow<'a, str>,
    outcome: OutcomeV1,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    destroyed: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum OutcomeV1 {
    Started,
    Succeeded { status: u16 },
    Failed { status: u16, code: String },
}

impl From<&AuditOutcome> for OutcomeV1 {
    fn from(outcome: &AuditOutcome) -> Self {
        match outcome {
            AuditOutcome::Started => Self::Started,
            AuditOutcome::Succeeded { status } => Self::Succeeded { status: *status },
            AuditOutcome::Failed { status, code } => Self::Failed { status: *status, code: code.clone() },
        }
    }
}

impl From<OutcomeV1> for AuditOutcome {
    fn from(outcome: OutcomeV1) -> Self {
        match outcome {
            OutcomeV1::Started => Self::Started,
            OutcomeV1::Succeeded { status } => Self::Succeeded { status },
            OutcomeV1::Failed { status, code } => Self::Failed { status, code },
        }
    }
}

impl Stored for AuditEntry {
    fn encode(&self, _: Vault<'_>) -> String {
        let Self { operation, at, principal, caller, address, action, target, outcome, destroyed } = self;
        write(&AuditEntryV1 {
            v: V1,
            operation: *operation,
            at: *at,
            principal: *principal,
            caller: Cow::Borrowed(caller),
            address: Cow::Borrowed(address),
            action: Cow::Borrowed(action),
            target: Cow::Borrowed(target),
            outcome: outcome.into(),
            destroyed: Cow::Borrowed(destroyed),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let read: AuditEntryV1 = vault.read(text)?;
        Ok(Self {
            operation: read.operation,
            at: read.at,
            principal: read.principal,
            caller: read.caller.into_owned(),
            address: read.address.into_owned(),
            action: read.action.into_owned(),
            target: read.target.into_owned(),
            outcome: read.outcome.into(),
            destroyed: read.destroyed.into_owned(),
        })
    }
}
