//! Reading records whose places are known.

use std::{io, sync::Arc};

use bytes::Bytes;
use roadstead_model::UnixMillis;
use roadstead_store::StoredEvent;

use super::{
    disk::{self, DiskFile},
    index::Place,
    limits,
    record::{self, Found, RECORD_BYTES_MAX},
};

/// Which events to read, and from where.
pub(crate) struct Plan {
    pub file: Arc<dyn DiskFile>,
    pub number: u64,
    pub salt: u32,
    pub partition: u16,
    pub partitions: usize,
    /// The offset of the first place.
    pub from: u64,
    pub places: Vec<Place>,
    /// The bytes were written a moment ago, so that reading them does not wait for the disk.
    pub warm: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub events: Vec<StoredEvent>,
    /// Events that should be there and are not, or are damaged.
    pub lost: u64,
    /// The offset behind the last place.
    pub next: u64,
}

/// As many of the first places as a read of `bytes_max` may give; at least one that is not lost, if there is one.
pub(crate) fn within(places: &[Place], bytes_max: usize) -> &[Place] {
    let bytes_max = bytes_max.min(limits::READ_BYTES_MAX);
    let mut bytes = 0;
    let end = places.iter().take(limits::READ_EVENTS_MAX).position(|place| {
        let before = bytes;
        bytes += place.len as usize;
        before > 0 && bytes > bytes_max
    });
    &places[..end.unwrap_or(places.len().min(limits::READ_EVENTS_MAX))]
}

impl Plan {
    /// Bytes of all records.
    pub(crate) fn bytes(&self) -> usize {
        self.places.iter().map(|place| place.len as usize).sum()
    }

    /// Reads the events. What is damaged is left out and counted.
    pub(crate) fn fetch(&self) -> Fetched {
        let mut out = Copied { bytes: Vec::with_capacity(self.bytes()), spans: Vec::with_capacity(self.places.len()) };
        let mut at = 0;
        while let Some(run) = self.run_at(at) {
            self.read_run(at, run, &mut out);
            at += run;
        }
        let next = self.from + self.places.len() as u64;
        Fetched { lost: self.places.len() as u64 - out.spans.len() as u64, events: out.into_events(), next }
    }

    /// How many places from `at` on are read with one system call.
    fn run_at(&self, at: usize) -> Option<usize> {
        let places = self.places.get(at..)?;
        let first = places.first()?;
        let mut end = u64::from(first.at) + u64::from(first.len);
        let mut run = 1;
        for place in &places[1..] {
            let gap = u64::from(place.at).checked_sub(end);
            let next_end = u64::from(place.at) + u64::from(place.len);
            let near = gap.is_some_and(|gap| gap <= limits::READ_GAP_BYTES_MAX as u64);
            if !near || next_end - u64::from(first.at) > limits::READ_RUN_BYTES_MAX as u64 {
                break;
            }
            end = next_end;
            run += 1;
        }
        Some(run)
    }

    fn read_run(&self, at: usize, run: usize, out: &mut Copied) {
        let places = &self.places[at..at + run];
        let Ok(bytes) = self.read_bytes(places) else {
            // One bad sector must not cost the records around it.
            if run > 1 {
                (at..at + run).for_each(|at| self.read_run(at, 1, out));
            }
            return;
        };
        for (n, place) in places.iter().enumerate() {
            let offset = self.from + (at + n) as u64;
            let skip = (place.at - places[0].at) as usize;
            let record = bytes.get(skip..).and_then(|bytes| bytes.get(..place.len as usize));
            let found = record.map(|record| record::check(record, self.salt, self.partitions));
            if let Some(Found::Intact(header, event)) = found
                && (header.partition, header.offset) == (self.partition, offset)
            {
                out.push(offset, header.enqueued_at, event);
            }
        }
    }

    /// The bytes from the first place to the end of the last.
    fn read_bytes(&self, places: &[Place]) -> io::Result<Vec<u8>> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return Ok(Vec::new()) };
        let len = u64::from(last.at) + u64::from(last.len) - u64::from(first.at);
        if len == 0 || len > (limits::READ_RUN_BYTES_MAX + RECORD_BYTES_MAX) as u64 {
            return Ok(Vec::new());
        }
        disk::read(&*self.file, u64::from(first.at), len as usize)
    }
}

/// Events copied together, so that events that are kept for long do not keep other partitions' bytes.
struct Copied {
    bytes: Vec<u8>,
    spans: Vec<(u64, UnixMillis, usize)>,
}

impl Copied {
    fn push(&mut self, offset: u64, enqueued_at: UnixMillis, event: &[u8]) {
        self.bytes.extend_from_slice(event);
        self.spans.push((offset, enqueued_at, event.len()));
    }

    fn into_events(self) -> Vec<StoredEvent> {
        let mut rest = Bytes::from(self.bytes);
        let spans = self.spans.into_iter();
        spans.map(|(offset, enqueued_at, len)| StoredEvent { offset, enqueued_at, bytes: rest.split_to(len) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_takes_as_much_as_fits_but_one_in_any_case() {
        let places: Vec<_> = [0, 100, 100, 0, 100].iter().map(|&len| Place { at: 0, len }).collect();
        for (bytes_max, taken) in [(0, 2), (50, 2), (100, 2), (200, 4), (299, 4), (300, 5), (1000, 5)] {
            assert_eq!(within(&places, bytes_max).len(), taken, "{bytes_max} bytes");
        }
        assert!(within(&[], 100).is_empty());
        let many = vec![Place { at: 0, len: 1 }; limits::READ_EVENTS_MAX + 1];
        assert_eq!(within(&many, usize::MAX).len(), limits::READ_EVENTS_MAX);
    }
}
