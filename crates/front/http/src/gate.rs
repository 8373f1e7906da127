//! Who is let in. What a route needs is asked here, before its operation is called; where the domain judges by itself, an
//! operation has the domain only through a door that shows who knocks. Files have no door: a hub gives nothing of one that it has
//! not opened for the request.

use roadstead_auth::{Evidence, Permission, Segment};
use roadstead_dps::{DpsError, DpsSession, Instance, OperationStatus, RegistrationRequest, RegistrationState};
use roadstead_hub::{Fault, FileError, Hub, HubError, LockToken, Login, Settlement, UploadGrant};
use roadstead_model::{Actor, CloudMessage, Origin, Properties, RegistrationId, Right, Secret};

use crate::{
    call::Call,
    limits,
    pattern::{PARTS_MAX, Part},
    route::Route,
    serve::{BearerAt, Parts},
};

/// A request and the route that it takes.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) call: &'a Call,
    pub(crate) route: &'static Route,
}

impl<'a> Visit<'a> {
    /// The segment that has this name in the route's path; `None` when the path has no such name.
    pub(crate) fn find(&self, name: &str) -> Option<&'a str> {
        self.route.pattern.position(name).map(|at| self.call.segment(at))
    }

    /// The same of a name that every route of the operation has.
    pub(crate) fn named(&self, name: &str) -> &'a str {
        self.find(name).unwrap_or_default()
    }

    /// Lets a back end of a hub pass that has a policy with `right`, or a role with `permission`, and says who it is.
    /// Errors: `Unauthorized`.
    pub(crate) fn admit_to_hub(&self, hub: &Hub, right: Right, permission: Permission) -> Result<Actor, HubError> {
        if let Some(token) = self.call.bearer_token() {
            return self.judge_hub_bearer(hub, token, permission);
        }
        let mut path = [Segment::AnyCase(""); PARTS_MAX];
        let path = self.signed_path(&mut path, Segment::Exact);
        hub.authorize(self.call.authorization().unwrap_or_default(), path, right)
            .map(|grant| Actor::Policy(grant.key_name))
    }

    /// The same, and lets the device in the path pass as well. Errors: as of a device's login.
    pub(crate) async fn admit_to_modules(
        &self,
        hub: &Hub,
        right: Right,
        permission: Permission,
    ) -> Result<(), HubError> {
        if let Some(token) = self.call.bearer_token() {
            return self.judge_hub_bearer(hub, token, permission).map(drop);
        }
        let mut path = [Segment::AnyCase(""); PARTS_MAX];
        let path = self.signed_path(&mut path, Segment::Exact);
        hub.authorize_modules(self.evidence(), self.named("device"), path, right).await
    }

    /// Lets a back end of DPS pass that has a policy with `right`, or a role with `permission`. Errors: `Unauthorized`.
    pub(crate) fn admit_to_dps(&self, dps: &Instance, right: Right, permission: Permission) -> Result<(), DpsError> {
        if let Some(token) = self.call.bearer_token() {
            return Ok(self.parts.bearers.judge(token, BearerAt::Dps(dps.scope()), permission).map(drop)?);
        }
        let mut path = [Segment::AnyCase(""); PARTS_MAX];
        let path = self.signed_path(&mut path, Segment::AnyCase);
        dps.authorize(self.call.authorization().unwrap_or_default(), path, right).map(|_| ())
    }

    fn judge_hub_bearer(&self, hub: &Hub, token: &str, permission: Permission) -> Result<Actor, HubError> {
        let at = BearerAt::Hub(hub.resource().key);
        self.parts.bearers.judge(token, at, permission).map(Actor::Principal).map_err(HubError::Unauthorized)
    }

    /// Resolves when the bearer token that was shown does not open this any more: it expired, or its principal was disabled, signed
    /// out or lost its role. A signature is judged when a stream begins.
    pub(crate) fn until_revoked(&self, hub: &Hub, permission: Permission) -> impl Future<Output = ()> + Send + use<> {
        let token = self.call.bearer_token().map(Secret::new);
        let (bearers, at) = (self.parts.bearers.clone(), BearerAt::Hub(hub.resource().key));
        async move {
            let Some(token) = token else { return std::future::pending().await };
            loop {
                tokio::time::sleep(limits::BEARER_RECHECK).await;
                if let Err(refused) = bearers.judge(token.expose(), at, permission) {
                    tracing::info!(%refused, "a stream of events was ended");
                    return;
                }
            }
        }
    }

    /// What a token must be for, below the host: words as the table writes them, ids as the client does.
    fn signed_path<'p>(
        &self,
        path: &'p mut [Segment<'a>; PARTS_MAX],
        id: impl Fn(&'a str) -> Segment<'a>,
    ) -> &'p [Segment<'a>] {
        let parts = self.route.pattern.parts().iter().zip(&self.call.segments).take(self.route.signed_parts);
        let mut len = 0;
        for (at, (part, segment)) in path.iter_mut().zip(parts) {
            *at = match part {
                Part::Word(word) => Segment::AnyCase(word),
                Part::Name(_) | Part::Rest => id(segment),
            };
            len += 1;
        }
        path.get(..len).unwrap_or_default()
    }

    fn evidence(&self) -> Evidence<'a> {
        Evidence { token: self.call.authorization(), chain: &self.call.caller.certificates }
    }

    /// The hub for the device, or the module, in the path.
    pub(crate) fn device_door(&self, hub: &'a Hub) -> DeviceDoor<'a> {
        let (device_id, module_id) = (self.named("device"), self.find("module"));
        DeviceDoor { hub, login: Login { device_id, module_id, evidence: self.evidence() } }
    }

    /// DPS for the registration in the path.
    pub(crate) fn registrant_door(&self) -> RegistrantDoor<'a> {
        let (scope, registration) = (self.named("scope"), self.named("registration"));
        RegistrantDoor { parts: self.parts, scope, registration, evidence: self.evidence(), origin: self.call.origin() }
    }
}

