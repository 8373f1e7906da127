//! `roadstead import hub`

use super::comparison::{Known, differences};
use super::identity::Identity;
use super::report::{Outcome, Report};
use super::{REQUESTS_MAX, lines, read, state};
use crate::args::Global;
use crate::args::transfer::ImportHub;
use crate::failure::Failure;
use crate::iot::lookup::hub_service;
use crate::iot::scope::{edge_scope, put_behind};
use crate::note::note;
use crate::output::Printed;
use crate::progress;
use indicatif::ProgressBar;
use roadstead_service::limits::BULK_IDENTITIES_MAX;
use roadstead_service::{HubService, ServiceError};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const KINDS: [&str; 2] = ["devices", "modules"];

pub async fn run(args: &ImportHub, global: &Global) -> Result<Printed, Failure> {
    let mut report = Report::new(args.dry_run, &KINDS);
    let text = read(&args.file)?;
    let identities = match serde_json::from_str(&text) {
        Ok(document) if state::is_state(&document) => state::read(&document, &mut report),
        _ => lines::read(&text, &mut report),
    };
    if identities.is_empty() && report.left_out() == 0 {
        return Err(Failure::error(format!("{} holds no devices", args.file.display()))
            .hint("`az iot hub state export` writes such a file, and so do export jobs and `roadstead export hub`"));
    }
    let hub = hub_service(&args.hub, global).await?;
    let bar = progress::bar(identities.len() as u64, "devices and modules", global);
    let (devices, modules): (Vec<_>, Vec<_>) = identities.into_iter().partition(|identity| identity.module.is_none());
    let mut import = Import { hub, report, is_dry: args.dry_run, bar };
    for some in devices.chunks(BULK_IDENTITIES_MAX) {
        import.take(KINDS[0], some).await?;
    }
    if !import.is_dry {
        import.join_families(&devices).await?;
    }
    for some in modules.chunks(BULK_IDENTITIES_MAX) {
        import.take(KINDS[1], some).await?;
    }
    import.bar.finish_and_clear();
    if import.report.left_out() > 0 {
        note(
            global,
            &format!("warning: {} things were not taken; `notTaken` says which and why", import.report.left_out()),
        );
    }
    Ok(Value::from(import.report).into())
}

/// An import under way.
struct Import {
    hub: HubService,
    report: Report,
    is_dry: bool,
    bar: ProgressBar,
}

impl Import {
    /// Makes some devices or modules be as the file says: at most as many as one bulk request may have.
    async fn take(&mut self, kind: &'static str, wanted: &[Identity]) -> Result<(), Failure> {
        let known = find_all(&self.hub, wanted).await?;
        let (mut operations, mut written) = (Vec::new(), Vec::new());
        for (identity, known) in wanted.iter().zip(&known) {
            let outcome = match known {
                Err(why) => Outcome::NotTaken(why.clone()),
                Ok(None) if identity.is_runtime_module() => {
                    Outcome::NotTaken("it comes with its edge device, and that is not here".to_owned())
                }
                Ok(None) => Outcome::Created,
                Ok(Some(known)) => match differences(identity, known) {
                    parts if parts.is_empty() => Outcome::Same,
                    parts => Outcome::Updated(parts),
                },
            };
            if !self.is_dry && matches!(outcome, Outcome::Created | Outcome::Updated(_)) {
                operations.push(operation(identity, known.as_ref().ok().and_then(Option::as_ref)));
                written.push((identity, outcome));
            } else {
                self.report.add(kind, &identity.shown(), outcome);
            }
        }
        self.write(kind, &operations, written).await?;
        self.bar.inc(wanted.len() as u64);
        Ok(())
    }

    async fn write(
        &mut self,
        kind: &'static str,
        operations: &[Value],
        written: Vec<(&Identity, Outcome)>,
    ) -> Result<(), Failure> {
        if operations.is_empty() {
            return Ok(());
        }
        let result = self.hub.change_identities(&operations).await?;
        let failed: HashMap<(String, Option<String>), String> = result
            .errors
            .into_iter()
            .map(|error| ((error.device_id, error.module_id), format!("{} ({})", error.error_status, error.error_code)))
            .collect();
        for (identity, outcome) in written {
            let why = failed.get(&(identity.device.clone(), identity.module.clone())).cloned();
            let why = match why {
                None => self.name_manager(identity).await?,
                why => why,
            };
            self.report.add(kind, &identity.shown(), why.map_or(outcome, Outcome::NotTaken));
        }
        Ok(())
    }

