//! `POST /devices`: many identities in one request. Source: reference of the hub's service API, 1.5

use std::sync::Arc;

use hyper::StatusCode;
use roadstead_hub::{
    Hub, HubError, IdentitySpec, IfMatch, ModuleSpec, RegistryChange, ScopeSpec, TwinChange, When, check_bulk,
};
use roadstead_model::{Actor, DeviceStatus, Etag, IdentityId};
use roadstead_wire::hub_service::{BulkResult, ImportMode, OperationError, RegistryOperation};
use serde_json::value::RawValue;

use crate::{
    call::Call,
    op::{hub_devices::auth_spec, hub_refusal, hub_twins::section},
    refusal::hub_code,
    reply::Reply,
    serve::Parts,
};

/// 200 when all went well, else 400 with what did not.
pub(crate) async fn change(parts: &Parts, hub: &Arc<Hub>, call: &Call, actor: &Actor) -> Reply {
    match change_all(hub, call, actor).await {
        Ok(result) => {
            let status = if result.is_successful { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            Reply { status, ..Reply::ok(&result) }
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// Who an operation is about, for the answer.
struct Named {
    device: String,
    module: Option<String>,
    mode: ImportMode,
}

async fn change_all(hub: &Arc<Hub>, call: &Call, actor: &Actor) -> Result<BulkResult, HubError> {
    let unread = |error: serde_json::Error| HubError::Invalid(format!("the body: {error}"));
    // Counted before they are read: each that is badly named is answered with more bytes than it has.
    let entries: Vec<&RawValue> = serde_json::from_slice(&call.body).map_err(unread)?;
    check_bulk(entries.len())?;
    let operations = entries.into_iter().map(|entry| serde_json::from_str(entry.get()));
    let operations: Vec<RegistryOperation> = operations.collect::<Result<_, _>>().map_err(unread)?;
    let (mut changes, mut named, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for operation in operations {
        let mode = operation.import_mode.map_or(ImportMode::CreateOrUpdate, |mode| mode.0);
        let name = Named { device: operation.id.clone(), module: operation.module_id.clone(), mode };
        match read(operation, mode, actor) {
            Ok(change) => {
                changes.push(change);
                named.push(name);
            }
            Err(refused) => errors.push(worded(&name, &refused)),
        }
    }
    let results = hub.change_identities(changes).await?;
    let failed = named.iter().zip(&results).filter_map(|(name, result)| Some(worded(name, result.as_ref().err()?)));
    errors.extend(failed);
    Ok(BulkResult::new(errors))
}

fn worded(name: &Named, refused: &HubError) -> OperationError {
    if let HubError::Internal(cause) | HubError::Full(cause) = refused {
        tracing::error!(%cause, device = name.device, "a change of a bulk request failed: {refused}");
    }
    let error = OperationError::new(&name.device, hub_code(refused), refused.to_string(), name.mode);
    OperationError { module_id: name.module.clone(), ..error }
}

fn read(operation: RegistryOperation, mode: ImportMode, actor: &Actor) -> Result<RegistryChange, HubError> {
    let id = IdentityId::parse(&operation.id, operation.module_id.as_deref())?;
    let properties = operation.properties.unwrap_or_default();
    let twin = TwinChange {
        tags: operation.tags.map_or_else(Default::default, roadstead_hub::SectionChange::Write),
        desired: section(properties.desired),
        reported: section(properties.reported),
        by: Some(actor.clone()),
    };
    let (etag, twin_etag) = (condition(operation.etag.as_deref()), condition(operation.twin_etag.as_deref()));
    let needed = |etag: Option<IfMatch>, member: &str| {
        etag.ok_or_else(|| HubError::Invalid(format!("this importMode needs the {member} of each identity")))
    };
    let when = match mode {
        ImportMode::Delete => return Ok(RegistryChange::Delete(id, IfMatch::Any)),
        ImportMode::DeleteIfMatchEtag => return Ok(RegistryChange::Delete(id, needed(etag, "eTag")?)),
        ImportMode::UpdateTwin => return Ok(RegistryChange::PutTwin(id, twin, IfMatch::Any)),
        ImportMode::UpdateTwinIfMatchEtag => {
            return Ok(RegistryChange::PutTwin(id, twin, needed(twin_etag, "twinETag")?));
        }
        ImportMode::Create => When::Absent,
        ImportMode::CreateOrUpdate => When::Either(IfMatch::Any),
        ImportMode::CreateOrUpdateIfMatchEtag => etag.map_or(When::Absent, When::Either),
        ImportMode::Update => When::Present(IfMatch::Any),
        ImportMode::UpdateIfMatchEtag => When::Present(needed(etag, "eTag")?),
    };
    let auth = auth_spec(operation.authentication.unwrap_or_default());
    let IdentityId { device, module } = id;
    if let Some(id) = module {
        return Ok(RegistryChange::PutModule(ModuleSpec { device, id, auth, managed_by: None }, when, twin));
    }
    let spec = IdentitySpec {
        id: device,
        status: operation.status.map_or(DeviceStatus::Enabled, |status| status.0),
        status_reason: operation.status_reason,
        auth,
        iot_edge: operation.capabilities.map(|capabilities| capabilities.iot_edge),
        scopes: ScopeSpec { scope: operation.device_scope, parents: operation.parent_scopes },
    };
    Ok(RegistryChange::PutDevice(spec, when, twin))
}

fn condition(etag: Option<&str>) -> Option<IfMatch> {
    let etag = Etag::from_client(etag?);
    match etag.as_str() {
        "" => None,
        "*" => Some(IfMatch::Any),
        _ => Some(IfMatch::Etag(etag)),
    }
}
