//! Why a connection cannot go on, and why a delivery was not sent.

use crate::error::DecodeError;
use crate::frame::FrameError;
use crate::performative::condition;

/// What the peer did that leaves no way on. It has been told, as far as the connection had come; write what is to be
/// written, then hang up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The first bytes are no header of AMQP 1.0 or its SASL. The answer is the one that would do. Source: 2.2
    #[error("{bytes:02x?} is no protocol header of amqp 1.0")]
    Header {
        /// What came.
        bytes: [u8; 8],
    },
    /// The bytes cannot be cut into frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame's body is malformed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Something that the standard does not allow there.
    #[error("{what} where it is not allowed")]
    OutOfTurn {
        /// With its article.
        what: &'static str,
    },
    /// A channel beyond [`super::Settings::channel_max`].
    #[error("channel {channel}, beyond {max}")]
    Channel {
        /// Of the frame.
        channel: u16,
        /// What the peer was told.
        max: u16,
    },
    /// A frame size in `open` that is below [`crate::limits::FRAME_BYTES_MIN`].
    #[error("max-frame-size {value}, below {}", crate::limits::FRAME_BYTES_MIN)]
    MaxFrameSize {
        /// What the peer takes.
        value: u32,
    },
    /// More than [`super::Settings::partial_bytes_max`].
    #[error("{len} bytes of deliveries that are not whole, at most {max} are held")]
    TooMuchPartial {
        /// What they would be.
        len: usize,
        /// What is held.
        max: usize,
    },
    /// The peer was silent for too long.
    #[error("nothing heard for {silent_ms} ms")]
    Silent {
        /// For how long.
        silent_ms: u64,
    },
}

impl ConnectionError {
    /// What the peer is told.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Header { .. } | Self::Frame(_) => condition::FRAMING_ERROR,
            Self::Decode(_) => condition::DECODE_ERROR,
            Self::OutOfTurn { .. } => condition::NOT_ALLOWED,
            Self::Channel { .. } | Self::MaxFrameSize { .. } => condition::INVALID_FIELD,
            Self::TooMuchPartial { .. } | Self::Silent { .. } => condition::RESOURCE_LIMIT_EXCEEDED,
        }
    }
}

/// Why a delivery was not sent. Nothing was written, and nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The link is gone, was not accepted yet, or is one on which the peer sends.
    #[error("no link to send on")]
    NoLink,
    /// The peer takes nothing now: wait for [`super::Event::Credit`], [`super::Event::WindowOpened`] or
    /// [`super::Event::Outcome`].
    #[error("the peer takes nothing now")]
    Busy,
    /// The peer never takes a message so long.
    #[error("message of {len} bytes, the peer takes {max}")]
    TooLong {
        /// Its bytes.
        len: usize,
        /// What the peer said at attach.
        max: u64,
    },
}
