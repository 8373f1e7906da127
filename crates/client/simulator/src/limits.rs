//! Bounds of the simulator. All are ours: Azure has no such tool.

use std::time::Duration;

/// Devices of one fleet: what fits into six digits, and far more than one address has ports.
pub const DEVICES_MAX: u32 = 999_999;

/// Messages per second of one device: the timer's resolution is a millisecond.
pub const DEVICE_RATE_MAX: f64 = 1000.0;

/// The longest period between two messages of one device.
pub const PERIOD_MAX: Duration = Duration::from_hours(24 * 365);

/// Devices that register and connect at the same time, unless told otherwise.
pub const STARTING_DEFAULT: usize = 64;

/// Messages of one device on their way without acknowledgement.
pub const DEVICE_IN_FLIGHT: usize = 16;

/// Tries of one device to register and connect before it counts as failed.
pub const START_TRIES_MAX: u32 = 8;

/// Bytes of a device's name that a certificate's common name can hold. Source: RFC 5280, `ub-common-name`
pub const COMMON_NAME_BYTES_MAX: usize = 64;

/// Lifetime of a simulated device's certificate.
pub const CERTIFICATE_LIFETIME_S: i64 = 30 * 24 * 3600;

/// Lifetime of the simulator's CA.
pub const CA_LIFETIME_S: i64 = 10 * 365 * 24 * 3600;

/// Kinds of error counted apart.
pub const ERROR_KINDS_MAX: usize = 64;

/// The longest latency told apart from longer ones.
pub const LATENCY_MAX: Duration = Duration::from_hours(1);

/// How often the progress display is drawn.
pub const PROGRESS_EVERY: Duration = Duration::from_millis(200);
