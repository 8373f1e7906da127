//! What a connection tells its caller.

use std::borrow::Cow;
use std::fmt;

use crate::performative::{AmqpError, Attach, DeliveryState, Open};
use crate::sasl::{SaslInit, SaslResponse};

/// A session of one connection; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    pub(super) channel: u16,
    pub(super) serial: u32,
}

/// A link of one connection; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId {
    pub(super) session: SessionId,
    pub(super) handle: u16,
    pub(super) serial: u32,
}

impl LinkId {
    /// Where the link is; it ends with it.
    pub fn session(self) -> SessionId {
        self.session
    }
}

/// How far one call of [`super::Connection::read`] came.
#[derive(Debug, PartialEq)]
pub struct Step<'i> {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What they said; `None` when more bytes are needed, or an answer of the caller's is.
    pub event: Option<Event<'i>>,
}

/// What the peer wants or did. Whatever needs no decision the connection has answered by itself.
#[derive(Debug, PartialEq)]
pub enum Event<'i> {
    /// Answer with [`super::Connection::sasl_outcome`] or [`super::Connection::sasl_challenge`].
    SaslInit(SaslInit<'i>),
    /// The response to a challenge; answer as to the first.
    SaslResponse(SaslResponse<'i>),
    /// Answer with [`super::Connection::open`].
    Opened(Box<Open>),
    /// A link is wanted. Answer with [`super::Connection::accept`] or [`super::Connection::refuse`], at any time.
    Attach {
        /// The link to be.
        link: LinkId,
        /// As the peer sees it.
        attach: Box<Attach>,
    },
    /// A whole delivery came.
    Delivery(Delivery<'i>),
    /// The peer takes deliveries from a link on which the caller sends, or fewer than before.
    Credit {
        /// The link.
        link: LinkId,
        /// How many from now on.
        credit: u32,
        /// Send what there is, then call [`super::Connection::drained`].
        drain: bool,
    },
    /// Transfers flow again in a session whose peer took none for a while: try all links on which something waits.
    WindowOpened(SessionId),
    /// What the peer made of a delivery that was sent to it.
    Outcome {
        /// The link.
        link: LinkId,
        /// Number of the delivery in the session.
        delivery_id: u32,
        /// As the caller named it when it sent it.
        key: u64,
        /// `None`: settled without a word.
        state: Option<DeliveryState>,
        /// It is done. If not, call [`super::Connection::settle_sent`].
        settled: bool,
    },
    /// A link is gone, with all its deliveries that were not settled; nothing needs to be answered.
    Detached {
        /// The link.
        link: LinkId,
        /// The peer's reason; or what it did wrong, when the connection detached the link.
        error: Option<AmqpError>,
    },
    /// A session is gone, with all its links; nothing needs to be answered.
    Ended {
        /// The session.
        session: SessionId,
        /// The peer's reason; or what it did wrong, when the connection ended the session.
        error: Option<AmqpError>,
    },
    /// The peer is leaving; nothing needs to be answered. Write what is to be written, then hang up.
    Closed {
        /// Its reason.
        error: Option<AmqpError>,
    },
}

/// A message that came. Unless it came settled, the peer waits for [`super::Connection::settle`]. `Debug` shows the
/// length of the payload only: it may hold a token.
#[derive(Clone, PartialEq)]
pub struct Delivery<'i> {
    /// The link.
    pub link: LinkId,
    /// Number of the delivery in the session; greater than that of the one before, but not always by one.
    pub delivery_id: u32,
    /// The peer's name for it.
    pub tag: Cow<'i, [u8]>,
    /// 0 for a message, [`crate::message::BATCH_FORMAT`] for many.
    pub message_format: u32,
    /// The peer does not want to know what becomes of it.
    pub settled: bool,
    /// Borrowed from the input when it came in one frame.
    pub payload: Cow<'i, [u8]>,
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("link", &self.link)
            .field("delivery_id", &self.delivery_id)
            .field("tag", &self.tag)
            .field("message_format", &self.message_format)
            .field("settled", &self.settled)
            .field("payload_len", &self.payload.len())
            .finish()
    }
}
