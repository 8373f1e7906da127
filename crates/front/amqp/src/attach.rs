//! What a client may attach to, and on what conditions.

use std::{collections::VecDeque, sync::Arc};

use roadstead_amqp_proto::{AmqpError, Attach, Map, Role, Value, condition};
use roadstead_hub::Hub;
use roadstead_model::Origin;
use roadstead_wire::amqp::{LinkAddress, condition as azure, redirect};
use tokio::sync::Notify;

use crate::{
    backend::{
        QueueKind, QueueLink,
        event_link::{self, Wanted},
    },
    end::shown,
    grants::{Access, Grants, entity_of},
    limits,
    link::{Link, Node, Replies},
    refusal, request,
};

/// Where a connection is, and what it may.
pub(crate) struct Place<'c> {
    pub(crate) hub: &'c Arc<Hub>,
    pub(crate) grants: &'c Grants,
    /// The client's certificates, leaf first.
    pub(crate) certificates: &'c [Vec<u8>],
    /// Woken when a partition is lost, or the hub has a word for a device.
    pub(crate) wake: &'c Arc<Notify>,
    /// The name that the client called the hub by.
    pub(crate) host: &'c str,
    /// For redirects.
    pub(crate) port: u16,
    /// From where the client speaks.
    pub(crate) origin: Origin,
}

/// A link that may be accepted.
pub(crate) struct Opening {
    pub(crate) link: Link,
    /// How many messages the client may send at first; 0 on a link to it.
    pub(crate) credit: u32,
    /// Bytes of a message that it may send; 0 on a link to it.
    pub(crate) message_bytes_max: u64,
}

/// The address of the hub's end, and whether the client sends to it.
pub(crate) fn end_of(attach: &Attach) -> (&str, bool) {
    let address = match attach.role {
        Role::Sender => attach.target.as_ref().and_then(|target| target.address.as_deref()),
        Role::Receiver => attach.source.as_ref().and_then(|source| source.address.as_deref()),
    };
    (address.unwrap_or_default(), attach.role == Role::Sender)
}

/// Judges an attach. Errors: what the client is told when its link is detached.
pub(crate) async fn open(place: &Place<'_>, attach: &Attach) -> Result<Opening, AmqpError> {
    let (address, sends) = end_of(attach);
    let not_here = || {
        let way = if sends { "sends to" } else { "receives from" };
        AmqpError::new(condition::NOT_FOUND, &format!("nobody {way} `{}` here", shown(address)))
    };
    match (LinkAddress::parse(address).ok_or_else(not_here)?, sends) {
        (LinkAddress::Cbs, sends) => Ok(ask(Node::Cbs, sends, attach)),
        (LinkAddress::Management { entity }, sends) => {
            if let Some(entity) = entity {
                check_entity(place, entity)?;
            }
            Ok(ask(Node::Management, sends, attach))
        }
        (LinkAddress::Partition { entity, .. } | LinkAddress::Entity { entity }, true) => {
            check_entity(place, entity)?;
            let why = "the built-in endpoint is filled by the hub: send to it as a device does";
            Err(AmqpError::new(condition::UNAUTHORIZED_ACCESS, why))
        }
        (LinkAddress::Partition { entity, group, partition }, false) => {
            check_entity(place, entity)?;
            read_partition(place, (group, partition), attach).await
        }
        (LinkAddress::Entity { entity }, false) => {
            check_entity(place, entity)?;
            let why =
                format!("receive from {entity}/ConsumerGroups/$Default/Partitions/0, or another group or partition");
            Err(AmqpError::new(condition::NOT_FOUND, &why))
        }
        (LinkAddress::HubEvents { rest }, false) => {
            judge(place, &Access::HubEvents)?;
            Err(redirect(place, rest))
        }
        (LinkAddress::Devicebound, true) => {
            judge(place, &Access::Devicebound)?;
            Ok(Opening {
                link: Link::Devicebound,
                credit: limits::DEVICEBOUND_MAX,
                message_bytes_max: limits::DEVICEBOUND_BYTES_MAX,
            })
        }
        (LinkAddress::Feedback, false) => take(place, QueueKind::Feedback, attach),
        (LinkAddress::FileNotifications, false) => take(place, QueueKind::FileNotifications, attach),
        (
            LinkAddress::HubEvents { .. }
            | LinkAddress::Devicebound
            | LinkAddress::Feedback
            | LinkAddress::FileNotifications
            | LinkAddress::Device { .. },
            _,
        ) => Err(not_here()),
    }
}

fn judge(place: &Place<'_>, access: &Access) -> Result<(), AmqpError> {
    place.grants.judge(place.hub, access).map_err(|refused| {
        let error = refusal::error(&refused);
        place.hub.note_service_refused(place.grants.last_token(), place.origin, &refused, &error.condition);
        error
    })
}

fn check_entity(place: &Place<'_>, entity: &str) -> Result<(), AmqpError> {
    let own = entity_of(place.hub);
    if entity.eq_ignore_ascii_case(&own) {
        return Ok(());
    }
    Err(AmqpError::new(condition::NOT_FOUND, &request::no_entity(entity, &own)))
}

fn ask(node: Node, sends: bool, attach: &Attach) -> Opening {
    if sends {
        let message_bytes_max = limits::REQUEST_BYTES_MAX;
        return Opening { link: Link::Requests(node), credit: limits::REQUESTS_MAX, message_bytes_max };
    }
    let target = attach.target.as_ref().and_then(|target| target.address.clone());
    let replies = Replies { node, names: [Some(attach.name.clone()), target], waiting: VecDeque::new(), sent: 0 };
    Opening { link: Link::Replies(Box::new(replies)), credit: 0, message_bytes_max: 0 }
}

fn take(place: &Place<'_>, kind: QueueKind, attach: &Attach) -> Result<Opening, AmqpError> {
    judge(place, &kind.access())?;
    let link = Link::Queue(Box::new(QueueLink::new(kind, attach)));
    Ok(Opening { link, credit: 0, message_bytes_max: 0 })
}

async fn read_partition(
    place: &Place<'_>,
    (group, partition): (&str, &str),
    attach: &Attach,
) -> Result<Opening, AmqpError> {
    judge(place, &Access::Partition { group: group.into(), partition: partition.into() })?;
    let wanted = Wanted::read(attach).map_err(|why| AmqpError::new(azure::ARGUMENT_ERROR, &why.to_string()))?;
    let opened = event_link::open(place.hub, (group, partition), &wanted, place.wake.clone()).await;
    let link = opened.map_err(|refused| refusal::reader_error(&refused))?;
    Ok(Opening { link: Link::Events(Box::new(link)), credit: 0, message_bytes_max: 0 })
}

/// Sends a client that looks for events at the hub's own address to the built-in endpoint.
fn redirect(place: &Place<'_>, rest: &str) -> AmqpError {
    let address = redirect::address(place.host, place.port, &entity_of(place.hub), rest);
    let text = format!("events are at {address}");
    let entry = |key, value| (Value::symbol(key), value);
    AmqpError {
        info: Map(vec![
            entry(redirect::HOSTNAME, Value::string(place.host)),
            entry(redirect::NETWORK_HOST, Value::string(place.host)),
            entry(redirect::PORT, Value::Uint(place.port.into())),
            entry(redirect::ADDRESS, Value::string(&address)),
        ]),
        ..AmqpError::new(condition::REDIRECT, &text)
    }
}
