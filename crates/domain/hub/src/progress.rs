//! How far each consumer group is in each partition.
//!
//! Clients keep their checkpoints to themselves: what is known here is what was given to readers since the program began.

use roadstead_model::{ConsumerGroupName, UnixMillis};

use crate::{error::HubError, hub::Hub, partition::PartitionState};

/// Where a reader stands, or stood when it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Offset of the next event that it is given.
    pub next: u64,
    /// When it was given the one before; `None` when it was given none yet.
    pub delivered_at: Option<UnixMillis>,
}

/// A consumer group at one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Readers attached now.
    pub readers: usize,
    /// Of several readers, of the one furthest behind. `None`: nobody has read since the program began.
    pub position: Option<Position>,
}

/// A consumer group and how far it is, in the order of partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupProgress {
    pub name: String,
    pub partitions: Vec<Progress>,
}

/// Who reads a hub's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumers {
    /// Bytes that the log takes, about.
    pub event_bytes: u64,
    pub partitions: Vec<PartitionState>,
    /// All there are, `$Default` first.
    pub groups: Vec<ConsumerGroupProgress>,
}

impl Position {
    /// Offset of the last event that was given, if one was.
    pub fn delivered(self) -> Option<u64> {
        self.delivered_at.and(self.next.checked_sub(1))
    }

    /// How many events the partition holds from here on. Those that were dropped unread are no longer among them.
    pub fn lag(self, held: &PartitionState) -> u64 {
        held.next.saturating_sub(self.next.max(held.first))
    }
}

impl Hub {
    /// How far each consumer group is. Errors: `Internal`.
    pub async fn consumers(&self) -> Result<Consumers, HubError> {
        let mut partitions = Vec::new();
        // Positions are looked up first, so that no group seems to be ahead of its partition.
        let progress = self.readers().progress();
        for partition in 0..self.partition_count() {
            partitions.push(self.state_of(partition).await?);
        }
        let group = |name: &str| {
            let place = name.to_ascii_lowercase();
            let at = |partition| progress.get(&(place.clone(), partition)).copied().unwrap_or_default();
            ConsumerGroupProgress { name: name.to_owned(), partitions: (0..self.partition_count()).map(at).collect() }
        };
        let resource = self.resource();
        let named = resource.consumer_groups.iter().map(|made| made.name.as_str());
        let groups = std::iter::once(ConsumerGroupName::DEFAULT).chain(named).map(group).collect();
        Ok(Consumers { event_bytes: self.log().bytes(), partitions, groups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_what_is_there_and_was_not_given() {
        for (next, delivered_at, (first, end), delivered, lag) in [
            (0, None, (0, 0), None, 0),
            (0, None, (0, 7), None, 7),
            (7, None, (0, 7), None, 0),
            (7, Some(1), (0, 7), Some(6), 0),
            (3, Some(1), (0, 7), Some(2), 4),
            // The log was trimmed beyond what was given, and all of it.
            (3, Some(1), (5, 7), Some(2), 2),
            (3, Some(1), (7, 7), Some(2), 0),
            // More was given than was looked at before.
            (9, Some(1), (0, 7), Some(8), 0),
        ] {
            let position = Position { next, delivered_at: delivered_at.map(UnixMillis) };
            let held = PartitionState { first, next: end, last_enqueued: None };
            assert_eq!((position.delivered(), position.lag(&held)), (delivered, lag), "{position:?} of {held:?}");
        }
    }
}
