//! From a request to its operation: which face is spoken to, which route of it is taken, whether the caller may.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use roadstead_auth::Permission;
use roadstead_dps::{DpsError, Instance};
use roadstead_hub::{Hub, TwinWrite};
use roadstead_model::{Actor, IdScope};
use roadstead_wire::{HubCode, limits::DPS_MESSAGE_BYTES_MAX};

use crate::{
    call::{BodyFault, Call},
    gate::Visit,
    limits, noted,
    op::{
        self, device_files, device_messages, device_register, device_send, hub_bulk, hub_consumers, hub_devices,
        hub_event_log, hub_events, hub_messages, hub_methods, hub_modules, hub_query, hub_renewal, hub_twins,
        hub_uploads, journal, operations, service_bulk, service_enrollments, service_groups, service_registrations,
    },
    reply::{Body, Reply},
    route::{self, DeviceOp, Does, DpsOp, Face, HubOp, ModuleOp, RegistrantOp, Route},
    serve::Parts,
};

/// The way of a request, known before its body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// `None`: nobody is spoken to.
    face: Option<Face>,
    /// `None`: the face has no such route.
    route: Option<&'static Route>,
}

impl Way {
    pub(crate) fn of(call: &Call) -> Self {
        let face = face(&call.segments);
        Self { face, route: face.and_then(|face| route::find(face, &call.method, &call.segments)) }
    }

    /// How much of a body is read.
    pub(crate) fn body_bytes_max(self) -> usize {
        match (self.face, self.route.map(|route| route.does)) {
            (Some(Face::DpsDevice), _) => DPS_MESSAGE_BYTES_MAX,
            (_, Some(Does::Device(DeviceOp::Send))) => limits::DEVICE_BODY_BYTES_MAX,
            _ => limits::SERVICE_BODY_BYTES_MAX,
        }
    }

    /// Says why a body was not read, in the words of who is spoken to.
    pub(crate) fn refuse_body(self, parts: &Parts, call: &Call, fault: BodyFault) -> Reply {
        match (self.face, fault) {
            (Some(Face::Hub), BodyFault::TooLarge { .. }) => {
                noted::too_large(parts, call, &fault.to_string());
                op::hub_code(parts, call, HubCode::MessageTooLarge, &fault.to_string())
            }
            (Some(face @ (Face::DpsDevice | Face::DpsService)), BodyFault::TooLarge { .. }) => {
                let refused = DpsError::Invalid { member: "body", fault: fault.to_string() };
                if face == Face::DpsDevice {
                    noted::too_large_for_dps(parts, call, &refused);
                }
                op::dps_refusal(parts, call, &refused)
            }
            _ => Reply::fault(fault),
        }
    }

    /// Whether the answer is of use to nobody but the client: then it ends with the client's connection. Everything else is
    /// brought to its end.
    pub(crate) fn is_for_its_client(self) -> bool {
        matches!(self.route.map(|route| route.does), Some(Does::Hub(HubOp::InvokeMethod, ..)))
    }

    pub(crate) async fn answer(self, parts: &Parts, call: &Call) -> Response<Body> {
        let reply = match self.face {
            Some(Face::Hub) => match parts.hubs.by_host(&call.host) {
                Some(hub) => return self.answer_at_hub(parts, call, &hub).await,
                None => op::no_such_hub(parts, call),
            },
            Some(Face::DpsDevice) => {
                metrics::counter!("roadstead_dps_requests_total", "protocol" => "https").increment(1);
                self.answer_registrant(parts, call)
                    .await
                    .inspect_err(|refused| noted::refused_by_dps(parts, call, refused))
                    .unwrap_or_else(|refused| op::dps_refusal(parts, call, &refused))
            }
            Some(Face::DpsService) => match parts.dps.find_by_host(call.host_name()) {
                Some(dps) => self
                    .answer_at_dps(parts, call, &dps)
                    .await
                    .unwrap_or_else(|refused| op::dps_refusal(parts, call, &refused)),
                None => op::no_such_dps(parts, call),
            },
            Some(Face::Operations) => match self.route.map(|route| route.does) {
                Some(Does::Open(op)) => operations::answer(parts, op),
                _ => operations::no_such_method(),
            },
            // Files are answered as their bodies come, and do not get here.
            Some(Face::Files) | None => Reply::text(StatusCode::NOT_FOUND, "there is nothing at this path\n"),
        };
        reply.into_response()
    }

