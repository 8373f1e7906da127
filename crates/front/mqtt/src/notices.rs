//! What a device wants to hear of, by its subscriptions, and what the hub has for it, in packets.

use roadstead_hub::{Interests, Notice, Session};
use roadstead_model::ModuleId;
use roadstead_wire::HubFilter;

use crate::{devicebound::Devicebound, methods, twin};

/// What the session's subscriptions ask for.
pub(crate) fn interests(session: &Session) -> Interests {
    let id = session.id();
    let module = id.module.as_ref().map(ModuleId::as_str);
    let mut interests = Interests::default();
    for subscription in session.subscriptions() {
        match HubFilter::classify(&subscription.filter, id.device.as_str(), module) {
            Some(HubFilter::Methods { .. }) => interests.methods = true,
            Some(HubFilter::DesiredPatches) => interests.desired = true,
            Some(HubFilter::Devicebound | HubFilter::Module) => interests.messages = true,
            Some(HubFilter::Inputs | HubFilter::TwinResponses) | None => {}
        }
    }
    interests
}

/// Writes what the hub has left for the device; it is sent with the next flush.
pub(crate) fn deliver(session: &Session, devicebound: &mut Devicebound, out: &mut Vec<u8>) {
    for notice in session.take_notices() {
        match notice {
            Notice::Method(call) => methods::deliver(session, &call, out),
            Notice::DesiredChanged(change) => twin::deliver(&change, out),
            Notice::MessagesWaiting => devicebound.look(),
        }
    }
}
