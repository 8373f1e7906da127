//! The machine's clock, for the dates of certificates.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(crate) fn unix_now_s() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a fleet's certificates are valid from now on")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
