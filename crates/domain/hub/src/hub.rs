//! One hub: its resource, its trust, its log, and the way in.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use roadstead_auth::{AuthRefusal, DeviceGrant, Evidence, PolicyGrant, Segment, Trust, device};
use roadstead_journal::Journal;
use roadstead_model::{
    Clock, DeviceId, GenerationId, Hub as HubResource, HubKey, HubSettings, IdentityId, Properties, Random, Right,
    Thumbprint, UnixMillis, UnixSeconds,
};
use roadstead_store::{HubLog, Records, SessionRecord, Ticket};
use tokio::sync::Notify;

use crate::{
    error::HubError,
    fault::Faults,
    file_notifications::FileNotificationDesk,
    hub_events::Sequence,
    limits,
    messages::Messages,
    methods::Methods,
    presence::{Arrival, Came, PresenceBook, Visitor},
    readers::Readers,
    session::{CloseReason, Sender, Session, SessionRequest},
    sessions::Sessions,
    tally::Tally,
    throttle::{Operation, Throttles},
    twins::TwinTurns,
    upload::{UploadParts, Uploads},
};

/// What a hub stands on.
#[derive(Clone)]
pub struct HubParts {
    pub records: Arc<dyn Records>,
    pub log: Arc<dyn HubLog>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub journal: Arc<Journal>,
}

/// Who wants in, as a front read it off the wire. Nothing of it is believed yet.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    pub evidence: Evidence<'a>,
}

/// Which of the resources that a hub had one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(u64);

/// One hub of this installation.
pub struct Hub {
    resource: ArcSwap<HubResource>,
    trust: ArcSwap<Trust>,
    /// Counts what may end a login's validity, so that a login judged while it happens is judged again.
    revocations: AtomicU64,
    /// Counts how often the resource was replaced.
    revision: AtomicU64,
    /// Why the hub takes no session any more, once it does not.
    closed: OnceLock<CloseReason>,
    /// Notified of both.
    changing: Notify,
    sessions: Sessions,
    methods: Methods,
    presence: PresenceBook,
    sequence: Sequence,
    lost_events: AtomicU64,
    tally: Tally,
    twin_turns: TwinTurns,
    messages: Messages,
    throttles: Throttles,
    faults: Faults,
    readers: Readers,
    file_notifications: FileNotificationDesk,
    pub(crate) parts: HubParts,
    uploading: OnceLock<UploadParts>,
    uploads: Uploads,
}

impl Hub {
    /// A hub over its stored data. `trust` holds the CAs it believes.
    pub fn new(resource: Arc<HubResource>, trust: Arc<Trust>, parts: HubParts) -> Arc<Self> {
        Arc::new(Self {
            resource: ArcSwap::new(resource),
            trust: ArcSwap::new(trust),
            revocations: AtomicU64::new(0),
            revision: AtomicU64::new(0),
            closed: OnceLock::new(),
            changing: Notify::new(),
            sessions: Sessions::new(),
            methods: Methods::new(&*parts.random),
            presence: PresenceBook::default(),
            sequence: Sequence::default(),
            lost_events: AtomicU64::new(0),
            tally: Tally::default(),
            twin_turns: TwinTurns::new(),
            messages: Messages::default(),
            throttles: Throttles::new(),
            faults: Faults::default(),
            readers: Readers::default(),
            file_notifications: FileNotificationDesk::default(),
            parts,
            uploading: OnceLock::new(),
            uploads: Uploads::default(),
        })
    }

    /// The hub as its administrator made it.
    pub fn resource(&self) -> Arc<HubResource> {
        self.resource.load_full()
    }

    /// Replaces the resource (new policies, consumer groups, retention). Sessions by policy key are not judged again: tokens
    /// expire. What else was judged by the resource is: see [`Hub::replaced_after`].
    pub fn set_resource(&self, resource: Arc<HubResource>) {
        self.resource.store(resource.clone());
        // Afterwards: a reader that leaves meanwhile keeps nothing of a group that is gone.
        self.readers.keep(|group| resource.has_consumer_group(group));
        self.revocations.fetch_add(1, Ordering::AcqRel);
        self.revision.fetch_add(1, Ordering::AcqRel);
        self.changing.notify_waiters();
    }

    /// Which resource the hub has: look before judging anything by it, and wait with [`Hub::replaced_after`].
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// Waits until the hub has another resource than at `seen`: what a policy's token opened, and who reads for a consumer group,
    /// is to be judged again then. Safe to drop while pending.
    ///
    /// Errors: the hub was closed instead.
    pub async fn replaced_after(&self, seen: Revision) -> Result<(), CloseReason> {
        loop {
            let mut notified = std::pin::pin!(self.changing.notified());
            notified.as_mut().enable();
            if let Some(reason) = self.closed.get() {
                return Err(*reason);
            }
            if self.revision() != seen {
                return Ok(());
            }
            notified.await;
        }
    }

