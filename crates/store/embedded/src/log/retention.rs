//! Dropping what need not be kept: whole segments, oldest first.

use std::sync::Arc;

use roadstead_model::UnixMillis;
use roadstead_store::StoreError;
use tracing::warn;

use super::{segment::Sealed, shared::Shared};

impl Shared {
    /// Drops segments whose newest event is too old, and the oldest ones while all together are too large. Blocks on the disk.
    ///
    /// One segment always stays, if only an empty one: its preface tells where offsets go on.
    pub(crate) fn retain(&self, now: UnixMillis) -> Result<(), StoreError> {
        let mut tail = self.tail.lock();
        let age_ms = self.retention.lock().age_ms;
        let expired = |newest: UnixMillis| newest.plus_ms(age_ms) < now;
        let active = self.view.read().active.as_ref().and_then(|active| active.index.summary.newest());
        if active.is_some_and(expired) {
            tail.seal(self);
            if let Err(error) = tail.begin(self) {
                warn!(directory = %self.directory.display(), %error, "cannot begin a new segment, so the last one stays");
            }
        }
        let dropped = self.take_dropped(expired);
        drop(tail);
        for sealed in dropped {
            let path = sealed.events_path();
            sealed.remove(&*self.disk).map_err(|error| {
                StoreError::Unavailable(format!("cannot remove the segment {}: {error}", path.display()))
            })?;
        }
        Ok(())
    }

    fn take_dropped(&self, expired: impl Fn(UnixMillis) -> bool) -> Vec<Arc<Sealed>> {
        let bytes_max = self.retention.lock().bytes_max;
        let mut view = self.view.write();
        let mut bytes = view.bytes();
        let kept = usize::from(view.active.is_none());
        let mut dropped = Vec::new();
        while view.sealed.len() > kept
            && let Some(oldest) = view.sealed.front()
            && (bytes > bytes_max || oldest.summary.newest().is_none_or(&expired))
        {
            bytes -= oldest.summary.covered;
            dropped.extend(view.sealed.pop_front());
        }
        dropped
    }
}
