//! Which operation a request is. Fixed segments are compared without case, ids with it.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use roadstead_dps::{DpsError, Instance};
use roadstead_hub::Hub;
use roadstead_model::IdScope;
use roadstead_wire::{HubCode, limits::DPS_MESSAGE_BYTES_MAX};

use crate::{
    call::{BodyFault, Call},
    limits,
    op::{
        self, device_files, device_messages, device_register, device_send, hub_bulk, hub_devices, hub_events,
        hub_messages, hub_methods, hub_modules, hub_query, hub_renewal, hub_twins, operations, service_bulk,
        service_enrollments, service_groups, service_registrations,
    },
    reply::{Body, Reply},
    serve::Parts,
};

/// Who is spoken to, which decides how a refusal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Operations,
    Hub,
    /// DPS, by devices: the ID scope in the path names the instance.
    DpsDevice,
    /// DPS, by back ends: the host names the instance.
    DpsService,
    Nobody,
}

/// The way of a request, known before its body is read.
#[derive(Debug)]
pub(crate) struct Route {
    /// The segments in lower case.
    words: Vec<String>,
    face: Face,
}

impl Route {
    pub(crate) fn of(call: &Call) -> Self {
        let words: Vec<String> = call.segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let face = face(&words.iter().map(String::as_str).collect::<Vec<_>>());
        Self { words, face }
    }

    /// How much of a body is read.
    pub(crate) fn body_bytes_max(&self) -> usize {
        match (self.face, self.words.as_slice()) {
            (Face::DpsDevice, _) => DPS_MESSAGE_BYTES_MAX,
            (Face::Hub, [.., above, last]) if above == "messages" && last == "events" => limits::DEVICE_BODY_BYTES_MAX,
            _ => limits::SERVICE_BODY_BYTES_MAX,
        }
    }

    /// Says why a body was not read, in the words of who is spoken to.
    pub(crate) fn refuse_body(&self, parts: &Parts, call: &Call, fault: BodyFault) -> Reply {
        match (self.face, fault) {
            (Face::Hub, BodyFault::TooLarge { .. }) => {
                op::hub_code(parts, call, HubCode::MessageTooLarge, &fault.to_string())
            }
            (Face::DpsDevice | Face::DpsService, BodyFault::TooLarge { .. }) => {
                op::dps_refusal(parts, call, &DpsError::Invalid { member: "body", fault: fault.to_string() })
            }
            _ => Reply::fault(fault),
        }
    }

    /// Whether the answer is of use to nobody but the client: then it ends with the client's connection. Everything else is
    /// brought to its end.
    pub(crate) fn is_for_its_client(&self) -> bool {
        matches!(self.words.as_slice(), [first, .., last] if first == "twins" && last == "methods")
    }

    pub(crate) async fn answer(&self, parts: &Parts, call: &Call) -> Response<Body> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let reply = match self.face {
            Face::Operations => operations::answer(parts, call, &words),
            Face::Hub => match parts.hubs.by_host(&call.host) {
                Some(hub) if words == ["messages", "events"] && call.method == Method::GET => {
                    return hub_events::follow(parts, &hub, call).await;
                }
                Some(hub) => hub_route(parts, &hub, call, &words).await,
                None => op::no_such_hub(parts, call),
            },
            Face::DpsDevice => {
                metrics::counter!("roadstead_dps_requests_total", "protocol" => "https").increment(1);
                dps_device_route(parts, call, &words)
                    .await
                    .unwrap_or_else(|refused| op::dps_refusal(parts, call, &refused))
            }
            Face::DpsService => match parts.dps.find_by_host(call.host_name()) {
                Some(dps) => dps_service_route(parts, &dps, call, &words)
                    .await
                    .unwrap_or_else(|refused| op::dps_refusal(parts, call, &refused)),
                None => op::no_such_dps(parts, call),
            },
            Face::Nobody => Reply::text(StatusCode::NOT_FOUND, "there is nothing at this path\n"),
        };
        reply.into_response()
    }
}

