//! Who reads which partition for which consumer group, and who makes way for whom.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use roadstead_model::UnixMillis;
use tokio::sync::Notify;

use crate::{
    error::HubError,
    limits,
    progress::{Position, Progress},
};

/// Why somebody may not read a partition.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    #[error("there is no consumer group `{0}` in this hub; `$Default` always exists")]
    NoSuchGroup(String),
    #[error("there is no partition `{asked}`: this hub has {count}, numbered from 0")]
    NoSuchPartition { asked: String, count: u16 },
    /// Somebody reads with a higher owner level, or with one while the newcomer has none.
    #[error(
        "a reader with owner level (epoch) {level} has the partition; come with that level or a higher one, or wait until it is gone"
    )]
    Outranked { level: i64 },
    #[error("{max} readers have the partition in this consumer group already, which is the limit; use another group")]
    TooMany { max: usize },
    #[error(
        "offset {asked} was never stored: the partition ends before {next}; read from the start ('-1') or the end ('@latest')"
    )]
    BeyondEnd { asked: u64, next: u64 },
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// The seats at each partition, and how far those came who left.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<Place, Bench>>);

/// A consumer group, in lower case, and a partition.
pub(crate) type Place = (String, u16);

#[derive(Debug, Default)]
struct Bench {
    seats: Vec<Arc<Seat>>,
    /// Where who left last stood.
    left: Option<Position>,
}

/// The right to read a partition, until a higher owner level takes it.
#[derive(Debug)]
pub(crate) struct Seat {
    level: Option<i64>,
    /// The owner level that took it.
    pub(crate) lost_to: OnceLock<i64>,
    wake: Arc<Notify>,
    /// Offset of the next event that the reader is given.
    next: AtomicU64,
    /// When it was given one, in Unix milliseconds; [`NEVER`] before.
    delivered_at: AtomicI64,
}

const NEVER: i64 = i64::MIN;

impl Seat {
    /// Notes that all before `next` has been given to the reader. Who reads both while they change sees one of them too early.
    pub(crate) fn note_delivered(&self, next: u64, now: UnixMillis) {
        self.next.store(next, Ordering::Relaxed);
        self.delivered_at.store(now.0, Ordering::Relaxed);
    }

    fn position(&self) -> Position {
        let at = self.delivered_at.load(Ordering::Relaxed);
        Position { next: self.next.load(Ordering::Relaxed), delivered_at: (at != NEVER).then_some(UnixMillis(at)) }
    }
}

impl Bench {
    /// Of several readers the one furthest behind; without any, the one who left last.
    fn position(&self) -> Option<Position> {
        self.seats.iter().map(|seat| seat.position()).min_by_key(|position| position.next).or(self.left)
    }
}

impl Readers {
    /// Takes a seat of a reader that begins with the event `next`; whoever must make way is told by its own `wake`. Errors:
    /// `Outranked`, `TooMany`.
    pub(crate) fn take(
        &self,
        (group, partition): (&str, u16),
        level: Option<i64>,
        next: u64,
        wake: Arc<Notify>,
    ) -> Result<Arc<Seat>, ReaderError> {
        let mut table = self.0.lock();
        let bench = table.entry((group.to_ascii_lowercase(), partition)).or_default();
        let before = bench.position();
        let seats = &mut bench.seats;
        let highest = seats.iter().filter_map(|seat| seat.level).max();
        match (level, highest) {
            (None, Some(level)) => return Err(ReaderError::Outranked { level }),
            (Some(own), Some(level)) if own < level => return Err(ReaderError::Outranked { level }),
            (Some(own), _) => {
                for seat in seats.drain(..) {
                    let _ = seat.lost_to.set(own);
                    seat.wake.notify_one();
                }
            }
            (None, None) if seats.len() >= limits::READERS_MAX => {
                return Err(ReaderError::TooMany { max: limits::READERS_MAX });
            }
            (None, None) => {}
        }
        // Who goes on where another stopped was given what that one was given.
        let given = before.filter(|before| before.next == next).and_then(|before| before.delivered_at);
        let delivered_at = AtomicI64::new(given.map_or(NEVER, |at| at.0));
        let seat = Arc::new(Seat { level, lost_to: OnceLock::new(), wake, next: AtomicU64::new(next), delivered_at });
        seats.push(seat.clone());
        Ok(seat)
    }

    /// Gives a seat back. Where the last one stood is kept if the consumer group is still there (`is_known`, asked while nobody else
    /// changes what is kept).
    pub(crate) fn leave(&self, (group, partition): (&str, u16), seat: &Arc<Seat>, is_known: impl FnOnce() -> bool) {
        let mut table = self.0.lock();
        let places = table.len();
        let key = (group.to_ascii_lowercase(), partition);
        let Some(bench) = table.get_mut(&key) else { return };
        let seats = bench.seats.len();
        bench.seats.retain(|other| !Arc::ptr_eq(other, seat));
        if bench.seats.len() < seats {
            bench.left = Some(seat.position());
        }
        if bench.seats.is_empty() && !(places <= limits::READ_PLACES_MAX && is_known()) {
            table.remove(&key);
        }
    }

    /// Forgets how far other consumer groups than these came. Their readers keep their seats until they leave.
    pub(crate) fn keep(&self, is_known: impl Fn(&str) -> bool) {
        self.0.lock().retain(|(group, _), bench| !bench.seats.is_empty() || is_known(group));
    }

