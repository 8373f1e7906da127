//! What a hub's uploaded files take, and may take.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{blob::BlobError, error::StoreError};

/// The bytes that a hub's blobs and blocks take, what is being written included.
#[derive(Debug)]
pub struct Quota {
    bytes_max: u64,
    used: AtomicU64,
}

impl Quota {
    /// A hub that may take `bytes_max` bytes and takes `used` of them.
    pub fn new(bytes_max: u64, used: u64) -> Self {
        Self { bytes_max, used: AtomicU64::new(used) }
    }

    /// What is taken now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// Takes `bytes`. Errors: `Full`, and nothing is taken.
    pub fn take(&self, bytes: u64) -> Result<(), BlobError> {
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.map(|_| ()).map_err(|_| {
            let text = format!(
                "the hub's uploaded files may take {} bytes (`blobs.hub_mib_max`); {bytes} more do not fit",
                self.bytes_max
            );
            StoreError::Full(text).into()
        })
    }

    /// Takes `bytes`, over the quota if it must be: others are given back in a moment.
    pub fn retake(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Gives back.
    pub fn give(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // A closure that always answers does not fail.
        let _ = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let quota = Quota::new(10, 4);
        quota.take(5).unwrap();
        for bytes in [2, u64::MAX] {
            let refused = quota.take(bytes).unwrap_err().to_string();
            assert!(refused.contains("may take 10 bytes") && refused.contains(&bytes.to_string()), "{refused}");
        }
        quota.take(1).unwrap();
        quota.retake(3);
        quota.give(3);
        assert!(quota.take(1).is_err());
        quota.give(100);
        assert_eq!(quota.used(), 0);
        quota.take(10).unwrap();
    }
}
