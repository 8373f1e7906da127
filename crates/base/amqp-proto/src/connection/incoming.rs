//! Deliveries from the peer, transfer by transfer. Source: 2.6.12, 2.6.14

use std::borrow::Cow;

use super::event::{Delivery, Event};
use super::link::{LinkStage, Partial};
use super::{Connection, ConnectionError};
use crate::performative::{AmqpError, Role, Transfer, condition};

impl Connection {
    pub(super) fn read_transfer<'i>(
        &mut self,
        ours: u16,
        transfer: Transfer<'i>,
        payload: &'i [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        let window = self.settings.incoming_window;
        let Some(session) = self.sessions.at_mut(ours) else { return Ok(None) };
        let Some(left) = session.incoming_window.checked_sub(1) else {
            let error = AmqpError::new(condition::WINDOW_VIOLATION, "a transfer beyond the session's window");
            return Ok(self.end_session(ours, error, out));
        };
        session.incoming_window = left;
        session.next_incoming_id = session.next_incoming_id.wrapping_add(1);
        if left <= window / 2 {
            session.incoming_window = window;
            session.write_flow(out, window, None, false);
        }
        let found = session.links.find(transfer.handle);
        let Some((handle, link)) = found.and_then(|handle| Some((handle, session.links.at(handle)?))) else {
            let error = AmqpError::new(condition::UNATTACHED_HANDLE, "a transfer on a handle without a link");
            return Ok(self.end_session(ours, error, out));
        };
        match (link.stage, link.role) {
            (LinkStage::Detaching, _) => Ok(None),
            (LinkStage::Attached, Role::Receiver) => self.read_delivery(ours, handle, transfer, payload, out),
            _ => {
                let error = AmqpError::new(condition::NOT_ALLOWED, "a transfer on a link that takes none");
                Ok(self.end_session(ours, error, out))
            }
        }
    }

    fn read_delivery<'i>(
        &mut self,
        ours: u16,
        handle: u16,
        transfer: Transfer<'i>,
        payload: &'i [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        let window = self.settings.incoming_window;
        let Some(session) = self.sessions.at_mut(ours) else { return Ok(None) };
        let session_id = session.id;
        let Some(link) = session.links.at_mut(handle) else { return Ok(None) };
        let id = link.id(session_id, handle);
        let had = link.partial_len();
        let fault = |condition, description| Some(AmqpError::new(condition, description));
        let error = match &link.partial {
            Some(partial) if transfer.delivery_id.is_some_and(|id| id != partial.delivery_id) => {
                fault(condition::NOT_ALLOWED, "a delivery before the last transfer of another")
            }
            None if transfer.delivery_id.is_none() || transfer.delivery_tag.is_none() => {
                fault(condition::INVALID_FIELD, "a delivery without delivery-id or delivery-tag")
            }
            None if link.credit == 0 => {
                fault(condition::TRANSFER_LIMIT_EXCEEDED, "a delivery beyond the link's credit")
            }
            _ if !transfer.aborted && !link.takes(had + payload.len()) => {
                fault(condition::MESSAGE_SIZE_EXCEEDED, "a message longer than max-message-size")
            }
            _ => None,
        };
        if let Some(error) = error {
            return Ok(self.detach_link(ours, handle, error, out));
        }
        if link.partial.is_none() {
            link.credit -= 1;
            link.delivery_count = link.delivery_count.wrapping_add(1);
        }
        if transfer.aborted {
            // The caller hears nothing of it, so it cannot grant anew what this has used up.
            (link.partial, link.credit) = (None, link.credit.saturating_add(1));
            session.write_flow(out, window, session.links.at(handle).map(|link| (handle, link)), false);
            self.partial_bytes -= had;
            return Ok(None);
        }
        if !transfer.more {
            let partial = link.partial.take();
            self.partial_bytes -= had;
            return Ok(Some(Event::Delivery(match partial {
                None => Delivery {
                    link: id,
                    delivery_id: transfer.delivery_id.unwrap_or_default(),
                    tag: Cow::Borrowed(transfer.delivery_tag.unwrap_or_default()),
                    message_format: transfer.message_format.unwrap_or(0),
                    settled: transfer.settled.unwrap_or(false),
                    payload: Cow::Borrowed(payload),
                },
                Some(mut partial) => {
                    partial.payload.extend_from_slice(payload);
                    Delivery {
                        link: id,
                        delivery_id: partial.delivery_id,
                        tag: Cow::Owned(partial.tag.into()),
                        message_format: partial.message_format,
                        settled: partial.settled || transfer.settled == Some(true),
                        payload: Cow::Owned(partial.payload),
                    }
                }
            })));
        }
        let (len, max) = (self.partial_bytes + payload.len(), self.settings.partial_bytes_max);
        if len > max {
            return Err(ConnectionError::TooMuchPartial { len, max });
        }
        self.partial_bytes = len;
        let partial = link.partial.get_or_insert_with(|| {
            Box::new(Partial {
                delivery_id: transfer.delivery_id.unwrap_or_default(),
                tag: transfer.delivery_tag.unwrap_or_default().into(),
                message_format: transfer.message_format.unwrap_or(0),
                settled: false,
                payload: Vec::new(),
            })
        });
        partial.settled |= transfer.settled == Some(true);
        partial.payload.extend_from_slice(payload);
        Ok(None)
    }
}
