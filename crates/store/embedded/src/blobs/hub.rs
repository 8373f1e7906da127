//! One hub's directory: what it takes of the quota, and who commits.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, MutexGuard};
use roadstead_store::{BlobError, Quota};

use super::limits::{GRAIN_BYTES, STRIPES};
use crate::{directory::private_builder, error::unusable};

/// A hub's blobs.
#[derive(Debug)]
pub(crate) struct HubFiles {
    pub(crate) directory: PathBuf,
    pub(crate) quota: Quota,
    next_new: AtomicU64,
    commits: Box<[Mutex<()>]>,
}

impl HubFiles {
    /// Makes what is not there, drops what was being written, and sums up the rest.
    pub(crate) fn open(directory: PathBuf, bytes_max: u64) -> io::Result<Self> {
        let new = directory.join("new");
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for part in ["new", "files", "blocks"] {
            private_builder().create(directory.join(part))?;
        }
        sync_directory(&directory)?;
        if let Some(parent) = directory.parent() {
            sync_directory(parent)?;
        }
        let used = taken(&directory.join("files"))? + taken(&directory.join("blocks"))?;
        let commits = (0..STRIPES).map(|_| Mutex::default()).collect();
        Ok(Self { directory, quota: Quota::new(bytes_max, used), next_new: AtomicU64::new(0), commits })
    }

    /// A file that nobody else writes.
    pub(crate) fn new_path(&self) -> PathBuf {
        self.directory.join("new").join(self.next_new.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// One at a time commits to the blob whose blocks wait in this directory.
    pub(crate) fn lock(&self, blocks: &Path) -> MutexGuard<'_, ()> {
        let digest = blocks.file_name().unwrap_or_default().as_encoded_bytes();
        self.commits[crc32fast::hash(digest) as usize % STRIPES].lock()
    }

    /// Removes a file if it is there, and gives back what it took; whether it was there.
    pub(crate) fn remove(&self, path: &Path) -> Result<bool, BlobError> {
        let removed = fs::metadata(path).and_then(|found| fs::remove_file(path).map(|()| found.len()));
        match removed {
            Ok(len) => {
                self.quota.give(grains(len));
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unusable(path, &error).into()),
        }
    }

    /// Drops the blocks that wait in a directory and that `drops` tells of, then the directory if it is empty. How many.
    pub(crate) fn remove_blocks(
        &self,
        directory: &Path,
        drops: impl Fn(&fs::Metadata) -> bool,
    ) -> Result<u64, BlobError> {
        let fail = |error: io::Error| BlobError::from(unusable(directory, &error));
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(fail(error)),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry.map_err(fail)?;
            if drops(&entry.metadata().map_err(fail)?) && self.remove(&entry.path())? {
                removed += 1;
            }
        }
        // Refused while a block is left in it: then it shall stay.
        let _ = fs::remove_dir(directory);
        Ok(removed)
    }
}

/// What a file of this length takes.
pub(crate) fn grains(len: u64) -> u64 {
    len.max(1).div_ceil(GRAIN_BYTES).saturating_mul(GRAIN_BYTES)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// What the files below a directory take: two levels, as `files` and `blocks` have.
fn taken(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for inner in fs::read_dir(directory)? {
        for file in fs::read_dir(inner?.path())? {
            sum += grains(file?.metadata()?.len());
        }
    }
    Ok(sum)
}
