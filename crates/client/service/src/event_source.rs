//! The lines of a `text/event-stream`, in pieces of any size. Source: WHATWG HTML 9.2.6

use crate::limits::{EVENT_BYTES_MAX, EVENT_LINE_BYTES_MAX};

/// Reads a stream as it arrives.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    line: Vec<u8>,
    after_return: bool,
    kind: Vec<u8>,
    data: Vec<u8>,
    next_id: Option<String>,
    id: Option<String>,
}

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Of its field `event`; empty for most.
    pub kind: Vec<u8>,
    pub data: Vec<u8>,
}

/// The stream has a line or an event beyond all bounds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Reader {
    /// Takes what arrived and gives back every event with data that it completed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Arrived>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let ends = matches!(byte, b'\n' | b'\r');
            let is_second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !ends {
                self.line.push(byte);
                if self.line.len() > EVENT_LINE_BYTES_MAX {
                    return Err(TooLong);
                }
            } else if !is_second_half {
                let line = std::mem::take(&mut self.line);
                events.extend(self.take_line(&line)?);
            }
        }
        Ok(events)
    }

    /// The id of the last event that was whole, to be sent back at a reconnect. An event may be an id alone.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Arrived>, TooLong> {
        if line.is_empty() {
            self.id = self.next_id.clone().or(self.id.take());
            let arrived = Arrived { kind: std::mem::take(&mut self.kind), data: std::mem::take(&mut self.data) };
            return Ok((!arrived.data.is_empty()).then_some(arrived));
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default()),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                if self.data.len() > EVENT_BYTES_MAX {
                    return Err(TooLong);
                }
            }
            b"event" => value.clone_into(&mut self.kind),
            b"id" => {
                if let Some(id) = std::str::from_utf8(value).ok().filter(|id| !id.contains('\0')) {
                    self.next_id = Some(id.to_owned());
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &str, piece_bytes: usize) -> (Vec<String>, Option<String>) {
        let mut reader = Reader::default();
        let events = stream.as_bytes().chunks(piece_bytes).flat_map(|piece| reader.push(piece).unwrap());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let shown = |Arrived { kind, data }| if kind.is_empty() { text(data) } else { text(kind) + "=" + &text(data) };
        let events = events.map(shown).collect();
        (events, reader.id().map(str::to_owned))
    }

    #[test]
    fn every_form_of_stream_in_pieces_of_every_size() {
        for (stream, events, id) in [
            ("", &[][..], None),
            (":\n\n: keep alive\n\n", &[], None),
            ("data: {\"a\":1}\n\n", &["{\"a\":1}"], None),
            ("id: 0:5,1:9\ndata:x\n\n", &["x"], Some("0:5,1:9")),
            ("id: 0:5\r\ndata: x\r\n\r\ndata: y\r\n\r\n", &["x", "y"], Some("0:5")),
            ("id: 0:5\rdata: x\r\rid: 0:6\rdata: y\r\r", &["x", "y"], Some("0:6")),
            ("data: a\ndata:  b\n\n", &["a\n b"], None),
            ("id: 0:7\n\n", &[], Some("0:7")),
            ("id: 0:5\ndata: x\n\nid: 0:6\ndata: cut o", &["x"], Some("0:5")),
            ("id: 0:5\ndata: x\n\nid: 0:6\ndata: y\n", &["x"], Some("0:5")),
            ("event: x\nunknown\ndata: y\n\ndata: z\n\n", &["x=y", "z"], None),
            ("event: x\n\ndata: y\n\n", &["y"], None),
            ("data: never ended\n", &[], None),
            ("data\n\n", &[], None),
        ] {
            for piece_bytes in 1..stream.len().max(2) {
                let events: Vec<String> = events.iter().map(|text| (*text).to_owned()).collect();
                assert_eq!(read(stream, piece_bytes), (events, id.map(str::to_owned)), "{stream:?} by {piece_bytes}");
            }
        }
    }

    #[test]
    fn an_id_that_is_no_text_is_passed_over() {
        let mut reader = Reader::default();
        reader.push(b"id: 0:1\nid: \xff\nid: a\0b\n\n").unwrap();
        assert_eq!(reader.id(), Some("0:1"));
    }

    #[test]
    fn nothing_grows_without_end() {
        assert_eq!(Reader::default().push(&vec![b'x'; EVENT_LINE_BYTES_MAX + 1]), Err(TooLong));
        let mut reader = Reader::default();
        let line = [&b"data:"[..], &vec![b'x'; EVENT_LINE_BYTES_MAX / 2], b"\n"].concat();
        let taken = (0..10).take_while(|_| reader.push(&line).is_ok()).count();
        assert_eq!(taken, EVENT_BYTES_MAX / (EVENT_LINE_BYTES_MAX / 2) - 1);
    }
}
