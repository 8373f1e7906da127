//! What a chart is drawn from.

use std::ops::Range;

use roadstead_model::UnixMillis;

use crate::{
    limits::POINTS_MAX,
    series::{Minute, Series, minute_of},
};

/// What happened in one grain of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When the grain begins.
    pub at: UnixMillis,
    /// `None` where nobody counted.
    pub values: Option<Values>,
}

/// Source: docs, Azure Monitor Metrics aggregation: of something that is counted each time it happens, minimum, maximum and
/// average are 1; of a level, each minute is one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    pub total: f64,
    pub count: u64,
    pub minimum: u64,
    pub maximum: u64,
}

impl Values {
    /// 0 when there is nothing to take it of.
    pub fn average(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total / self.count as f64 }
    }
}

/// Of no series: points at which nobody counted.
pub(crate) fn points(series: Option<&Series>, span: Range<UnixMillis>, grain_minutes: u32) -> Vec<Point> {
    let grain = i64::from(grain_minutes.max(1));
    let begin = minute_of(span.start).div_euclid(grain) * grain;
    let end = minute_of(span.end.plus_ms(-1)).saturating_add(1);
    let starts = (0..i64::from(POINTS_MAX)).map(|number| begin.saturating_add(number.saturating_mul(grain)));
    let starts = starts.take_while(|start| *start < end);
    starts
        .map(|start| Point { at: UnixMillis(start.saturating_mul(60_000)), values: values(series, start, grain) })
        .collect()
}

fn values(series: Option<&Series>, start: Minute, grain: i64) -> Option<Values> {
    let series = series?;
    let (from, to) = (start.max(series.begun), start.saturating_add(grain).min(series.until + 1));
    if from >= to {
        return None;
    }
    if let Some(count) = series.count(from, to) {
        let one = u64::from(count > 0);
        return Some(Values { total: count as f64, count, minimum: one, maximum: one });
    }
    let mut values = Values { total: 0.0, count: 0, minimum: u64::MAX, maximum: 0 };
    for level in series.levels(from, to) {
        values.total += level.average();
        values.count += 1;
        values.minimum = values.minimum.min(level.minimum);
        values.maximum = values.maximum.max(level.maximum);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::MINUTES_KEPT, metric::Nature};

    /// 2027-01-15T08:00:00Z.
    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn after(seconds: i64) -> UnixMillis {
        START.plus_ms(seconds * 1000)
    }

    fn series(nature: Nature, readings: &[(i64, u64)]) -> Series {
        let mut series = Series::begin(nature, readings[0].1, after(readings[0].0));
        for (at, reading) in &readings[1..] {
            series.note(*reading, after(*at));
        }
        series
    }

    /// Seconds since the start, and average, count, minimum and maximum.
    type Shown = (i64, Option<(f64, u64, u64, u64)>);

    fn shown(series: &Series, seconds: Range<i64>, grain: u32) -> Vec<Shown> {
        let found = points(Some(series), after(seconds.start)..after(seconds.end), grain);
        let values = |values: Values| (values.average(), values.count, values.minimum, values.maximum);
        found.iter().map(|point| ((point.at.0 - START.0) / 1000, point.values.map(values))).collect()
    }

    #[test]
    fn counts_are_of_the_minute_in_which_they_were_noticed() {
        let series = series(Nature::Count, &[(5, 2), (10, 3), (59, 3), (60, 10), (65, 11), (200, 12)]);
        let once = |times| Some((1.0, times, 1, 1));
        let never = Some((0.0, 0, 0, 0));
        assert_eq!(
            shown(&series, -60..300, 1),
            [(-60, None), (0, once(3)), (60, once(8)), (120, never), (180, once(1)), (240, None)]
        );
        assert_eq!(shown(&series, 0..240, 2), [(0, once(11)), (120, once(1))]);
        assert_eq!(shown(&series, 61..62, 1), [(60, once(8))]);
        assert_eq!(shown(&series, 60..60, 1), []);
        assert_eq!(series.stored(), 3);
    }

    #[test]
    fn a_count_that_begins_anew_loses_nothing_but_itself() {
        let series = series(Nature::Count, &[(0, 100), (60, 2), (65, 5)]);
        assert_eq!(shown(&series, 60..120, 1), [(60, Some((1.0, 3, 1, 1)))]);
    }

    #[test]
    fn levels_last_until_they_change() {
        let series = series(Nature::Level, &[(0, 2), (30, 4), (60, 4), (120, 4), (125, 4), (240, 1), (245, 1)]);
        let level = |average, minimum, maximum| Some((average, 1, minimum, maximum));
        let four = level(4.0, 4, 4);
        let expected =
            [(0, level(3.0, 2, 4)), (60, four), (120, four), (180, four), (240, level(1.0, 1, 1)), (300, None)];
        assert_eq!(shown(&series, 0..360, 1), expected);
        assert_eq!(shown(&series, 0..240, 4), [(0, Some((3.75, 4, 2, 4)))]);
        assert_eq!(series.stored(), 2, "minutes in which nothing moved take no room");
    }

    #[test]
    fn a_day_is_kept() {
        for nature in [Nature::Count, Nature::Level] {
            let mut series = Series::begin(nature, 1, START);
            for minute in 0..i64::from(MINUTES_KEPT) + 10 {
                series.note(minute.unsigned_abs() + 2, after(minute * 60));
            }
            let stored = series.stored();
            assert!(stored <= MINUTES_KEPT as usize + 1, "{stored}");
            let first = shown(&series, 9 * 60..11 * 60, 1);
            assert!(first[0].1.is_none() && first[1].1.is_some(), "{first:?}");
        }
        let mut quiet = Series::begin(Nature::Level, 7, START);
        quiet.note(7, after(3 * 24 * 3600));
        let yesterday = 2 * 24 * 3600 + 60;
        assert_eq!(shown(&quiet, yesterday..yesterday + 60, 1), [(yesterday, Some((7.0, 1, 7, 7)))]);
    }

    #[test]
    fn spans_that_make_no_sense_are_bounded() {
        let series = series(Nature::Count, &[(0, 0), (5, 1)]);
        assert_eq!(points(Some(&series), UnixMillis(i64::MIN)..UnixMillis(i64::MAX), 1).len(), POINTS_MAX as usize);
        assert_eq!(points(Some(&series), UnixMillis(i64::MAX)..UnixMillis(i64::MIN), 0), []);
        assert_eq!(points(None, after(0)..after(60), 1), [Point { at: START, values: None }]);
    }

    #[test]
    fn a_clock_that_goes_backwards_loses_nothing() {
        let series = series(Nature::Count, &[(65, 0), (70, 1), (10, 2), (75, 3)]);
        assert_eq!(shown(&series, 0..120, 1), [(0, None), (60, Some((1.0, 3, 1, 1)))]);
    }
}
