//! Being as slow as an Azure hub: rates per operation and messages per day, for hubs whose settings ask for it.
//!
//! What counts as messages of the day, each by its bytes in pieces of [`limits::MESSAGE_METER_BYTES`], and one at least:
//!
//! | what | by |
//! |---|---|
//! | telemetry | body and properties, unless refused |
//! | a message to a device | body and properties, when a back end sends it |
//! | a direct method | the request's payload, also to a device that does not answer; then the answer's |
//! | a twin that is read | its sections, as their sizes are limited |
//! | a twin that is changed | what was written of each section |
//! | a page of a query | its rows |
//! | a file upload | one at its beginning, one at its end |
//!
//! The identity registry is free. Source: docs, "Azure IoT Hub billing information" (charges per operation); sizes of twins and
//! rows are a guess (?)
//!
//! Everything here is driven by the clock that callers pass in: nothing runs between calls, and each call costs the same.

use std::{
    fmt,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use roadstead_model::{ThrottleProfile, Tier, UnixMillis};

use crate::{error::HubError, hub::Hub, limits};

/// What is counted together. Source: docs, quotas and throttling
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A device connects.
    Connect,
    /// A device sends telemetry.
    TelemetrySend,
    /// A back end sends a message to a device.
    MessageSend,
    /// A device fetches a message over HTTPS.
    MessageReceive,
    /// A device begins an upload.
    UploadStart,
    /// A back end calls a direct method; one for each [`limits::METHOD_METER_BYTES`].
    MethodCall,
    /// A device or back end reads a twin.
    TwinRead,
    /// A device or back end changes a twin.
    TwinUpdate,
    /// A back end reads or changes the identity registry.
    Registry,
    /// A back end queries.
    Query,
}

impl Operation {
    const ALL: [Self; 10] = [
        Self::Connect,
        Self::TelemetrySend,
        Self::MessageSend,
        Self::MessageReceive,
        Self::UploadStart,
        Self::MethodCall,
        Self::TwinRead,
        Self::TwinUpdate,
        Self::Registry,
        Self::Query,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "new connections",
            Self::TelemetrySend => "device-to-cloud messages",
            Self::MessageSend => "cloud-to-device messages",
            Self::MessageReceive => "receiving cloud-to-device messages",
            Self::UploadStart => "file uploads",
            Self::MethodCall => "direct methods",
            Self::TwinRead => "twin reads",
            Self::TwinUpdate => "twin updates",
            Self::Registry => "identity registry operations",
            Self::Query => "queries",
        })
    }
}

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    count: u32,
    period: Duration,
}

impl Rate {
    /// What the tier allows. Source: docs, quotas and throttling (`reference/hub-device.md` 7.2); queries: the same page
    #[expect(clippy::match_same_arms, reason = "one line for each cell of the table")]
    fn of(operation: Operation, ThrottleProfile { tier, units }: ThrottleProfile) -> Self {
        use Operation as O;
        let per_second = |count| Self { count, period: Duration::from_secs(1) };
        let per_minute = |count: u32| Self { count: count.saturating_mul(units), period: Duration::from_secs(60) };
        let each = |count: u32| count.saturating_mul(units);
        match (operation, tier) {
            (O::Connect | O::TelemetrySend, Tier::S1) => per_second(each(12).max(100)),
            (O::Connect | O::TelemetrySend, Tier::S2) => per_second(each(120)),
            (O::Connect | O::TelemetrySend, Tier::S3) => per_second(each(6000)),
            (O::MessageSend | O::UploadStart | O::Registry, Tier::S1 | Tier::S2) => per_minute(100),
            (O::MessageSend | O::UploadStart | O::Registry, Tier::S3) => per_minute(5000),
            (O::MessageReceive, Tier::S1 | Tier::S2) => per_minute(1000),
            (O::MessageReceive, Tier::S3) => per_minute(50_000),
            (O::MethodCall, Tier::S1) => per_second(each(160 / 4)),
            (O::MethodCall, Tier::S2) => per_second(each(480 / 4)),
            (O::MethodCall, Tier::S3) => per_second(each(24 * 1024 / 4)),
            (O::TwinRead, Tier::S1) => per_second(100),
            (O::TwinRead, Tier::S2) => per_second(each(10).max(100)),
            (O::TwinRead, Tier::S3) => per_second(each(500)),
            (O::TwinUpdate, Tier::S1) => per_second(50),
            (O::TwinUpdate, Tier::S2) => per_second(each(5).max(50)),
            (O::TwinUpdate, Tier::S3) => per_second(each(250)),
            (O::Query, Tier::S1 | Tier::S2) => per_minute(20),
            (O::Query, Tier::S3) => per_minute(1000),
        }
    }
}

