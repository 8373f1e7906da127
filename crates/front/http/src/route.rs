//! All that can be asked for, and what somebody needs to be allowed to ask. A request that is not here is not answered.
//!
//! Which operations there are of a kind says what that kind needs: [`Does`] has no place for an operation without its check, and
//! `dispatch` makes the check before it calls the operation.

use hyper::Method;
use roadstead_auth::Permission;
use roadstead_model::Right;

use crate::pattern::Pattern;

/// Which API a route belongs to, which decides how a refusal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Of the process, for operators.
    Operations,
    /// Of a hub, for devices and back ends: the host names the hub.
    Hub,
    /// Of DPS, for devices: the ID scope in the path names the instance.
    DpsDevice,
    /// Of DPS, for back ends: the host names the instance.
    DpsService,
    /// Of a hub's files, as Azure Storage's clients speak.
    Files,
}

/// A request that is answered, by its method and path.
#[derive(Debug)]
pub(crate) struct Route {
    method: Method,
    /// Names in braces: `/devices/{device}/files/{*name}`.
    path: &'static str,
    pub(crate) pattern: Pattern,
    /// Of files, the argument `comp` of the query.
    comp: Option<&'static str>,
    /// How many of the path's segments a token must be for.
    pub(crate) signed_parts: usize,
    face: Face,
    pub(crate) does: Does,
}

