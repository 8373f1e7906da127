//! Who reads which partition for which consumer group, and who makes way for whom.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{error::HubError, limits};

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

/// The seats at each partition.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<Place, Vec<Arc<Seat>>>>);

/// A consumer group, in lower case, and a partition.
type Place = (String, u16);

/// The right to read a partition, until a higher owner level takes it.
#[derive(Debug)]
pub(crate) struct Seat {
    level: Option<i64>,
    /// The owner level that took it.
    pub(crate) lost_to: OnceLock<i64>,
    wake: Arc<Notify>,
}

impl Readers {
    /// Takes a seat; whoever must make way is told by its own `wake`. Errors: `Outranked`, `TooMany`.
    pub(crate) fn take(
        &self,
        (group, partition): (&str, u16),
        level: Option<i64>,
        wake: Arc<Notify>,
    ) -> Result<Arc<Seat>, ReaderError> {
        let mut table = self.0.lock();
        let seats = table.entry((group.to_ascii_lowercase(), partition)).or_default();
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
        let seat = Arc::new(Seat { level, lost_to: OnceLock::new(), wake });
        seats.push(seat.clone());
        Ok(seat)
    }

    pub(crate) fn leave(&self, (group, partition): (&str, u16), seat: &Arc<Seat>) {
        let mut table = self.0.lock();
        let key = (group.to_ascii_lowercase(), partition);
        let Some(seats) = table.get_mut(&key) else { return };
        seats.retain(|other| !Arc::ptr_eq(other, seat));
        if seats.is_empty() {
            table.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: (&str, u16) = ("$Default", 0);

    fn take(readers: &Readers, level: Option<i64>) -> Result<Arc<Seat>, String> {
        readers.take(AT, level, Arc::default()).map_err(|error| match error {
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
        assert!(readers.take(("$default", 0), Some(4), Arc::default()).is_err(), "in any case");
        assert!(readers.take(("$Default", 1), Some(4), Arc::default()).is_ok());
        assert!(readers.take(("other", 0), None, Arc::default()).is_ok());
        readers.leave(AT, &first);
        let second = take(&readers, Some(4)).unwrap();
        readers.leave(AT, &first);
        assert!(take(&readers, None).is_err(), "who left before leaves nobody else's seat");
        readers.leave(("$DEFAULT", 0), &second);
        for _ in 0..limits::READERS_MAX {
            take(&readers, None).unwrap();
        }
        assert!(take(&readers, None).is_err());
    }
}
