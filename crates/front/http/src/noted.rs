//! What of a request the journal is told: of devices' whatever is refused, of back ends' who is not let in.

use hyper::{Method, StatusCode};
use roadstead_dps::{DpsError, Instance};
use roadstead_hub::{Hub, HubError};
use roadstead_journal::Refused;
use roadstead_model::{DeviceProtocol, JournalOwner, Origin, RefusalCause};
use roadstead_wire::HubCode;

use crate::{
    call::{Call, Caller, host_name},
    op::blob,
    refusal::hub_code,
    serve::Parts,
};

impl Call {
    pub(crate) fn origin(&self) -> Origin {
        Origin { protocol: DeviceProtocol::Https, address: Some(self.caller.address.ip()) }
    }

    /// Whose request it is, by its path: `None` when it is a back end's.
    fn device(&self) -> Option<String> {
        let words: Vec<String> = self.segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["devices", _, "messages" | "files", ..] => Some(self.segment(1).to_owned()),
            ["devices", _, "modules", _, "messages", ..] => Some(format!("{}/{}", self.segment(1), self.segment(3))),
            _ => None,
        }
    }
}

/// A refusal of a hub, if it is one of a device.
pub(crate) fn refused(parts: &Parts, call: &Call, code: HubCode, refused: &HubError, message: &str) {
    note(parts, call, code, refused.cause(), message);
}

/// A back end that a hub did not let in.
pub(crate) fn refused_service(hub: &Hub, call: &Call, refused: &HubError) {
    let token = call.authorization().unwrap_or_default();
    hub.note_service_refused(token, call.origin(), refused, &hub_code(refused).number().to_string());
}

/// A back end that DPS did not let in.
pub(crate) fn refused_service_of_dps(dps: &Instance, call: &Call, refused: &DpsError) {
    dps.note_service_refused(call.authorization().unwrap_or_default(), call.origin(), &call.host, refused);
}

/// A host name that is no hub's, if a device named it.
pub(crate) fn no_such_hub(parts: &Parts, call: &Call, message: &str) {
    note(parts, call, HubCode::IotHubNotFound, RefusalCause::UnknownHost, message);
}

/// A body of which not even all was read, if a device sent it.
pub(crate) fn too_large(parts: &Parts, call: &Call, message: &str) {
    note(parts, call, HubCode::MessageTooLarge, RefusalCause::TooLarge, message);
}

/// A file that a device was not let put: none but devices put files.
pub(crate) fn refused_file(parts: &Parts, call: &Call, device: &str, refused: &blob::Refused) {
    if call.method == Method::PUT {
        let code = format!("{} {}", refused.code.http_status(), refused.code.name());
        note_of(parts, call, device, (refused.cause, code), &refused.message);
    }
}

fn note(parts: &Parts, call: &Call, code: HubCode, cause: RefusalCause, message: &str) {
    if let Some(id) = call.device() {
        note_of(parts, call, &id, (cause, code.number().to_string()), message);
    }
}

fn note_of(parts: &Parts, call: &Call, id: &str, (cause, code): (RefusalCause, String), message: &str) {
    let owner = parts.hubs.by_host(&call.host).map_or(JournalOwner::NoHub, |hub| hub.journal_owner());
    parts.journal.refused(Refused {
        owner,
        id,
        origin: call.origin(),
        target: &call.host,
        cause,
        code,
        message: message.to_owned(),
    });
}

/// A body of which not even all was read, of a device of DPS.
pub(crate) fn too_large_for_dps(parts: &Parts, call: &Call, refused: &DpsError) {
    let scope = call.segment(0);
    parts.journal.refused(Refused {
        owner: parts.dps.find(scope).map_or(JournalOwner::NoDps, |instance| instance.journal_owner()),
        id: call.segment(2),
        origin: call.origin(),
        target: scope,
        cause: RefusalCause::TooLarge,
        code: refused.code().to_string(),
        message: refused.to_string(),
    });
}

/// A refusal of DPS to a device.
pub(crate) fn refused_by_dps(parts: &Parts, call: &Call, refused: &DpsError) {
    parts.dps.note_refused(call.segment(0), call.segment(2), call.origin(), refused);
}

/// A WebSocket that was not opened, at the host of a hub, of DPS, or of neither: inside it the client would have said who it is.
pub(crate) fn refused_upgrade(parts: &Parts, host: &str, caller: &Caller, status: StatusCode, message: &str) {
    let dps = || parts.dps.find_by_host(host_name(host)).map(|instance| instance.journal_owner());
    let owner = parts.hubs.by_host(host).map(|hub| hub.journal_owner()).or_else(dps);
    parts.journal.refused(Refused {
        owner: owner.unwrap_or(JournalOwner::NoHub),
        id: "",
        origin: Origin { protocol: DeviceProtocol::Https, address: Some(caller.address.ip()) },
        target: host,
        cause: RefusalCause::BadRequest,
        code: status.as_u16().to_string(),
        message: message.to_owned(),
    });
}
