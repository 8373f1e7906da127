//! Events over HTTP as server-sent events: `GET /messages/events`, `text/event-stream`.

use crate::{
    event_json::StreamedEvent,
    limits::{POSITION_PARTITIONS_MAX, STREAM_EVENT_BYTES_MAX},
};

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

/// Appends an event to a stream. Its id is the reader's `position` after it, so that who sends it back misses nothing.
///
/// Shape: `id: 18,4,0,22\ndata: {"partition":0,…}\n\n`. Source: WHATWG HTML, server-sent events
pub fn write(position: &str, event: &StreamedEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {position}\ndata: ").as_bytes());
    serde_json::to_writer(&mut *out, event).expect("writing to a Vec does not fail, and every map has text for keys");
    out.extend_from_slice(b"\n\n");
}

/// Why a stream can be read no further.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("an event has more than {STREAM_EVENT_BYTES_MAX} bytes")]
    TooLong,
    #[error("an event of the stream cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads a stream as it arrives, in pieces of any size.
#[derive(Debug, Default)]
pub struct StreamReader {
    buffer: Vec<u8>,
    read: usize,
    id: String,
    data: Vec<u8>,
}

impl StreamReader {
    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event and the position after it; `None` until more arrives.
    pub fn next_event(&mut self) -> Result<Option<(String, StreamedEvent)>, StreamError> {
        while let Some(line) = self.next_line() {
            let line = self.buffer.get(line).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            } else if let Some(id) = line.strip_prefix(b"id:") {
                self.id = String::from_utf8_lossy(id.trim_ascii()).into_owned();
            } else if line.is_empty() && !self.data.is_empty() {
                let event = serde_json::from_slice(&self.data);
                self.data.clear();
                return Ok(Some((self.id.clone(), event?)));
            }
        }
        let waiting = self.data.len() + self.buffer.len() - self.read;
        if waiting > STREAM_EVENT_BYTES_MAX { Err(StreamError::TooLong) } else { Ok(None) }
    }

    fn next_line(&mut self) -> Option<std::ops::Range<usize>> {
        let start = self.read;
        let len = self.buffer.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        self.read = start + len + 1;
        Some(start..start + len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(offset: u64) -> StreamedEvent {
        let json = format!(
            r#"{{"partition":3,"offset":"{offset}","sequenceNumber":{offset},"enqueuedTimeUtc":"t","body":{{"t":1}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn read_all(reader: &mut StreamReader) -> Vec<u64> {
        std::iter::from_fn(|| reader.next_event().unwrap()).map(|(_, event)| event.sequence_number).collect()
    }

    #[test]
    fn one_line_per_event() {
        let mut out = Vec::new();
        write("0,0,0,18", &event(17), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("id: 0,0,0,18\ndata: {\"partition\":3,\"offset\":\"17\","), "{text}");
        assert!(text.ends_with("\"body\":{\"t\":1}}\n\n"), "{text}");
        assert_eq!(text.matches('\n').count(), 3);
    }

    #[test]
    fn positions() {
        assert_eq!(write_position(&[18, 0]), "18,0");
        assert_eq!(parse_position(" 18,0 "), Some(vec![18, 0]));
        let many = vec!["1"; POSITION_PARTITIONS_MAX + 1].join(",");
        for bad in ["", ",", "1,", "-1", "3-17", "1,x", &many] {
            assert_eq!(parse_position(bad), None, "{bad}");
        }
        let mut reader = StreamReader::default();
        let mut stream = Vec::new();
        write("18,0", &event(17), &mut stream);
        reader.push(&stream);
        assert_eq!(reader.next_event().unwrap().unwrap().0, "18,0");
    }

    #[test]
    fn reads_in_pieces_and_passes_over_the_rest() {
        let mut stream = b":\n\nevent: x\nretry: 5\n\n".to_vec();
        write("1", &event(1), &mut stream);
        stream.extend_from_slice(KEEP_ALIVE);
        write("2", &event(2), &mut stream);
        let unix = String::from_utf8(stream.clone()).unwrap();
        for stream in [stream, unix.replace('\n', "\r\n").into_bytes()] {
            for size in 1..20 {
                let mut reader = StreamReader::default();
                let mut seen = Vec::new();
                for piece in stream.chunks(size) {
                    reader.push(piece);
                    seen.extend(read_all(&mut reader));
                }
                assert_eq!(seen, [1, 2], "pieces of {size}");
            }
        }
    }

    #[test]
    fn refused() {
        let mut reader = StreamReader::default();
        reader.push(b"data: {}\n\n");
        assert!(matches!(reader.next_event(), Err(StreamError::Json(_))));
        reader.push(&vec![b'x'; STREAM_EVENT_BYTES_MAX + 1]);
        assert!(matches!(reader.next_event(), Err(StreamError::TooLong)));
        let mut reader = StreamReader::default();
        for _ in 0..=STREAM_EVENT_BYTES_MAX / 1024 {
            reader.push(b"data: ");
            reader.push(&[b'x'; 1024]);
            reader.push(b"\n");
        }
        assert!(matches!(reader.next_event(), Err(StreamError::TooLong)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(prop::sample::select(&b"data: {}\n\r:x"[..]), 0..80)) {
            let mut reader = StreamReader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next_event() {}
        }
    }
}
