//! How far consumer groups are, in words.

use crate::call::{At, Call};
use crate::fault::Fault;
use crate::limits::{LAG_LARGE, LAG_STALLED_MS};
use crate::moment::Moment;
use roadstead_model::UnixMillis;
use roadstead_service::{ConsumerGroup, Consumers};

/// A consumer group on a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) name: String,
    pub(crate) readers: usize,
    /// Messages that were not delivered yet; `None`: nobody knows.
    pub(crate) lag: Option<u64>,
    pub(crate) is_behind: bool,
    /// The partition furthest behind: `partition 2: 40`; empty when it says no more than the sum.
    pub(crate) worst: String,
    pub(crate) delivered: Option<Moment>,
}

impl Reading {
    /// A group of which no more is known, or may be seen.
    pub(crate) fn unread(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, readers: 0, lag: None, is_behind: false, worst: String::new(), delivered: None }
    }

    pub(crate) fn of(group: &ConsumerGroup) -> Self {
        let lag = group.lag();
        let worst = group.worst().filter(|_| group.partitions.len() > 1);
        let worst = worst.map(|worst| format!("partition {}: {}", worst.partition_id, worst.lag.unwrap_or_default()));
        Self {
            name: group.consumer_group.clone(),
            readers: group.readers(),
            lag,
            is_behind: lag.is_some_and(|lag| lag >= LAG_LARGE),
            worst: worst.unwrap_or_default(),
            delivered: last_delivered(group).and_then(Moment::parse),
        }
    }
}

fn last_delivered(group: &ConsumerGroup) -> Option<&str> {
    group.partitions.iter().filter_map(|partition| partition.delivered_time.as_deref()).max()
}

/// Who reads the hub's events; `None` for whom that is not to be seen.
pub(crate) async fn consumers(call: &Call<'_>, at: &At) -> Result<Option<Consumers>, Fault> {
    if !at.rights.data_read {
        return Ok(None);
    }
    Ok(Some(call.hub(at).await?.consumers().await?))
}

/// What is to be said of a group on the overview, if anything: that it is far behind, or that it has readers who take nothing.
pub(crate) fn trouble(group: &ConsumerGroup, now: UnixMillis) -> Option<String> {
    let (name, readers, lag) = (&group.consumer_group, group.readers(), group.lag()?);
    let is_stalled = group.partitions.iter().any(|partition| {
        let waits = partition.readers > 0 && partition.lag.is_some_and(|lag| lag > 0);
        let is_old = |time: &Option<String>| {
            let at = time.as_deref().and_then(UnixMillis::parse_iso);
            at.is_some_and(|at| now.0.saturating_sub(at.0) >= LAG_STALLED_MS)
        };
        // What came just now is being delivered.
        waits && is_old(&partition.delivered_time) && is_old(&partition.last_enqueued_time)
    });
    let who = match readers {
        0 => "nobody reads it now".to_owned(),
        1 => "one reader".to_owned(),
        several => format!("{several} readers"),
    };
    let messages = if lag == 1 { "message" } else { "messages" };
    if is_stalled {
        Some(format!("{name} stands still with {lag} {messages} not delivered yet, {who}."))
    } else if lag >= LAG_LARGE {
        Some(format!("{name} has {lag} {messages} not delivered yet, {who}."))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// 2027-01-15T08:02:30Z.
    const NOW: UnixMillis = UnixMillis(1_800_000_150_000);

    fn group(partitions: Value) -> ConsumerGroup {
        serde_json::from_value(json!({"consumerGroup": "g", "partitions": partitions})).unwrap()
    }

    fn partition(readers: usize, lag: Option<u64>, second: u32) -> Value {
        let mut one =
            json!({"partitionId": lag.unwrap_or_default().to_string(), "readers": readers, "firstSequenceNumber": 0});
        if let Some(lag) = lag {
            one["lag"] = lag.into();
            let time = format!("2027-01-15T08:02:{second:02}.0000000Z");
            (one["deliveredTime"], one["lastEnqueuedTime"]) = (time.as_str().into(), time.as_str().into());
        }
        one
    }

    #[test]
    fn what_a_page_shows() {
        assert_eq!(Reading::of(&group(json!([partition(0, None, 0)]))), Reading::unread("g"));
        let one = Reading::of(&group(json!([partition(1, Some(3), 0)])));
        assert_eq!((one.lag, one.worst.as_str(), one.is_behind), (Some(3), "", false), "of one there is no worst");
        let two =
            Reading::of(&group(json!([partition(1, Some(1000), 9), partition(2, Some(7), 20), partition(0, None, 0)])));
        assert_eq!(
            (two.lag, two.worst.as_str(), two.is_behind, two.readers),
            (Some(1007), "partition 1000: 1000", true, 3)
        );
        assert_eq!(two.delivered.unwrap().shown, "2027-01-15 08:02:20 UTC");
        assert_eq!(Reading::of(&group(json!([partition(1, Some(0), 9), partition(1, Some(0), 9)]))).worst, "");
    }

    #[test]
    fn only_what_is_far_behind_or_stands_still_is_trouble() {
        for (partitions, words) in [
            (json!([partition(0, None, 0)]), None),
            (json!([partition(1, Some(0), 0)]), None),
            (json!([partition(1, Some(999), 29)]), None),
            (json!([partition(0, Some(999), 0)]), None),
            (json!([partition(0, Some(1000), 0)]), Some("g has 1000 messages not delivered yet, nobody reads it now.")),
            (json!([partition(2, Some(1001), 29)]), Some("g has 1001 messages not delivered yet, 2 readers.")),
        ] {
            assert_eq!(trouble(&group(partitions.clone()), NOW).as_deref(), words, "{partitions}");
        }
        let later = NOW.plus_ms(LAG_STALLED_MS);
        let stalled = trouble(&group(json!([partition(1, Some(1), 30)])), later);
        assert_eq!(stalled.as_deref(), Some("g stands still with 1 message not delivered yet, one reader."));
        assert_eq!(trouble(&group(json!([partition(1, Some(0), 30)])), later), None);
        let mut new = partition(1, Some(1), 30);
        new["lastEnqueuedTime"] = later.iso().into();
        assert_eq!(trouble(&group(json!([new])), later), None, "it came just now");
    }
}