    async fn answer_at_hub(self, parts: &Parts, call: &Call, hub: &Arc<Hub>) -> Response<Body> {
        let Some(route) = self.route else { return op::not_implemented(parts, call).into_response() };
        let visit = Visit { parts, call, route };
        let refuse_service = |refused| {
            noted::refused_service(hub, call, &refused);
            op::hub_refusal(parts, call, &refused).into_response()
        };
        match route.does {
            Does::Device(op) => device_op(op, visit, hub).await.into_response(),
            Does::Hub(op, right, permission) => match visit.admit_to_hub(hub, right, permission) {
                Ok(actor) => hub_op(op, permission, visit, hub, actor).await,
                Err(refused) => refuse_service(refused),
            },
            Does::Modules(op, right, permission) => match visit.admit_to_modules(hub, right, permission).await {
                Ok(()) => module_op(op, visit, hub).await.into_response(),
                Err(refused) => refuse_service(refused),
            },
            _ => op::not_implemented(parts, call).into_response(),
        }
    }

    async fn answer_registrant(self, parts: &Parts, call: &Call) -> Result<Reply, DpsError> {
        match self.route {
            Some(route @ Route { does: Does::Registrant(op), .. }) => {
                let visit = Visit { parts, call, route };
                let door = visit.registrant_door();
                match op {
                    RegistrantOp::Register => device_register::register(call, door).await,
                    RegistrantOp::OperationStatus => {
                        device_register::operation_status(call, door, visit.named("operation")).await
                    }
                    RegistrantOp::RegistrationStatus => device_register::registration_status(call, door).await,
                }
            }
            _ => Ok(op::dps_no_route(parts, call)),
        }
    }

    async fn answer_at_dps(self, parts: &Parts, call: &Call, dps: &Arc<Instance>) -> Result<Reply, DpsError> {
        match self.route {
            Some(route @ Route { does: Does::Dps(op, right, permission), .. }) => {
                let visit = Visit { parts, call, route };
                visit
                    .admit_to_dps(dps, *right, *permission)
                    .inspect_err(|refused| noted::refused_service_of_dps(dps, call, refused))?;
                dps_op(*op, visit, dps).await
            }
            _ => Ok(op::dps_no_route(parts, call)),
        }
    }
}

async fn device_op(op: DeviceOp, visit: Visit<'_>, hub: &Hub) -> Reply {
    let Visit { parts, call, .. } = visit;
    let door = visit.device_door(hub);
    match op {
        DeviceOp::Send => device_send::send(parts, call, door).await,
        DeviceOp::ReceiveMessage => device_messages::receive(parts, call, door).await,
        DeviceOp::EndMessage => device_messages::end(parts, call, door, visit.named("lock")).await,
        DeviceOp::AbandonMessage => device_messages::abandon(parts, call, door, visit.named("lock")).await,
        DeviceOp::StartUpload => device_files::start(parts, call, door).await,
        DeviceOp::StartNamedUpload => device_files::start_named(parts, call, door).await,
        DeviceOp::FinishUpload => device_files::finish(parts, call, door, visit.find("correlation")).await,
    }
}

