//! A device that is connected.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use roadstead_auth::Evidence;
use roadstead_model::{
    AuthMethod, DisconnectReason, Event, EventSource, GenerationId, IdentityId, ModuleId, Origin, Properties,
    Subscription, SystemProperty, UnixSeconds,
};
use roadstead_store::{Ticket, Write};
use tokio::sync::Notify;

use crate::{
    error::HubError,
    hub::{Hub, Login},
    limits,
    mailbox::{Interests, Mailbox, Notice},
    presence::Visitor,
};

/// Why the hub ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    TakenOver,
    DeviceDisabled,
    DeviceDeleted,
    CredentialsChanged,
    TrustRevoked,
    HubDeleted,
    ShuttingDown,
    NotReading,
}

impl CloseReason {
    const ALL: [Self; 8] = [
        Self::TakenOver,
        Self::DeviceDisabled,
        Self::DeviceDeleted,
        Self::CredentialsChanged,
        Self::TrustRevoked,
        Self::HubDeleted,
        Self::ShuttingDown,
        Self::NotReading,
    ];

    pub(crate) fn code(self) -> u8 {
        self as u8 + 1
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

impl From<CloseReason> for DisconnectReason {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TakenOver => Self::TakenOver,
            CloseReason::DeviceDisabled => Self::Disabled,
            CloseReason::DeviceDeleted => Self::Deleted,
            CloseReason::CredentialsChanged => Self::CredentialsChanged,
            CloseReason::TrustRevoked => Self::TrustRevoked,
            CloseReason::HubDeleted => Self::HubDeleted,
            CloseReason::ShuttingDown => Self::ServerStopped,
            CloseReason::NotReading => Self::NotReading,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TakenOver => "a newer connection of the same device took over",
            Self::DeviceDisabled => "the device was disabled",
            Self::DeviceDeleted => "the device or module was deleted",
            Self::CredentialsChanged => "the device's credentials changed",
            Self::TrustRevoked => "a CA certificate that vouched for the device was removed",
            Self::HubDeleted => "the hub was deleted",
            Self::ShuttingDown => "the server is shutting down",
            Self::NotReading => "the device did not take what the hub had for it",
        })
    }
}

/// A connected device. Dropping it ends the connection; a persistent session's subscriptions stay.
#[derive(Debug)]
pub struct Session {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    id: IdentityId,
    /// The text of `id`.
    key: Arc<str>,
    sender: Sender,
    model_id: Option<Box<str>>,
    persistent: bool,
    resumed: bool,
    subscriptions: Vec<Subscription>,
    /// Whether `subscriptions` are what is stored, as far as the session is persistent.
    is_remembered: bool,
    /// Milliseconds by which what was sent is to be acknowledged later.
    pause_ms: AtomicU32,
    origin: Option<Origin>,
}

/// What is stamped on every event of the session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) generation: GenerationId,
    pub(crate) method: AuthMethod,
    /// When the credentials expire; certificates and thumbprints do not, as far as a live session goes.
    pub(crate) expires_at: Option<UnixSeconds>,
}

/// What a front tells of the session it wants.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionRequest<'a> {
    /// Start without remembered subscriptions, and remember none.
    pub clean: bool,
    /// The PnP model the device announces: stamped on its events.
    pub model_id: Option<&'a str>,
    /// From where it comes, for the journal; `None`: not told.
    pub origin: Option<Origin>,
}

impl Session {
    pub(crate) fn new(
        hub: Arc<Hub>,
        mailbox: Arc<Mailbox>,
        (id, key): (IdentityId, Arc<str>),
        sender: Sender,
        request: SessionRequest<'_>,
        remembered: Vec<Subscription>,
    ) -> Self {
        let resumed = !request.clean && !remembered.is_empty();
        let subscriptions = if request.clean { Vec::new() } else { remembered };
        let model_id = request.model_id.map(Into::into);
        let (pause_ms, persistent, is_remembered) = (AtomicU32::new(0), !request.clean, true);
        let origin = request.origin;
        Self {
            hub,
            mailbox,
            id,
            key,
            sender,
            model_id,
            persistent,
            resumed,
            subscriptions,
            is_remembered,
            pause_ms,
            origin,
        }
    }

