//! Pages of a hub's event log: `GET /messages/events/log`. Ours: at Azure one reads from a position on, over AMQP.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{event_json::StreamedEvent, event_stream};

/// A page, the oldest event first.
///
/// Shape: `{"events":[…],"older":"older:12,0","newer":"newer:18,4","examined":50,
/// "examinedTo":"2026-11-21T20:02:50.5160000Z"}`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventLogPage {
    pub events: Vec<StreamedEvent>,
    /// Asks, as `x-ms-continuation`, for what is older; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
    /// Asks for what is newer; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
    /// How many events were looked at.
    pub examined: usize,
    /// When the last of those came: how far was looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examined_to: Option<String>,
}

/// Where a page begins, and which way it goes.
///
/// Shape: `newer:18,4,0,22`, an offset for each partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    pub is_older: bool,
    pub offsets: Vec<u64>,
}

const OLDER: &str = "older";
const NEWER: &str = "newer";

impl Continuation {
    /// `None` for what no page gave.
    pub fn parse(text: &str) -> Option<Self> {
        let (direction, offsets) = text.split_once(':')?;
        let is_older = match direction {
            OLDER => true,
            NEWER => false,
            _ => return None,
        };
        Some(Self { is_older, offsets: event_stream::parse_position(offsets)? })
    }
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.is_older { OLDER } else { NEWER };
        write!(f, "{direction}:{}", event_stream::write_position(&self.offsets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_come_back() {
        for (is_older, offsets, text) in
            [(true, vec![18, 0], "older:18,0"), (false, vec![u64::MAX], "newer:18446744073709551615")]
        {
            let continuation = Continuation { is_older, offsets };
            assert_eq!(continuation.to_string(), text);
            assert_eq!(Continuation::parse(text), Some(continuation));
        }
        for bad in ["", "older", "older:", "newer:-1", "later:1", "1,2", "newer:1,2,x"] {
            assert_eq!(Continuation::parse(bad), None, "{bad}");
        }
    }
}
