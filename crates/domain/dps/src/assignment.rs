//! Giving a device its hub: choose, write to the hub, then record.
//!
//! Writes come in an order that a crash cannot harm: the new identity and twin, then the removal of the old one, then the
//! registration. Whatever of it is missing, the next register does again.
//!
//! Source: `reference/dps.md` 3.2 to 3.7

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use roadstead_auth::certificate::thumbprint;
use roadstead_model::{
    AllocationPolicy, AttestedBy, DeviceAuth, DeviceId, Etag, InitialTwin, LinkedHub, Registration, RegistrationId,
    RegistrationState, RegistrationStatus, ReprovisionPolicy, State, Substatus, Thumbprint, UnixMillis,
};
use roadstead_store::{StoreError, Write};
use serde_json::{Map, Value};
use tracing::{info, warn};

use crate::{
    allocation,
    attestation::Admission,
    error::{DpsError, code},
    hex::hex,
    instance::{Instance, Known, unchanged},
    limits::{FAR_RETRY_FIRST, FAR_RETRY_MAX, FAR_TRIES, REGISTER_TRIES, WEBHOOK_TIMEOUT_MS},
    link::{self, DeviceSpec, Ensure, HubAddress, LinkError, TwinSnapshot},
    registration::RegistrationRequest,
    reprovision::{self, Place, Step},
    tpm,
    webhook::AllocationRequest,
};

/// An admitted device that wants its hub.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) instance: Arc<Instance>,
    pub(crate) known: Arc<Known>,
    pub(crate) id: RegistrationId,
    pub(crate) admission: Admission,
    pub(crate) request: RegistrationRequest,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) state: RegistrationState,
    /// Whether the registration record says so too. A failure does not overwrite an earlier assignment.
    pub(crate) recorded: bool,
}