    pub(crate) fn visitor(&self) -> Visitor<'_> {
        let (generation, model_id) = (self.sender.generation, self.model_id.as_deref());
        Visitor { id: &self.id, key: &self.key, generation, model_id }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// From where the device speaks.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub(crate) fn generation(&self) -> GenerationId {
        self.sender.generation
    }

    /// The text of [`Session::id`].
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn shared_key(&self) -> Arc<str> {
        self.key.clone()
    }

    /// Who is connected.
    pub fn id(&self) -> &IdentityId {
        &self.id
    }

    /// Whether the hub still knew the device's subscriptions: MQTT's session-present.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// When the token behind the session expires; `None` for certificates.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.sender.expires_at
    }

    /// The session's subscriptions, remembered ones included.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// Waits until the hub ends the session, and says why.
    pub fn closed(&self) -> impl Future<Output = CloseReason> + Send + use<> {
        let mailbox = self.mailbox.clone();
        async move { mailbox.closed().await }
    }

    /// Why the hub ended the session, once it has.
    pub fn reason(&self) -> Option<CloseReason> {
        self.mailbox.reason()
    }

    /// Rings this bell whenever the hub ends the session or has something for the device: for a front that carries many
    /// sessions in one task. [`Session::has_word`] then says which of them it was; look once after this call.
    pub fn ring(&self, bell: Arc<Notify>) {
        self.mailbox.put_bell(bell);
    }

    /// Whether the hub ended the session or has something for the device. Costs next to nothing.
    pub fn has_word(&self) -> bool {
        self.mailbox.has_word()
    }

    /// Judges another token for the device: the session rests on it from now on.
    ///
    /// Errors: as [`Hub::connect`]; the session then rests on what it did.
    pub async fn renew(&mut self, token: &str) -> Result<(), HubError> {
        for _ in 0..limits::LOGIN_TRIES {
            let seen = self.hub.revocations();
            let login = Login {
                device_id: self.id.device.as_str(),
                module_id: self.id.module.as_ref().map(ModuleId::as_str),
                evidence: Evidence { token: Some(token), chain: &[] },
            };
            let (_, _, grant) = self.hub.judge(login).await?;
            self.mailbox.rest_on(grant.ground);
            (self.sender.method, self.sender.expires_at) = (grant.method, grant.expires_at);
            // A key that was removed between the judgement and now was not found to be what the session rests on.
            if self.hub.revocations() == seen {
                return Ok(());
            }
        }
        Err(HubError::Busy)
    }

    /// Tells the hub what the device wants to hear of from now on.
    pub fn attend(&self, interests: Interests) {
        self.mailbox.attend(interests);
        if interests.methods {
            self.hub.methods().arrived(&self.key);
        }
    }

    /// Tells the hub that the device was heard of. What it sends is noticed by itself.
    pub fn heard(&self) {
        self.mailbox.heard(self.hub.now());
    }

    /// Waits until the hub has something for the device; [`Session::take_notices`] then gives it. Nothing is lost when the
    /// future is dropped.
    pub fn woken(&self) -> impl Future<Output = ()> + Send + use<> {
        let mailbox = self.mailbox.clone();
        async move { mailbox.woken().await }
    }

    /// What the hub has for the device, in order; often nothing.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.mailbox.take()
    }

    /// Queues a message for the hub's log. It is accepted when [`Session::durable`] says so, not before.
    ///
    /// The session's own properties (the announced model) are added to `properties`.
    /// Errors: `MessageTooLarge`, `Full`, `Closed`, `Throttled`, `QuotaExceeded`.
    pub fn send(&self, properties: &mut Properties, body: &[u8]) -> Result<Ticket, HubError> {
        self.hub.tally().note(1, self.queue(properties, body))
    }

    fn queue(&self, properties: &mut Properties, body: &[u8]) -> Result<Ticket, HubError> {
        if let Some(reason) = self.mailbox.reason() {
            return Err(HubError::Closed(reason));
        }
        let bytes = body.len() + properties.text_bytes();
        check_size(bytes)?;
        let pause = self.hub.shape_telemetry(bytes)?;
        if !pause.is_zero() {
            self.pause_ms.fetch_max(u32::try_from(pause.as_millis()).unwrap_or(u32::MAX), Ordering::AcqRel);
        }
        self.append(properties, body)
    }

    /// Queues several messages that are accepted or refused together. When they are refused some may have been stored, unless
    /// the cause is the size of one: the device sends all of them again.
    ///
    /// `None` without messages. Errors: as [`Session::send`], and `FaultInjected`.
    pub fn send_all(&self, messages: &mut [(Properties, Cow<'_, [u8]>)]) -> Result<Option<Ticket>, HubError> {
        self.hub.check_message_fault(&self.id)?;
        for (properties, body) in &*messages {
            check_size(properties.text_bytes() + body.len())?;
        }
        let mut last = None;
        for (properties, body) in messages {
            last = Some(self.send(properties, body)?);
        }
        Ok(last)
    }

    /// How long to wait before what was sent is acknowledged and more is read, in a hub that is to be slow; often not at all.
    pub fn take_pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms.swap(0, Ordering::AcqRel).into())
    }

    /// Queues the message that a device left for the case that its connection ends without a goodbye. A device that was
    /// taken over still gets it sent, one that was shut out does not.
    pub fn send_will(&self, properties: &mut Properties, body: &[u8]) -> Result<Ticket, HubError> {
        match self.mailbox.reason() {
            None | Some(CloseReason::TakenOver) => self.hub.tally().note(1, self.append(properties, body)),
            Some(reason) => Err(HubError::Closed(reason)),
        }
    }

    fn append(&self, properties: &mut Properties, body: &[u8]) -> Result<Ticket, HubError> {
        if let Some(model) = &self.model_id {
            properties.push_system(SystemProperty::ModelId, model);
        }
        self.heard();
        self.hub.append(&self.id, self.sender, properties, body)
    }

    /// Waits until the batch of `ticket` is durable, and with it what was sent before without a wait between.
    /// Errors: `Full`, `Internal`; the message is not in the log then.
    pub async fn durable(&self, ticket: Ticket) -> Result<(), HubError> {
        self.hub.durable(ticket).await
    }

    /// Adds subscriptions; one with a known filter takes its place. Durable on return if the session is persistent.
    /// Errors: `TooManySubscriptions`, `Closed`, `Full`, `Internal`.
    pub async fn subscribe(&mut self, added: Vec<Subscription>) -> Result<(), HubError> {
        let mut next = self.subscriptions.clone();
        for subscription in added {
            match next.iter_mut().find(|known| known.filter == subscription.filter) {
                Some(known) => *known = subscription,
                None => next.push(subscription),
            }
        }
        if next.len() > limits::SUBSCRIPTIONS_MAX {
            return Err(HubError::TooManySubscriptions { subscriptions: next.len(), max: limits::SUBSCRIPTIONS_MAX });
        }
        self.remember(next).await
    }

    /// Removes subscriptions; unknown filters are fine. Durable on return if the session is persistent.
    pub async fn unsubscribe(&mut self, filters: &[&str]) -> Result<(), HubError> {
        let mut next = self.subscriptions.clone();
        next.retain(|known| !filters.contains(&known.filter.as_str()));
        self.remember(next).await
    }

    /// An earlier session may still be storing subscriptions: the next ones are written even if they seem to be known.
    pub(crate) fn distrust_remembered(&mut self) {
        self.is_remembered = false;
    }

    /// A clean session ends the persistent one before it: its subscriptions are gone, durably.
    pub(crate) async fn forget_remembered(&self) -> Result<(), HubError> {
        let forgotten = Write::PutSubscriptions(self.hub.key(), self.id.clone(), Vec::new());
        Ok(self.hub.records().commit(vec![forgotten]).await?)
    }

    /// SDKs subscribe anew on every connect: what is remembered already is not written again. Nor does a session that was
    /// taken over write over what its successor remembers.
    async fn remember(&mut self, next: Vec<Subscription>) -> Result<(), HubError> {
        if let Some(reason) = self.mailbox.reason() {
            return Err(HubError::Closed(reason));
        }
        if self.is_remembered && next == self.subscriptions {
            return Ok(());
        }
        if self.persistent {
            let remembered = Write::PutSubscriptions(self.hub.key(), self.id.clone(), next.clone());
            self.hub.records().commit(vec![remembered]).await?;
        }
        (self.subscriptions, self.is_remembered) = (next, true);
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave(DisconnectReason::ConnectionLost);
    }
}

