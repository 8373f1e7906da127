//! The audit log: who asked for which change, from where, and what became of it.

use roadstead_model::AuditEntry;
use roadstead_store::Write;
use tracing::error;

use crate::{error::ResourceError, limits, resources::Resources};

impl Resources {
    /// Adds a line. A change must not be tried before its first line is durable.
    ///
    /// Errors: `Unavailable`, `Full`, `Internal`.
    pub async fn write_audit(&self, entry: AuditEntry) -> Result<(), ResourceError> {
        let batch = vec![Write::AddAudit { entry, kept_max: limits::AUDIT_ENTRIES_MAX }];
        self.records().commit(batch).await.map_err(|cause| {
            error!(%cause, "the audit log could not be written");
            cause.into()
        })
    }

    /// Lines from the newest backwards with their numbers, those before `before`, at most `limit` of them.
    ///
    /// Errors: `Unavailable`, `Internal`.
    pub async fn list_audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, AuditEntry)>, ResourceError> {
        Ok(self.records().list_audit(before, limit).await?)
    }
}
