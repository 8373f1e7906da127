//! How often devices came to an instance since the program began.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::instance::Instance;

/// What devices did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    attestations: AtomicU64,
    registrations: AtomicU64,
    assignments: AtomicU64,
}

/// What devices did since the program began, whether it came to a good end or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounts {
    /// Proofs of who they are, which each request brings.
    pub attestations: u64,
    /// Requests to register.
    pub registrations: u64,
    /// Registrations that led to a hub, a new one or the one where the device was.
    pub assignments: u64,
}

impl Tally {
    pub(crate) fn attestation(&self) {
        self.attestations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn registration(&self) {
        self.registrations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn assignment(&self) {
        self.assignments.fetch_add(1, Ordering::Relaxed);
    }
}

impl Instance {
    /// What devices did since the program began.
    pub fn device_counts(&self) -> DeviceCounts {
        let Tally { attestations, registrations, assignments } = &self.tally;
        let [attestations, registrations, assignments] =
            [attestations, registrations, assignments].map(|count| count.load(Ordering::Relaxed));
        DeviceCounts { attestations, registrations, assignments }
    }
}