/// Messages of a day. Source: docs, as above
fn messages_per_day(ThrottleProfile { tier, units }: ThrottleProfile) -> u64 {
    let each: u64 = match tier {
        Tier::S1 => 400_000,
        Tier::S2 => 6_000_000,
        Tier::S3 => 300_000_000,
    };
    each.saturating_mul(units.into())
}

/// A bucket that holds a period's worth, told as the time at which it will be full again, in nanoseconds since 1970.
#[derive(Debug, Default)]
struct Bucket(AtomicI64);

impl Bucket {
    /// Takes `cost` out. With `patience`, what is not there is lent, so that the taker has to wait for it.
    ///
    /// Who takes more than there ever is gets it from a full bucket. Returns the wait, else how long until a retry succeeds.
    fn take(&self, rate: Rate, cost: u32, patience: Duration, now: UnixMillis) -> Result<Duration, Duration> {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let now = now.0.saturating_mul(1_000_000);
        let (burst, patience) = (nanos(rate.period), nanos(patience));
        let price = (burst / i64::from(rate.count.max(1))).saturating_mul(cost.into());
        // A clock that was set back must not leave a debt for hours.
        let latest = now.saturating_add(burst).saturating_add(patience);
        let mut answer = Ok(Duration::ZERO);
        let updated = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let full_at = full_at.clamp(now, latest);
            let next = full_at.saturating_add(price);
            let missing = next.saturating_sub(now).saturating_sub(burst);
            if missing > patience && full_at > now {
                answer = Err(Duration::from_nanos((missing - patience).unsigned_abs()));
                return Some(full_at);
            }
            answer = Ok(Duration::from_nanos(missing.clamp(0, patience).unsigned_abs()));
            Some(next.min(latest))
        });
        debug_assert!(updated.is_ok(), "a refusal is written too: a debt may have been cut");
        answer
    }
}

/// What a hub remembers to be as slow as its profile says. In memory: a restart forgets it.
#[derive(Debug)]
pub(crate) struct Throttles {
    buckets: [Bucket; Operation::ALL.len()],
    /// The day (days since 1970) above [`DAY_SHIFT`], its messages below.
    day: AtomicU64,
}

/// A day's messages fit below: more than the largest quota.
const DAY_SHIFT: u32 = 40;
const COUNT_MASK: u64 = (1 << DAY_SHIFT) - 1;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Throttles {
    pub(crate) fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| Bucket::default()), day: AtomicU64::new(0) }
    }

    fn take(
        &self,
        profile: ThrottleProfile,
        operation: Operation,
        cost: u32,
        patience: Duration,
        now: UnixMillis,
    ) -> Result<Duration, HubError> {
        let rate = Rate::of(operation, profile);
        self.buckets[operation as usize].take(rate, cost, patience, now).map_err(|wait| HubError::Throttled {
            operation,
            retry_after_s: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
        })
    }

    /// Counts messages of the day, if there is room for them. Errors: `QuotaExceeded`.
    fn count(&self, profile: ThrottleProfile, messages: u64, now: UnixMillis) -> Result<(), HubError> {
        let messages_max = messages_per_day(profile);
        let counted = self.day.fetch_update(Ordering::AcqRel, Ordering::Acquire, |seen| {
            let next = messages_of(seen, now).saturating_add(messages);
            (next <= messages_max.min(COUNT_MASK)).then_some(day_of(now) << DAY_SHIFT | next)
        });
        counted.map(|_| ()).map_err(|_| HubError::QuotaExceeded { messages_max })
    }

    /// Counts messages of the day that cannot be refused any more.
    fn count_done(&self, messages: u64, now: UnixMillis) {
        let add = |seen| {
            let next = messages_of(seen, now).saturating_add(messages).min(COUNT_MASK);
            Some(day_of(now) << DAY_SHIFT | next)
        };
        let counted = self.day.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        debug_assert!(counted.is_ok(), "there is always a next");
    }

    /// Errors: `QuotaExceeded` when nothing is left of the day's messages.
    fn check_quota(&self, profile: ThrottleProfile, now: UnixMillis) -> Result<(), HubError> {
        let messages_max = messages_per_day(profile);
        if self.messages_today(now) < messages_max { Ok(()) } else { Err(HubError::QuotaExceeded { messages_max }) }
    }

    fn messages_today(&self, now: UnixMillis) -> u64 {
        messages_of(self.day.load(Ordering::Acquire), now)
    }
}