    /// Who reads where, and how far they are.
    pub(crate) fn progress(&self) -> HashMap<Place, Progress> {
        let table = self.0.lock();
        let shown = |(place, bench): (&Place, &Bench)| {
            (place.clone(), Progress { readers: bench.seats.len(), position: bench.position() })
        };
        table.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: (&str, u16) = ("$Default", 0);

    fn take(readers: &Readers, level: Option<i64>) -> Result<Arc<Seat>, String> {
        readers.take(AT, level, 0, Arc::default()).map_err(|error| match error {
            ReaderError::Outranked { level } => format!("outranked by {level}"),
            other => other.to_string(),
        })
    }

    #[test]
    fn owner_levels_decide() {
        for (present, newcomer, outcome, displaced) in [
            (&[][..], None, Ok(()), &[][..]),
            (&[None, None], None, Ok(()), &[]),
            (&[None, None], Some(0), Ok(()), &[0, 1]),
            (&[Some(3)], Some(4), Ok(()), &[0]),
            (&[Some(3)], Some(3), Ok(()), &[0]),
            (&[Some(3)], Some(2), Err("outranked by 3".to_owned()), &[]),
            (&[Some(3)], None, Err("outranked by 3".to_owned()), &[]),
            (&[Some(0)], None, Err("outranked by 0".to_owned()), &[]),
        ] {
            let readers = Readers::default();
            let seats: Vec<_> = present.iter().map(|level| take(&readers, *level).unwrap()).collect();
            assert_eq!(take(&readers, newcomer).map(drop), outcome, "{present:?} {newcomer:?}");
            let lost = |(at, seat): (usize, &Arc<Seat>)| seat.lost_to.get().map(|_| at);
            assert_eq!(seats.iter().enumerate().filter_map(lost).collect::<Vec<_>>(), displaced);
        }
    }

    #[test]
    fn who_leaves_makes_room_and_other_partitions_are_others() {
        let readers = Readers::default();
        let first = take(&readers, Some(5)).unwrap();
        assert!(take(&readers, Some(4)).is_err());
        assert!(readers.take(("$default", 0), Some(4), 0, Arc::default()).is_err(), "in any case");
        assert!(readers.take(("$Default", 1), Some(4), 0, Arc::default()).is_ok());
        assert!(readers.take(("other", 0), None, 0, Arc::default()).is_ok());
        readers.leave(AT, &first, || true);
        let second = take(&readers, Some(4)).unwrap();
        readers.leave(AT, &first, || true);
        assert!(take(&readers, None).is_err(), "who left before leaves nobody else's seat");
        readers.leave(("$DEFAULT", 0), &second, || true);
        for _ in 0..limits::READERS_MAX {
            take(&readers, None).unwrap();
        }
        assert!(take(&readers, None).is_err());
    }

    fn at(next: u64, delivered_at: Option<i64>) -> Position {
        Position { next, delivered_at: delivered_at.map(UnixMillis) }
    }

    fn seen(readers: &Readers) -> (usize, Option<Position>) {
        readers.progress().get(&("$default".to_owned(), 0)).map_or((0, None), |seen| (seen.readers, seen.position))
    }

    fn begin(readers: &Readers, level: Option<i64>, next: u64) -> Arc<Seat> {
        readers.take(AT, level, next, Arc::default()).unwrap()
    }

    #[test]
    fn how_far_readers_are() {
        let readers = Readers::default();
        assert_eq!(seen(&readers), (0, None), "never read");
        let first = begin(&readers, None, 10);
        assert_eq!(seen(&readers), (1, Some(at(10, None))), "given nothing yet");
        first.note_delivered(25, UnixMillis(5));
        assert_eq!(seen(&readers), (1, Some(at(25, Some(5)))));
        let second = begin(&readers, None, 12);
        assert_eq!(seen(&readers), (2, Some(at(12, None))), "the one furthest behind");
        second.note_delivered(30, UnixMillis(6));
        assert_eq!(seen(&readers), (2, Some(at(25, Some(5)))));
        readers.leave(AT, &first, || true);
        assert_eq!(seen(&readers), (1, Some(at(30, Some(6)))));
        readers.leave(AT, &second, || true);
        assert_eq!(seen(&readers), (0, Some(at(30, Some(6)))), "gone, not forgotten");
        readers.leave(AT, &first, || true);
        assert_eq!(seen(&readers), (0, Some(at(30, Some(6)))), "who left before does not come again");
    }

    #[test]
    fn who_goes_on_goes_on() {
        let readers = Readers::default();
        let first = begin(&readers, Some(1), 0);
        first.note_delivered(8, UnixMillis(5));
        let _second = begin(&readers, Some(2), 8);
        assert_eq!(seen(&readers), (1, Some(at(8, Some(5)))), "where the one that made way stood");
        readers.leave(AT, &first, || true);
        assert_eq!(seen(&readers), (1, Some(at(8, Some(5)))));
        let _third = begin(&readers, Some(2), 3);
        assert_eq!(seen(&readers), (1, Some(at(3, None))), "again from before");
    }

    #[test]
    fn deleted_groups_are_forgotten() {
        let readers = Readers::default();
        let (gone, stays) = (begin(&readers, None, 1), begin(&readers, None, 2));
        readers.leave(AT, &gone, || true);
        readers.keep(|group| group != "$default");
        assert_eq!(seen(&readers), (1, Some(at(2, None))), "it is still read");
        readers.leave(AT, &stays, || false);
        assert_eq!(seen(&readers), (0, None));
        let last = begin(&readers, None, 4);
        readers.leave(AT, &last, || true);
        readers.keep(|group| group == "other");
        assert_eq!(seen(&readers), (0, None));
    }

    #[test]
    fn no_more_places_are_remembered_than_there_can_be() {
        let readers = Readers::default();
        for place in 0..=limits::READ_PLACES_MAX {
            let at = (&*place.to_string(), 0);
            let seat = readers.take(at, None, 0, Arc::default()).unwrap();
            readers.leave(at, &seat, || true);
        }
        assert_eq!(readers.progress().len(), limits::READ_PLACES_MAX);
    }
}