fn face(words: &[&str]) -> Face {
    match words {
        ["healthz" | "readyz" | "metrics"] => Face::Operations,
        ["devices" | "twins" | "messages" | "statistics" | "jobs" | "configurations" | "digitaltwins", ..] => Face::Hub,
        ["enrollments" | "enrollmentgroups" | "registrations", ..] => Face::DpsService,
        [_, "registrations", ..] => Face::DpsDevice,
        [scope, ..] if IdScope::parse(scope).is_ok() => Face::DpsDevice,
        _ => Face::Nobody,
    }
}

async fn hub_route(parts: &Parts, hub: &Arc<Hub>, call: &Call, words: &[&str]) -> Reply {
    let id = call.segment(1);
    match (&call.method, words) {
        (&Method::POST, ["devices", _, "messages", "events"]) => device_send::send(parts, hub, call, id, None).await,
        (&Method::POST, ["devices", _, "modules", _, "messages", "events"]) => {
            device_send::send(parts, hub, call, id, Some(call.segment(3))).await
        }
        (&Method::GET, ["devices", _, "messages", "devicebound"]) => {
            device_messages::receive(parts, hub, call, id).await
        }
        (&Method::DELETE, ["devices", _, "messages", "devicebound", _]) => {
            device_messages::end(parts, hub, call, id, call.segment(4)).await
        }
        (&Method::POST, ["devices", _, "messages", "devicebound", _, "abandon"]) => {
            device_messages::abandon(parts, hub, call, id, call.segment(4)).await
        }
        (&Method::POST, ["messages", "devicebound"]) => hub_messages::send(parts, hub, call).await,
        (&Method::DELETE, ["devices", _, "commands"]) => hub_messages::purge(parts, hub, call, id).await,
        (&Method::GET, ["messages", "servicebound", "feedback"]) => {
            hub_messages::receive_feedback(parts, hub, call).await
        }
        (&Method::DELETE, ["messages", "servicebound", "feedback", _]) => {
            hub_messages::complete_feedback(parts, hub, call, call.segment(3)).await
        }
        (&Method::POST, ["messages", "servicebound", "feedback", _, "abandon"]) => {
            hub_messages::abandon_feedback(parts, hub, call, call.segment(3)).await
        }
        (&Method::POST, ["devices", _, "files"]) => device_files::start(parts, hub, call, id).await,
        (&Method::POST, ["devices", _, "files", "notifications"]) => {
            device_files::finish(parts, hub, call, id, None).await
        }
        (&Method::POST, ["devices", _, "files", "notifications", _]) => {
            device_files::finish(parts, hub, call, id, Some(call.segment(4))).await
        }
        (&Method::GET, ["devices", _, "files", _, ..]) => device_files::start_named(parts, hub, call, id).await,
        (&Method::POST, ["devices", "query"]) => hub_query::query(parts, hub, call).await,
        (&Method::GET, ["statistics", "devices"]) => hub_devices::statistics(parts, hub, call).await,
        (&Method::GET, ["statistics", "service"]) => hub_devices::connected(parts, hub, call),
        (&Method::POST, ["devices"]) => hub_bulk::change(parts, hub, call).await,
        (&Method::POST, ["devices", "keys", "regenerate"]) => hub_renewal::renew(parts, hub, call).await,
        (&Method::GET, ["devices"]) => hub_devices::list(parts, hub, call).await,
        (&Method::GET, ["devices", _]) => hub_devices::show(parts, hub, call, id).await,
        (&Method::PUT, ["devices", _]) => hub_devices::put(parts, hub, call, id).await,
        (&Method::DELETE, ["devices", _]) => hub_devices::delete(parts, hub, call, id).await,
        (&Method::POST, ["twins", _, "methods"]) => hub_methods::invoke(parts, hub, call, id, None).await,
        (&Method::POST, ["twins", _, "modules", _, "methods"]) => {
            hub_methods::invoke(parts, hub, call, id, Some(call.segment(3))).await
        }
        (&Method::GET | &Method::PATCH | &Method::PUT, ["twins", _]) => {
            hub_twins::answer(parts, hub, call, id, None).await
        }
        (&Method::GET | &Method::PATCH | &Method::PUT, ["twins", _, "modules", _]) => {
            hub_twins::answer(parts, hub, call, id, Some(call.segment(3))).await
        }
        (&Method::GET, ["devices", _, "modules"]) => hub_modules::list(parts, hub, call, id).await,
        (&Method::GET, ["devices", _, "modules", _]) => hub_modules::show(parts, hub, call, id, call.segment(3)).await,
        (&Method::PUT, ["devices", _, "modules", _]) => hub_modules::put(parts, hub, call, id, call.segment(3)).await,
        (&Method::DELETE, ["devices", _, "modules", _]) => {
            hub_modules::delete(parts, hub, call, id, call.segment(3)).await
        }
        _ => op::not_implemented(parts, call),
    }
}

