//! How long to wait before the next try.

use crate::limits::{RECONNECT_FIRST, RECONNECT_MAX};
use crate::tls;
use std::time::Duration;

/// Waits that double from 0.2 s to 30 s, each shortened by up to half by chance, so that a fleet does not come back as one.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait is the first again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// The wait before the next try.
    pub fn next_wait(&mut self) -> Duration {
        let wait = wait(self.tries, tls::chance());
        self.tries = self.tries.saturating_add(1);
        wait
    }

    /// Waits handed out since the beginning or the last reset.
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

/// `chance`: from 0 for half the wait to `u16::MAX` for all of it.
fn wait(tries: u32, chance: u16) -> Duration {
    let whole = RECONNECT_FIRST.saturating_mul(2_u32.saturating_pow(tries)).min(RECONNECT_MAX);
    let half = whole / 2;
    half + half.mul_f64(f64::from(chance) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound() {
        for (tries, chance, ms) in [
            (0, 0, 100),
            (0, u16::MAX, 200),
            (1, u16::MAX, 400),
            (7, 0, 12_800),
            (8, u16::MAX, 30_000),
            (31, 0, 15_000),
            (u32::MAX, u16::MAX, 30_000),
        ] {
            assert_eq!(wait(tries, chance), Duration::from_millis(ms), "{tries} tries, chance {chance}");
        }
    }

    #[test]
    fn a_reset_begins_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            assert!(backoff.next_wait() <= RECONNECT_MAX);
        }
        backoff.reset();
        assert!(backoff.next_wait() <= RECONNECT_FIRST);
        assert_eq!(backoff.tries(), 1);
    }
}
