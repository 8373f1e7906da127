//! What a log's writer, its readers and those who append share.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex, RwLock};
use roadstead_model::UnixMillis;
use roadstead_store::{Commits, Partition, Retention, StoreError, StoredEvent};
use tracing::warn;

use super::{
    disk::Disk,
    fetch::{self, Fetched, Plan},
    limits,
    segment::Sealed,
    tail::Tail,
    view::{Located, View},
    writer::Filling,
};

/// How large, how often and how soon; tests make everything smaller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub segment_bytes: u64,
    pub segment_bytes_min: u64,
    pub checkpoint_bytes: u64,
    pub retry: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            segment_bytes: limits::SEGMENT_BYTES,
            segment_bytes_min: limits::SEGMENT_BYTES_MIN,
            checkpoint_bytes: limits::CHECKPOINT_BYTES,
            retry: limits::RETRY,
        }
    }
}

/// One hub's log. Locks are taken in this order: `tail`, `filling`, `view`; appends take `filling` alone, readers `view` alone.
pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub directory: PathBuf,
    pub tuning: Tuning,
    pub filling: Mutex<Filling>,
    /// Tells the writer that the empty batch has got its first event, or that the log is closed.
    pub wake: Condvar,
    pub tail: Mutex<Tail>,
    pub view: RwLock<View>,
    pub commits: Commits,
    pub retention: Mutex<Retention>,
    /// The segment that was warned of last while it was written to.
    pub warned: AtomicU64,
}

impl Shared {
    /// Bytes after which a segment is followed by the next.
    pub(crate) fn segment_bytes(&self) -> u64 {
        let share = self.retention.lock().bytes_max / limits::SEGMENTS_PER_RETENTION;
        share.max(self.tuning.segment_bytes_min).min(self.tuning.segment_bytes)
    }

    pub(crate) fn locate(&self, partition: Partition, from: u64, bytes_max: usize) -> Option<Located> {
        self.view.read().locate(partition, from, bytes_max)
    }

    /// Reads from wherever the events are. Blocks on the disk.
    pub(crate) fn read(
        &self,
        partition: Partition,
        from: u64,
        bytes_max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let (mut at, mut lost) = (from, 0);
        while let Some(located) = self.locate(partition, at, bytes_max) {
            let fetched = match located {
                Located::Active(plan) => self.fetch(&plan),
                Located::Sealed(sealed, from) => self.read_sealed(&sealed, partition, from, bytes_max)?,
            };
            if !fetched.events.is_empty() {
                return Ok(fetched.events);
            }
            lost += fetched.lost;
            at = fetched.next;
        }
        if lost > 0 {
            return Err(StoreError::Unreadable(format!(
                "all {lost} events of partition {partition} from {from} on are damaged"
            )));
        }
        Ok(Vec::new())
    }

    /// Reads from the segment that is, or just was, written to.
    pub(crate) fn fetch(&self, plan: &Plan) -> Fetched {
        let fetched = plan.fetch();
        if fetched.lost > 0 && self.warned.swap(plan.number, Ordering::Relaxed) != plan.number {
            warn!(
                directory = %self.directory.display(), segment = plan.number, partition = plan.partition, offset = plan.from,
                lost = fetched.lost, "skipping damaged events; there will be no further warning about this segment"
            );
        }
        fetched
    }

    fn read_sealed(
        &self,
        sealed: &Sealed,
        partition: Partition,
        from: u64,
        bytes_max: usize,
    ) -> Result<Fetched, StoreError> {
        let index = usize::from(partition);
        let unavailable = |error| StoreError::Unavailable(format!("{}: {error}", sealed.events_path().display()));
        let end = sealed.summary.parts.get(index).map_or(from, |part| part.next);
        let file = match sealed.open(&*self.disk) {
            Ok(file) => file,
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unavailable(error)),
            // Dropped by the retention since it was located: the next look finds what follows.
            Err(_) if !self.view.read().holds(sealed.summary.number) => {
                return Ok(Fetched { next: from, ..Fetched::default() });
            }
            Err(_) => {
                sealed.warn(partition, from, end - from, "the file is gone");
                return Ok(Fetched { lost: end - from, next: end, ..Fetched::default() });
            }
        };
        let count = fetch_count(bytes_max).min(usize::try_from(end - from).unwrap_or(usize::MAX));
        loop {
            let places = sealed.places(&*self.disk, index, from, count).unwrap_or_default();
            let plan = Plan {
                file: file.clone(),
                number: sealed.summary.number,
                salt: sealed.summary.salt,
                partition,
                partitions: sealed.summary.parts.len(),
                from,
                places: fetch::within(&places, bytes_max).to_vec(),
                warm: false,
            };
            let mut fetched = plan.fetch();
            if plan.places.is_empty() {
                // Neither file has anything more of this partition.
                fetched = Fetched { lost: end - from, next: end, ..fetched };
            }
            if fetched.lost > 0 && sealed.reindex(&*self.disk) {
                continue;
            }
            if fetched.lost > 0 {
                sealed.warn(partition, from, fetched.lost, "a checksum or a length is wrong");
            }
            return Ok(fetched);
        }
    }

    /// Bisects over the events' times. Blocks on the disk.
    pub(crate) fn offset_at(&self, partition: Partition, at: UnixMillis) -> Result<u64, StoreError> {
        let located = self.view.read().locate_time(usize::from(partition), at);
        let Some(part) = located else { return Ok(self.view.read().bounds(usize::from(partition)).next) };
        let (mut low, mut high) = (part.first, part.next);
        if part.first_at >= at {
            high = low;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let found = match self.read(partition, middle, 0) {
                Ok(events) => events.into_iter().next(),
                Err(StoreError::Unreadable(_)) => None,
                Err(error) => return Err(error),
            };
            match found.filter(|event| event.offset < high && event.enqueued_at < at) {
                Some(event) => low = event.offset + 1,
                None => high = middle,
            }
        }
        Ok(low)
    }
}

/// How many places to look up for a read of so many bytes.
fn fetch_count(bytes_max: usize) -> usize {
    (bytes_max / super::record::HEADER_BYTES).clamp(64, limits::READ_EVENTS_MAX)
}
