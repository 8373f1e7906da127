//! What all devices of a run count into.

use crate::limits::{ERROR_KINDS_MAX, LATENCY_MAX};
use crate::summary::{Devices, ErrorCount, Latency, Messages, Summary, figure, per_second};
use hdrhistogram::Histogram;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// One lock for all: it is held for a few additions at a time.
pub(crate) struct Tally {
    started: Instant,
    planned: u32,
    counts: Mutex<Counts>,
}

struct Counts {
    registered: u64,
    connected: u64,
    failed: u64,
    online: u64,
    reconnects: u64,
    acknowledged: u64,
    unacknowledged: u64,
    bytes: u64,
    first_sent: Option<Instant>,
    last_acknowledged: Option<Instant>,
    register: Histogram<u64>,
    connect: Histogram<u64>,
    puback: Histogram<u64>,
    errors: BTreeMap<String, ErrorCount>,
}

/// What the progress display shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glance {
    /// Connected at least once, or failed.
    pub(crate) started: u64,
    pub(crate) online: u64,
    pub(crate) acknowledged: u64,
    pub(crate) reconnects: u64,
    pub(crate) errors: u64,
    pub(crate) puback_p99_ms: f64,
}

impl Tally {
    pub(crate) fn new(planned: u32, now: Instant) -> Self {
        let counts = Counts {
            registered: 0,
            connected: 0,
            failed: 0,
            online: 0,
            reconnects: 0,
            acknowledged: 0,
            unacknowledged: 0,
            bytes: 0,
            first_sent: None,
            last_acknowledged: None,
            register: histogram(),
            connect: histogram(),
            puback: histogram(),
            errors: BTreeMap::new(),
        };
        Self { started: now, planned, counts: Mutex::new(counts) }
    }

    pub(crate) fn on_registered(&self, took: Duration) {
        let mut counts = self.counts();
        counts.registered += 1;
        record(&mut counts.register, took);
    }

    pub(crate) fn on_connected(&self, took: Duration) {
        let mut counts = self.counts();
        counts.connected += 1;
        counts.online += 1;
        record(&mut counts.connect, took);
    }

    pub(crate) fn on_failed(&self) {
        self.counts().failed += 1;
    }

    /// A device that was online is not any more.
    pub(crate) fn on_offline(&self) {
        let mut counts = self.counts();
        counts.online = counts.online.saturating_sub(1);
    }

    /// A device is online again after so many losses.
    pub(crate) fn on_reconnected(&self, times: u64) {
        let mut counts = self.counts();
        counts.online += 1;
        counts.reconnects += times;
    }

    pub(crate) fn on_acknowledged(&self, bytes: usize, sent: Instant, now: Instant) {
        let mut counts = self.counts();
        counts.acknowledged += 1;
        counts.bytes += bytes as u64;
        counts.first_sent = Some(counts.first_sent.map_or(sent, |first| first.min(sent)));
        counts.last_acknowledged = Some(now);
        record(&mut counts.puback, now.saturating_duration_since(sent));
    }

    pub(crate) fn on_unacknowledged(&self) {
        self.counts().unacknowledged += 1;
    }

    /// `kind` in a few words, `example` in full.
    pub(crate) fn on_error(&self, kind: String, example: impl FnOnce() -> String) {
        let mut counts = self.counts();
        let is_full = counts.errors.len() >= ERROR_KINDS_MAX && !counts.errors.contains_key(&kind);
        let kind = if is_full { "other".to_owned() } else { kind };
        let error = counts.errors.entry(kind).or_insert_with_key(|kind| ErrorCount {
            kind: kind.clone(),
            count: 0,
            example: example(),
        });
        error.count += 1;
    }

    pub(crate) fn glance(&self) -> Glance {
        let counts = self.counts();
        Glance {
            started: counts.connected + counts.failed,
            online: counts.online,
            acknowledged: counts.acknowledged,
            reconnects: counts.reconnects,
            errors: counts.errors.values().map(|error| error.count).sum(),
            puback_p99_ms: latency(&counts.puback).p99_ms,
        }
    }

    pub(crate) fn summary(&self, now: Instant) -> Summary {
        let counts = self.counts();
        let talked = match (counts.first_sent, counts.last_acknowledged) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        };
        let mut errors: Vec<_> = counts.errors.values().cloned().collect();
        errors.sort_by_key(|error| Reverse(error.count));
        Summary {
            devices: Devices {
                planned: u64::from(self.planned),
                registered: counts.registered,
                connected: counts.connected,
                failed: counts.failed,
            },
            messages: Messages {
                acknowledged: counts.acknowledged,
                unacknowledged: counts.unacknowledged,
                bytes: counts.bytes,
                per_second: per_second(counts.acknowledged, talked),
            },
            register: latency(&counts.register),
            connect: latency(&counts.connect),
            puback: latency(&counts.puback),
            reconnects: counts.reconnects,
            errors,
            seconds: now.saturating_duration_since(self.started).as_secs_f64(),
        }
    }

    /// Counts stay usable whoever panicked over them.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn histogram() -> Histogram<u64> {
    let max = u64::try_from(LATENCY_MAX.as_micros()).unwrap_or(u64::MAX);
    Histogram::new_with_bounds(1, max, 3).expect("the bounds are in order and three digits are allowed")
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let ms = |us: u64| figure(us) / 1000.0;
    let max = histogram.max();
    // The histogram answers with the upper end of a range, which may lie above what was measured.
    let quantile = |q: f64| ms(histogram.value_at_quantile(q).min(max));
    Latency { count: histogram.len(), p50_ms: quantile(0.5), p99_ms: quantile(0.99), max_ms: ms(max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_together_in_the_summary() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let tally = Tally::new(2, start);
        tally.on_registered(Duration::from_millis(5));
        tally.on_connected(Duration::from_millis(7));
        tally.on_failed();
        for n in 0..100 {
            tally.on_acknowledged(10, at(n * 20), at(n * 20 + 2));
        }
        tally.on_unacknowledged();
        tally.on_offline();
        assert_eq!(tally.glance().online, 0);
        tally.on_reconnected(2);
        for kind in ["lost", "refused", "refused"] {
            tally.on_error(kind.to_owned(), || format!("{kind}: because"));
        }
        let glance = tally.glance();
        assert_eq!((glance.started, glance.online, glance.errors), (2, 1, 3));
        let summary = tally.summary(at(10_000));
        assert_eq!(summary.devices, Devices { planned: 2, registered: 1, connected: 1, failed: 1 });
        assert_eq!(
            (summary.messages.acknowledged, summary.messages.unacknowledged, summary.messages.bytes),
            (100, 1, 1000)
        );
        assert!((summary.messages.per_second - 100.0 / 1.982).abs() < 0.01, "{summary:?}");
        assert_eq!((summary.puback.count, summary.puback.p50_ms, summary.puback.max_ms), (100, 2.0, 2.0));
        assert_eq!(summary.reconnects, 2);
        let kinds: Vec<_> = summary.errors.iter().map(|error| (&*error.kind, error.count)).collect();
        assert_eq!(kinds, [("refused", 2), ("lost", 1)]);
        assert!((summary.seconds - 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn kinds_of_error_are_bounded() {
        let tally = Tally::new(1, Instant::now());
        for n in 0..1000 {
            tally.on_error(format!("{n}"), || "first".to_owned());
        }
        let errors = tally.summary(Instant::now()).errors;
        assert_eq!(errors.len(), ERROR_KINDS_MAX + 1);
        assert_eq!((&*errors[0].kind, errors[0].count), ("other", 1000 - ERROR_KINDS_MAX as u64));
    }
}