fn day_of(now: UnixMillis) -> u64 {
    now.0.div_euclid(DAY_MS).max(0).unsigned_abs()
}

/// What was counted, if it was today.
fn messages_of(seen: u64, now: UnixMillis) -> u64 {
    if seen >> DAY_SHIFT == day_of(now) { seen & COUNT_MASK } else { 0 }
}

impl Hub {
    /// Errors: `Throttled` when the hub is to be slow and there was too much of this.
    pub(crate) fn throttle(&self, operation: Operation) -> Result<(), HubError> {
        self.throttle_many(operation, 1)
    }

    /// The same for `cost` of them at once.
    pub(crate) fn throttle_many(&self, operation: Operation, cost: u32) -> Result<(), HubError> {
        let Some(profile) = self.settings().throttle else { return Ok(()) };
        self.throttles().take(profile, operation, cost, Duration::ZERO, self.now()).map(|_| ())
    }

    /// Counts messages of so many bytes. Errors: `QuotaExceeded`; none of them counts then.
    pub(crate) fn count_messages(&self, bytes: impl Iterator<Item = usize>) -> Result<(), HubError> {
        let Some(profile) = self.settings().throttle else { return Ok(()) };
        self.throttles().count(profile, bytes.map(meters).sum(), self.now())
    }

    /// Before something that counts as messages of the day by a size that is known only afterwards.
    /// Errors: `QuotaExceeded` when the day's messages are used up.
    pub(crate) fn check_quota(&self) -> Result<(), HubError> {
        let Some(profile) = self.settings().throttle else { return Ok(()) };
        self.throttles().check_quota(profile, self.now())
    }

    /// Counts what was done after [`Hub::check_quota`], by its bytes; nothing at all still counts as one message.
    pub(crate) fn charge(&self, bytes: impl FnOnce() -> usize) {
        if self.settings().throttle.is_some() {
            self.throttles().count_done(meters(bytes()), self.now());
        }
    }

    /// Messages counted today, in a hub that counts.
    pub fn messages_today(&self) -> Option<u64> {
        self.settings().throttle.map(|_| self.throttles().messages_today(self.now()))
    }

    /// How many messages of a day there may be, in a hub that counts.
    pub fn messages_per_day(&self) -> Option<u64> {
        self.settings().throttle.map(messages_per_day)
    }

    /// Slows telemetry down: how long its sender is to wait for the acknowledgement. Errors: `QuotaExceeded`, `Throttled`
    /// when that would be longer than [`limits::SHAPING_WAIT_MAX`].
    pub(crate) fn shape_telemetry(&self, bytes: usize) -> Result<Duration, HubError> {
        let Some(profile) = self.settings().throttle else { return Ok(Duration::ZERO) };
        let (throttles, now) = (self.throttles(), self.now());
        let wait = throttles.take(profile, Operation::TelemetrySend, 1, limits::SHAPING_WAIT_MAX, now)?;
        throttles.count(profile, meters(bytes), now)?;
        Ok(wait)
    }
}

