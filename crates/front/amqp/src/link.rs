//! The links of a connection, as this front keeps them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use roadstead_amqp_proto::connection::{LinkId, SessionId};

use crate::{
    backend::{EventLink, QueueLink},
    device::DeviceLink,
    grants::Access,
};

/// What a client attached to.
#[derive(Debug)]
pub(crate) enum Link {
    /// It asks.
    Requests(Node),
    /// It hears answers.
    Replies(Box<Replies>),
    /// It reads a partition.
    Events(Box<EventLink>),
    /// It sends messages to devices.
    Devicebound,
    /// It takes feedback or notifications of files.
    Queue(Box<QueueLink>),
    /// It is a device's.
    Device(DeviceLink),
}

/// A node that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Cbs,
    Management,
}

/// Where the answers of a node go.
#[derive(Debug)]
pub(crate) struct Replies {
    pub(crate) node: Node,
    /// The link's name and the address of its target: requests name one of them in `reply-to`, or none.
    pub(crate) names: [Option<Box<str>>; 2],
    /// Answers for which there was no credit.
    pub(crate) waiting: VecDeque<Vec<u8>>,
    /// How many were sent: the next one's delivery tag.
    pub(crate) sent: u32,
}

/// By the engine's numbers.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) all: HashMap<LinkId, Link>,
    /// Those on which events, answers and the like are sent, in the order they are looked at.
    senders: Vec<LinkId>,
}

impl Link {
    /// What a token must cover, now and when it expires; `None` for who asks, which is judged by question, and for devices,
    /// whose sessions are judged.
    pub(crate) fn access(&self) -> Option<Access> {
        match self {
            Self::Requests(_) | Self::Replies(_) | Self::Device(_) => None,
            Self::Events(link) => Some(link.access.clone()),
            Self::Devicebound => Some(Access::Devicebound),
            Self::Queue(link) => Some(link.kind.access()),
        }
    }
}

impl Links {
    pub(crate) fn put(&mut self, id: LinkId, link: Link) {
        if !matches!(link, Link::Requests(_) | Link::Devicebound | Link::Device(_)) {
            self.senders.push(id);
        }
        self.all.insert(id, link);
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let gone = self.all.remove(&id)?;
        if !matches!(gone, Link::Device(_)) {
            self.senders.retain(|other| *other != id);
        }
        Some(gone)
    }

    /// Forgets those of a session, and tells which they were.
    pub(crate) fn end(&mut self, session: SessionId) -> Vec<(LinkId, Link)> {
        self.senders.retain(|id| id.session() != session);
        self.all.extract_if(|id, _| id.session() == session).collect()
    }

    /// Those that have links.
    pub(crate) fn sessions(&self) -> BTreeSet<SessionId> {
        self.all.keys().map(|id| id.session()).collect()
    }

    /// How many links there are to nodes that answer.
    pub(crate) fn count_of_nodes(&self) -> usize {
        self.all.values().filter(|link| matches!(link, Link::Requests(_) | Link::Replies(_))).count()
    }

    /// Bytes of the answers that wait, on all links.
    pub(crate) fn bytes_of_replies(&self) -> usize {
        let waiting = |id| match self.all.get(id) {
            Some(Link::Replies(replies)) => replies.waiting.iter().map(Vec::len).sum(),
            _ => 0,
        };
        self.senders.iter().map(waiting).sum()
    }

    /// Those of the device in this seat.
    pub(crate) fn list_of_device(&self, seat: u32) -> Vec<LinkId> {
        let is_its = |link: &Link| matches!(link, Link::Device(link) if link.seat == seat);
        self.all.iter().filter(|(_, link)| is_its(link)).map(|(id, _)| *id).collect()
    }

    /// Whether a back end sends messages to devices on it.
    pub(crate) fn is_devicebound(&self, id: LinkId) -> bool {
        matches!(self.all.get(&id), Some(Link::Devicebound))
    }

    /// The link, if it is a device's.
    pub(crate) fn find_device(&self, id: LinkId) -> Option<DeviceLink> {
        match self.all.get(&id) {
            Some(Link::Device(link)) => Some(*link),
            _ => None,
        }
    }

    pub(crate) fn senders(&self) -> &[LinkId] {
        &self.senders
    }

    /// Lets another link be the first to be looked at.
    pub(crate) fn rotate(&mut self) {
        if !self.senders.is_empty() {
            self.senders.rotate_left(1);
        }
    }

    /// Where to answer a request that came on a link of `session`: the link that `reply_to` names, else one of that session,
    /// else any. Source: `reference/hub-service.md` 0 (6)
    pub(crate) fn find_replies(&self, node: Node, reply_to: Option<&str>, session: SessionId) -> Option<LinkId> {
        let of_node = |id: &&LinkId| matches!(self.all.get(id), Some(Link::Replies(replies)) if replies.node == node);
        let is_named = |id: &&LinkId| {
            let Some(Link::Replies(replies)) = self.all.get(id) else { return false };
            reply_to.is_some() && replies.names.iter().any(|name| name.as_deref() == reply_to)
        };
        let found =
            |wanted: &dyn Fn(&&LinkId) -> bool| self.senders.iter().filter(of_node).find(|id| wanted(id)).copied();
        found(&is_named).or_else(|| found(&|id| id.session() == session)).or_else(|| found(&|_| true))
    }
}