async fn hub_op(op: HubOp, permission: Permission, visit: Visit<'_>, hub: &Arc<Hub>, actor: Actor) -> Response<Body> {
    let Visit { parts, call, .. } = visit;
    let (device, module) = (visit.named("device"), visit.find("module"));
    let twin = async |write| hub_twins::answer(parts, hub, call, device, module, write).await;
    let write = |write| Some((write, actor.clone()));
    let reply = match op {
        HubOp::FollowEvents => return hub_events::follow(parts, hub, call, visit.until_revoked(hub, permission)).await,
        HubOp::SendMessage => hub_messages::send(parts, hub, call).await,
        HubOp::PurgeMessages => hub_messages::purge(parts, hub, call, device).await,
        HubOp::ReceiveFeedback => hub_messages::receive_feedback(parts, hub, call).await,
        HubOp::CompleteFeedback => hub_messages::complete_feedback(parts, hub, call, visit.named("lock")).await,
        HubOp::AbandonFeedback => hub_messages::abandon_feedback(parts, hub, call, visit.named("lock")).await,
        HubOp::Query => hub_query::query(parts, hub, call).await,
        HubOp::CountDevices => hub_devices::statistics(parts, hub, call).await,
        HubOp::ListHappenings => journal::of_device(parts, hub, call, device, module).await,
        HubOp::ListRefusals => journal::of_devices(parts, hub, call).await,
        HubOp::ListServiceRefusals => journal::of_hub_services(parts, hub, call).await,
        HubOp::ListUploads => hub_uploads::list(parts, hub, call, device).await,
        HubOp::CountConnected => hub_devices::connected(hub),
        HubOp::ShowConsumers => hub_consumers::show(parts, hub, call).await,
        HubOp::PageEvents => hub_event_log::show(parts, hub, call).await,
        HubOp::ChangeIdentities => hub_bulk::change(parts, hub, call, &actor).await,
        HubOp::RenewKeys => hub_renewal::renew(parts, hub, call).await,
        HubOp::ListDevices => hub_devices::list(parts, hub, call).await,
        HubOp::ShowDevice => hub_devices::show(parts, hub, call, device).await,
        HubOp::PutDevice => hub_devices::put(parts, hub, call, device).await,
        HubOp::DeleteDevice => hub_devices::delete(parts, hub, call, device).await,
        HubOp::InvokeMethod => hub_methods::invoke(parts, hub, call, device, module).await,
        HubOp::ReadTwin => twin(None).await,
        HubOp::ListTwinVersions => hub_twins::history(parts, hub, call, device, module).await,
        HubOp::PatchTwin => twin(write(TwinWrite::Patch)).await,
        HubOp::ReplaceTwin => twin(write(TwinWrite::Replace)).await,
    };
    reply.into_response()
}

async fn module_op(op: ModuleOp, visit: Visit<'_>, hub: &Hub) -> Reply {
    let Visit { parts, call, .. } = visit;
    let (device, module) = (visit.named("device"), visit.named("module"));
    match op {
        ModuleOp::List => hub_modules::list(parts, hub, call, device).await,
        ModuleOp::Show => hub_modules::show(parts, hub, call, device, module).await,
        ModuleOp::Put => hub_modules::put(parts, hub, call, device, module).await,
        ModuleOp::Delete => hub_modules::delete(parts, hub, call, device, module).await,
    }
}

async fn dps_op(op: DpsOp, visit: Visit<'_>, dps: &Instance) -> Result<Reply, DpsError> {
    let Visit { call, .. } = visit;
    let (enrollment, group) = (visit.named("enrollment"), visit.named("group"));
    let registration = visit.named("registration");
    match op {
        DpsOp::ChangeEnrollments => service_bulk::enrollments(dps, call).await,
        DpsOp::QueryEnrollments => service_enrollments::query(dps, call).await,
        DpsOp::ShowEnrollment => service_enrollments::show(dps, enrollment).await,
        DpsOp::PutEnrollment => service_enrollments::put(dps, call, enrollment).await,
        DpsOp::DeleteEnrollment => service_enrollments::delete(dps, call, enrollment).await,
        DpsOp::ShowAttestation => service_enrollments::attestation(dps, enrollment).await,
        DpsOp::ChangeGroups => service_bulk::groups(dps, call).await,
        DpsOp::QueryGroups => service_groups::query(dps, call).await,
        DpsOp::ShowGroup => service_groups::show(dps, group).await,
        DpsOp::PutGroup => service_groups::put(dps, call, group).await,
        DpsOp::DeleteGroup => service_groups::delete(dps, call, group).await,
        DpsOp::ShowGroupAttestation => service_groups::attestation(dps, group).await,
        DpsOp::ShowRegistration => service_registrations::show(dps, registration).await,
        DpsOp::DeleteRegistration => service_registrations::delete(dps, call, registration).await,
        DpsOp::QueryRegistrations => service_registrations::query(dps, call, group).await,
        DpsOp::ListHappenings => journal::of_registration(dps, call, registration).await,
        DpsOp::ListRefusals => journal::of_registrations(dps, call).await,
        DpsOp::ListServiceRefusals => journal::of_dps_services(dps, call).await,
    }
}

