//! Devices: one session of the hub for each device or module of the connection, however many links it has.
//!
//! ```text
//! attach ─────────▶ seat: the identity's session, opened with its first link, ended with its last
//! telemetry ──────▶ Session::send_all ─▶ settled together once durable
//! twin, methods ──▶ a channel: what asks, and what hears the answers; twins of different devices side by side
//! messages ◀─────── Session::lock_messages, settled one by one
//! ```
//!
//! There is no task for a device, and a future only while it waits for its twin: its mailbox rings the connection's bell, and only those with a word are looked at.

mod attach;
mod channel;
mod expiry;
mod fault;
mod messages;
mod methods;
mod requests;
mod table;
mod telemetry;
mod twin;

use std::collections::VecDeque;

use roadstead_amqp_proto::connection::LinkId;
use roadstead_amqp_proto::{AmqpError, Connection};
use roadstead_hub::{Interests, Session};

use crate::link::{Link, Links};

pub(crate) use fault::Ending;
pub(crate) use table::Devices;

use channel::Channel;
use messages::MessageLink;
use requests::Request;

/// What a link of a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Telemetry,
    /// What IoT Edge would route to a module: nothing comes.
    Inputs,
    Messages,
    TwinRequests,
    TwinAnswers,
    MethodAnswers,
    MethodCalls,
}

/// A link of a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeviceLink {
    /// Where its device is in [`Devices`].
    pub(crate) seat: u32,
    pub(crate) part: Part,
}

/// A device or module with at least one link.
#[derive(Debug)]
struct Device {
    session: Session,
    /// Tells the devices apart that had its seat.
    serial: u64,
    links: u32,
    /// Among those to be looked at.
    is_due: bool,
    /// It asked to be told of changes of desired properties.
    watches: bool,
    twin: Option<Box<Channel>>,
    methods: Option<Box<Channel>>,
    messages: Option<Box<MessageLink>>,
    /// What it asked of its twin, behind the request that is under way.
    asked: VecDeque<Request>,
    is_busy: bool,
}

/// What of a connection a device needs to be spoken to.
pub(crate) struct Wire<'a> {
    pub(crate) proto: &'a mut Connection,
    pub(crate) links: &'a mut Links,
    pub(crate) out: &'a mut Vec<u8>,
}

impl Wire<'_> {
    /// Detaches a link and forgets it.
    fn detach(&mut self, id: LinkId, error: AmqpError) -> Option<Link> {
        self.proto.detach(id, Some(error), self.out);
        self.links.remove(id)
    }
}

impl Device {
    fn new(session: Session, serial: u64) -> Self {
        Self {
            session,
            serial,
            links: 0,
            is_due: false,
            watches: false,
            twin: None,
            methods: None,
            messages: None,
            asked: VecDeque::new(),
            is_busy: false,
        }
    }

    /// Tells the hub what the device can be told of now.
    fn attend(&self) {
        self.session.attend(Interests {
            methods: self.methods.as_ref().is_some_and(|channel| channel.is_whole()),
            desired: self.watches && self.twin.as_ref().is_some_and(|channel| channel.is_whole()),
            messages: self.messages.is_some(),
        });
    }
}
