//! How much happened in which minute: what charts of a hub or a DPS instance are drawn from.
//!
//! Owns the history of counts and levels, minute by minute, for a day and in memory. Refuses to know where the numbers come
//! from: whoever has them reads them out every few seconds ([`Meters::note`]) and pays nothing in between.

pub mod limits;
mod metric;
mod point;
mod series;

use std::{collections::HashMap, ops::Range};

use parking_lot::Mutex;
use roadstead_model::{HubKey, IdScope, UnixMillis};

pub use metric::{Metric, Nature};
pub use point::{Point, Values};
use series::Series;

/// What something is counted of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    Hub(HubKey),
    Dps(IdScope),
}

/// The histories of all hubs and DPS instances.
#[derive(Debug, Default)]
pub struct Meters {
    series: Mutex<HashMap<(Source, Metric), Series>>,
}

impl Meters {
    /// Nothing was counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of what `source`'s meters show at `now`: a level as it is, a count as the sum of all that
    /// happened since the program began.
    pub fn note(&self, source: &Source, readings: impl IntoIterator<Item = (Metric, u64)>, now: UnixMillis) {
        let mut all = self.series.lock();
        for (metric, reading) in readings {
            match all.get_mut(&(source.clone(), metric)) {
                Some(series) => series.note(reading, now),
                None => drop(all.insert((source.clone(), metric), Series::begin(metric.nature(), reading, now))),
            }
        }
    }

    /// Forgets those that are gone.
    pub fn keep(&self, is_there: impl Fn(&Source) -> bool) {
        self.series.lock().retain(|(source, _), _| is_there(source));
    }

    /// What happened in `span`, `grain_minutes` at a time, from the full grain on that holds its beginning. The last point may
    /// be of a grain that is not over yet.
    ///
    /// A span of more than [`limits::POINTS_MAX`] grains is cut at its end.
    pub fn read(&self, source: &Source, metric: Metric, span: Range<UnixMillis>, grain_minutes: u32) -> Vec<Point> {
        let all = self.series.lock();
        point::points(all.get(&(source.clone(), metric)), span, grain_minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANT: Source = Source::Hub(HubKey(1));
    const SHIP: Source = Source::Hub(HubKey(2));
    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn each_source_has_meters_of_its_own_until_it_is_gone() {
        let meters = Meters::new();
        for (source, level) in [(&PLANT, 3), (&SHIP, 5)] {
            meters.note(source, [(Metric::ConnectedDevices, level)], START);
        }
        let level = |source| meters.read(source, Metric::ConnectedDevices, START..START.plus_ms(1), 1)[0].values;
        assert_eq!(level(&PLANT).map(|values| values.maximum), Some(3));
        assert_eq!(level(&SHIP).map(|values| values.maximum), Some(5));
        meters.keep(|source| *source == SHIP);
        assert_eq!(level(&PLANT), None);
        assert_eq!(level(&SHIP).map(|values| values.maximum), Some(5));
    }
}
