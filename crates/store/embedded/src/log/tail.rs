//! The end of a log: the segment that is written to, and its successors.

use std::{io, sync::Arc};

use roadstead_model::UnixMillis;
use tracing::warn;

use super::{
    disk::DiskFile,
    index::Index,
    limits,
    preface::{PREFACE_BYTES, Preface},
    record,
    segment::{self, Sealed},
    shared::Shared,
    view::Active,
};

/// What whoever writes, seals or drops segments holds.
pub(crate) struct Tail {
    pub open: Option<Open>,
    /// The number of the next segment.
    pub next_number: u64,
}

/// The segment that is written to.
pub(crate) struct Open {
    pub file: Arc<dyn DiskFile>,
    pub number: u64,
    pub salt: u32,
    /// Bytes that are durable; the next batch goes here.
    pub len: u64,
    /// The time of the first event.
    pub began_at: Option<UnixMillis>,
    /// Bytes that the saved index covers.
    pub saved: u64,
}

impl Tail {
    /// Writes a batch and makes it durable; then readers see it.
    /// Errors: nothing of the batch will be read. The segment is cut back to where it was, or where that fails too, or after a failed
    /// sync, which leaves unknown what the file holds, given up for a new one.
    pub(crate) fn write(&mut self, shared: &Shared, block: &mut [u8]) -> io::Result<()> {
        let first_at = record::headers(block).next().map(|(_, header)| header.enqueued_at);
        if self.open.as_ref().is_some_and(|open| open.is_full(shared.segment_bytes(), first_at)) {
            self.seal(shared);
        }
        if self.open.is_none() {
            self.begin(shared)?;
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        record::seal(block, open.salt);
        if let Err(error) = open.file.write_at(block, open.len) {
            if open.file.truncate(open.len).and_then(|()| open.file.sync()).is_err() {
                self.seal(shared);
            }
            return Err(error);
        }
        if let Err(error) = open.file.sync() {
            let cut = open.file.truncate(open.len);
            warn!(directory = %shared.directory.display(), segment = open.number, cut = cut.is_ok(), "giving a segment up");
            self.seal(shared);
            return Err(error);
        }
        let at = open.len;
        open.len += block.len() as u64;
        open.began_at = open.began_at.or(first_at);
        publish(shared, block, at);
        Ok(())
    }

    /// Begins a new segment.
    pub(crate) fn begin(&mut self, shared: &Shared) -> io::Result<()> {
        let preface = Preface::new(self.next_number, shared.view.read().heads.clone());
        self.next_number += 1;
        let path = segment::events_path(&shared.directory, preface.number);
        let begun = shared.disk.create(&path).and_then(|file| {
            file.write_at(&preface.encode(), 0)?;
            file.sync()?;
            shared.disk.sync_dir(&shared.directory)?;
            Ok(file)
        });
        let file = match begun {
            Ok(file) => file,
            Err(error) => {
                // A segment without events does no harm, should it stay.
                let _ = shared.disk.remove(&path);
                return Err(error);
            }
        };
        let len = PREFACE_BYTES as u64;
        let index = Index::new(&preface);
        shared.view.write().active = Some(Active { index, file: file.clone(), cold_bytes: len });
        self.open = Some(Open { file, number: preface.number, salt: preface.salt, len, began_at: None, saved: len });
        Ok(())
    }

    /// Completes the segment that is written to, if there is one.
    pub(crate) fn seal(&mut self, shared: &Shared) {
        if self.open.take().is_none() {
            return;
        }
        let index = shared.view.read().active.as_ref().map(|active| active.index.clone());
        let sealed = index.map(|index| Arc::new(Sealed::complete(&*shared.disk, &shared.directory, index)));
        let mut view = shared.view.write();
        view.active = None;
        view.sealed.extend(sealed);
    }

    /// Saves the index of the segment that is written to when at least `unsaved` bytes came since the last time.
    pub(crate) fn checkpoint(&mut self, shared: &Shared, unsaved: u64) {
        let Some(open) = self.open.as_mut().filter(|open| open.len - open.saved >= unsaved) else { return };
        let Some(bytes) = shared.view.read().active.as_ref().map(|active| active.index.encode()) else { return };
        if let Err(error) = segment::save_index(&*shared.disk, &shared.directory, open.number, &bytes) {
            warn!(directory = %shared.directory.display(), segment = open.number, %error, "cannot save a segment's index");
        }
        open.saved = open.len;
    }
}

impl Open {
    fn is_full(&self, bytes: u64, now: Option<UnixMillis>) -> bool {
        let old = |began: UnixMillis| now.is_some_and(|now| began.plus_ms(limits::SEGMENT_AGE_MS) < now);
        self.len >= bytes || self.began_at.is_some_and(old)
    }
}

fn publish(shared: &Shared, block: &[u8], at: u64) {
    let mut view = shared.view.write();
    let view = &mut *view;
    let Some(active) = &mut view.active else { return };
    for (place, header) in record::headers(block) {
        active.index.push(at + place as u64, &header);
        if let Some(head) = view.heads.get_mut(usize::from(header.partition)) {
            head.next = header.offset + 1;
            head.last_at = header.enqueued_at;
        }
    }
    active.index.summary.covered = at + block.len() as u64;
}