impl Hub {
    /// Waits as [`Session::durable`] does, for tickets of any of the hub's sessions. Errors: `Full`, `Internal`.
    pub async fn durable(&self, ticket: Ticket) -> Result<(), HubError> {
        Ok(self.log().commits().wait(ticket).await?)
    }

    /// Stamps a message and queues it in the device's partition.
    pub(crate) fn append(
        &self,
        id: &IdentityId,
        sender: Sender,
        properties: &Properties,
        body: &[u8],
    ) -> Result<Ticket, HubError> {
        check_size(body.len() + properties.text_bytes())?;
        let event = Event {
            source: EventSource::Telemetry,
            auth: sender.method,
            device_id: id.device.as_str(),
            module_id: id.module.as_ref().map(ModuleId::as_str),
            generation: sender.generation,
            properties,
            body,
        };
        self.route(&event)
    }
}

fn check_size(bytes: usize) -> Result<(), HubError> {
    match bytes {
        0..=limits::MESSAGE_BYTES_MAX => Ok(()),
        _ => Err(HubError::MessageTooLarge { bytes, bytes_max: limits::MESSAGE_BYTES_MAX }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_their_code() {
        for reason in CloseReason::ALL {
            assert_eq!(CloseReason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(CloseReason::from_code(0), None);
    }
}
