//! Where one frame ends and the next begins, and what stands in front of all of them. Source: 2.2, 2.3

use crate::limits::FRAME_HEADER_BYTES;

/// Why a stream of bytes cannot be cut into frames. There is no way back: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than its own header.
    #[error("frame of {len} bytes with a header of {header_len}")]
    TooShort {
        /// What the frame says its length is.
        len: usize,
        /// What it says that of its header is, with the extended one.
        header_len: usize,
    },
    /// Longer than the caller allows.
    #[error("frame of {len} bytes, at most {max} are allowed")]
    TooLong {
        /// What the frame says its length is.
        len: usize,
        /// What the caller allows.
        max: usize,
    },
    /// Neither AMQP nor SASL.
    #[error("frame type {value}")]
    UnknownType {
        /// The byte.
        value: u8,
    },
}

/// What kind of body a frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    /// A performative and perhaps a payload, or nothing: a heartbeat.
    Amqp = 0,
    /// One of the five of [`crate::sasl`].
    Sasl = 1,
}

/// One whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Kind of the body.
    pub frame_type: FrameType,
    /// Of the session; without meaning in SASL.
    pub channel: u16,
    /// All behind the header.
    pub body: &'a [u8],
}

/// The first eight bytes of a connection, and again those behind SASL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `AMQP 0 1 0 0`
    Amqp,
    /// `AMQP 3 1 0 0`
    Sasl,
}

impl Protocol {
    /// Bytes of a protocol header.
    pub const BYTES: usize = 8;

    /// `None` for what is no header, or one of another version.
    pub fn parse(bytes: [u8; Self::BYTES]) -> Option<Self> {
        [Self::Amqp, Self::Sasl].into_iter().find(|protocol| protocol.bytes() == bytes)
    }

    /// As on the wire.
    pub fn bytes(self) -> [u8; Self::BYTES] {
        let id = match self {
            Self::Amqp => 0,
            Self::Sasl => 3,
        };
        [b'A', b'M', b'Q', b'P', id, 1, 0, 0]
    }
}

/// The first frame in `buf` and its length in bytes; `None` until all of it is there. `max` bounds the whole frame.
///
/// Shape: `00 00 00 08 02 00 00 00` is an empty frame. Errors: as soon as the header shows them.
pub fn first_frame(buf: &[u8], max: usize) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(&[l0, l1, l2, l3, offset, frame_type, c0, c1]) = buf.first_chunk() else { return Ok(None) };
    let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let header_len = usize::from(offset) * 4;
    if header_len < FRAME_HEADER_BYTES || len < header_len {
        return Err(FrameError::TooShort { len, header_len });
    }
    if len > max {
        return Err(FrameError::TooLong { len, max });
    }
    let frame_type = match frame_type {
        0 => FrameType::Amqp,
        1 => FrameType::Sasl,
        value => return Err(FrameError::UnknownType { value }),
    };
    let body = buf.get(header_len..len);
    Ok(body.map(|body| (Frame { frame_type, channel: u16::from_be_bytes([c0, c1]), body }, len)))
}

/// Appends a frame with the body that `write` appends.
pub fn write(out: &mut Vec<u8>, frame_type: FrameType, channel: u16, write: impl FnOnce(&mut Vec<u8>)) {
    let start = begin(out, frame_type, channel);
    write(out);
    end(out, start);
}

/// Appends an empty frame: a sign of life. Source: 2.4.5
pub fn write_heartbeat(out: &mut Vec<u8>) {
    write(out, FrameType::Amqp, 0, |_| {});
}

/// Appends a header whose length [`end`] will fill in; tells where it is.
pub(crate) fn begin(out: &mut Vec<u8>, frame_type: FrameType, channel: u16) -> usize {
    let start = out.len();
    let [c0, c1] = channel.to_be_bytes();
    out.extend([0, 0, 0, 0, 2, frame_type as u8, c0, c1]);
    start
}

/// Everything behind the header at `start` is that frame's body.
pub(crate) fn end(out: &mut [u8], start: usize) {
    let len = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_when_its_last_byte_is_there() {
        type Answer<'a> = Result<Option<(Frame<'a>, usize)>, FrameError>;
        let frame = |frame_type, channel, body| Frame { frame_type, channel, body };
        let cases: [(&[u8], Answer<'_>); 13] = [
            (b"", Ok(None)),
            (b"\0\0\0\x08\x02\0\0", Ok(None)),
            (b"\0\0\0\x08\x02\0\0\0", Ok(Some((frame(FrameType::Amqp, 0, b""), 8)))),
            (b"\0\0\0\x08\x02\0\0\0\0", Ok(Some((frame(FrameType::Amqp, 0, b""), 8)))),
            (b"\0\0\0\x0a\x02\x01\x01\x02x", Ok(None)),
            (b"\0\0\0\x0a\x02\x01\x01\x02xy", Ok(Some((frame(FrameType::Sasl, 0x102, b"xy"), 10)))),
            (b"\0\0\0\x0d\x03\0\0\0....x", Ok(Some((frame(FrameType::Amqp, 0, b"x"), 13)))), // extended header
            (b"\0\0\0\x07\x02\0\0\0", Err(FrameError::TooShort { len: 7, header_len: 8 })),
            (b"\0\0\0\x08\x01\0\0\0", Err(FrameError::TooShort { len: 8, header_len: 4 })),
            (b"\0\0\0\x0b\x03\0\0\0...", Err(FrameError::TooShort { len: 11, header_len: 12 })),
            (b"\0\0\0\x65\x02\0\0\0", Err(FrameError::TooLong { len: 101, max: 100 })),
            (b"\xff\xff\xff\xff\x02\0\0\0", Err(FrameError::TooLong { len: 0xffff_ffff, max: 100 })),
            (b"\0\0\0\x08\x02\x02\0\0", Err(FrameError::UnknownType { value: 2 })),
        ];
        for (bytes, expected) in cases {
            assert_eq!(first_frame(bytes, 100), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn protocol_headers() {
        assert_eq!(Protocol::parse(*b"AMQP\0\x01\0\0"), Some(Protocol::Amqp));
        assert_eq!(Protocol::parse(*b"AMQP\x03\x01\0\0"), Some(Protocol::Sasl));
        for other in [b"AMQP\x02\x01\0\0", b"AMQP\0\0\x09\x01", b"GET / HT", b"AMQP\0\x01\0\x01"] {
            assert_eq!(Protocol::parse(*other), None, "{other:02x?}");
        }
    }

    #[test]
    fn written_frames_are_read() {
        let mut out = Vec::new();
        write(&mut out, FrameType::Sasl, 7, |out| out.push(9));
        write_heartbeat(&mut out);
        let (frame, len) = first_frame(&out, 100).unwrap().unwrap();
        assert_eq!((frame, len), (Frame { frame_type: FrameType::Sasl, channel: 7, body: &[9] }, 9));
        assert_eq!(&out[len..], b"\0\0\0\x08\x02\0\0\0");
    }
}
