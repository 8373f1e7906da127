//! Numbers in place of chance, for tests.

use roadstead_model::Random;
use std::sync::atomic::{AtomicU64, Ordering};

/// Different at each call for as long as a test needs.
#[derive(Debug, Default)]
pub(crate) struct Numbered(AtomicU64);

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    }
}