/// Whether who asks for a file shows a bearer token, and may by it. What else opens a file the hub judges. Errors: `Refused`.
pub(crate) fn admit_to_files(parts: &Parts, call: &Call, hub: &Hub, permission: Permission) -> Result<bool, FileError> {
    let Some(token) = call.bearer_token() else { return Ok(false) };
    let judged = parts.bearers.judge(token, BearerAt::Hub(hub.resource().key), permission);
    judged.map(|_| true).map_err(|refused| FileError::Refused(HubError::Unauthorized(refused)))
}

/// A hub as a device or module has it: nothing goes without its login, which the hub judges each time.
pub(crate) struct DeviceDoor<'a> {
    hub: &'a Hub,
    login: Login<'a>,
}

impl DeviceDoor<'_> {
    /// Who says to be there; nothing of it is proven.
    pub(crate) fn device_id(&self) -> &str {
        self.login.device_id
    }

    pub(crate) fn takes_faults(&self) -> bool {
        self.hub.takes_faults()
    }

    pub(crate) async fn send(self, messages: &[(Properties, Vec<u8>)]) -> Result<(), HubError> {
        self.hub.send_once(self.login, messages).await
    }

    pub(crate) async fn inject(self, fault: Fault) -> Result<(), HubError> {
        self.hub.inject_once(self.login, fault).await
    }

    pub(crate) async fn receive_message(self) -> Result<Option<(LockToken, CloudMessage)>, HubError> {
        self.hub.receive_message(self.login).await
    }

    pub(crate) async fn settle_message(self, token: LockToken, settlement: Settlement) -> Result<(), HubError> {
        self.hub.settle_message(self.login, token, settlement).await
    }

    pub(crate) async fn start_upload(self, name: &str) -> Result<UploadGrant, HubError> {
        self.hub.start_upload(self.login, name).await
    }

    pub(crate) async fn finish_upload(
        self,
        correlation_id: &str,
        succeeded: bool,
        blob_uri: impl Fn(&str) -> String,
    ) -> Result<(), HubError> {
        self.hub.finish_upload(self.login, correlation_id, succeeded, blob_uri).await
    }
}

/// DPS as the device of a registration has it: nothing goes without its evidence, which DPS judges each time.
pub(crate) struct RegistrantDoor<'a> {
    parts: &'a Parts,
    scope: &'a str,
    registration: &'a str,
    evidence: Evidence<'a>,
    origin: Origin,
}

impl RegistrantDoor<'_> {
    pub(crate) async fn register(self, request: RegistrationRequest) -> Result<OperationStatus, DpsError> {
        self.open()?.register(&self.evidence, request).await
    }

    pub(crate) async fn operation_status(self, operation_id: &str) -> Result<OperationStatus, DpsError> {
        self.open()?.operation_status(&self.evidence, operation_id).await
    }

    pub(crate) async fn registration_status(self) -> Result<RegistrationState, DpsError> {
        self.open()?.registration_status(&self.evidence).await
    }

    fn open(&self) -> Result<DpsSession, DpsError> {
        let instance = self.parts.dps.find(self.scope)?;
        let id = RegistrationId::parse(self.registration)
            .map_err(|error| DpsError::Invalid { member: "registrationId", fault: error.to_string() })?;
        Ok(instance.session(id).seen_from(self.origin))
    }
}
