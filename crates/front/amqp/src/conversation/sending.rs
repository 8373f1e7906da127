//! What there is for a client, link by link, as far as it takes it.

use roadstead_amqp_proto::{
    AmqpError, Connection, condition,
    connection::{LinkId, Sending, Settling},
};
use roadstead_hub::Hub;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conversation, Opened};
use crate::{
    backend::Sent,
    end::End,
    limits,
    link::{Link, Replies},
    refusal,
    stream::ByteStream,
};

impl Conversation<'_> {
    /// Sends what there is for the client. `true`: it would take more events than there are.
    pub(super) async fn pump<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut ByteStream<S>,
    ) -> Result<bool, End> {
        let Some(Opened { hub, .. }) = &self.opened else { return Ok(false) };
        let hub = hub.clone();
        let out = stream.out();
        loop {
            let (mut sent_some, mut is_hungry) = (false, false);
            for at in 0..self.links.senders().len() {
                let Some(&id) = self.links.senders().get(at) else { break };
                match self.send(id, &hub, out).await? {
                    Next::Sent => sent_some = true,
                    Next::Hungry => is_hungry = true,
                    Next::Waits => {}
                    Next::Over(error) => {
                        self.proto.detach(id, Some(error), out);
                        self.links.remove(id);
                        // Whoever took its place is looked at in the next round.
                        sent_some = true;
                    }
                }
            }
            self.links.rotate();
            if !sent_some || out.len() >= limits::EVENT_BYTES_AHEAD_MAX {
                self.trim();
                return Ok(is_hungry);
            }
        }
    }

    /// Sends what there is on one link.
    async fn send(&mut self, id: LinkId, hub: &Hub, out: &mut Vec<u8>) -> Result<Next, End> {
        let clock = &*self.front.clock;
        Ok(match self.links.all.get_mut(&id) {
            Some(Link::Replies(replies)) => {
                send_replies(&mut self.proto, id, replies, out);
                Next::Waits
            }
            Some(Link::Events(link)) => {
                if let Some(level) = link.reader.lost_to() {
                    let why = format!(
                        "a reader with owner level (epoch) {level} took the partition; if that is this program's own, all is well"
                    );
                    return Ok(Next::Over(AmqpError::new(condition::STOLEN, &why)));
                }
                match link.send(id, &mut self.proto, out, (clock, &self.front.counters)).await? {
                    Sent::Some => Next::Sent,
                    Sent::Nothing if self.proto.can_send(id) => Next::Hungry,
                    Sent::Nothing => Next::Waits,
                    Sent::TooLong { offset, len, max } => {
                        let why = format!(
                            "the event at offset {offset} has {len} bytes, and the link takes {max}: attach with a greater max-message-size"
                        );
                        Next::Over(AmqpError::new(condition::MESSAGE_SIZE_EXCEEDED, &why))
                    }
                }
            }
            Some(Link::Queue(link)) => match link.send(id, &mut self.proto, out, (hub, clock)).await {
                Ok(()) => Next::Waits,
                Err(refused) => Next::Over(refusal::error(&refused)),
            },
            Some(Link::Requests(_) | Link::Devicebound | Link::Device(_)) | None => Next::Waits,
        })
    }

    /// Drops events that wait for the client, of some links, when all links together hold too many.
    fn trim(&mut self) {
        let mut kept = 0;
        for link in self.links.all.values_mut() {
            let Link::Events(link) = link else { continue };
            kept += link.kept();
            if kept > limits::EVENT_BYTES_KEPT_MAX {
                kept -= link.kept();
                link.forget();
            }
        }
    }
}

/// What came of a look at a link.
enum Next {
    Sent,
    /// All was sent, and the client takes more.
    Hungry,
    /// The client takes nothing now.
    Waits,
    Over(AmqpError),
}

/// Sends the answers that wait, as far as the client takes them.
pub(super) fn send_replies(proto: &mut Connection, id: LinkId, replies: &mut Replies, out: &mut Vec<u8>) {
    while proto.can_send(id) {
        let Some(answer) = replies.waiting.pop_front() else { return };
        replies.sent = replies.sent.wrapping_add(1);
        let tag = replies.sent.to_be_bytes();
        let sending = Sending { tag: &tag, message_format: 0, settling: Settling::Before, key: 0 };
        if let Err(why) = proto.send(id, &sending, out, |out| out.extend_from_slice(&answer)) {
            tracing::info!("an answer was not sent: {why}");
        }
    }
}