/// What a route does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Answers anybody.
    Open(OpenOp),
    /// Answers the device, or the module, in the path.
    Device(DeviceOp),
    /// Answers back ends of a hub.
    Hub(HubOp, Right, Permission),
    /// Answers back ends of a hub, and the device in the path for its own modules.
    Modules(ModuleOp, Right, Permission),
    /// Answers who has the credentials of the enrollment in the path.
    Registrant(RegistrantOp),
    /// Answers back ends of DPS.
    Dps(DpsOp, Right, Permission),
    /// Takes a file of whom an upload was granted to.
    Put(PutOp),
    /// Gives a file to whom an upload was granted to, or to a back end.
    Fetch(FetchOp, Right, Permission),
    /// Removes a file for a back end.
    RemoveFile(Right, Permission),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum OpenOp {
    Health,
    Ready,
    Metrics,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum DeviceOp {
    Send,
    ReceiveMessage,
    EndMessage,
    AbandonMessage,
    StartUpload,
    StartNamedUpload,
    FinishUpload,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum HubOp {
    SendMessage,
    PurgeMessages,
    ReceiveFeedback,
    CompleteFeedback,
    AbandonFeedback,
    FollowEvents,
    PageEvents,
    Query,
    CountDevices,
    ListHappenings,
    ListRefusals,
    ListServiceRefusals,
    ListUploads,
    CountConnected,
    ShowConsumers,
    ChangeIdentities,
    RenewKeys,
    ListDevices,
    ShowDevice,
    PutDevice,
    DeleteDevice,
    InvokeMethod,
    ReadTwin,
    ListTwinVersions,
    PatchTwin,
    ReplaceTwin,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ModuleOp {
    List,
    Show,
    Put,
    Delete,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum RegistrantOp {
    Register,
    OperationStatus,
    RegistrationStatus,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum DpsOp {
    ChangeEnrollments,
    QueryEnrollments,
    ShowEnrollment,
    PutEnrollment,
    DeleteEnrollment,
    ShowAttestation,
    ChangeGroups,
    QueryGroups,
    ShowGroup,
    PutGroup,
    DeleteGroup,
    ShowGroupAttestation,
    ShowRegistration,
    DeleteRegistration,
    QueryRegistrations,
    ListHappenings,
    ListRefusals,
    ListServiceRefusals,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum PutOp {
    Whole,
    Block,
    BlockList,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum FetchOp {
    Content,
    Head,
    BlockList,
}

impl Does {
    const fn face(self) -> Face {
        match self {
            Self::Open(_) => Face::Operations,
            Self::Device(_) | Self::Hub(..) | Self::Modules(..) => Face::Hub,
            Self::Registrant(_) => Face::DpsDevice,
            Self::Dps(..) => Face::DpsService,
            Self::Put(_) | Self::Fetch(..) | Self::RemoveFile(..) => Face::Files,
        }
    }

    fn needs(self) -> Needs {
        match self {
            Self::Open(_) => Needs::Nothing,
            Self::Device(_) => Needs::Device,
            Self::Hub(_, right, permission) | Self::Dps(_, right, permission) | Self::RemoveFile(right, permission) => {
                Needs::Right(right, permission)
            }
            Self::Modules(_, right, permission) => Needs::RightOrDevice(right, permission),
            Self::Registrant(_) => Needs::Registrant,
            Self::Put(_) => Needs::UploadSignature,
            Self::Fetch(_, right, permission) => Needs::UploadSignatureOrRight(right, permission),
        }
    }
}

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// A policy's right, and what a role must allow for the same. Policies tell less apart than roles: with `ServiceConnect` one may
/// read twins and call methods, with `EnrollmentRead` see enrollments and their keys.
/// Source: docs, "Control access to IoT Hub by using Microsoft Entra ID", and the same of DPS (permissions of each API)
type Access = (Right, Permission);

const REGISTRY_READ: Access = (Right::RegistryRead, Permission::ReadHubData);
const REGISTRY_WRITE: Access = (Right::RegistryWrite, Permission::WriteHubData);
const SERVICE_READ: Access = (Right::ServiceConnect, Permission::ReadHubData);
/// Also what takes away what it reads.
const SERVICE_WRITE: Access = (Right::ServiceConnect, Permission::WriteHubData);
const ENROLLMENT_READ: Access = (Right::EnrollmentRead, Permission::ReadDpsData);
const ENROLLMENT_KEYS: Access = (Right::EnrollmentRead, Permission::WriteDpsData);
const ENROLLMENT_WRITE: Access = (Right::EnrollmentWrite, Permission::WriteDpsData);
const REGISTRATION_READ: Access = (Right::RegistrationStatusRead, Permission::ReadDpsData);
const REGISTRATION_WRITE: Access = (Right::RegistrationStatusWrite, Permission::WriteDpsData);

const fn route(method: Method, path: &'static str, does: Does) -> Route {
    let pattern = Pattern::parse(path);
    Route { method, path, pattern, comp: None, signed_parts: pattern.len(), face: does.face(), does }
}

const fn open(method: Method, path: &'static str, op: OpenOp) -> Route {
    route(method, path, Does::Open(op))
}

const fn device(method: Method, path: &'static str, op: DeviceOp) -> Route {
    route(method, path, Does::Device(op))
}

const fn hub(method: Method, path: &'static str, op: HubOp, (right, permission): Access) -> Route {
    route(method, path, Does::Hub(op, right, permission))
}

const fn modules(method: Method, path: &'static str, op: ModuleOp, (right, permission): Access) -> Route {
    route(method, path, Does::Modules(op, right, permission))
}

const fn registrant(method: Method, path: &'static str, op: RegistrantOp) -> Route {
    route(method, path, Does::Registrant(op))
}

const fn dps(method: Method, path: &'static str, op: DpsOp, (right, permission): Access) -> Route {
    route(method, path, Does::Dps(op, right, permission))
}

const fn fetch(op: FetchOp) -> Does {
    Does::Fetch(op, SERVICE_READ.0, SERVICE_READ.1)
}

const fn file(method: Method, comp: Option<&'static str>, does: Does) -> Route {
    let mut route = route(method, "/uploads/{device}/{*name}", does);
    route.comp = comp;
    route
}

impl Route {
    /// A token need not be for all of the path, but for its first segments.
    const fn signed_up_to(mut self, signed_parts: usize) -> Self {
        self.signed_parts = signed_parts;
        self
    }
}

/// Devices' requests come first, as they are looked for from the start.
///
/// Source: `reference/hub-device.md` 2, `reference/hub-service.md` 1, `reference/dps.md` 1.1 and 4.2; docs, "Blob service REST API"
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    device(POST, "/devices/{device}/messages/events", DeviceOp::Send),
    device(POST, "/devices/{device}/modules/{module}/messages/events", DeviceOp::Send),
    device(GET, "/devices/{device}/messages/devicebound", DeviceOp::ReceiveMessage),
    device(DELETE, "/devices/{device}/messages/devicebound/{lock}", DeviceOp::EndMessage),
    device(POST, "/devices/{device}/messages/devicebound/{lock}/abandon", DeviceOp::AbandonMessage),
    device(POST, "/devices/{device}/files", DeviceOp::StartUpload),
    device(GET, "/devices/{device}/files/{*name}", DeviceOp::StartNamedUpload),
    device(POST, "/devices/{device}/files/notifications", DeviceOp::FinishUpload),
    device(POST, "/devices/{device}/files/notifications/{correlation}", DeviceOp::FinishUpload),

    registrant(PUT, "/{scope}/registrations/{registration}/register", RegistrantOp::Register),
    registrant(GET, "/{scope}/registrations/{registration}/operations/{operation}", RegistrantOp::OperationStatus),
    registrant(POST, "/{scope}/registrations/{registration}", RegistrantOp::RegistrationStatus),

    hub(POST, "/messages/devicebound", HubOp::SendMessage, SERVICE_WRITE),
    hub(DELETE, "/devices/{device}/commands", HubOp::PurgeMessages, SERVICE_WRITE),
    hub(GET, "/messages/servicebound/feedback", HubOp::ReceiveFeedback, SERVICE_WRITE),
    hub(DELETE, "/messages/servicebound/feedback/{lock}", HubOp::CompleteFeedback, SERVICE_WRITE).signed_up_to(3),
    hub(POST, "/messages/servicebound/feedback/{lock}/abandon", HubOp::AbandonFeedback, SERVICE_WRITE).signed_up_to(3),
    hub(GET, "/messages/events", HubOp::FollowEvents, SERVICE_READ),
    hub(GET, "/messages/events/log", HubOp::PageEvents, SERVICE_READ),

    hub(POST, "/devices/query", HubOp::Query, SERVICE_READ),
    hub(GET, "/statistics/devices", HubOp::CountDevices, REGISTRY_READ),
    hub(GET, "/statistics/service", HubOp::CountConnected, SERVICE_READ),
    hub(GET, "/statistics/consumers", HubOp::ShowConsumers, SERVICE_READ),
    hub(GET, "/devices", HubOp::ListDevices, REGISTRY_READ),
    hub(POST, "/devices", HubOp::ChangeIdentities, REGISTRY_WRITE),
    hub(POST, "/devices/keys/regenerate", HubOp::RenewKeys, REGISTRY_WRITE).signed_up_to(1),
    hub(GET, "/devices/{device}", HubOp::ShowDevice, REGISTRY_READ),
    hub(PUT, "/devices/{device}", HubOp::PutDevice, REGISTRY_WRITE),
    hub(DELETE, "/devices/{device}", HubOp::DeleteDevice, REGISTRY_WRITE),
    modules(GET, "/devices/{device}/modules", ModuleOp::List, REGISTRY_READ),
    modules(GET, "/devices/{device}/modules/{module}", ModuleOp::Show, REGISTRY_READ),
    modules(PUT, "/devices/{device}/modules/{module}", ModuleOp::Put, REGISTRY_WRITE),
    modules(DELETE, "/devices/{device}/modules/{module}", ModuleOp::Delete, REGISTRY_WRITE),

    hub(POST, "/twins/{device}/methods", HubOp::InvokeMethod, SERVICE_WRITE),
    hub(POST, "/twins/{device}/modules/{module}/methods", HubOp::InvokeMethod, SERVICE_WRITE),
    hub(GET, "/twins/{device}", HubOp::ReadTwin, SERVICE_READ),
    hub(PATCH, "/twins/{device}", HubOp::PatchTwin, SERVICE_WRITE),
    hub(PUT, "/twins/{device}", HubOp::ReplaceTwin, SERVICE_WRITE),
    hub(GET, "/twins/{device}/modules/{module}", HubOp::ReadTwin, SERVICE_READ),
    hub(PATCH, "/twins/{device}/modules/{module}", HubOp::PatchTwin, SERVICE_WRITE),
    hub(PUT, "/twins/{device}/modules/{module}", HubOp::ReplaceTwin, SERVICE_WRITE),

    hub(GET, "/twins/{device}/history", HubOp::ListTwinVersions, SERVICE_READ),
    hub(GET, "/twins/{device}/modules/{module}/history", HubOp::ListTwinVersions, SERVICE_READ),
    hub(GET, "/devices/{device}/timeline", HubOp::ListHappenings, REGISTRY_READ),
    hub(GET, "/devices/{device}/modules/{module}/timeline", HubOp::ListHappenings, REGISTRY_READ),
    hub(GET, "/refusals/devices", HubOp::ListRefusals, REGISTRY_READ),
    hub(GET, "/refusals/services", HubOp::ListServiceRefusals, REGISTRY_READ),
    hub(GET, "/devices/{device}/uploads", HubOp::ListUploads, SERVICE_READ),

    dps(POST, "/enrollments", DpsOp::ChangeEnrollments, ENROLLMENT_WRITE),
    dps(POST, "/enrollments/query", DpsOp::QueryEnrollments, ENROLLMENT_READ),
    dps(GET, "/enrollments/{enrollment}", DpsOp::ShowEnrollment, ENROLLMENT_READ),
    dps(PUT, "/enrollments/{enrollment}", DpsOp::PutEnrollment, ENROLLMENT_WRITE),
    dps(DELETE, "/enrollments/{enrollment}", DpsOp::DeleteEnrollment, ENROLLMENT_WRITE),
    dps(POST, "/enrollments/{enrollment}/attestationmechanism", DpsOp::ShowAttestation, ENROLLMENT_KEYS),
    dps(POST, "/enrollmentGroups", DpsOp::ChangeGroups, ENROLLMENT_WRITE),
    dps(POST, "/enrollmentGroups/query", DpsOp::QueryGroups, ENROLLMENT_READ),
    dps(GET, "/enrollmentGroups/{group}", DpsOp::ShowGroup, ENROLLMENT_READ),
    dps(PUT, "/enrollmentGroups/{group}", DpsOp::PutGroup, ENROLLMENT_WRITE),
    dps(DELETE, "/enrollmentGroups/{group}", DpsOp::DeleteGroup, ENROLLMENT_WRITE),
    dps(POST, "/enrollmentGroups/{group}/attestationmechanism", DpsOp::ShowGroupAttestation, ENROLLMENT_KEYS),
    dps(GET, "/registrations/{registration}", DpsOp::ShowRegistration, REGISTRATION_READ),
    dps(DELETE, "/registrations/{registration}", DpsOp::DeleteRegistration, REGISTRATION_WRITE),
    dps(POST, "/registrations/{group}/query", DpsOp::QueryRegistrations, REGISTRATION_READ),
    dps(GET, "/registrations/{registration}/timeline", DpsOp::ListHappenings, REGISTRATION_READ),
    dps(GET, "/refusals/registrations", DpsOp::ListRefusals, REGISTRATION_READ),
    dps(GET, "/refusals/dpsServices", DpsOp::ListServiceRefusals, REGISTRATION_READ),

    file(PUT, None, Does::Put(PutOp::Whole)),
    file(PUT, Some("block"), Does::Put(PutOp::Block)),
    file(PUT, Some("blocklist"), Does::Put(PutOp::BlockList)),
    file(GET, None, fetch(FetchOp::Content)),
    file(HEAD, None, fetch(FetchOp::Head)),
    file(GET, Some("blocklist"), fetch(FetchOp::BlockList)),
    file(DELETE, None, Does::RemoveFile(SERVICE_WRITE.0, SERVICE_WRITE.1)),

    open(GET, "/healthz", OpenOp::Health),
    open(HEAD, "/healthz", OpenOp::Health),
    open(GET, "/readyz", OpenOp::Ready),
    open(HEAD, "/readyz", OpenOp::Ready),
    open(GET, "/metrics", OpenOp::Metrics),
    open(HEAD, "/metrics", OpenOp::Metrics),
];

/// The route of a request to a face.
pub(crate) fn find(face: Face, method: &Method, segments: &[String]) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.face == face && route.method == *method && route.pattern.matches(segments))
}

/// The route of a request for a file, whose path is known to be one. `comp`: the argument of that name.
pub(crate) fn find_file(method: &Method, comp: Option<&str>) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.face == Face::Files && route.method == *method && route.comp == comp)
}

/// What somebody needs for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: anybody is answered.
    Nothing,
    /// The credentials of the device, or the module, in the path, or a policy with `DeviceConnect`.
    Device,
    /// A policy with this right, or a role with this permission.
    Right(Right, Permission),
    /// The same, or the credentials of the device in the path.
    RightOrDevice(Right, Permission),
    /// The credentials of the enrollment of the registration in the path.
    Registrant,
    /// The signature of an upload of the file in the path.
    UploadSignature,
    /// The same, or a policy with this right, or a role with this permission.
    UploadSignatureOrRight(Right, Permission),
}

/// What a route is, for whoever wants to try them all.
#[derive(Debug, Clone, Copy)]
pub struct RouteInfo {
    /// `GET`
    pub method: &'static Method,
    /// Names in braces: `/devices/{device}/files/{*name}`, where the star is for more than one segment.
    pub path: &'static str,
    /// The argument `comp` of the query, where files are told apart by it: `block`
    pub comp: Option<&'static str>,
    pub face: Face,
    pub needs: Needs,
}

/// Every request that is answered, but for those that are handed on: [`crate::Management`], [`crate::WebSockets`].
pub fn routes() -> impl Iterator<Item = RouteInfo> {
    ROUTES.iter().map(|route| RouteInfo {
        method: &route.method,
        path: route.path,
        comp: route.comp,
        face: route.face,
        needs: route.does.needs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_hides_another() {
        for route in ROUTES {
            let filled: Vec<String> =
                route.path.split('/').skip(1).map(|part| part.replace(['{', '*', '}'], "")).collect();
            let found = match route.face {
                Face::Files => find_file(&route.method, route.comp),
                face => find(face, &route.method, &filled),
            };
            assert!(std::ptr::eq(found.unwrap(), route), "{route:?} is hidden by {found:?}");
        }
    }
}
