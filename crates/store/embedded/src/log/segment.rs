//! Segments that are no longer written to, and the names of their files.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use roadstead_store::Partition;
use tracing::warn;

use super::{
    disk::{self, Disk, DiskFile},
    index::{self, Index, PLACE_BYTES, Place, SUMMARY_BYTES_MAX, Summary},
    limits,
    preface::{PREFACE_BYTES, Preface, PrefaceError},
    scan::{self, Outcome},
};

const EVENTS: &str = "events";
const INDEX: &str = "index";
const DAMAGED: &str = "damaged";

/// `00000000000000000001.events`
pub(crate) fn events_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.{EVENTS}"))
}

/// `00000000000000000001.index`
pub(crate) fn index_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.{INDEX}"))
}

/// Where a segment that tells nothing goes, for whoever wants to look at it.
pub(crate) fn damaged_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.{DAMAGED}"))
}

/// What a file in a hub's directory is, and of which segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileName {
    Events(u64),
    Index(u64),
    Damaged(u64),
}

/// `None` for names that are not ours.
pub(crate) fn parse_name(name: &str) -> Option<FileName> {
    let (number, kind) = name.split_once('.')?;
    let number = number.parse().ok().filter(|_| number.len() == 20)?;
    match kind {
        EVENTS => Some(FileName::Events(number)),
        INDEX => Some(FileName::Index(number)),
        DAMAGED => Some(FileName::Damaged(number)),
        _ => None,
    }
}

/// A segment that is complete.
pub(crate) struct Sealed {
    pub summary: Summary,
    directory: PathBuf,
    /// The index where the file beside the segment does not serve.
    held: OnceLock<Index>,
    warned: AtomicBool,
}

impl Sealed {
    /// One whose index file says `summary`.
    pub(crate) fn indexed(directory: &Path, summary: Summary) -> Self {
        Self { summary, directory: directory.to_owned(), held: OnceLock::new(), warned: AtomicBool::new(false) }
    }

    /// Completes a segment: saves its index, or keeps it in memory where the disk refuses that.
    pub(crate) fn complete(disk: &dyn Disk, directory: &Path, index: Index) -> Self {
        let number = index.summary.number;
        let saved = save_index(disk, directory, number, &index.encode()).and_then(|file| file.sync());
        let sealed = Self::indexed(directory, index.summary.clone());
        if let Err(error) = saved {
            warn!(directory = %directory.display(), segment = number, %error, "cannot save a segment's index, keeping it in memory");
            sealed.held.get_or_init(|| index);
        }
        sealed
    }

    pub(crate) fn events_path(&self) -> PathBuf {
        events_path(&self.directory, self.summary.number)
    }

    pub(crate) fn open(&self, disk: &dyn Disk) -> io::Result<Arc<dyn DiskFile>> {
        disk.open(&self.events_path())
    }

    /// The places of up to `count` events from an offset on.
    pub(crate) fn places(&self, disk: &dyn Disk, partition: usize, from: u64, count: usize) -> io::Result<Vec<Place>> {
        if let Some(index) = self.held.get() {
            return Ok(index.places(partition, from).iter().take(count).copied().collect());
        }
        let at = self.summary.place_at(partition, from).ok_or(io::ErrorKind::InvalidInput)?;
        let file = disk.open(&index_path(&self.directory, self.summary.number))?;
        Ok(index::decode_places(&disk::read(&*file, at, count * PLACE_BYTES)?))
    }

    /// Makes the index anew from the segment itself, for use from memory; `false` if that has been done before or cannot be done.
    pub(crate) fn reindex(&self, disk: &dyn Disk) -> bool {
        if self.held.get().is_some() {
            return false;
        }
        let ends: Vec<_> = self.summary.parts.iter().map(|part| part.next).collect();
        match load(disk, &self.directory, self.summary.number, Some(&ends)) {
            Ok(Some((index, _))) => self.held.set(index).is_ok(),
            Ok(None) | Err(_) => false,
        }
    }

    /// Warns of damage, once per segment.
    pub(crate) fn warn(&self, partition: Partition, offset: u64, lost: u64, cause: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn!(
                segment = %self.events_path().display(), partition, offset, lost, cause,
                "skipping damaged events; there will be no further warning about this segment"
            );
        }
    }

    /// Removes the segment's files.
    pub(crate) fn remove(&self, disk: &dyn Disk) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(disk.remove(&self.events_path()))?;
        gone(disk.remove(&index_path(&self.directory, self.summary.number)))
    }
}

/// Writes an index file.
pub(crate) fn save_index(
    disk: &dyn Disk,
    directory: &Path,
    number: u64,
    bytes: &[u8],
) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(&index_path(directory, number))?;
    file.write_at(bytes, 0)?;
    Ok(file)
}

/// Reads what an index file says of its segment, if it says so intact and of this one.
pub(crate) fn load_summary(disk: &dyn Disk, directory: &Path, number: u64) -> Option<Summary> {
    let file = disk.open(&index_path(directory, number)).ok()?;
    let (summary, _) = Summary::decode(&disk::read(&*file, 0, SUMMARY_BYTES_MAX).ok()?)?;
    (summary.number == number).then_some(summary)
}

/// Reads a whole index file, if it is intact and of this segment.
pub(crate) fn load_index(disk: &dyn Disk, directory: &Path, number: u64) -> Option<Index> {
    let file = disk.open(&index_path(directory, number)).ok()?;
    let len = file.len().ok()?.min(limits::SEGMENT_FILE_BYTES_MAX);
    let index = Index::decode(&disk::read(&*file, 0, len as usize).ok()?)?;
    (index.summary.number == number).then_some(index)
}

/// Makes a segment's index from the segment file. `None` when neither its preface nor its old index tells how.
/// Errors: the file cannot be read, or was written by a later version (`Unsupported`).
pub(crate) fn load(
    disk: &dyn Disk,
    directory: &Path,
    number: u64,
    ends: Option<&[u64]>,
) -> io::Result<Option<(Index, Outcome)>> {
    let file = disk.open(&events_path(directory, number))?;
    let len = file.len()?.min(limits::SEGMENT_FILE_BYTES_MAX) as usize;
    let bytes = disk::read(&*file, 0, len)?;
    let preface = match Preface::decode(&bytes) {
        Ok(preface) if preface.number == number => Some(preface),
        Err(PrefaceError::Version(version)) => {
            let text = format!("segment {number} has format version {version}, which a later Roadstead wrote");
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        Ok(_) | Err(PrefaceError::Damaged) => load_summary(disk, directory, number).map(|summary| summary.preface()),
    };
    let Some(preface) = preface else { return Ok(None) };
    let mut index = Index::new(&preface);
    let records = bytes.get(PREFACE_BYTES..).unwrap_or_default();
    let outcome = scan::scan(records, PREFACE_BYTES as u64, &mut index, ends);
    Ok(Some((index, outcome)))
}
