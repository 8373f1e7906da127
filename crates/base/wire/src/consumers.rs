//! Who reads a hub's events, and how far: `GET /statistics/consumers`. Ours: Azure tells nobody.

use serde::{Deserialize, Serialize};

/// How far the consumer groups of a hub are.
///
/// Shape: `{"eventBytes":1048576,"consumerGroups":[{"consumerGroup":"$Default","partitions":[…]}]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumers {
    /// Bytes that the hub's events take, about.
    pub event_bytes: u64,
    /// All there are, `$Default` first.
    pub consumer_groups: Vec<ConsumerGroup>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerGroup {
    pub consumer_group: String,
    /// All partitions, in their order.
    pub partitions: Vec<Partition>,
}

/// A consumer group at one partition.
///
/// Shape: `{"partitionId":"0","readers":1,"firstSequenceNumber":0,"lastEnqueuedSequenceNumber":17,
/// "lastEnqueuedTime":"2026-11-21T20:02:50.5160000Z","deliveredSequenceNumber":12,
/// "deliveredTime":"2026-11-21T20:02:48.1000000Z","lag":5}`. What nobody knows is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partition {
    /// Text, as at Event Hubs.
    pub partition_id: String,
    /// Readers attached now.
    pub readers: usize,
    /// Of the oldest event that is kept, or of the next when there is none.
    pub first_sequence_number: u64,
    /// Of the newest event; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_enqueued_sequence_number: Option<u64>,
    /// When that one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_enqueued_time: Option<String>,
    /// Of the last event that was given to a reader. Whether it did anything with it, only the reader knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_sequence_number: Option<u64>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_time: Option<String>,
    /// How many events were not given to a reader yet. Absent when the group was not read here since the server started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
}

impl ConsumerGroup {
    /// Readers at all partitions.
    pub fn readers(&self) -> usize {
        self.partitions.iter().map(|partition| partition.readers).sum()
    }

    /// The lag at all partitions where it is known; absent when it is known of none.
    pub fn lag(&self) -> Option<u64> {
        self.partitions.iter().filter_map(|partition| partition.lag).reduce(u64::saturating_add)
    }

    /// The partition that is furthest behind, if any is.
    pub fn worst(&self) -> Option<&Partition> {
        let behind = self.partitions.iter().filter(|partition| partition.lag.is_some_and(|lag| lag > 0));
        behind.max_by_key(|partition| partition.lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(lags: &[Option<u64>]) -> ConsumerGroup {
        let partition = |(id, lag): (usize, &Option<u64>)| Partition {
            partition_id: id.to_string(),
            readers: 1,
            first_sequence_number: 0,
            last_enqueued_sequence_number: None,
            last_enqueued_time: None,
            delivered_sequence_number: None,
            delivered_time: None,
            lag: *lag,
        };
        ConsumerGroup { consumer_group: "g".to_owned(), partitions: lags.iter().enumerate().map(partition).collect() }
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        for (lags, sum, worst) in [
            (&[][..], None, None),
            (&[None, None], None, None),
            (&[None, Some(0)], Some(0), None),
            (&[Some(3), None, Some(4)], Some(7), Some("2")),
        ] {
            let group = group(lags);
            let found = group.worst().map(|partition| partition.partition_id.as_str());
            assert_eq!((group.lag(), found), (sum, worst), "{lags:?}");
        }
        let shown = serde_json::to_string(&group(&[None]).partitions[0]).unwrap();
        assert_eq!(shown, r#"{"partitionId":"0","readers":1,"firstSequenceNumber":0}"#);
    }
}
