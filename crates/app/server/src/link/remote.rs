//! Links to hubs of other servers, Roadstead's or Azure's, through the service API that any back end uses.

mod faults;
mod gate;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use roadstead_dps::{DeviceSpec, Ensure, HubAddress, HubLink, LinkError, TwinSnapshot};
use roadstead_model::{Clock, DeviceAuth, DeviceId, DeviceStatus, InitialTwin, Thumbprint};
use roadstead_sas::ConnectionString;
use roadstead_service::{HubService, Policy, Reach, ServiceError, Transport, Trust};
use roadstead_wire::{
    Word,
    hub_service::{
        Authentication, AuthenticationType, Capabilities, Device, ImportMode, RegistryOperation, SectionChange,
        Statistics, Twin, WholeProperties,
    },
};
use serde_json::{Map, Value, json};

use crate::limits;
use faults::Fault;
use gate::{Gates, Passage};

/// What the service API listens on where a connection string names no port.
const HTTPS_PORT: u16 = 443;

/// Links to hubs that are not of this process. A slow hub takes up only what is set apart for it, and a call that takes too
/// long is given up: whatever of it was done does no harm when it is done again.
pub struct RemoteLink {
    transport: Transport,
    gates: Gates,
}

impl RemoteLink {
    /// Trusts what the machine trusts, and the certificates of these files. Errors: files that cannot be read.
    pub fn new(ca_files: &[PathBuf], clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let trust = Trust::Machine { also: ca_files.to_vec() };
        let reach = Reach { trust, https_port: HTTPS_PORT, connect_to: BTreeMap::new() };
        Ok(Self { transport: Transport::new(&reach, clock.clone())?, gates: Gates::new(clock) })
    }

    async fn enter(&self, address: HubAddress<'_>) -> Result<(HubService, Passage), LinkError> {
        let text = address.connection_string.ok_or(LinkError::Unauthorized)?;
        let parsed = ConnectionString::parse(text.expose()).map_err(|_| LinkError::Unauthorized)?;
        let policy = Policy::of(&parsed).ok_or(LinkError::Unauthorized)?;
        let passage = self.gates.pass(address.host_name).await?;
        Ok((HubService::new(self.transport.clone(), &parsed.host_name, policy), passage))
    }
}

#[async_trait]
impl HubLink for RemoteLink {
    async fn ensure_device(&self, hub: HubAddress<'_>, device: &DeviceSpec) -> Result<(), LinkError> {
        let (hub, passage) = self.enter(hub).await?;
        passage.through(ensure(&hub, device)).await
    }

    async fn take_twin(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        let (hub, passage) = self.enter(hub).await?;
        let twin = async { Ok(hub.find_twin::<Twin>(device.as_str(), None).await?) };
        Ok(passage.through(twin).await?.map(|twin| TwinSnapshot {
            tags: twin.tags,
            desired: properties(twin.properties.desired),
            reported: properties(twin.properties.reported),
            iot_edge: twin.capabilities.iot_edge,
        }))
    }

    async fn remove_device(&self, hub: HubAddress<'_>, device: &DeviceId) -> Result<(), LinkError> {
        let (hub, passage) = self.enter(hub).await?;
        passage.through(async { Ok(hub.delete_device(device.as_str(), None).await.map(|_| ())?) }).await
    }

    fn host_of(&self, _name: &str) -> Option<String> {
        None
    }

    async fn device_count(&self, hub: HubAddress<'_>) -> Result<u64, LinkError> {
        let (hub, passage) = self.enter(hub).await?;
        let count = async { Ok(hub.device_statistics::<Statistics>().await?.total_device_count) };
        passage.through(count).await
    }
}

/// Reads the identity, and writes what differs on condition that nobody else did meanwhile.
async fn ensure(hub: &HubService, spec: &DeviceSpec) -> Result<(), Fault> {
    let id = spec.id.as_str();
    for _ in 0..limits::LINK_TRIES {
        let Some(known) = hub.find_device::<Device>(id).await? else {
            match change(hub, &creation(spec)).await {
                Err(Fault::Change { code, .. }) if code == "DeviceAlreadyExists" => continue,
                outcome => return outcome,
            }
        };
        if spec.ensure == Ensure::Present {
            return Ok(());
        }
        if let Some(body) = alteration(spec, &known) {
            match hub.put_device::<Value>(id, &body, known.etag.as_deref()).await {
                Err(lost) if lost.status() == Some(412) || lost.is_not_found() => continue,
                outcome => outcome.map(|_| ())?,
            }
        }
        let Some((twin, reported)) = twin_of(spec) else { return Ok(()) };
        let mut operation = with_twin(blank(id, ImportMode::UpdateTwin), &twin, reported);
        operation.status = known.status;
        match change(hub, &operation).await {
            Err(Fault::Change { code, .. }) if code == "DeviceNotFound" => {}
            outcome => return outcome,
        }
    }
    Err(Fault::Busy)
}

