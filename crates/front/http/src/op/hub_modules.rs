//! The modules of a device, managed by back ends or by the device itself.
//! Source: reference of the hub's service API, 1.4; of the device side, 4.1

use hyper::StatusCode;
use roadstead_hub::{Beginning, Hub, HubError, IdentityRecord, IfMatch, ModuleSpec};
use roadstead_model::{DeviceId, IdentityId, ModuleId};
use roadstead_wire::{hub_service as wire, object_body};

use crate::{
    call::Call,
    op::{
        hub_devices::{activity, auth_spec, if_match},
        hub_refusal,
    },
    reply::Reply,
    serve::Parts,
};

/// `GET /devices/{id}/modules`
pub(crate) async fn list(parts: &Parts, hub: &Hub, call: &Call, device: &str) -> Reply {
    let listed = async { hub.list_module_identities(&DeviceId::parse(device)?).await };
    answer(parts, call, listed.await, |modules| Reply::ok(&modules.iter().filter_map(worded).collect::<Vec<_>>()))
}

/// `GET /devices/{id}/modules/{mid}`
pub(crate) async fn show(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: &str) -> Reply {
    let found = async { hub.read_identity(&IdentityId::parse(device, Some(module))?).await };
    answer(parts, call, found.await, |found| shown(&found))
}

/// `PUT /devices/{id}/modules/{mid}`: creates without `If-Match`, changes with it.
pub(crate) async fn put(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: &str) -> Reply {
    let put = async {
        let spec = read_spec(call, DeviceId::parse(device)?, ModuleId::parse(module)?)?;
        let written = match if_match(call) {
            None => hub.create_module(spec, Beginning::default()).await?,
            Some(condition) => hub.update_module(spec, condition).await?,
        };
        hub.find_identity(&written.identity()).await
    };
    answer(parts, call, put.await, |written| shown(&written))
}

/// `DELETE /devices/{id}/modules/{mid}`
pub(crate) async fn delete(parts: &Parts, hub: &Hub, call: &Call, device: &str, module: &str) -> Reply {
    let deleted = async {
        let (device, module) = (DeviceId::parse(device)?, ModuleId::parse(module)?);
        hub.delete_module(&device, &module, if_match(call).unwrap_or(IfMatch::Any)).await
    };
    answer(parts, call, deleted.await, |()| Reply::empty(StatusCode::NO_CONTENT))
}

fn answer<T>(parts: &Parts, call: &Call, result: Result<T, HubError>, word: impl FnOnce(T) -> Reply) -> Reply {
    match result {
        Ok(found) => word(found),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

fn shown(found: &IdentityRecord) -> Reply {
    let reply = Reply::ok(&worded(found));
    match &found.module {
        Some(module) => reply.header("etag", &format!("\"{}\"", module.etag)),
        None => reply,
    }
}

fn worded(found: &IdentityRecord) -> Option<wire::Module> {
    found.module.as_ref().map(|module| wire::Module::of(module, &activity(found)))
}

fn read_spec(call: &Call, device: DeviceId, id: ModuleId) -> Result<ModuleSpec, HubError> {
    let invalid = |text: String| HubError::Invalid(text);
    let body: wire::Module = object_body::parse(&call.body).map_err(|error| invalid(format!("the body: {error}")))?;
    if body.device_id != device.as_str() || body.module_id != id.as_str() {
        let (named, module) = (body.device_id, body.module_id);
        return Err(invalid(format!("the body names module `{named}/{module}`, the path `{device}/{id}`")));
    }
    let auth = auth_spec(body.authentication.unwrap_or_default());
    Ok(ModuleSpec { device, id, auth, managed_by: body.managed_by })
}