    /// The CAs the hub believes now.
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.load_full()
    }

    /// Replaces the CAs the hub believes and closes the sessions that rest on one that is gone.
    pub fn set_trust(&self, trust: Arc<Trust>, revoked: &[Thumbprint]) {
        self.trust.store(trust);
        self.revoked();
        if !revoked.is_empty() {
            self.sessions.close_through(revoked);
        }
    }

    /// Ends every session, and those of logins that are still being judged. For good.
    pub fn close(&self, reason: CloseReason) {
        let reason = *self.closed.get_or_init(|| reason);
        self.sessions.close_all(reason);
        self.changing.notify_waiters();
    }

    /// Devices connected now.
    pub fn connected_count(&self) -> usize {
        self.sessions.count()
    }

    /// Events of the hub itself that its log did not take since the program began: what they would tell of is done.
    pub fn lost_event_count(&self) -> u64 {
        self.lost_events.load(Ordering::Relaxed)
    }

    /// Whether the device is connected now.
    pub fn is_connected(&self, id: &DeviceId) -> bool {
        self.sessions.is_live(id.as_str())
    }

    /// Lets a device or module in and opens its session; an earlier one of the same identity is closed.
    ///
    /// Errors: `Unauthorized`, `UnknownDevice`, `UnknownModule`, `DeviceDisabled`, `Busy`, `Closed`, `Throttled`,
    /// `FaultInjected`, `Internal`.
    pub async fn connect(self: &Arc<Self>, login: Login<'_>, request: SessionRequest<'_>) -> Result<Session, HubError> {
        let mut displaced = false;
        for attempt in 0..limits::LOGIN_TRIES {
            let seen = self.revocations.load(Ordering::Acquire);
            let (id, record, grant) = self.judge(login).await?;
            if attempt == 0 {
                self.check_connection_fault(&id)?;
                self.throttle(Operation::Connect)?;
            }
            let key: Arc<str> = id.to_string().into();
            let sender = Sender { generation: generation(&record), method: grant.method, expires_at: grant.expires_at };
            let visitor = Visitor { id: &id, key: &key, generation: sender.generation, model_id: request.model_id };
            let came = Came { method: sender.method, origin: request.origin };
            let mailbox = self.sessions.open(&key, grant, self.now(), |arrival, since| {
                displaced |= arrival != Arrival::New;
                self.note_arrival(visitor, came, arrival, since);
            });
            self.store_presence_soon();
            let remembered = record.subscriptions;
            // What the earlier session was about to remember may be stored after it was read here.
            let forget = request.clean && (displaced || !remembered.is_empty());
            let mut session = Session::new(self.clone(), mailbox, (id, key), sender, request, remembered);
            if displaced {
                session.distrust_remembered();
            }
            // A hub closed between the judgement and the opening did not find this session among the live ones.
            if let Some(reason) = self.closed.get() {
                return Err(HubError::Closed(*reason));
            }
            // A device disabled between the judgement and the opening was not found among the live ones: judge again.
            if self.revocations.load(Ordering::Acquire) != seen {
                continue;
            }
            if forget {
                session.forget_remembered().await?;
            }
            return Ok(session);
        }
        Err(HubError::Busy)
    }

    /// Takes messages from a device that keeps no session (HTTPS), durably. After `Full` or `Internal` some of several may
    /// have been stored: the device sends all of them again.
    ///
    /// Errors: as [`Hub::connect`], and `MessageTooLarge`, `QuotaExceeded`, `Full`.
    pub async fn send_once(&self, login: Login<'_>, messages: &[(Properties, Vec<u8>)]) -> Result<(), HubError> {
        let (id, record, grant) = self.judge(login).await?;
        let sender = Sender { generation: generation(&record), method: grant.method, expires_at: None };
        let tickets = self.tally.note(messages.len(), self.queue_once(&id, sender, messages))?;
        for ticket in tickets {
            self.parts.log.commits().wait(ticket).await?;
        }
        Ok(())
    }

    /// Queues messages of a device that keeps no session.
    fn queue_once(
        &self,
        id: &IdentityId,
        sender: Sender,
        messages: &[(Properties, Vec<u8>)],
    ) -> Result<Vec<Ticket>, HubError> {
        let total = messages.iter().map(|(properties, body)| properties.text_bytes() + body.len()).sum();
        if total > limits::MESSAGE_BYTES_MAX {
            return Err(HubError::MessageTooLarge { bytes: total, bytes_max: limits::MESSAGE_BYTES_MAX });
        }
        self.check_message_fault(id)?;
        self.throttle_many(Operation::TelemetrySend, u32::try_from(messages.len()).unwrap_or(u32::MAX))?;
        self.count_messages(messages.iter().map(|(properties, body)| properties.text_bytes() + body.len()))?;
        let mut tickets = Vec::with_capacity(messages.len());
        for (properties, body) in messages {
            tickets.push(self.append(id, sender, properties, body)?);
        }
        tickets.dedup();
        Ok(tickets)
    }

    /// Judges a back end's token for a path of this hub: `[AnyCase("devices"), Exact("thermo-7")]`.
    /// Errors: `Unauthorized`.
    pub fn authorize(&self, token: &str, path: &[Segment<'_>], right: Right) -> Result<PolicyGrant, HubError> {
        let resource = self.resource.load();
        let now = self.now().seconds();
        roadstead_auth::policy::judge(token, names(&resource), &resource.policies, path, right, now)
            .map_err(HubError::Unauthorized)
    }

    /// Judges a back end's token by itself: whether it is a policy's, for something of this hub, and still good. What may be
    /// done with it, [`Hub::authorize`] says. Errors: `Unauthorized`.
    pub fn recognize(&self, token: &str) -> Result<PolicyGrant, HubError> {
        let resource = self.resource.load();
        roadstead_auth::policy::recognize(token, names(&resource), &resource.policies, self.now().seconds())
            .map_err(HubError::Unauthorized)
    }

    /// Who asks, what is stored of it, and what it may do.
    pub(crate) async fn judge(&self, login: Login<'_>) -> Result<(IdentityId, SessionRecord, DeviceGrant), HubError> {
        let id = IdentityId::parse(login.device_id, login.module_id).map_err(HubError::ImpossibleId)?;
        let Some(record) = self.parts.records.find_session(self.key(), &id).await? else {
            return Err(match id.module {
                None => HubError::UnknownDevice(id.device),
                Some(_) => HubError::UnknownModule(id),
            });
        };
        let judged = {
            let (resource, trust) = (self.resource.load(), self.trust.load());
            let now = self.now().seconds();
            let (device, module) = (&record.device, record.module.as_ref());
            device::judge(device, module, names(&resource), &resource.policies, &login.evidence, &trust, now)
        };
        let grant = judged.map_err(|refusal| match refusal {
            AuthRefusal::DeviceDisabled { .. } => HubError::DeviceDisabled(id.device.clone()),
            refusal => HubError::Unauthorized(refusal),
        })?;
        Ok((id, record, grant))
    }

    /// Who a device without a session is, once it has proven it.
    pub(crate) async fn identify(&self, login: Login<'_>) -> Result<(IdentityId, GenerationId), HubError> {
        let (id, record, _) = self.judge(login).await?;
        Ok((id, generation(&record)))
    }

    /// Judges a login that opens no session yet, and says when its credentials expire; certificates do not.
    ///
    /// Errors: `Unauthorized`, `UnknownDevice`, `UnknownModule`, `DeviceDisabled`, `ImpossibleId`, `Internal`.
    pub async fn admit(&self, login: Login<'_>) -> Result<Option<UnixSeconds>, HubError> {
        let (_, _, grant) = self.judge(login).await?;
        Ok(grant.expires_at)
    }

    /// How often something happened that may end a login's validity.
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }

    pub(crate) fn revoked(&self) {
        self.revocations.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn key(&self) -> HubKey {
        self.resource.load().key
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.parts.clock.now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.parts.random
    }

    pub(crate) fn records(&self) -> &dyn Records {
        &*self.parts.records
    }

    pub(crate) fn log(&self) -> &dyn HubLog {
        &*self.parts.log
    }

    /// Numbers the states of connections.
    pub(crate) fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    pub(crate) fn lost_events(&self) -> &AtomicU64 {
        &self.lost_events
    }

    /// How many messages came from devices.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whose turn it is to write a twin.
    pub(crate) fn twin_turns(&self) -> &TwinTurns {
        &self.twin_turns
    }

    pub(crate) fn presence(&self) -> &PresenceBook {
        &self.presence
    }

    pub(crate) fn methods(&self) -> &Methods {
        &self.methods
    }

    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }

    pub(crate) fn uploading(&self) -> &OnceLock<UploadParts> {
        &self.uploading
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// How the hub behaves now.
    pub(crate) fn settings(&self) -> HubSettings {
        self.resource.load().settings
    }

    pub(crate) fn throttles(&self) -> &Throttles {
        &self.throttles
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) fn file_notifications(&self) -> &FileNotificationDesk {
        &self.file_notifications
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

fn generation(record: &SessionRecord) -> GenerationId {
    record.module.as_ref().map_or(record.device.generation, |module| module.generation)
}

fn names(resource: &HubResource) -> impl Iterator<Item = &str> {
    std::iter::once(&resource.host_name).chain(&resource.aliases).map(String::as_str)
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("name", &self.resource.load().name).finish_non_exhaustive()
    }
}