    /// Bulk requests have no word for who manages a module. Why it could not be said, if it could not.
    async fn name_manager(&self, identity: &Identity) -> Result<Option<String>, Failure> {
        let (Some(module), Some(manager)) = (&identity.module, &identity.managed_by) else { return Ok(None) };
        if identity.is_runtime_module() {
            return Ok(None);
        }
        let body = json!({"deviceId": identity.device, "moduleId": module, "managedBy": manager, "authentication": identity.authentication});
        match self.hub.put_module::<Value>(&identity.device, module, &body, Some("*")).await {
            Ok(_) => Ok(None),
            Err(ServiceError::Refused(refusal)) => Ok(Some(refusal.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts devices behind their edge devices, whose scopes have another number here.
    async fn join_families(&mut self, devices: &[Identity]) -> Result<(), Failure> {
        let mut scopes: HashMap<&str, Result<String, String>> = HashMap::new();
        for device in devices {
            let Some(parent) = device.parent.as_deref() else { continue };
            if !scopes.contains_key(parent) {
                let found: Option<Value> = self.hub.find_device(parent).await?;
                let scope = found.map_or_else(
                    || Err(format!("its parent `{parent}` is not here")),
                    |found| edge_scope(&found).map_err(|failure| failure.to_string()),
                );
                scopes.insert(parent, scope);
            }
            let joined = match scopes.get(parent) {
                Some(Ok(scope)) => self.join(&device.device, scope).await?,
                Some(Err(why)) => Some(why.clone()),
                None => None,
            };
            if let Some(why) = joined {
                self.report.leave_out(&format!("the parent of device `{}`", device.device), &why);
            }
        }
        Ok(())
    }

    async fn join(&self, device: &str, scope: &str) -> Result<Option<String>, Failure> {
        let Some(child) = self.hub.find_device::<Value>(device).await? else { return Ok(None) };
        if child.pointer("/parentScopes/0").and_then(Value::as_str) == Some(scope) {
            return Ok(None);
        }
        match put_behind(&self.hub, child, Some(scope)).await {
            Ok(()) => Ok(None),
            Err(ServiceError::Refused(refusal)) => Ok(Some(refusal.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the hub has of one, or why it does not say: a name that it does not take.
type Found = Result<Option<Known>, String>;

/// What the hub has of each, in their order.
async fn find_all(hub: &HubService, wanted: &[Identity]) -> Result<Vec<Found>, Failure> {
    let places = Arc::new(Semaphore::new(REQUESTS_MAX));
    let mut running = JoinSet::new();
    for (at, identity) in wanted.iter().enumerate() {
        let (hub, places) = (hub.clone(), places.clone());
        let (device, module) = (identity.device.clone(), identity.module.clone());
        running.spawn(async move {
            let _place = places.acquire().await;
            (at, find_one(&hub, &device, module.as_deref()).await)
        });
    }
    let mut found: Vec<Found> = wanted.iter().map(|_| Ok(None)).collect();
    while let Some(finished) = running.join_next().await {
        let (at, known) = finished.map_err(|error| Failure::error(format!("a request was cut short: {error}")))?;
        let Some(slot) = found.get_mut(at) else { continue };
        *slot = match known {
            Ok(known) => Ok(known),
            Err(ServiceError::Refused(refusal)) if refusal.status == 400 => Err(refusal.to_string()),
            Err(error) => return Err(error.into()),
        };
    }
    Ok(found)
}

async fn find_one(hub: &HubService, device: &str, module: Option<&str>) -> Result<Option<Known>, ServiceError> {
    let document: Option<Value> = match module {
        None => hub.find_device(device).await?,
        Some(module) => hub.find_module(device, module).await?,
    };
    let Some(document) = document else { return Ok(None) };
    Ok(hub.find_twin(device, module).await?.map(|twin| Known { document, twin }))
}

/// One entry of a bulk request. What the file does not say of a device that is here stays as it is.
fn operation(identity: &Identity, known: Option<&Known>) -> Value {
    let mode = match known {
        _ if identity.is_runtime_module() => "updateTwin",
        None => "create",
        Some(_) => "update",
    };
    let mut entry = Map::new();
    entry.insert("id".to_owned(), identity.device.as_str().into());
    entry.extend(identity.module.iter().map(|module| ("moduleId".to_owned(), module.as_str().into())));
    entry.insert("importMode".to_owned(), mode.into());
    if identity.module.is_none() {
        let kept = |member: &str| known.and_then(|known| known.document.get(member)).cloned().unwrap_or_default();
        let status = identity.status.as_deref().map_or_else(|| kept("status"), Value::from);
        let reason = identity.status_reason.as_deref().map_or_else(|| kept("statusReason"), Value::from);
        entry.insert("status".to_owned(), if status.is_null() { "enabled".into() } else { status });
        entry.insert("statusReason".to_owned(), reason);
        entry.extend(identity.iot_edge.map(|is_edge| ("capabilities".to_owned(), json!({ "iotEdge": is_edge }))));
    }
    if !identity.authentication.is_null() {
        entry.insert("authentication".to_owned(), identity.authentication.clone());
    }
    entry.extend(identity.tags.clone().map(|tags| ("tags".to_owned(), tags.into())));
    let mut properties = Map::new();
    properties.extend(identity.desired.clone().map(|desired| ("desired".to_owned(), desired.into())));
    properties.extend(identity.reported.clone().map(|reported| ("reported".to_owned(), reported.into())));
    entry.insert("properties".to_owned(), properties.into());
    entry.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_does_not_say_stays() {
        let known = Known { document: json!({"status": "disabled", "statusReason": "stolen"}), twin: json!({}) };
        let device =
            Identity { device: "d".to_owned(), authentication: json!({"type": "none"}), ..Identity::default() };
        assert_eq!(
            operation(&device, Some(&known)),
            json!({"id": "d", "importMode": "update", "status": "disabled", "statusReason": "stolen",
                "authentication": {"type": "none"}, "properties": {}})
        );
        let full = Identity {
            status: Some("enabled".to_owned()),
            iot_edge: Some(true),
            tags: Some(Map::new()),
            desired: Some(Map::new()),
            reported: Some(Map::new()),
            ..device.clone()
        };
        assert_eq!(
            operation(&full, None),
            json!({"id": "d", "importMode": "create", "status": "enabled", "statusReason": null, "capabilities": {"iotEdge": true},
                "authentication": {"type": "none"}, "tags": {}, "properties": {"desired": {}, "reported": {}}})
        );
        let agent = Identity {
            module: Some("$edgeAgent".to_owned()),
            authentication: Value::Null,
            desired: Some(Map::new()),
            ..device
        };
        assert_eq!(
            operation(&agent, Some(&known)),
            json!({"id": "d", "moduleId": "$edgeAgent", "importMode": "updateTwin", "properties": {"desired": {}}})
        );
    }
}
