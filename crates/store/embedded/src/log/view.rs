//! What readers see of a log: committed records, and where they are.

use std::{collections::VecDeque, sync::Arc};

use roadstead_model::UnixMillis;
use roadstead_store::Bounds;

use super::{
    disk::DiskFile,
    fetch::{self, Plan},
    index::{Index, Part},
    limits,
    preface::Head,
    segment::Sealed,
};

/// Changed by the writer after each batch, in one short step.
pub(crate) struct View {
    /// Oldest first.
    pub sealed: VecDeque<Arc<Sealed>>,
    pub active: Option<Active>,
    pub heads: Vec<Head>,
}

/// The segment that is written to.
pub(crate) struct Active {
    pub index: Index,
    pub file: Arc<dyn DiskFile>,
    /// Bytes that were there when the log was opened: they need not be in the page cache.
    pub cold_bytes: u64,
}

/// Where the next events of a partition are.
pub(crate) enum Located {
    Active(Plan),
    /// In this segment, from this offset on.
    Sealed(Arc<Sealed>, u64),
}

impl View {
    /// What the segments take.
    pub(crate) fn bytes(&self) -> u64 {
        let active = self.active.as_ref().map_or(0, |active| active.index.summary.covered);
        active + self.sealed.iter().map(|sealed| sealed.summary.covered).sum::<u64>()
    }

    pub(crate) fn bounds(&self, partition: usize) -> Bounds {
        let Some(head) = self.heads.get(partition) else { return Bounds::default() };
        let first = self.parts(partition).next().map_or(head.next, |part| part.first);
        Bounds { first, next: head.next }
    }

    /// The partition's events at or behind `from`: those of one segment. `None` when there are none.
    pub(crate) fn locate(&self, partition: u16, from: u64, bytes_max: usize) -> Option<Located> {
        let index = usize::from(partition);
        let part_of = |sealed: &Sealed| {
            sealed.summary.parts.get(index).copied().filter(|part| part.events() > 0 && part.next > from)
        };
        if let Some((sealed, part)) = self.sealed.iter().find_map(|sealed| Some((sealed, part_of(sealed)?))) {
            return Some(Located::Sealed(sealed.clone(), from.max(part.first)));
        }
        let active = self.active.as_ref()?;
        let summary = &active.index.summary;
        let from = from.max(summary.parts.get(index)?.first);
        let places = fetch::within(active.index.places(index, from), bytes_max);
        let start = places.iter().find(|place| place.len > 0).map_or(0, |place| u64::from(place.at));
        let plan = Plan {
            file: active.file.clone(),
            number: summary.number,
            salt: summary.salt,
            partition,
            partitions: summary.parts.len(),
            from,
            warm: start >= active.cold_bytes && start + limits::WARM_BYTES >= summary.covered,
            places: places.to_vec(),
        };
        (!places.is_empty()).then_some(Located::Active(plan))
    }

    /// The share of the first segment that has an event of this partition enqueued at or after `at`.
    pub(crate) fn locate_time(&self, partition: usize, at: UnixMillis) -> Option<Part> {
        self.parts(partition).find(|part| part.events() > 0 && part.last_at >= at)
    }

    /// Whether a complete segment still belongs to the log.
    pub(crate) fn holds(&self, number: u64) -> bool {
        self.sealed.iter().any(|sealed| sealed.summary.number == number)
    }

    fn parts(&self, partition: usize) -> impl Iterator<Item = Part> {
        let sealed = self.sealed.iter().map(|sealed| &sealed.summary);
        let all = sealed.chain(self.active.iter().map(|active| &active.index.summary));
        all.filter_map(move |summary| summary.parts.get(partition).copied())
    }
}
