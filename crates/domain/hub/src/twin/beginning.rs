//! What a new twin begins with.

use roadstead_model::{Actor, InitialTwin, Twin, TwinRevision, UnixMillis};
use serde_json::{Map, Value};

use super::{TwinChange, TwinWrite, change};
use crate::error::HubError;

/// What a new twin begins with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beginning {
    pub initial: InitialTwin,
    /// What its device reported to another hub.
    pub reported: Map<String, Value>,
    /// Who wants it, where that is known: for the twin's history.
    pub by: Option<Actor>,
}

impl Beginning {
    /// What a change makes of a twin that is not there yet. Errors: those of a write to a twin.
    pub(crate) fn of(wanted: &TwinChange) -> Result<Self, HubError> {
        let mut twin = Twin::new(&InitialTwin::default(), UnixMillis(0));
        if let Some(sections) = wanted.sections(&twin, TwinWrite::Replace) {
            twin = change(twin, sections, TwinWrite::Replace, UnixMillis(0))?;
        }
        let initial = InitialTwin { tags: twin.tags, desired: twin.desired.value };
        Ok(Self { initial, reported: twin.reported.value, by: wanted.by.clone() })
    }

    pub(crate) fn twin(self, at: UnixMillis) -> Twin {
        Twin::new(&self.initial, at).with_reported(self.reported, at)
    }
}

/// What is kept of a twin that begins, or starts over.
pub(crate) fn begun(twin: &Twin, by: Option<Actor>, at: UnixMillis) -> TwinRevision {
    TwinRevision {
        version: twin.version,
        at,
        by,
        is_replacement: true,
        tags: Some(twin.tags.clone()),
        desired: Some((twin.desired.value.clone(), twin.desired.version)),
    }
}