async fn change(hub: &HubService, operation: &RegistryOperation) -> Result<(), Fault> {
    let result = hub.change_identities(&[operation]).await?;
    match result.errors.into_iter().next() {
        Some(error) => Err(Fault::Change { code: error.error_code, message: error.error_status }),
        None => Ok(()),
    }
}

/// A new device, enabled, identity and twin in one step.
fn creation(spec: &DeviceSpec) -> RegistryOperation {
    let (initial, reported) = twin_of(spec).unwrap_or_else(|| (spec.initial_twin.clone(), Map::new()));
    RegistryOperation {
        status: Some(Word(DeviceStatus::Enabled)),
        authentication: Some((&auth_of(spec)).into()),
        capabilities: Some(Capabilities { iot_edge: spec.iot_edge }),
        ..with_twin(blank(spec.id.as_str(), ImportMode::Create), &initial, reported)
    }
}

/// The identity as it should be; `None` when it is so. Its status and its parents stay, and an edge device stays one.
fn alteration(spec: &DeviceSpec, known: &Device) -> Option<Value> {
    let (auth, was_edge) = (auth_of(spec), known.capabilities.unwrap_or_default().iot_edge);
    let becomes_edge = spec.iot_edge && !was_edge;
    if is_same(&auth, known.authentication.as_ref()) && !becomes_edge {
        return None;
    }
    let mut body = json!({
        "deviceId": known.device_id,
        "status": known.status,
        "statusReason": known.status_reason,
        "authentication": Authentication::from(&auth),
        "capabilities": Capabilities { iot_edge: spec.iot_edge || was_edge },
    });
    if let Some(scope) = known.device_scope.as_ref().filter(|_| !becomes_edge) {
        body["deviceScope"] = json!(scope);
    }
    if let Some(parents) = &known.parent_scopes {
        body["parentScopes"] = json!(parents);
    }
    Some(body)
}

/// A hub elsewhere cannot know the CA of an enrollment group: there the device's own certificate counts, and when it has
/// another one, it registers again. Source: `reference/dps.md` 2.4 (recommendation)
fn auth_of(spec: &DeviceSpec) -> DeviceAuth {
    match (&spec.auth, &spec.leaf) {
        (DeviceAuth::CertificateAuthority { .. }, Some(leaf)) => {
            DeviceAuth::Thumbprints { primary: Some(leaf.clone()), secondary: None }
        }
        (auth, _) => auth.clone(),
    }
}

fn is_same(wanted: &DeviceAuth, known: Option<&Authentication>) -> bool {
    let Some(known) = known else { return false };
    if known.kind.is_none_or(|kind| kind.0 != AuthenticationType::from(wanted)) {
        return false;
    }
    match wanted {
        DeviceAuth::Sas { primary, secondary } => known.symmetric_key.as_ref().is_some_and(|keys| {
            keys.primary_key.as_ref() == Some(primary) && keys.secondary_key.as_ref() == Some(secondary)
        }),
        DeviceAuth::Thumbprints { primary, secondary } => known.x509_thumbprint.as_ref().is_some_and(|prints| {
            let parsed = |text: &Option<String>| text.as_deref().and_then(Thumbprint::parse);
            parsed(&prints.primary_thumbprint) == *primary && parsed(&prints.secondary_thumbprint) == *secondary
        }),
        DeviceAuth::CertificateAuthority { .. } | DeviceAuth::None => true,
    }
}

/// What the twin becomes, reported properties apart, if it shall become something.
fn twin_of(spec: &DeviceSpec) -> Option<(InitialTwin, Map<String, Value>)> {
    match &spec.ensure {
        Ensure::Present | Ensure::Credentials => None,
        Ensure::ResetTwin => Some((spec.initial_twin.clone(), Map::new())),
        Ensure::WithTwin(taken) => {
            let initial = InitialTwin { tags: taken.tags.clone(), desired: taken.desired.clone() };
            Some((initial, taken.reported.clone()))
        }
    }
}

/// Reported properties are written as part of a bulk change, where an identity that comes from elsewhere brings them.
/// That Azure takes them there is `guess (?)`: C# SDK iothub/service/src/Registry/Models/ExportImportDevice.cs has them.
fn with_twin(operation: RegistryOperation, twin: &InitialTwin, reported: Map<String, Value>) -> RegistryOperation {
    let properties = WholeProperties {
        desired: SectionChange::Members(twin.desired.clone()),
        reported: SectionChange::Members(reported),
    };
    RegistryOperation { tags: Some(twin.tags.clone()), properties: Some(properties), ..operation }
}

fn blank(id: &str, mode: ImportMode) -> RegistryOperation {
    RegistryOperation {
        id: id.to_owned(),
        module_id: None,
        etag: None,
        import_mode: Some(Word(mode)),
        status: None,
        status_reason: None,
        authentication: None,
        twin_etag: None,
        tags: None,
        properties: None,
        capabilities: None,
        device_scope: None,
        parent_scopes: None,
    }
}

/// A section without what is the hub's own.
fn properties(mut section: Map<String, Value>) -> Map<String, Value> {
    section.retain(|name, _| !matches!(name.as_str(), "$metadata" | "$version"));
    section
}

#[cfg(test)]
mod tests;