fn face(segments: &[String]) -> Option<Face> {
    let is_one_of = |at: usize, words: &[&str]| {
        segments.get(at).is_some_and(|segment| words.iter().any(|word| word.eq_ignore_ascii_case(segment)))
    };
    let is_refusals = |of| is_one_of(0, &["refusals"]) && is_one_of(1, &[of]);
    if is_one_of(0, &HUB_WORDS) || is_refusals("devices") || is_refusals("services") {
        Some(Face::Hub)
    } else if is_one_of(0, &DPS_WORDS) || is_refusals("registrations") || is_refusals("dpsservices") {
        Some(Face::DpsService)
    } else if segments.len() == 1 && is_one_of(0, &OPERATIONS_WORDS) {
        Some(Face::Operations)
    } else if is_one_of(1, &["registrations"]) || IdScope::parse(segments.first()?).is_ok() {
        Some(Face::DpsDevice)
    } else {
        None
    }
}

/// What paths of a hub begin with, also those that are not served.
const HUB_WORDS: [&str; 7] = ["devices", "twins", "messages", "statistics", "jobs", "configurations", "digitaltwins"];
const DPS_WORDS: [&str; 3] = ["enrollments", "enrollmentgroups", "registrations"];
const OPERATIONS_WORDS: [&str; 3] = ["healthz", "readyz", "metrics"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_hubs_and_dps_do_not_clash() {
        for (path, expected) in [
            ("healthz", Some(Face::Operations)),
            ("healthz/registrations/a", Some(Face::DpsDevice)),
            ("devices/registrations/messages/events", Some(Face::Hub)),
            ("twins/0ne00abc123", Some(Face::Hub)),
            ("Devices", Some(Face::Hub)),
            ("registrations/dev-01", Some(Face::DpsService)),
            ("refusals/devices", Some(Face::Hub)),
            ("refusals/services", Some(Face::Hub)),
            ("refusals/dpsServices", Some(Face::DpsService)),
            ("Refusals/Registrations", Some(Face::DpsService)),
            ("refusals", None),
            ("enrollments/registrations", Some(Face::DpsService)),
            ("enrollmentGroups/a/attestationmechanism", Some(Face::DpsService)),
            ("0ne00abc123/registrations/dev-01/register", Some(Face::DpsDevice)),
            ("nonsense/Registrations/dev-01", Some(Face::DpsDevice)),
            ("0NE00abc123/devices/dev-01/certificates/issue", Some(Face::DpsDevice)),
            ("0ne00abc123", Some(Face::DpsDevice)),
            ("portal/index.html", None),
            ("", None),
        ] {
            let segments: Vec<String> = path.split('/').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            assert_eq!(face(&segments), expected, "{path}");
        }
    }

    #[test]
    fn every_route_is_of_the_face_that_its_path_leads_to() {
        for route in route::routes().filter(|route| route.face != Face::Files) {
            let segments: Vec<String> = route.path.split('/').skip(1).map(str::to_owned).collect();
            assert_eq!(face(&segments), Some(route.face), "{route:?}");
        }
    }
}
