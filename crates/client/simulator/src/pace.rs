//! How fast a fleet talks.

use crate::limits::{DEVICE_RATE_MAX, PERIOD_MAX};
use std::time::Duration;

/// How fast a fleet talks, in messages per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Each device.
    PerDevice(f64),
    /// All devices together.
    Total(f64),
}

impl Rate {
    /// Time between two messages of one device; `None` when the rate is none, or faster or slower than a device can be.
    pub(crate) fn period(self, devices: u32) -> Option<Duration> {
        let per_device = match self {
            Self::PerDevice(rate) => rate,
            Self::Total(rate) => rate / f64::from(devices),
        };
        let is_possible = per_device > 0.0 && per_device <= DEVICE_RATE_MAX;
        let period = is_possible.then(|| Duration::try_from_secs_f64(1.0 / per_device).ok())??;
        (period <= PERIOD_MAX).then_some(period)
    }
}

/// How long after its connection the `index`th device of `devices` (from 0) sends its first message: spread over one period.
pub(crate) fn first_after(period: Duration, index: u32, devices: u32) -> Duration {
    period.mul_f64(f64::from(index) / f64::from(devices.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (rate, devices, period) in [
            (Rate::PerDevice(1.0), 1, ms(1000)),
            (Rate::PerDevice(0.1), 1000, ms(10_000)),
            (Rate::PerDevice(1000.0), 3, ms(1)),
            (Rate::Total(100.0), 1000, ms(10_000)),
            (Rate::Total(2000.0), 1, None),
            (Rate::PerDevice(1000.1), 1, None),
            (Rate::PerDevice(0.0), 1, None),
            (Rate::PerDevice(-1.0), 1, None),
            (Rate::PerDevice(f64::NAN), 1, None),
            (Rate::PerDevice(f64::INFINITY), 1, None),
            (Rate::PerDevice(f64::MIN_POSITIVE), 1, None),
            (Rate::Total(1.0), 0, None),
        ] {
            assert_eq!(rate.period(devices), period, "{rate:?} of {devices}");
        }
    }

    #[test]
    fn the_first_messages_are_spread() {
        let period = Duration::from_secs(3);
        let firsts: Vec<_> = (0..3).map(|index| first_after(period, index, 3).as_secs()).collect();
        assert_eq!(firsts, [0, 1, 2]);
    }
}
