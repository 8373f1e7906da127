//! Credit and windows, both ways. Source: 2.5.6, 2.6.7

use super::Connection;
use super::event::{Event, LinkId};
use super::link::{LinkStage, allowance};
use super::session::INITIAL_OUTGOING_ID;
use crate::performative::{Flow, Role};

impl Connection {
    pub(super) fn read_flow(&mut self, ours: u16, flow: &Flow, out: &mut Vec<u8>) -> Option<Event<'static>> {
        let window = self.settings.incoming_window;
        let session = self.sessions.at_mut(ours)?;
        let id = session.id;
        let was_shut = session.remote_incoming_window == 0;
        let counted = flow.next_incoming_id.unwrap_or(INITIAL_OUTGOING_ID);
        session.remote_incoming_window = allowance(flow.incoming_window, counted, session.next_outgoing_id);
        if was_shut && session.remote_incoming_window > 0 {
            self.send_rests(ours, out);
            let session = self.sessions.at(ours)?;
            self.window_opened = (session.remote_incoming_window > 0).then_some(id);
        }
        let session = self.sessions.at_mut(ours)?;
        let handle = flow.handle.and_then(|handle| session.links.find(handle));
        let mut event = None;
        if let Some(handle) = handle
            && let Some(link) = session.links.at_mut(handle)
        {
            event = match link.role {
                Role::Receiver => {
                    link.skip_credit(flow.delivery_count);
                    None
                }
                Role::Sender => {
                    let counted = flow.delivery_count.unwrap_or(0);
                    let granted = flow.link_credit.map(|granted| allowance(granted, counted, link.delivery_count));
                    link.credit = granted.unwrap_or(link.credit);
                    let told = granted.filter(|_| link.stage == LinkStage::Attached);
                    told.map(|credit| Event::Credit { link: link.id(id, handle), credit, drain: flow.drain })
                }
            };
        }
        if flow.echo {
            let session = self.sessions.at(ours)?;
            let attached = |handle| session.links.at(handle).filter(|link| link.stage == LinkStage::Attached);
            let link = handle.and_then(|handle| Some((handle, attached(handle)?)));
            session.write_flow(out, window, link, false);
        }
        event
    }

    /// Lets the peer send so many deliveries on a link from now on, whatever it was allowed before. Does nothing when
    /// the link is gone.
    pub fn grant(&mut self, link: LinkId, credit: u32, out: &mut Vec<u8>) {
        let window = self.settings.incoming_window;
        let Some(session) = self.session_attached(link, Role::Receiver) else { return };
        if let Some(found) = session.links.at_mut(link.handle) {
            found.credit = credit;
        }
        session.write_flow(out, window, session.links.at(link.handle).map(|found| (link.handle, found)), false);
    }

    /// What the receiver of a link still takes, the peer or the caller; 0 when the link is gone.
    pub fn credit(&self, link: LinkId) -> u32 {
        let session = self.sessions.at(link.session.channel).filter(|session| session.id == link.session);
        let found = session.and_then(|session| session.links.at(link.handle));
        found.filter(|found| found.serial == link.serial).map_or(0, |found| found.credit)
    }

    /// Tells the peer that what is left of its credit comes to nothing, as it asked for in [`Event::Credit`]. Does
    /// nothing when the link is gone.
    pub fn drained(&mut self, link: LinkId, out: &mut Vec<u8>) {
        let window = self.settings.incoming_window;
        let Some(session) = self.session_attached(link, Role::Sender) else { return };
        if let Some(found) = session.links.at_mut(link.handle) {
            found.delivery_count = found.delivery_count.wrapping_add(found.credit);
            found.credit = 0;
        }
        session.write_flow(out, window, session.links.at(link.handle).map(|found| (link.handle, found)), true);
    }
}

impl super::link::Link {
    /// The sender of a link says that it has let credit pass.
    fn skip_credit(&mut self, delivery_count: Option<u32>) {
        let Some(count) = delivery_count else { return };
        let skipped = count.wrapping_sub(self.delivery_count);
        if let Some(left) = self.credit.checked_sub(skipped) {
            (self.credit, self.delivery_count) = (left, count);
        }
    }
}