/// Source: `reference/dps.md` 1.1
async fn dps_device_route(parts: &Parts, call: &Call, words: &[&str]) -> Result<Reply, DpsError> {
    let (scope, id) = (call.segment(0), call.segment(2));
    match (&call.method, words) {
        (&Method::PUT, [_, "registrations", _, "register"]) => device_register::register(parts, call, scope, id).await,
        (&Method::GET, [_, "registrations", _, "operations", _]) => {
            device_register::operation_status(parts, call, scope, id, call.segment(4)).await
        }
        (&Method::POST, [_, "registrations", _]) => device_register::registration_status(parts, call, scope, id).await,
        _ => Ok(op::dps_no_route(parts, call)),
    }
}

/// Source: `reference/dps.md` 4.2
async fn dps_service_route(parts: &Parts, dps: &Arc<Instance>, call: &Call, words: &[&str]) -> Result<Reply, DpsError> {
    let id = call.segment(1);
    match (&call.method, words) {
        (&Method::POST, ["enrollments"]) => service_bulk::enrollments(parts, dps, call).await,
        (&Method::POST, ["enrollments", "query"]) => service_enrollments::query(parts, dps, call).await,
        (&Method::GET, ["enrollments", _]) => service_enrollments::show(parts, dps, call, id).await,
        (&Method::PUT, ["enrollments", _]) => service_enrollments::put(parts, dps, call, id).await,
        (&Method::DELETE, ["enrollments", _]) => service_enrollments::delete(parts, dps, call, id).await,
        (&Method::POST, ["enrollments", _, "attestationmechanism"]) => {
            service_enrollments::attestation(parts, dps, call, id).await
        }
        (&Method::POST, ["enrollmentgroups"]) => service_bulk::groups(parts, dps, call).await,
        (&Method::POST, ["enrollmentgroups", "query"]) => service_groups::query(parts, dps, call).await,
        (&Method::GET, ["enrollmentgroups", _]) => service_groups::show(parts, dps, call, id).await,
        (&Method::PUT, ["enrollmentgroups", _]) => service_groups::put(parts, dps, call, id).await,
        (&Method::DELETE, ["enrollmentgroups", _]) => service_groups::delete(parts, dps, call, id).await,
        (&Method::POST, ["enrollmentgroups", _, "attestationmechanism"]) => {
            service_groups::attestation(parts, dps, call, id).await
        }
        (&Method::GET, ["registrations", _]) => service_registrations::show(parts, dps, call, id).await,
        (&Method::DELETE, ["registrations", _]) => service_registrations::delete(parts, dps, call, id).await,
        (&Method::POST, ["registrations", _, "query"]) => service_registrations::query(parts, dps, call, id).await,
        _ => Ok(op::dps_no_route(parts, call)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_hubs_and_dps_do_not_clash() {
        for (path, expected) in [
            ("healthz", Face::Operations),
            ("devices/registrations/messages/events", Face::Hub),
            ("twins/0ne00abc123", Face::Hub),
            ("registrations/dev-01", Face::DpsService),
            ("enrollments/registrations", Face::DpsService),
            ("enrollmentgroups/a/attestationmechanism", Face::DpsService),
            ("0ne00abc123/registrations/dev-01/register", Face::DpsDevice),
            ("nonsense/registrations/dev-01", Face::DpsDevice),
            ("0ne00abc123/devices/dev-01/certificates/issue", Face::DpsDevice),
            ("0ne00abc123", Face::DpsDevice),
            ("portal/index.html", Face::Nobody),
            ("", Face::Nobody),
        ] {
            let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
            assert_eq!(face(&words), expected, "{path}");
        }
    }
}