/// Messages that so many bytes count as. Source: docs, as above (4 KB)
fn meters(bytes: usize) -> u64 {
    bytes.div_ceil(limits::MESSAGE_METER_BYTES).max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const S1: ThrottleProfile = ThrottleProfile { tier: Tier::S1, units: 1 };
    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn take(throttles: &Throttles, operation: Operation, at_ms: i64) -> Result<Duration, HubError> {
        throttles.take(S1, operation, 1, Duration::ZERO, NOW.plus_ms(at_ms))
    }

    #[test]
    fn rates_of_the_tiers() {
        use Operation as O;
        for (operation, tier, units, count, period_s) in [
            (O::Connect, Tier::S1, 1, 100, 1),
            (O::TelemetrySend, Tier::S1, 10, 120, 1),
            (O::TelemetrySend, Tier::S2, 2, 240, 1),
            (O::Connect, Tier::S3, 1, 6000, 1),
            (O::MessageSend, Tier::S2, 3, 300, 60),
            (O::Registry, Tier::S3, 1, 5000, 60),
            (O::MessageReceive, Tier::S1, 2, 2000, 60),
            (O::MethodCall, Tier::S1, 1, 40, 1),
            (O::MethodCall, Tier::S3, 1, 6144, 1),
            (O::TwinRead, Tier::S1, 50, 100, 1),
            (O::TwinRead, Tier::S2, 11, 110, 1),
            (O::TwinUpdate, Tier::S2, 1, 50, 1),
            (O::Query, Tier::S1, 1, 20, 60),
        ] {
            let expected = Rate { count, period: Duration::from_secs(period_s) };
            assert_eq!(Rate::of(operation, ThrottleProfile { tier, units }), expected, "{operation} {tier:?} {units}");
        }
    }

    #[test]
    fn a_period_s_worth_at_once_then_as_time_goes() {
        let throttles = Throttles::new();
        for taken in 0..50 {
            assert!(take(&throttles, Operation::TwinUpdate, 0).is_ok(), "{taken}");
        }
        let refused = take(&throttles, Operation::TwinUpdate, 0).unwrap_err();
        assert!(matches!(refused, HubError::Throttled { operation: Operation::TwinUpdate, retry_after_s: 1 }));
        assert!(take(&throttles, Operation::TwinRead, 0).is_ok(), "each operation has its own");
        assert!(take(&throttles, Operation::TwinUpdate, 19).is_err());
        assert!(take(&throttles, Operation::TwinUpdate, 20).is_ok());
        assert!(take(&throttles, Operation::TwinUpdate, 20).is_err());
        let later = (0..100).filter(|_| take(&throttles, Operation::TwinUpdate, 60_000).is_ok()).count();
        assert_eq!(later, 50, "no more than a period's worth is saved up");
    }

    #[test]
    fn a_clock_set_back_leaves_no_debt_for_hours() {
        let throttles = Throttles::new();
        (0..100).for_each(|_| drop(take(&throttles, Operation::Registry, 3_600_000)));
        assert!(take(&throttles, Operation::Registry, 0).is_err());
        assert!(take(&throttles, Operation::Registry, 600).is_ok());
    }

    #[test]
    fn what_is_shaped_waits_its_turn() {
        let throttles = Throttles::new();
        let patience = Duration::from_secs(10);
        let mut waits = Vec::new();
        let refused = loop {
            match throttles.take(S1, Operation::TelemetrySend, 1, patience, NOW) {
                Ok(wait) => waits.push(wait),
                Err(refused) => break refused,
            }
        };
        assert_eq!(waits.len(), 1100, "a second's worth at once and ten seconds' later");
        assert_eq!((waits[99], waits[100], waits[1099]), (Duration::ZERO, Duration::from_millis(10), patience));
        assert!(matches!(refused, HubError::Throttled { operation: Operation::TelemetrySend, .. }));
    }

    #[test]
    fn a_batch_larger_than_the_bucket_empties_it() {
        let throttles = Throttles::new();
        let batch = |at_ms| throttles.take(S1, Operation::TelemetrySend, 500, Duration::ZERO, NOW.plus_ms(at_ms));
        assert!(batch(0).is_ok());
        assert!(batch(999).is_err());
        assert!(batch(1000).is_ok());
    }

    #[test]
    fn the_quota_lasts_until_the_next_day() {
        let throttles = Throttles::new();
        assert!(throttles.count(S1, 399_999, NOW).is_ok());
        assert!(throttles.count(S1, 2, NOW).is_err());
        assert!(throttles.count(S1, 1, NOW).is_ok());
        let refused = throttles.count(S1, 1, NOW).unwrap_err();
        assert!(matches!(refused, HubError::QuotaExceeded { messages_max: 400_000 }));
        assert!(throttles.count(ThrottleProfile { units: 2, ..S1 }, 1, NOW).is_ok());
        let midnight = UnixMillis((NOW.0 / DAY_MS + 1) * DAY_MS);
        assert!(throttles.count(S1, 1, midnight.plus_ms(-1)).is_err());
        assert!(throttles.count(S1, 1, midnight).is_ok());
        assert_eq!([0, 1, 4096, 4097].map(meters), [1, 1, 1, 2]);
    }

    #[test]
    fn what_is_done_counts_beyond_the_quota() {
        let throttles = Throttles::new();
        throttles.count_done(399_999, NOW);
        assert!(throttles.check_quota(S1, NOW).is_ok());
        throttles.count_done(3, NOW);
        assert_eq!(throttles.messages_today(NOW), 400_002);
        assert!(throttles.check_quota(S1, NOW).is_err() && throttles.count(S1, 1, NOW).is_err());
        let midnight = UnixMillis((NOW.0 / DAY_MS + 1) * DAY_MS);
        assert_eq!(throttles.messages_today(midnight), 0);
        assert!(throttles.check_quota(S1, midnight).is_ok());
        throttles.count_done(2, midnight);
        assert_eq!(throttles.messages_today(midnight), 2);
    }
}
