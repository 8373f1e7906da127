//! A file being written, under a name of its own until it is committed.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use roadstead_model::UnixMillis;
use roadstead_store::BlobError;

use super::hub::{HubFiles, grains, sync_directory};
use crate::{
    directory::{private_builder, private_options},
    error::unusable,
};

/// Dropped without being kept, it takes its file with it.
#[derive(Debug)]
pub(crate) struct NewFile {
    hub: Arc<HubFiles>,
    path: PathBuf,
    file: File,
    /// Bytes written.
    len: u64,
    /// What is taken of the quota for it.
    taken: u64,
    /// The part of it that is taken for other files still, which go when this one is kept.
    borrowed: u64,
    kept: bool,
}

impl NewFile {
    pub(crate) fn create(hub: Arc<HubFiles>) -> Result<Self, BlobError> {
        let path = hub.new_path();
        let opened = private_options().write(true).create_new(true).open(&path);
        let file = opened.map_err(|error| unusable(&path, &error))?;
        Ok(Self { hub, path, file, len: 0, taken: 0, borrowed: 0, kept: false })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Takes of the quota what the file will have with `bytes` more.
    pub(crate) fn reserve(&mut self, bytes: u64) -> Result<(), BlobError> {
        let more = grains(self.len.saturating_add(bytes)).saturating_sub(self.taken);
        self.hub.quota.take(more)?;
        self.taken += more;
        Ok(())
    }

    /// Uses room that is taken for other files, which go when this one is kept.
    pub(crate) fn borrow(&mut self, bytes: u64) {
        self.borrowed += bytes;
        self.taken += bytes;
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.reserve(bytes.len() as u64)?;
        self.file.write_all(bytes).map_err(|error| unusable(&self.path, &error))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Takes over what `from` has from where it stands to its end, for which room was reserved.
    pub(crate) fn copy(&mut self, from: &mut File) -> Result<(), BlobError> {
        let copied = io::copy(&mut Read::by_ref(from), &mut self.file).map_err(|error| unusable(&self.path, &error))?;
        self.len += copied;
        Ok(())
    }

    /// When it was written last.
    pub(crate) fn modified(&self) -> Result<UnixMillis, BlobError> {
        let modified = self.file.metadata().and_then(|found| found.modified());
        Ok(modified.map(unix_millis).map_err(|error| unusable(&self.path, &error))?)
    }

    pub(crate) fn sync(&self) -> Result<(), BlobError> {
        Ok(self.file.sync_all().map_err(|error| unusable(&self.path, &error))?)
    }

    /// Gives the file, synced before, its name, in a directory that is made if it is not there. Durable when it returns. The
    /// file that had the name goes, with what it took.
    pub(crate) fn keep(mut self, name: &Path) -> Result<(), BlobError> {
        let fail = |error: io::Error| BlobError::from(unusable(name, &error));
        let directory = name.parent().expect("files have names below a hub's directory");
        // Not with its parents: a hub that was deleted meanwhile must not come back.
        match private_builder().recursive(false).create(directory) {
            Ok(()) => directory.parent().map_or(Ok(()), sync_directory).map_err(fail)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fail(error)),
        }
        let replaced = fs::metadata(name).map_or(0, |found| grains(found.len()));
        fs::rename(&self.path, name).map_err(fail)?;
        self.kept = true;
        self.hub.quota.retake(self.borrowed);
        self.hub.quota.give(self.taken.saturating_sub(grains(self.len)).saturating_add(replaced));
        sync_directory(directory).map_err(fail)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now goes when the hub's blobs are opened again.
            let _ = fs::remove_file(&self.path);
            self.hub.quota.give(self.taken - self.borrowed);
        }
    }
}

/// A file's time.
pub(crate) fn unix_millis(time: SystemTime) -> UnixMillis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
