//! A link on which a client takes feedback or notifications of files, each with a lock.

use roadstead_amqp_proto::{
    Attach, Connection, DeliveryState, SenderSettleMode,
    connection::{LinkId, Sending, Settling},
    message::{MessageWriter, Properties},
};
use roadstead_hub::{Hub, HubError, LockToken};
use roadstead_model::{Clock, FileNotification, UnixMillis};
use roadstead_wire::{
    annotation,
    hub_service::{self, FEEDBACK_CONTENT_TYPE, FILE_NOTIFICATION_CONTENT_TYPE, FeedbackRecord},
};
use tokio::time::Instant;

use crate::{grants::Access, limits, refusal};

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueKind {
    Feedback,
    FileNotifications,
}

/// What is known of the link beyond what the engine knows.
#[derive(Debug)]
pub(crate) struct QueueLink {
    pub(crate) kind: QueueKind,
    settled: bool,
    /// What the client has in hand, by the engine's key.
    held: Vec<(u64, LockToken)>,
    next_key: u64,
    /// When to look for more.
    pub(crate) look: Instant,
    pub(crate) drain: bool,
}

/// Something to be sent.
struct Item {
    token: LockToken,
    content_type: &'static str,
    enqueued: UnixMillis,
    body: Vec<u8>,
}

impl QueueKind {
    pub(crate) fn access(self) -> Access {
        match self {
            Self::Feedback => Access::Feedback,
            Self::FileNotifications => Access::FileNotifications,
        }
    }

    async fn receive(self, hub: &Hub, clock: &dyn Clock) -> Result<Option<Item>, HubError> {
        Ok(match self {
            Self::Feedback => hub.receive_feedback().await?.map(|(token, batch)| {
                let records: Vec<_> = batch.iter().map(FeedbackRecord::from).collect();
                Item { token, content_type: FEEDBACK_CONTENT_TYPE, enqueued: clock.now(), body: json(&records) }
            }),
            Self::FileNotifications => hub.receive_file_notification().await?.map(|(token, told)| Item {
                token,
                content_type: FILE_NOTIFICATION_CONTENT_TYPE,
                enqueued: told.enqueued,
                body: json(&shown(told)),
            }),
        })
    }

    async fn complete(self, hub: &Hub, token: LockToken) -> Result<(), HubError> {
        match self {
            Self::Feedback => hub.complete_feedback(token).await,
            Self::FileNotifications => hub.complete_file_notification(token).await,
        }
    }

    async fn abandon(self, hub: &Hub, token: LockToken) -> Result<(), HubError> {
        match self {
            Self::Feedback => hub.abandon_feedback(token).await,
            Self::FileNotifications => hub.abandon_file_notification(token).await,
        }
    }
}

impl QueueLink {
    pub(crate) fn new(kind: QueueKind, attach: &Attach) -> Self {
        let settled = attach.snd_settle_mode == SenderSettleMode::Settled;
        Self { kind, settled, held: Vec::new(), next_key: 0, look: Instant::now(), drain: false }
    }

    /// Sends what there is, as far as the client takes it. Errors: `Full`, `Internal`.
    pub(crate) async fn send(
        &mut self,
        id: LinkId,
        proto: &mut Connection,
        out: &mut Vec<u8>,
        (hub, clock): (&Hub, &dyn Clock),
    ) -> Result<(), HubError> {
        while proto.can_send(id) && Instant::now() >= self.look {
            let Some(item) = self.kind.receive(hub, clock).await? else {
                self.look = Instant::now() + limits::QUEUE_LOOK;
                break;
            };
            self.next_key += 1;
            let (key, tag) = (self.next_key, item.token.bytes());
            let settling = if self.settled { Settling::Before } else { Settling::Watched };
            let sending = Sending { tag: &tag, message_format: 0, settling, key };
            let sent = proto.send(id, &sending, out, |out| item.write(hub, out));
            match sent {
                Ok(_) if self.settled => self.kind.complete(hub, item.token).await?,
                Ok(_) => self.held.push((key, item.token)),
                Err(why) => {
                    tracing::info!("a notification was not sent: {why}");
                    self.kind.abandon(hub, item.token).await?;
                    break;
                }
            }
        }
        if std::mem::take(&mut self.drain) {
            proto.drained(id, out);
        }
        Ok(())
    }

    /// Does what the client made of a delivery. `Some` is what it is answered, unless it has settled the delivery itself.
    ///
    /// The answer to every outcome is `accepted`, or the C# SDK throws. There is no dead letter: what is rejected is gone.
    /// Source: `reference/hub-service.md` 0 (20), 2.3
    pub(crate) async fn settle(&mut self, hub: &Hub, key: u64, state: Option<&DeliveryState>) -> Option<DeliveryState> {
        if matches!(state, Some(DeliveryState::Received { .. } | DeliveryState::Other(_))) {
            return None;
        }
        let at = self.held.iter().position(|(held, _)| *held == key)?;
        let (_, token) = self.held.swap_remove(at);
        let done = match state {
            Some(DeliveryState::Accepted | DeliveryState::Rejected(_)) => self.kind.complete(hub, token).await,
            _ => self.kind.abandon(hub, token).await,
        };
        // What was given back may be taken at once.
        self.look = Instant::now();
        match done {
            Ok(()) => Some(DeliveryState::Accepted),
            Err(refused) => Some(DeliveryState::Rejected(Some(Box::new(refusal::error(&refused))))),
        }
    }
}

impl Item {
    fn write(&self, hub: &Hub, out: &mut Vec<u8>) {
        let resource = hub.resource();
        let mut message = MessageWriter::new(out);
        message.message_annotations(|map| map.timestamp(annotation::ENQUEUED_TIME, self.enqueued.0));
        message.properties(&Properties {
            user_id: Some(resource.name.as_str().as_bytes()),
            content_type: Some(self.content_type),
            ..Properties::default()
        });
        message.data(&self.body);
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers are JSON")
}

fn shown(told: FileNotification) -> hub_service::FileNotification {
    hub_service::FileNotification {
        device_id: told.device.as_str().to_owned(),
        blob_uri: told.blob_uri,
        blob_name: told.blob_name,
        last_updated_time: hub_service::FileNotification::last_updated(told.last_updated),
        blob_size_in_bytes: told.blob_bytes,
        enqueued_time_utc: told.enqueued.iso(),
    }
}
