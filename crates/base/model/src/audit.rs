//! What was asked of the management plane, by whom.

use crate::{clock::UnixMillis, guid::Guid, principal::PrincipalId};

/// One line of the audit log. A change leaves two: one when it is about to be tried, one when its end is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The two lines of one change have the same.
    pub operation: Guid,
    /// When.
    pub at: UnixMillis,
    /// Who: the principal.
    pub principal: PrincipalId,
    /// Its name at the time: `alice@plant.example`.
    pub caller: String,
    /// From where: `192.0.2.7`, without the port.
    pub address: String,
    /// What, in the words of the API: `Microsoft.Devices/IotHubs/write`.
    pub action: String,
    /// To what, in the words of the API: `/subscriptions/…/providers/Microsoft.Devices/IotHubs/plant`.
    pub target: String,
    /// How far it came.
    pub outcome: AuditOutcome,
    /// What it destroyed, as JSON: `{"hubs":1,"devices":3,…}`. Empty for changes that destroy no data.
    pub destroyed: String,
}

/// How far a change came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOutcome {
    /// About to be tried. Without a second line, the server stopped before it knew the end.
    Started,
    /// Done.
    Succeeded {
        /// HTTP status of the answer.
        status: u16,
    },
    /// Not done.
    Failed {
        /// HTTP status of the answer.
        status: u16,
        /// Error code of the answer: `AuthorizationFailed`.
        code: String,
    },
}
