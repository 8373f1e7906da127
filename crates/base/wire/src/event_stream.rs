//! Events over HTTP as server-sent events: `GET /messages/events`, `text/event-stream`.

use serde::{Deserialize, Serialize};

use crate::{event_json::StreamedEvent, limits::POSITION_PARTITIONS_MAX};

/// The media type of the answer.
pub const CONTENT_TYPE: &str = "text/event-stream";
/// A comment that keeps an idle stream open; readers pass over it.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

/// The header with which a reader that lost its connection says where it was. Source: WHATWG HTML, server-sent events
pub const LAST_EVENT_ID_HEADER: &str = "last-event-id";

/// Where a reader of all partitions stands: the offset of the next unread event of each. Shape: `18,4,0,22`.
pub fn write_position(next: &[u64]) -> String {
    next.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}

/// Reads [`write_position`]. `None` for anything else, and for more than [`POSITION_PARTITIONS_MAX`] partitions.
pub fn parse_position(text: &str) -> Option<Vec<u64>> {
    let next: Vec<u64> = text
        .trim()
        .split(',')
        .take(POSITION_PARTITIONS_MAX + 1)
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    (next.len() <= POSITION_PARTITIONS_MAX).then_some(next)
}

/// Tells the position without an event: at the begin, so that who loses the stream before the first one misses nothing, and
/// behind several that belong together.
///
/// Shape: `id: 18,4,0,22\n\n`.
pub fn write_id(position: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {position}\n\n").as_bytes());
}

/// Appends an event to a stream. Its id is the reader's `position` after it, so that who sends it back misses nothing.
///
/// Shape: `id: 18,4,0,22\ndata: {"partition":0,…}\n\n`. Source: WHATWG HTML, server-sent events
pub fn write(position: &str, event: &StreamedEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {position}\ndata: ").as_bytes());
    serde_json::to_writer(&mut *out, event).expect("writing to a Vec does not fail, and every map has text for keys");
    out.extend_from_slice(b"\n\n");
}

/// The type of the stream's events that tell how many events of the hub were left out: `event: skipped`.
pub const SKIPPED: &str = "skipped";

/// What a sampled stream left out since it said so last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// Events that would have been sent.
    pub skipped: u64,
    /// In a stream of one device: events of all devices that were not looked at.
    pub unseen: u64,
}

/// Appends what was left out. Shape: `event: skipped\ndata: {"skipped":12,"unseen":0}\n\n`.
pub fn write_skipped(left_out: Skipped, out: &mut Vec<u8>) {
    let Skipped { skipped, unseen } = left_out;
    let text = format!("event: {SKIPPED}\ndata: {{\"skipped\":{skipped},\"unseen\":{unseen}}}\n\n");
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_event_under_its_position() {
        let json = r#"{"partition":3,"offset":"17","sequenceNumber":17,"enqueuedTimeUtc":"t","body":{"t":1}}"#;
        let event: StreamedEvent = serde_json::from_str(json).unwrap();
        let mut out = Vec::new();
        write_id("0,0,0,17", &mut out);
        write("0,0,0,18", &event, &mut out);
        let text = String::from_utf8(out).unwrap();
        let expected = "id: 0,0,0,17\n\nid: 0,0,0,18\ndata: {\"partition\":3,\"offset\":\"17\",";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("\"body\":{\"t\":1}}\n\n"), "{text}");
        assert_eq!(text.matches('\n').count(), 5);
    }

    #[test]
    fn what_was_left_out() {
        let (mut out, left_out) = (Vec::new(), Skipped { skipped: 12, unseen: 3 });
        write_skipped(left_out, &mut out);
        let text = String::from_utf8(out).unwrap();
        let data = text.strip_prefix("event: skipped\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
        assert_eq!(serde_json::from_str::<Skipped>(data).unwrap(), left_out);
    }

    #[test]
    fn positions() {
        assert_eq!(write_position(&[18, 0]), "18,0");
        assert_eq!(parse_position(" 18,0 "), Some(vec![18, 0]));
        let many = vec!["1"; POSITION_PARTITIONS_MAX + 1].join(",");
        for bad in ["", ",", "1,", "-1", "3-17", "1,x", &many] {
            assert_eq!(parse_position(bad), None, "{bad}");
        }
    }
}
