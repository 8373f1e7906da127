//! The device registry of a hub. Source: reference of the hub's service API, 1.4 and 1.6.

use hyper::StatusCode;
use roadstead_hub::{AuthSpec, Hub, HubError, IdentityRecord, IdentitySpec, IfMatch, ScopeSpec};
use roadstead_model::{DeviceId, DeviceStatus, Etag};
use roadstead_wire::{
    HubCode,
    hub_service::{self as wire, Activity, AuthenticationType, Statistics},
    object_body,
};

use crate::{
    call::Call,
    limits,
    op::{hub_code, hub_refusal},
    reply::Reply,
    serve::Parts,
};

/// `GET /devices/{id}`
pub(crate) async fn show(parts: &Parts, hub: &Hub, call: &Call, id: &str) -> Reply {
    let found = async {
        let id = read_id(parts, call, id)?;
        hub.read_identity(&id.into()).await.map_err(|refused| Box::new(hub_refusal(parts, call, &refused)))
    };
    found.await.map_or_else(|refusal: Box<Reply>| *refusal, |found| shown(&found))
}

/// `PUT /devices/{id}`: creates without `If-Match`, changes with it.
pub(crate) async fn put(parts: &Parts, hub: &Hub, call: &Call, id: &str) -> Reply {
    let put = async {
        let id = read_id(parts, call, id)?;
        let refuse = |refused: HubError| Box::new(hub_refusal(parts, call, &refused));
        let spec = read_spec(call, id).map_err(|why| refuse(HubError::Invalid(why)))?;
        let written = match if_match(call) {
            None => hub.create_device(spec).await,
            Some(condition) => hub.update_device(spec, condition).await,
        };
        let device = written.map_err(refuse)?;
        hub.find_identity(&device.id.into()).await.map_err(refuse)
    };
    put.await.map_or_else(|refusal: Box<Reply>| *refusal, |written| shown(&written))
}

/// `DELETE /devices/{id}`
pub(crate) async fn delete(parts: &Parts, hub: &Hub, call: &Call, id: &str) -> Reply {
    let deleted = async {
        let id = read_id(parts, call, id)?;
        let condition = if_match(call).unwrap_or(IfMatch::Any);
        hub.delete_device(&id, condition).await.map_err(|refused| Box::new(hub_refusal(parts, call, &refused)))
    };
    deleted.await.map_or_else(|refusal: Box<Reply>| *refusal, |()| Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /devices?top=N`: identities with their keys, in the order of their ids.
pub(crate) async fn list(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let top = call.argument("top").map(str::parse::<usize>);
    let limit = match top {
        None => limits::PAGE_ITEMS_MAX,
        Some(Ok(top)) => top.clamp(1, limits::PAGE_ITEMS_MAX),
        Some(Err(_)) => return hub_code(parts, call, HubCode::ArgumentInvalid, "`top` must be a number of devices"),
    };
    match hub.list_identities(None, limit).await {
        Ok(page) => {
            let devices: Vec<_> = page.items.iter().map(worded).collect();
            Reply::ok(&devices)
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /statistics/devices`
pub(crate) async fn statistics(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    match hub.count_devices().await {
        Ok(counts) => {
            let body = Statistics {
                total_device_count: counts.total,
                enabled_device_count: counts.enabled,
                disabled_device_count: counts.disabled,
            };
            Reply::ok(&body)
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// `GET /statistics/service`
pub(crate) fn connected(hub: &Hub) -> Reply {
    Reply::ok(&serde_json::json!({ "connectedDeviceCount": hub.connected_count() }))
}

fn shown(found: &IdentityRecord) -> Reply {
    Reply::ok(&worded(found)).header("etag", &format!("\"{}\"", found.device.etag))
}

fn worded(found: &IdentityRecord) -> wire::Device {
    wire::Device::of(&found.device, &activity(found))
}

/// What the hub knows of an identity's connection.
pub(crate) fn activity(found: &IdentityRecord) -> Activity {
    Activity::of(&found.presence, found.queued)
}

fn read_id(parts: &Parts, call: &Call, id: &str) -> Result<DeviceId, Box<Reply>> {
    DeviceId::parse(id).map_err(|error| Box::new(hub_refusal(parts, call, &error.into())))
}

/// The condition of a write; clients send `"*"` with quotes, `*`, `"etag"` and bare etags.
pub(crate) fn if_match(call: &Call) -> Option<IfMatch> {
    let etag = Etag::from_client(call.header("if-match")?);
    Some(if etag.as_str() == "*" { IfMatch::Any } else { IfMatch::Etag(etag) })
}

fn read_spec(call: &Call, id: DeviceId) -> Result<IdentitySpec, String> {
    let body: wire::Device = object_body::parse(&call.body).map_err(|error| format!("the body: {error}"))?;
    if body.device_id != id.as_str() {
        return Err(format!("the body names device `{}`, the path `{id}`", body.device_id));
    }
    Ok(IdentitySpec {
        id,
        status: body.status.map_or(DeviceStatus::Enabled, |status| status.0),
        status_reason: body.status_reason,
        auth: auth_spec(body.authentication.unwrap_or_default()),
        iot_edge: body.capabilities.map(|capabilities| capabilities.iot_edge),
        scopes: ScopeSpec { scope: body.device_scope, parents: body.parent_scopes },
    })
}

/// Without a type, thumbprints make it `selfSigned`, anything else `sas`.
pub(super) fn auth_spec(authentication: wire::Authentication) -> AuthSpec {
    let wire::Authentication { symmetric_key, x509_thumbprint, kind } = authentication;
    let thumbprints = x509_thumbprint.unwrap_or_default();
    let named = thumbprints.primary_thumbprint.is_some() || thumbprints.secondary_thumbprint.is_some();
    let implied = if named { AuthenticationType::SelfSigned } else { AuthenticationType::Sas };
    match kind.map_or(implied, |kind| kind.0) {
        AuthenticationType::Sas => {
            let key = symmetric_key.unwrap_or_default();
            AuthSpec::Sas { primary: key.primary_key, secondary: key.secondary_key }
        }
        AuthenticationType::SelfSigned => AuthSpec::Thumbprints {
            primary: thumbprints.primary_thumbprint,
            secondary: thumbprints.secondary_thumbprint,
        },
        AuthenticationType::CertificateAuthority => AuthSpec::CertificateAuthority,
        AuthenticationType::None => AuthSpec::None,
    }
}
