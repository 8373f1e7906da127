//! How many messages devices sent since the program began.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::hub::Hub;

/// Messages from devices, by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Messages from devices since the program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TelemetryCounts {
    /// Queued for the log.
    pub taken: u64,
    /// Refused: too large, too many, no room.
    pub refused: u64,
}

impl Tally {
    /// Counts `messages` that were taken or refused together, and gives the outcome back.
    pub(crate) fn note<T, E>(&self, messages: usize, outcome: Result<T, E>) -> Result<T, E> {
        let count = if outcome.is_ok() { &self.taken } else { &self.refused };
        count.fetch_add(messages as u64, Ordering::Relaxed);
        outcome
    }
}

impl Hub {
    /// Messages from devices since the program began.
    pub fn telemetry_counts(&self) -> TelemetryCounts {
        let Tally { taken, refused } = self.tally();
        TelemetryCounts { taken: taken.load(Ordering::Relaxed), refused: refused.load(Ordering::Relaxed) }
    }
}
