//! Where one packet ends and the next begins.

use crate::error::DecodeError;
use crate::limits::LENGTH_BYTES_MAX;

/// Why a stream of bytes cannot be cut into packets. There is no way back: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The fourth length byte says that a fifth follows.
    #[error("remaining length runs past {LENGTH_BYTES_MAX} bytes")]
    LengthOverrun,
    /// The packet would be longer than the caller allows, in bytes with its header.
    #[error("packet of {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Length of the whole packet.
        len: usize,
        /// What the caller allows.
        max: usize,
    },
}

/// Length in bytes of the first packet in `buf`, header included; `None` until all of it is there.
///
/// Shape: `32 07 …` is a packet of 9 bytes. A length written with more bytes than it needs (`87 00` for 7) is
/// accepted: 3.1.1 does not forbid it, only MQTT 5 does.
/// Errors: `LengthOverrun` past four length bytes; `TooLong` as soon as the header says so. Source: 2.2.3
pub fn first_packet_len(buf: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some((header_len, body_len)) = header(buf)? else { return Ok(None) };
    let len = header_len + body_len;
    if len > max {
        return Err(FrameError::TooLong { len, max });
    }
    Ok((buf.len() >= len).then_some(len))
}

/// First byte and body of `packet`, which must be exactly one packet.
pub(crate) fn split(packet: &[u8]) -> Result<(u8, &[u8]), DecodeError> {
    let actual = packet.len();
    let incomplete = DecodeError::Truncated { needed: actual + 1, left: actual };
    let (header_len, body_len) = header(packet)?.ok_or(incomplete)?;
    let stated = header_len + body_len;
    match (packet.first(), packet.get(header_len..)) {
        (Some(&first), Some(body)) if body.len() == body_len => Ok((first, body)),
        _ => Err(DecodeError::NotOnePacket { stated, actual }),
    }
}

/// Lengths of the fixed header and of the body; `None` while the header is incomplete.
fn header(buf: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut body_len = 0;
    for i in 0..LENGTH_BYTES_MAX {
        let Some(&byte) = buf.get(1 + i) else { return Ok(None) };
        body_len |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((2 + i, body_len)));
        }
    }
    Err(FrameError::LengthOverrun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::PACKET_BYTES_MAX;

    #[test]
    fn length_is_known_when_the_last_byte_is_there() {
        type Answer = Result<Option<usize>, FrameError>;
        let cases: [(&[u8], Answer); 13] = [
            (b"", Ok(None)),
            (b"\xc0", Ok(None)),
            (b"\xc0\x00", Ok(Some(2))),
            (b"\xc0\x00\xc0", Ok(Some(2))),
            (b"\x40\x02\x00", Ok(None)),
            (b"\x40\x02\x00\x01", Ok(Some(4))),
            (b"\x40\x82\x00\x00\x01", Ok(Some(5))), // two bytes where one would do
            (b"\x30\x80", Ok(None)),
            (b"\x30\x80\x80\x80", Ok(None)),
            (b"\x30\x80\x80\x80\x00", Ok(Some(5))),
            (b"\x30\x80\x80\x80\x80", Err(FrameError::LengthOverrun)),
            (b"\x30\x63", Err(FrameError::TooLong { len: 101, max: 100 })),
            (b"\x30\xff\xff\xff\x7f", Err(FrameError::TooLong { len: PACKET_BYTES_MAX, max: 100 })),
        ];
        for (bytes, expected) in cases {
            assert_eq!(first_packet_len(bytes, 100), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn the_bound_itself_is_allowed() {
        let mut packet = vec![0; 100];
        packet[1] = 98;
        assert_eq!(first_packet_len(&packet[..99], 100), Ok(None));
        assert_eq!(first_packet_len(&packet, 100), Ok(Some(100)));
    }

    #[test]
    fn split_wants_exactly_one_packet() {
        assert_eq!(split(b"\x30\x01x"), Ok((0x30, &b"x"[..])));
        let refused: [(&[u8], DecodeError); 5] = [
            (b"", DecodeError::Truncated { needed: 1, left: 0 }),
            (b"\x30\x80", DecodeError::Truncated { needed: 3, left: 2 }),
            (b"\x30\x80\x80\x80\x80\x01", DecodeError::Frame(FrameError::LengthOverrun)),
            (b"\x30\x02x", DecodeError::NotOnePacket { stated: 4, actual: 3 }),
            (b"\x30\x00x", DecodeError::NotOnePacket { stated: 2, actual: 3 }),
        ];
        for (bytes, error) in refused {
            assert_eq!(split(bytes), Err(error), "{bytes:02x?}");
        }
    }
}