/// Why a device did not get its hub.
#[derive(Debug)]
enum Fault {
    /// For good, as far as can be told: status `failed`.
    Failed { code: u32, message: String },
    /// Not now.
    Refused(DpsError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// A hub, and what a webhook had to say beside it.
#[derive(Debug)]
struct Choice {
    hub: String,
    initial_twin: Option<InitialTwin>,
    payload: Option<Map<String, Value>>,
}

/// Where the device is now, before it is recorded.
#[derive(Debug)]
struct Placed {
    place: Place,
    substatus: Substatus,
    payload: Option<Map<String, Value>>,
}

/// As [`assign`], and again for a while when a hub on another server does not answer.
pub(crate) async fn assign_patiently(assignment: &Assignment) -> Result<Assigned, DpsError> {
    let mut wait = FAR_RETRY_FIRST;
    for _ in 1..FAR_TRIES {
        match assign(assignment).await {
            Err(DpsError::HubUnavailable { hub, cause, is_far: true }) => {
                warn!(registration_id = %assignment.id, hub, cause, "a hub on another server does not answer");
            }
            other => return other,
        }
        tokio::time::sleep(wait).await;
        wait = FAR_RETRY_MAX.min(wait * 2);
    }
    assign(assignment).await
}

/// Assigns, one register of a device at a time.
///
/// Errors: `Concurrent`, `Throttled`, `HubUnavailable`, `Internal`.
async fn assign(assignment: &Assignment) -> Result<Assigned, DpsError> {
    let instance = &assignment.instance;
    let _turn = instance.turns.take(assignment.id.key()).await?;
    let mut lost: Option<Place> = None;
    for _ in 0..REGISTER_TRIES {
        let prior = instance.ports.records.find_registration(instance.scope(), &assignment.id).await?;
        if let Some(lost) =
            lost.take().filter(|lost| assignment.place_of(prior.as_ref()).is_some_and(|(won, _)| won != *lost))
        {
            assignment.leave(&lost).await;
        }
        let attempt = assignment.place(prior.as_ref()).await;
        let recorded = match attempt {
            Ok(placed) => {
                lost = Some(placed.place.clone());
                assignment.record(placed, prior).await
            }
            Err(Fault::Failed { code, message }) => assignment.record_failure(code, message, prior).await,
            Err(Fault::Refused(refusal)) => {
                if let DpsError::HubUnavailable { is_far: true, .. } = &refusal {
                    // Who looks the device up sees why it is on no hub.
                    let told = assignment.record_failure(refusal.code(), refusal.to_string(), prior).await;
                    let _ = told.inspect_err(|error| warn!(%error, "cannot record why a device is on no hub"));
                }
                return Err(refusal);
            }
        };
        match recorded {
            Err(StoreError::Conflict { .. }) => {}
            recorded => {
                let assigned = recorded?;
                if let State::Assigned { .. } = assigned.state.state {
                    instance.tally.assignment();
                }
                return Ok(assigned);
            }
        }
    }
    Err(DpsError::Concurrent { id: assignment.id.to_string() })
}

impl Assignment {
    async fn place(&self, prior: Option<&Registration>) -> Result<Placed, Fault> {
        let before = self.place_of(prior);
        let provisioning = self.admission.source.provisioning();
        let policy = provisioning.reprovision.unwrap_or_else(|| reprovision::default_policy(&self.request.api_version));
        let choice = self.choose(before.as_ref().map(|(place, _)| place), policy).await?;
        let device_id = self.device_id(before.as_ref().map(|(place, _)| &place.device_id));
        let target = Place { hub: choice.hub, device_id };
        let kept = before.as_ref().map_or_else(|| target.clone(), |(place, _)| place.clone());
        let step = reprovision::decide(before, &target, policy);
        let enrolled_twin = || provisioning.initial_twin.clone().unwrap_or_default();
        let new_twin = choice.initial_twin.unwrap_or_else(enrolled_twin);
        let (place, substatus) = match step {
            Step::Assign => {
                self.ensure(&target, new_twin, Ensure::Credentials).await?;
                self.instance.loads.add(&target.hub);
                (target, Substatus::InitialAssignment)
            }
            Step::Stay(substatus) => {
                self.stay(&kept, enrolled_twin(), prior).await?;
                (kept, substatus)
            }
            Step::Reset => {
                self.ensure(&target, enrolled_twin(), Ensure::ResetTwin).await?;
                (target, Substatus::DeviceDataReset)
            }
            Step::Migrate(from) => {
                let ensure =
                    self.take(&from).await?.map_or(Ensure::Credentials, |taken| Ensure::WithTwin(Box::new(taken)));
                self.ensure(&target, enrolled_twin(), ensure).await?;
                self.instance.loads.add(&target.hub);
                self.leave(&from).await;
                (target, Substatus::DeviceDataMigrated)
            }
            Step::MoveAndReset(from) => {
                self.ensure(&target, new_twin, Ensure::ResetTwin).await?;
                self.instance.loads.add(&target.hub);
                self.leave(&from).await;
                (target, Substatus::DeviceDataReset)
            }
        };
        Ok(Placed { place, substatus, payload: choice.payload })
    }

    /// A device that comes by a symmetric-key group keeps the spelling of its id: DPS ignores case, hubs do not.
    fn device_id(&self, before: Option<&DeviceId>) -> DeviceId {
        let wanted = &self.admission.device_id;
        let by_group_key =
            self.admission.source.group().is_some() && self.admission.attested == AttestedBy::SymmetricKey;
        let kept = before.filter(|before| by_group_key && before.as_str().eq_ignore_ascii_case(wanted.as_str()));
        kept.unwrap_or(wanted).clone()
    }

    /// The hub to be on. A device whose policy is never to move chooses among the one where it is.
    async fn choose(&self, before: Option<&Place>, policy: ReprovisionPolicy) -> Result<Choice, Fault> {
        let provisioning = self.admission.source.provisioning();
        let dps = &self.known.dps;
        let allocation = allocation::policy(dps, provisioning);
        let bound_to = before.filter(|_| !policy.update_hub_assignment).map(|place| place.hub.as_str());
        if let Some(hub) = bound_to {
            if allocation == AllocationPolicy::Custom {
                let answer = self.ask_webhook(before, vec![hub.to_owned()]).await?;
                return Ok(Choice { hub: hub.to_owned(), ..answer });
            }
            return Ok(Choice { hub: hub.to_owned(), initial_twin: None, payload: None });
        }
        let no_hub = |message| Fault::Failed { code: code::NO_HUB, message };
        let candidates = allocation::eligible(dps, provisioning, &*self.instance.ports.hubs).map_err(no_hub)?;
        let hub = match allocation {
            AllocationPolicy::Custom => {
                let names = candidates.iter().map(|hub| self.own_name(&hub.host_name)).collect();
                return self.ask_webhook(before, names).await;
            }
            AllocationPolicy::Hashed => allocation::hashed(&candidates, &self.id),
            AllocationPolicy::Static => Some(allocation::only(&candidates).map_err(no_hub)?),
            AllocationPolicy::GeoLatency => self.nearest(&candidates, before).await,
        };
        let hub = hub.ok_or_else(|| no_hub("hub not specified: no hub is eligible".to_owned()))?;
        Ok(Choice { hub: self.own_name(&hub.host_name), initial_twin: None, payload: None })
    }

    /// No latency is known, so the least loaded hub; a device that has a hub stays there, as loads change with every register.
    async fn nearest<'a>(&self, candidates: &[&'a LinkedHub], before: Option<&Place>) -> Option<&'a LinkedHub> {
        let is_current = |hub: &&&LinkedHub| before.is_some_and(|place| place.hub == self.own_name(&hub.host_name));
        if let Some(current) = candidates.iter().find(is_current) {
            return Some(current);
        }
        let loads = self.instance.loads.of(candidates, &self.instance.ports.hubs, self.instance.now()).await;
        allocation::least_loaded(candidates, &loads, &self.id)
    }

    async fn ask_webhook(&self, before: Option<&Place>, linked_hubs: Vec<String>) -> Result<Choice, Fault> {
        let failed = |message| Fault::Failed { code: code::CUSTOM_ALLOCATION, message };
        let Some(webhook) = &self.admission.source.provisioning().webhook else {
            return Err(failed("Custom allocation failed: the enrollment has no webhook".to_owned()));
        };
        let request = AllocationRequest {
            source: self.admission.source.clone(),
            registration_id: self.id.clone(),
            current: before.map(|place| (place.hub.clone(), place.device_id.clone())),
            attested: self.admission.attested,
            leaf: self.admission.leaf.as_ref().map(|leaf| leaf.der().to_vec()),
            storage_root_key: self.admission.storage_root_key.clone(),
            payload: self.request.payload.clone(),
            linked_hubs,
        };
        let timeout = Duration::from_millis(WEBHOOK_TIMEOUT_MS);
        let answer = self.instance.ports.webhooks.allocate(webhook, &request, timeout).await;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let named = self.own_name(&answer.hub);
        let chosen = request.linked_hubs.into_iter().find(|hub| *hub == named);
        let hub = chosen.ok_or_else(|| {
            let shown: String = answer.hub.chars().flat_map(char::escape_debug).take(128).collect();
            failed(format!("Custom allocation failed: the webhook chose `{shown}`, which is not eligible"))
        })?;
        Ok(Choice { hub, initial_twin: answer.initial_twin, payload: answer.payload })
    }

    /// Sees that the device is where it was, and that its hub knows its present credentials.
    async fn stay(&self, place: &Place, twin: InitialTwin, prior: Option<&Registration>) -> Result<(), Fault> {
        let same = prior.is_some_and(|prior| prior.credential_digest == self.credential_digest());
        let ensure = if same { Ensure::Present } else { Ensure::Credentials };
        let spec = self.spec(place, twin, ensure);
        match self.instance.ports.hubs.ensure_device(self.address(&place.hub), &spec).await {
            Err(error) if self.linked(&place.hub).is_none() || (same && is_passing(&error)) => {
                warn!(registration_id = %self.id, hub = place.hub, %error, "cannot look after a registered device");
                Ok(())
            }
            outcome => outcome.map_err(|error| refused(&place.hub, error)),
        }
    }

    async fn ensure(&self, place: &Place, twin: InitialTwin, ensure: Ensure) -> Result<(), Fault> {
        let spec = self.spec(place, twin, ensure);
        let outcome = self.instance.ports.hubs.ensure_device(self.address(&place.hub), &spec).await;
        outcome.map_err(|error| refused(&place.hub, error))
    }

    fn spec(&self, place: &Place, initial_twin: InitialTwin, ensure: Ensure) -> DeviceSpec {
        let iot_edge = match &ensure {
            Ensure::WithTwin(taken) => taken.iot_edge,
            Ensure::Present | Ensure::Credentials | Ensure::ResetTwin => self.admission.source.provisioning().iot_edge,
        };
        DeviceSpec {
            id: place.device_id.clone(),
            auth: self.admission.auth.clone(),
            leaf: self.leaf_thumbprint(),
            iot_edge,
            initial_twin,
            ensure,
        }
    }

    /// The data to take along; none from a hub or device that is gone.
    async fn take(&self, from: &Place) -> Result<Option<TwinSnapshot>, Fault> {
        match self.instance.ports.hubs.take_twin(self.address(&from.hub), &from.device_id).await {
            Ok(taken) => Ok(taken),
            Err(LinkError::NotFound) => Ok(None),
            Err(LinkError::Unauthorized) if self.linked(&from.hub).is_none() => {
                warn!(registration_id = %self.id, hub = from.hub, "a device's data stay behind on a hub that is no longer linked");
                Ok(None)
            }
            Err(error) => Err(refused(&from.hub, error)),
        }
    }

    /// Removes the device from a hub where it is no longer; a hub that cannot be asked keeps a stray identity.
    async fn leave(&self, from: &Place) {
        if let Err(error) = self.instance.ports.hubs.remove_device(self.address(&from.hub), &from.device_id).await {
            warn!(hub = from.hub, device_id = %from.device_id, %error, "cannot remove a device from the hub that it left");
        }
    }

    fn own_name(&self, hub: &str) -> String {
        link::own_name(&*self.instance.ports.hubs, hub)
    }

    /// The link to the hub with this own name.
    fn linked(&self, own_name: &str) -> Option<&LinkedHub> {
        self.known.dps.linked_hubs.iter().find(|hub| self.own_name(&hub.host_name) == own_name)
    }

    /// Where a registration put the device. The hub may have been recorded under another of its names.
    fn place_of(&self, registration: Option<&Registration>) -> Option<(Place, Substatus)> {
        match &registration?.status {
            RegistrationStatus::Assigned { hub, device_id, substatus } => {
                Some((Place { hub: self.own_name(hub), device_id: device_id.clone() }, *substatus))
            }
            RegistrationStatus::Failed { .. } => None,
        }
    }

    fn address<'a>(&'a self, host_name: &'a str) -> HubAddress<'a> {
        HubAddress { host_name, connection_string: self.linked(host_name).map(|hub| &hub.connection_string) }
    }

    fn leaf_thumbprint(&self) -> Option<Thumbprint> {
        self.admission.leaf.as_ref().map(|leaf| thumbprint(leaf.sha256()))
    }

    async fn record(&self, placed: Placed, prior: Option<Registration>) -> Result<Assigned, StoreError> {
        let Placed { place: Place { hub, device_id }, substatus, payload } = placed;
        let reset = substatus == Substatus::DeviceDataReset;
        let status = RegistrationStatus::Assigned { hub, device_id, substatus };
        let fresh = self.registration(status, payload, self.credential_digest(), prior.as_ref());
        if let Some(prior) = prior.as_ref().filter(|prior| !reset && says_the_same(prior, &fresh)) {
            return Ok(Assigned { state: self.told(prior), recorded: true });
        }
        self.commit(fresh, prior.as_ref()).await
    }

    async fn record_failure(
        &self,
        code: u32,
        message: String,
        prior: Option<Registration>,
    ) -> Result<Assigned, StoreError> {
        warn!(scope = %self.instance.scope(), registration_id = %self.id, code, message, "registration failed");
        if matches!(&prior, Some(Registration { status: RegistrationStatus::Assigned { .. }, .. })) {
            return Ok(Assigned { state: self.failed(code, message, prior.as_ref()), recorded: false });
        }
        let status = RegistrationStatus::Failed { code, message };
        let fresh = self.registration(status, None, String::new(), prior.as_ref());
        if let Some(prior) = prior.as_ref().filter(|prior| says_the_same(prior, &fresh)) {
            return Ok(Assigned { state: self.told(prior), recorded: true });
        }
        self.commit(fresh, prior.as_ref()).await
    }

    /// A failure that is not recorded.
    pub(crate) fn failed(&self, code: u32, message: String, prior: Option<&Registration>) -> RegistrationState {
        let now = self.instance.now();
        RegistrationState {
            registration_id: self.id.clone(),
            state: State::Failed { code, message },
            attested: self.admission.attested,
            group: self.admission.source.group().cloned(),
            payload: None,
            authentication_key: None,
            etag: None,
            created: prior.map_or(now, |prior| prior.created),
            updated: now,
        }
    }

    fn registration(
        &self,
        status: RegistrationStatus,
        payload: Option<Map<String, Value>>,
        credential_digest: String,
        prior: Option<&Registration>,
    ) -> Registration {
        let now: UnixMillis = self.instance.now();
        Registration {
            registration_id: prior.map_or(&self.id, |prior| &prior.registration_id).clone(),
            group: self.admission.source.group().cloned(),
            status,
            payload,
            credential_digest,
            storage_root_key: self.storage_root_key(prior),
            etag: Etag::fresh(&*self.instance.ports.random),
            created: prior.map_or(now, |prior| prior.created),
            updated: now,
        }
    }

    /// The one that came, else the one that came before, as long as the device comes by its TPM.
    fn storage_root_key(&self, prior: Option<&Registration>) -> Option<Vec<u8>> {
        self.admission.tpm()?;
        let came = self.admission.storage_root_key.as_ref();
        came.or(prior.and_then(|prior| prior.storage_root_key.as_ref())).cloned()
    }

    async fn commit(&self, fresh: Registration, prior: Option<&Registration>) -> Result<Assigned, StoreError> {
        let (instance, expect) = (&self.instance, unchanged(prior.map(|prior| &prior.etag)));
        let put = Write::PutRegistration(instance.scope().clone(), fresh.clone(), expect);
        instance.ports.records.commit(vec![put]).await?;
        if let RegistrationStatus::Assigned { hub, device_id, substatus } = &fresh.status {
            info!(scope = %instance.scope(), registration_id = %self.id, hub, %device_id, ?substatus, "device assigned");
        }
        Ok(Assigned { state: self.told(&fresh), recorded: true })
    }

    fn told(&self, registration: &Registration) -> RegistrationState {
        tpm::told(&self.admission, registration, &*self.instance.ports.random)
    }

    /// Tells the credentials written to a hub from others, without showing them: hex of a SHA-256.
    fn credential_digest(&self) -> String {
        let leaf = self.leaf_thumbprint();
        let parts: [&str; 3] = match &self.admission.auth {
            DeviceAuth::Sas { primary, secondary } => ["sas", primary.expose(), secondary.expose()],
            DeviceAuth::Thumbprints { primary, secondary } => {
                ["thumbprints", text(primary.as_ref()), text(secondary.as_ref())]
            }
            DeviceAuth::CertificateAuthority { through } => ["ca", text(through.as_ref()), text(leaf.as_ref())],
            DeviceAuth::None => ["none", "", ""],
        };
        let digest = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
        hex(digest.as_ref())
    }
}

fn text(thumbprint: Option<&Thumbprint>) -> &str {
    thumbprint.map_or("", Thumbprint::as_str)
}

fn is_passing(error: &LinkError) -> bool {
    matches!(error, LinkError::Unavailable(_) | LinkError::Unreachable(_))
}

fn says_the_same(prior: &Registration, fresh: &Registration) -> bool {
    prior.status == fresh.status
        && prior.group == fresh.group
        && prior.payload == fresh.payload
        && prior.credential_digest == fresh.credential_digest
        && prior.storage_root_key == fresh.storage_root_key
}

fn refused(hub: &str, error: LinkError) -> Fault {
    let code = match error {
        LinkError::Unavailable(cause) => {
            return Fault::Refused(DpsError::HubUnavailable { hub: hub.to_owned(), cause, is_far: false });
        }
        LinkError::Unreachable(cause) => {
            return Fault::Refused(DpsError::HubUnavailable { hub: hub.to_owned(), cause, is_far: true });
        }
        LinkError::Unauthorized => code::HUB_UNAUTHORIZED,
        LinkError::NotFound => code::NO_HUB,
        LinkError::Refused(_) => code::HUB_REFUSED,
    };
    Fault::Failed { code, message: format!("hub `{hub}`: {error}") }
}
