//! What is due by the clock: time-outs, tokens that ran out, faults that were asked for.

use std::time::Duration;

use roadstead_amqp_proto::{AmqpError, condition, connection::LinkId};
use tokio::time::Instant;

use super::{Conversation, Opened};
use crate::{
    device::{Ending, Wire},
    end::End,
    limits,
    link::Link,
    refusal,
};

impl Conversation<'_> {
    pub(super) fn is_known(&self) -> bool {
        !(self.grants.is_empty() && self.devices.is_empty())
    }

    /// How long the connection may stay as it is; `None` when somebody is known on it.
    fn unknown_until(&self) -> Option<Instant> {
        let has_certificate = !self.caller.certificates.is_empty();
        Some(self.unknown_since? + if has_certificate { limits::CERTIFICATE_WAIT } else { limits::TOKEN_WAIT })
    }

    /// When to look at the clock next.
    pub(super) fn next_look(&self, now: Instant, unread_until: Instant) -> Instant {
        let mut next = (now + limits::LOOK).min(unread_until);
        if let Some(tick_ms) = self.proto.next_tick_ms() {
            next = next.min(self.started + Duration::from_millis(tick_ms));
        }
        if self.opened.is_none() {
            next = next.min(self.started + limits::OPEN_WAIT);
        }
        if let Some(over) = self.unknown_until() {
            next = next.min(over);
        }
        if let Some(fault) = self.devices.next_fault() {
            next = next.min(fault);
        }
        if let Some(look) = self.grants.bearer_look() {
            next = next.min(look);
        }
        let expiries = [self.grants.next_expiry(), self.devices.next_expiry()];
        if let Some(over) = expiries.into_iter().flatten().min() {
            let left_ms = u64::try_from(over.0.saturating_sub(self.front.clock.now().0)).unwrap_or(0);
            next = next.min(now + Duration::from_millis(left_ms).min(limits::LOOK));
        }
        let waiting = self.links.all.iter().filter_map(|(id, link)| match link {
            Link::Queue(link) if self.proto.can_send(*id) => Some(link.look),
            _ => None,
        });
        waiting.fold(next, Instant::min)
    }

    /// Does what is due by the clock.
    pub(super) async fn look(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        if self.opened.is_none() && self.started.elapsed() >= limits::OPEN_WAIT {
            return Err(End::NoOpen);
        }
        self.proto.tick(self.now_ms(), out)?;
        let now = self.front.clock.now();
        if self.grants.next_expiry().is_some_and(|over| over <= now) {
            self.grants.expire(now);
            self.judge_links("the token expired and was not renewed", out);
        }
        if self.grants.bearer_look().is_some_and(|at| at <= Instant::now()) {
            self.judge_all("what the caller may do changed", out);
        }
        if self.devices.next_fault().is_some_and(|at| at <= Instant::now()) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            match self.devices.fail(&mut wire).await {
                Some(Ending::Cut) => return Err(End::Fault),
                Some(Ending::Close(error)) => {
                    self.close(error, out);
                    return Err(End::Fault);
                }
                None => {}
            }
        }
        if self.devices.next_expiry().is_some_and(|over| over <= now) {
            let mut wire = Wire { proto: &mut self.proto, links: &mut self.links, out };
            if self.devices.expire(now, &mut wire) && self.grants.next_expiry().is_none() {
                let why = "no token is left that is good: connect again with another";
                self.close(Some(AmqpError::new(condition::UNAUTHORIZED_ACCESS, why)), out);
                return Err(End::Refused(why.to_owned()));
            }
        }
        if self.unknown_until().is_some_and(|over| over <= Instant::now()) {
            let why = End::NoToken.to_string();
            self.close(Some(AmqpError::new(condition::UNAUTHORIZED_ACCESS, &why)), out);
            return Err(End::NoToken);
        }
        Ok(())
    }

    /// The hub's resource is another one: what was judged by the last one is judged again, and tokens that nobody's key stands
    /// behind any more are forgotten.
    pub(super) fn judge_again(&mut self, out: &mut Vec<u8>) {
        let Some(opened) = &mut self.opened else { return };
        opened.judged = opened.hub.revision();
        self.judge_all("the hub's access policies changed", out);
    }

    /// Judges the links, then forgets the tokens that open nothing any more: they can still say why.
    fn judge_all(&mut self, what: &str, out: &mut Vec<u8>) {
        let Some(hub) = self.opened.as_ref().map(|opened| opened.hub.clone()) else { return };
        self.judge_links(what, out);
        self.grants.forget_revoked(&hub);
    }

    /// Detaches the links that no token opens any more, since `what` happened, and those of readers whose consumer group is gone:
    /// `guess (?)` for its condition, which is that of an attach to it.
    fn judge_links(&mut self, what: &str, out: &mut Vec<u8>) {
        let Some(Opened { hub, .. }) = &self.opened else { return };
        let refused = |(id, link): (&LinkId, &Link)| {
            if let Err(refused) = self.grants.judge(hub, &link.access()?) {
                let why = format!("{what}: {}", refusal::text(&refused));
                return Some((*id, AmqpError::new(condition::UNAUTHORIZED_ACCESS, &why)));
            }
            let Link::Events(link) = link else { return None };
            Some((*id, refusal::reader_error(&link.reader.check().err()?)))
        };
        let over: Vec<_> = self.links.all.iter().filter_map(refused).collect();
        for (id, error) in over {
            tracing::info!(hub = %hub.resource().name, "an amqp link was detached: {error}");
            self.proto.detach(id, Some(error), out);
            self.links.remove(id);
        }
    }
}
