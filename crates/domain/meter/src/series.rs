//! One meter's history, minute by minute. Minutes in which nothing moved take no room.

use std::collections::VecDeque;

use roadstead_model::UnixMillis;

use crate::{limits::MINUTES_KEPT, metric::Nature};

/// Minutes since 1970.
pub(crate) type Minute = i64;

pub(crate) fn minute_of(at: UnixMillis) -> Minute {
    at.0.div_euclid(60_000)
}

/// One minute of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    /// Of the readings.
    sum: u64,
    readings: u32,
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
    last: u64,
}

#[derive(Debug)]
enum History {
    /// Minutes in which something happened, and how often.
    Count { seen: u64, minutes: VecDeque<(Minute, u64)> },
    /// Minutes in which the level was not the one that it had at the end of the minute before.
    Level { minutes: VecDeque<(Minute, Level)> },
}

/// One meter's history.
#[derive(Debug)]
pub(crate) struct Series {
    /// Of the first reading.
    pub(crate) begun: Minute,
    /// Of the last one.
    pub(crate) until: Minute,
    history: History,
}

impl Level {
    fn at(reading: u64) -> Self {
        Self { sum: reading, readings: 1, minimum: reading, maximum: reading, last: reading }
    }

    fn note(&mut self, reading: u64) {
        self.sum = self.sum.saturating_add(reading);
        self.readings = self.readings.saturating_add(1);
        (self.minimum, self.maximum) = (self.minimum.min(reading), self.maximum.max(reading));
        self.last = reading;
    }

    pub(crate) fn average(self) -> f64 {
        self.sum as f64 / f64::from(self.readings)
    }

    /// Whether it adds nothing to what was known after the minute before.
    fn is_as(self, before: Self) -> bool {
        self.minimum == before.last && self.maximum == before.last
    }
}

impl Series {
    /// What was counted before the first reading counts to its minute.
    pub(crate) fn begin(nature: Nature, reading: u64, now: UnixMillis) -> Self {
        let minute = minute_of(now);
        let history = match nature {
            Nature::Count => History::Count { seen: 0, minutes: VecDeque::new() },
            Nature::Level => History::Level { minutes: VecDeque::new() },
        };
        let mut series = Self { begun: minute, until: minute, history };
        series.note(reading, now);
        series
    }

    /// A clock that goes backwards counts to the last minute known.
    pub(crate) fn note(&mut self, reading: u64, now: UnixMillis) {
        self.until = self.until.max(minute_of(now));
        let oldest = self.until - i64::from(MINUTES_KEPT);
        self.begun = self.begun.max(oldest + 1);
        match &mut self.history {
            History::Count { seen, minutes } => {
                let more = reading.saturating_sub(*seen);
                *seen = reading;
                if more > 0 {
                    match minutes.back_mut() {
                        Some((minute, count)) if *minute == self.until => *count += more,
                        _ => minutes.push_back((self.until, more)),
                    }
                }
                while minutes.front().is_some_and(|(minute, _)| *minute <= oldest) {
                    minutes.pop_front();
                }
            }
            History::Level { minutes } => {
                match minutes.back_mut() {
                    Some((minute, level)) if *minute == self.until => level.note(reading),
                    _ => {
                        settle(minutes);
                        minutes.push_back((self.until, Level::at(reading)));
                    }
                }
                // The last one that is too old says how the level was at the beginning of what is kept.
                while minutes.get(1).is_some_and(|(minute, _)| *minute <= oldest) {
                    minutes.pop_front();
                }
            }
        }
    }

    /// How often it happened in these minutes. `None` for a level.
    pub(crate) fn count(&self, from: Minute, to: Minute) -> Option<u64> {
        match &self.history {
            History::Count { minutes, .. } => {
                let begin = minutes.partition_point(|(minute, _)| *minute < from);
                let within = minutes.range(begin..).take_while(|(minute, _)| *minute < to);
                Some(within.map(|(_, count)| count).sum())
            }
            History::Level { .. } => None,
        }
    }

    /// The level in each of these minutes. Empty for a count.
    pub(crate) fn levels(&self, from: Minute, to: Minute) -> impl Iterator<Item = Level> {
        let minutes = match &self.history {
            History::Level { minutes } => Some(minutes),
            History::Count { .. } => None,
        };
        minutes.into_iter().flat_map(move |minutes| {
            (from..to).filter_map(move |wanted| {
                let (minute, level) =
                    minutes.get(minutes.partition_point(|(minute, _)| *minute <= wanted).checked_sub(1)?)?;
                Some(if *minute == wanted { *level } else { Level::at(level.last) })
            })
        })
    }

    #[cfg(test)]
    pub(crate) fn stored(&self) -> usize {
        match &self.history {
            History::Count { minutes, .. } => minutes.len(),
            History::Level { minutes } => minutes.len(),
        }
    }
}

/// Drops the last minute if it says nothing new.
fn settle(minutes: &mut VecDeque<(Minute, Level)>) {
    if let [.., (_, before), (_, last)] = *minutes.make_contiguous()
        && last.is_as(before)
    {
        minutes.pop_back();
    }
}
